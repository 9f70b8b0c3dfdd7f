"""Trained models on the Hub: a small one on the loopback, asked by the real client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import dancereid
from tests.support.command import refusal, run
from tests.support.servers.hub import Hub

pytest.importorskip("torch", reason="needs torch: make test-slow")

pytestmark = pytest.mark.slow
NAME = "dancer/reid"
PUSHED = {"README.md", "curves.png", "log.jsonl", "model.json", "model.safetensors", "result.json"}
PUSH = """
import json, sys, dancereid
from dancereid_pipeline.common.errors import DanceReIDError
told = []
for folder, name, public in json.loads(sys.argv[1]):
    try:
        told.append(dancereid.push_model_to_hub(folder, name, public=public))
    except DanceReIDError as error:
        told.append(str(error))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def trained(demo_built: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training, and a picture and a pickle beside it; not to be written to."""
    folder = tmp_path_factory.mktemp("models") / "softmax"
    dancereid.train(demo_built, folder, backbone="small", weights="none", batch=40, steps=1)
    (folder / "pictures").mkdir()
    (folder / "pictures" / "epoch-0001.png").write_bytes(b"a picture of somebody")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    return folder


@pytest.fixture
def hub() -> Iterator[Hub]:
    """An empty Hub."""
    with Hub() as hub:
        yield hub


def pushed(hub: Hub, home: Path, *pushes: tuple[Path, str, bool]) -> list[str]:
    """What `dancereid.push_model_to_hub` says to each folder, name and `public`."""
    done = subprocess.run(
        [sys.executable, "-c", PUSH, json.dumps([(str(f), *more) for f, *more in pushes])],
        env=hub.environment(home, "hf_write"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def extracted(
    hub: Hub, folder: Path, demo_cache: str, model: str, token: str | None = "hf_write"
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """What `dancereid extract` writes, and says."""
    file = folder / "features.parquet"
    data = ["--config", "demo", "--cache-dir", demo_cache, "--quiet"]
    environment = hub.environment(folder / "home", token)
    return file, run("extract", "--model", model, "--output", file, *data, env=environment)


def test_a_pushed_model_is_private_and_gives_the_same_features_by_its_name(
    trained: Path, demo_built: Any, demo_cache: str, hub: Hub, tmp_path: Path
) -> None:
    # The second time it is there as it was; and it does not become public by the way.
    pushes = [(trained, NAME, False), (trained, NAME, False), (trained, NAME, True)]
    *urls, refused = pushed(hub, tmp_path / "home", *pushes)
    assert urls == [f"{hub.url}/{NAME}"] * 2
    assert "dancer/reid exists and is private; expected the other" in refused
    assert hub.repos[NAME].private
    assert set(hub.repos[NAME].files) == {".gitattributes", *PUSHED}
    for name in PUSHED:
        assert hub.repos[NAME].files[name] == (trained / name).read_bytes()

    hub.requests.clear()
    hub.repos[NAME].put({"pytorch_model.bin": b"a pickle"})
    file, done = extracted(hub, tmp_path, demo_cache, NAME)
    assert done.returncode == 0, done.stderr
    rows = np.stack(pq.read_table(file)["feature"].to_numpy(zero_copy_only=False))
    assert rows.shape == (145, 192)
    np.testing.assert_array_equal(rows, dancereid.extract(demo_built["test"], trained))
    fetched = {request.names["path"] for request in hub.of("resolve")}
    assert fetched == {"model.json", "model.safetensors", "result.json"}
    # A stranger does not see it.
    (tmp_path / "stranger").mkdir()
    _, done = extracted(hub, tmp_path / "stranger", demo_cache, NAME, "hf_stranger")
    assert done.returncode == 1
    assert "there is no folder 'dancer/reid' here, and the Hub gives no model" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_not_pushed(trained: Path, hub: Hub, tmp_path: Path) -> None:
    unfinished = Path(shutil.copytree(trained, tmp_path / "unfinished"))
    (unfinished / "result.json").unlink()
    hub.create("dancer/other", private=True).put({"config.json": b"{}"})
    hub.create("dancer/public", private=False)
    pushes = [(unfinished, NAME), (trained, "dancer/other"), (trained, "dancer/public")]
    said = pushed(hub, tmp_path, *((folder, name, False) for folder, name in pushes))
    assert "expected the result of a training" in said[0]
    assert NAME not in hub.repos
    assert "dancer/other exists and holds config.json, which this project did not push" in said[1]
    assert set(hub.repos["dancer/other"].files) == {".gitattributes", "config.json"}
    assert "dancer/public exists and is public; expected the other" in said[2]
    assert set(hub.repos["dancer/public"].files) == {".gitattributes"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": "hf-hub:stranger/net"}, "timm knows no model 'hf-hub:stranger/net'"),
        ({"people": 10**13}, "'classifier.weight' to have the shape [10000000000000, 192]"),
        ({"people": "six"}, "'people' is 'six', not int"),
        ({"people": -1}, "expected a model that dancereid train wrote"),
        ({"code": "import os"}, "expected a model that dancereid train wrote"),
        (None, "expected weights in a safetensors file"),
    ],
)
def test_a_strangers_model_is_refused_in_one_line(
    trained: Path, demo_cache: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any] | None, message: str,
) -> None:  # fmt: skip
    folder = Path(shutil.copytree(trained, tmp_path / "model"))
    design = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**design, **(changes or {})}))
    if changes is None:  # weights that are a pickle
        (folder / "model.safetensors").write_bytes(b"\x80\x04N.")
    data = ["--config", "demo", "--cache-dir", demo_cache]
    words = ["extract", "--model", folder, "--output", tmp_path / "x.parquet", *data]
    code, said = refusal(words, capsys)
    assert code == 1
    assert message in said
