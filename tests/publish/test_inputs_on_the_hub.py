"""A data folder on the Hub is read as one on this machine."""

from __future__ import annotations

from pathlib import Path

import dancereid
from tests.support.data.folders import prepared_files
from tests.support.servers.hub import Hub
from tests.support.servers.hub_terminal import Terminal

UPLOAD = """
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("dancer/videos", repo_type="dataset", private=True)
api.upload_folder(folder_path=sys.argv[1], path_in_repo="data", repo_id="dancer/videos",
                  repo_type="dataset")
"""


def test_a_data_folder_on_the_hub_gives_the_same(
    hub: Hub, terminal: Terminal, small: Path, tmp_path: Path
) -> None:
    assert terminal.run("-c", UPLOAD, small).returncode == 0
    address, output = "hf://datasets/dancer/videos/data", tmp_path / "there"
    words = ["-m", "dancereid_pipeline", "prepare", "--output", output]
    words += ["--data-dir", address, "--catalogue", f"{address}/catalogue.csv"]
    refused = terminal.run(*words, token="hf_stranger")
    assert refused.returncode == 1
    assert f"{address}/catalogue.csv: cannot read the catalogue" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "hf_stranger" not in refused.stderr
    done = terminal.run(*words)
    assert done.returncode == 0, done.stderr
    assert "hf_write" not in done.stdout + done.stderr
    given = {"data_dir": str(small), "catalogue": str(small / "catalogue.csv")}
    dancereid.prepare("paper", tmp_path / "here", **given)
    here, there = prepared_files(tmp_path / "here"), prepared_files(output)
    parquet = [name for name in here if name.endswith(".parquet")]
    assert len(parquet) == 4
    assert [there[name] for name in parquet] == [here[name] for name in parquet]
    assert b"hf_write" not in b"".join(there.values())
