"""`dancereid check`: its report, its JSON, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from dancereid_pipeline.cli.main import main
from tests.support.command import refusal, run
from tests.support.data.broken import npy_of, write_corners


def test_nothing_is_found_in_a_folder_in_order(small: Path) -> None:
    done = run("check", small)
    assert (done.returncode, done.stdout.count("\n")) == (0, 3)
    assert "4 of 4 videos of 'own' are in order" in done.stdout


def test_a_doubt_has_a_code_of_its_own(folder: Path, capsys) -> None:
    write_corners(folder, "bbb")
    assert main(["check", str(folder), "--quiet"]) == 3
    printed = capsys.readouterr()
    assert "bbb: bboxes in another order." in printed.out
    assert printed.err == ""
    npy_of(folder, "ccc").unlink()
    assert main(["check", str(folder), "--quiet"]) == 1
    assert main(["check", str(folder), "--quiet", "--videos", "aaa", "ddd"]) == 0


def test_decoding_is_a_flag(folder: Path, capsys) -> None:
    (folder / "videos" / "001_bbb.mp4").write_bytes(b"no clip")
    assert main(["check", str(folder), "--quiet"]) == 0
    assert main(["check", str(folder), "--quiet", "--decode"]) == 1
    assert "bbb: not a video." in capsys.readouterr().out


def test_json(folder: Path, capsys) -> None:
    npy_of(folder, "ccc").unlink()
    assert main(["check", str(folder), "--quiet", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["in_order"] == ["aaa", "bbb", "ddd"]
    assert [one["video_id"] for one in found["wrong"]] == ["ccc"]


def test_another_catalogue_and_config(folder: Path, capsys) -> None:
    catalogue = folder.parent / "other.csv"
    (folder / "catalogue.csv").rename(catalogue)
    rows = catalogue.read_text().replace("ddd,1,trainval", "ddd,1,extra")
    catalogue.write_text(rows)
    npy_of(folder, "ddd").unlink()
    flags = [str(folder), "--catalogue", str(catalogue), "--quiet"]
    assert main(["check", *flags, "--config", "paper"]) == 0
    assert main(["check", *flags]) == 1
    assert "of 4 videos of 'own'" in capsys.readouterr().out
    assert main(["check", *flags, "--config", "full"]) == 1
    assert "of 4 videos of 'full'" in capsys.readouterr().out


def test_wrong_usage(folder: Path, capsys) -> None:
    assert refusal(["check"], capsys)[0] == 2
    assert refusal(["check", folder, "--videos", "zzz"], capsys)[0] == 2
    assert refusal(["check", folder, "--config", "papers"], capsys)[0] == 2
    code, said = refusal(["check", folder / "nowhere"], capsys)
    assert (code, "is not a folder" in said) == (1, True)


def test_names_that_the_terminal_cannot_show(folder: Path) -> None:
    (folder / "videos" / "b\udce9b\nb.mp4").touch()
    done = run("check", folder)
    assert (done.returncode, "passed over (1)" in done.stdout) == (0, True)
    assert "b\\udce9b b.mp4 (no video's id is in its name)\n" in done.stdout
