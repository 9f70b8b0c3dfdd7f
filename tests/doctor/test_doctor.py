"""Whether a machine is ready: its checks one by one."""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from types import ModuleType

import cv2
import pytest
import yt_dlp.version
import yt_dlp_ejs
from yt_dlp.utils import _jsruntime

import dancereid
from dancereid_pipeline.common.address import Address
from dancereid_pipeline.common.errors import OptionError
from dancereid_pipeline.common.package_files import install_command
from dancereid_pipeline.doctor import software as doctor
from dancereid_pipeline.doctor.check import Check
from dancereid_pipeline.transfer.settings import Network


def by_name(found: Iterable[Check]) -> dict[str, Check]:
    return {check.name: check for check in found}


def test_it_is_offered_from_python_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DANCEREID_COOKIES", str(tmp_path / "none.txt"))  # that given wins
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("not cookies\n")
    found = dancereid.doctor(cookies=str(cookies), download_dir=tmp_path)
    checks = by_name(found.checks)
    assert checks["cookies"].state == "no"
    assert "--cookies is used" in checks["settings"].found
    assert not found.ready
    assert str(found).splitlines()[-1].startswith("Not ready: ")
    monkeypatch.delenv("DANCEREID_COOKIES")
    with pytest.raises(OptionError, match="proxy: expected the address"):
        dancereid.doctor(proxy="nowhere")


def test_a_module_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    monkeypatch.delitem(sys.modules, "yt_dlp.version")
    found = by_name(doctor.checks(Network(), environment={}))
    opencv = Check("OpenCV", "no", "not installed", "pip install -U 'opencv-python-headless'")
    assert found["OpenCV"] == opencv
    assert found["yt-dlp"].advice == "pip install -U 'yt-dlp[default]'"
    assert found["JavaScript runtime"] == Check("JavaScript runtime", "skipped", "needs yt-dlp")
    assert found["yt-dlp"].state == "no"


def test_datasets_or_pyav_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setitem(sys.modules, "av", None)
    address = Address("http://127.0.0.1:1/{clip}")
    here = Network(annotation=Path("a.json"), archive=Path("npy"), video_url=address)
    found = by_name(doctor.checks(here, environment={}))
    assert found["datasets"].state == found["PyAV"].state == "no"
    assert found["cache folder"] == Check("cache folder", "skipped", "needs datasets")
    assert found["AV1"] == Check("AV1", "skipped", "needs PyAV")
    assert found["download folder"].state != "skipped"


def test_a_module_is_broken_or_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def opencv() -> Check:
        return by_name(doctor.version_checks())["OpenCV"]

    assert opencv().state == "yes"
    monkeypatch.setattr(cv2, "__version__", "4.5.0")
    assert opencv().state == "no"
    assert re.fullmatch(r"4\.5\.0, but >=[\d.]+ is needed", opencv().found)
    monkeypatch.setattr(cv2, "__version__", "built-here")
    assert opencv().state == "yes"
    monkeypatch.setitem(sys.modules, "cv2", ModuleType("cv2"))
    assert opencv().found == "installed incompletely"
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    monkeypatch.delitem(sys.modules, "cv2")
    monkeypatch.syspath_prepend(tmp_path)
    assert opencv().found == "cannot be imported: libGL.so.1: cannot open"
    monkeypatch.setattr(yt_dlp_ejs, "version", "0.0.1")
    ejs = by_name(doctor.version_checks())["yt-dlp-ejs"]
    assert (ejs.state, ejs.found[:15]) == ("no", "0.0.1, but ==0.")


@pytest.mark.parametrize(
    ("version", "state"),
    [("2099.01.31", "yes"), ("2099.01.30", "warning"), ("2099.1.2.dev0", "warning")],
)
def test_an_old_yt_dlp_is_told(monkeypatch: pytest.MonkeyPatch, version: str, state: str) -> None:
    monkeypatch.setattr(yt_dlp.version, "__version__", version)
    check = by_name(doctor.version_checks(today=date(2099, 5, 1)))["yt-dlp"]
    assert (check.state, bool(check.advice)) == (state, state == "warning")


@pytest.mark.skipif(os.name == "nt", reason="stands in for programs with shell scripts")
@pytest.mark.skipif(
    not hasattr(_jsruntime, "_find_exe"), reason="this yt-dlp looks for programs in another way"
)
def test_what_runs_javascript(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def install(name: str, says: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{says}'\n")
        (tmp_path / name).chmod(0o755)

    monkeypatch.setattr(_jsruntime, "_find_exe", lambda name: str(tmp_path / name))
    check = doctor.javascript_check()
    assert (check.state, check.found) == ("no", "none of deno, node, bun, quickjs")
    assert check.advice == f"{install_command('deno')}; or install Node.js 22.0.0 or newer"
    install("node", "v20.20.2")
    assert doctor.javascript_check().found == "node 20.20.2, but yt-dlp needs 22.0.0 or newer"
    # Only YouTube needs one.
    found = by_name(doctor.checks(Network(), environment={}))
    assert found["JavaScript runtime"].state == "no"
    mirror = Network(video_url=Address("http://youtube.com.mirror.lab/{clip}.mp4"))
    found = by_name(doctor.checks(mirror, environment={}))
    assert found["JavaScript runtime"].state == "warning"
    assert found["JavaScript runtime"].advice == check.advice
    install("deno", "deno 2.9.5 (stable)")
    assert doctor.javascript_check() == Check("JavaScript runtime", "yes", "deno 2.9.5")


def test_decoders_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    found = by_name(doctor.codec_checks())
    assert [check.state for check in found.values()] == ["yes"] * 3
    for name, decoder in {"H.264": "h264", "VP9": "vp9", "AV1": "av1"}.items():
        assert decoder in found[name].found
    monkeypatch.setitem(doctor._CLIPS, "AV1", base64.b64encode(b"not a clip").decode())
    broken = by_name(doctor.codec_checks())["AV1"]
    assert (broken.state, broken.advice) == ("no", "pip install -U --force-reinstall av")
