"""Pushing to the Hub: a small one on the loopback, asked by the real clients."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

import dancereid
from dancereid_pipeline.common.errors import HubError, OptionError
from dancereid_pipeline.common.storage import Storage
from dancereid_pipeline.publish.prepare import prepare
from dancereid_pipeline.shards.build_record import Build
from tests.support.data.folders import load
from tests.support.servers.hub import Broken, Hub
from tests.support.servers.hub_requests import refusal
from tests.support.servers.hub_terminal import Terminal
from tests.support.servers.web import Answer

NAME = "dancer/reid"


@pytest.fixture(scope="module")
def prepared(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small folder as `paper`, and a part of it as `full`; not to be written to."""
    folder, cache = tmp_path_factory.mktemp("prepared") / "reid", tmp_path_factory.mktemp("cache")
    prepare(load(small, str(cache)), folder)
    prepare(load(small, str(cache), name="full", stride=10), folder)
    return folder


LOAD = """
import json, sys
import datasets
from tests.support.data.folders import all_contents
name, config = sys.argv[1:3]
built = datasets.load_dataset(name, config)
streamed = datasets.load_dataset(name, config, streaming=True)
import dancereid
print(json.dumps({
    "built": all_contents(built), "streamed": all_contents(streamed),
    "coverage": [dancereid.coverage(built).to_json(), dancereid.coverage(streamed).to_json()],
}))
"""


def test_push_load_push_again_and_another_config(
    hub: Hub, terminal: Terminal, prepared: Path, built: dict[str, list[str]]
) -> None:
    said = terminal.pushes(NAME, "--dataset", prepared, "--config", "paper")
    repo = hub.repos[NAME]
    assert said == {
        "repo_id": NAME,
        "url": f"{hub.url}/datasets/{NAME}",
        "private": True,
        "gated": False,
        "revision": repo.head.id,
        "branch": None,
        "changed": True,
        "configs": ["paper"],
        "lines": [f'load_dataset("{NAME}", "paper")'],
    }
    assert repo.private
    record = Build.read(Storage.of(prepared / "paper"))
    local = {name: (prepared / name).read_bytes() for name in record.files}
    assert {name: content for name, content in repo.files.items() if name in local} == local
    assert set(repo.files) - set(local) == {".gitattributes", "README.md", "croissant.json"}
    assert sorted(size for _, size in hub.uploads) == sorted(
        len(content) for name, content in local.items() if not name.endswith(".json")
    )

    # Nobody sees it without a token; whoever does gets what was built.
    done = terminal.run("-c", LOAD, NAME, "paper")
    loaded = json.loads(done.stdout)
    assert loaded["built"] == loaded["streamed"] == built
    assert loaded["coverage"] == [record.coverage.to_json()] * 2

    # Again: nothing is sent, nothing changes.
    sent, head = len(hub.uploads), repo.head
    assert not terminal.pushes(NAME, "--dataset", prepared, "--config", "paper")["changed"]
    assert (len(hub.uploads), repo.head) == (sent, head)

    # Another config: of the same videos, so that only what differs is sent.
    assert terminal.pushes(NAME, "--dataset", prepared, "--config", "full")["changed"]
    assert {name: content for name, content in repo.files.items() if name in local} == local
    assert (
        len(hub.uploads) - sent == len(list((prepared / "full").glob("*.parquet"))) + 1
    )  # and the picture
    data = DatasetCard(repo.files["README.md"].decode()).data
    assert [config["config_name"] for config in data.configs] == ["paper", "full"]
    assert f'load_dataset("{NAME}", "paper")' in repo.files["README.md"].decode()


def test_a_config_that_is_built_anew_takes_the_place_of_the_last(
    hub: Hub, terminal: Terminal, prepared: Path, small: Path, tmp_path: Path
) -> None:
    repo = hub.create(NAME, private=False)
    question = b"---\nextra_gated_prompt: What for?\nlicense: cc-by-4.0\n---\n# Mine\n"
    repo.put({"README.md": question})
    terminal.pushes(NAME, "--dataset", prepared, "--public", "--config", "paper")
    mine = repo.files["README.md"].replace(b"- Contact: (to be filled in)", b"- Contact: me")
    assert mine != repo.files["README.md"]
    repo.put({"README.md": mine})
    sent = len(hub.uploads)
    fewer = load(small, str(tmp_path / "cache"), videos=["aaa", "bbb"])
    prepare(fewer, tmp_path / "fewer")
    assert terminal.pushes(NAME, "--dataset", tmp_path / "fewer", "--public")["private"] is False
    assert sorted(name for name in repo.files if name.endswith(".parquet")) == [
        "paper/test-001-bbb.parquet",
        "paper/trainval-000-aaa.parquet",
    ]
    # The files of the two videos are as they were, and known by their content.
    assert [size for _, size in hub.uploads[sent:]] == [
        (tmp_path / "fewer" / "paper" / "people.jpg").stat().st_size
    ]
    data = DatasetCard(repo.files["README.md"].decode()).data.to_dict()
    assert data["extra_gated_prompt"] == "What for?"
    assert data["license"] == "cc-by-4.0"
    assert b"- Contact: me. Until then" in repo.files["README.md"]
    fingerprint = dancereid.coverage(fewer).fingerprint
    assert f"paper: 2 videos, 18 images, fingerprint {fingerprint}" in repo.history("main")[0].title


def test_a_push_that_breaks_off_is_gone_on_with(
    hub: Hub, terminal: Terminal, prepared: Path
) -> None:
    hub.answers["upload"] = [Answer(), Answer(), Broken(after=1000, always=True)]
    said = terminal.refused(NAME, "--dataset", prepared, "--config", "paper")
    assert said.startswith(f"dancereid push: {NAME}: the connection to the Hub failed (")
    assert said.endswith("Run it again: it sends only what is not on the Hub yet.")
    assert set(hub.repos[NAME].files) == {".gitattributes"}  # nothing half-pushed is seen
    arrived = {oid for oid, _ in hub.uploads}
    assert len(arrived) == 2
    hub.answers.clear()
    terminal.pushes(NAME, "--dataset", prepared, "--config", "paper")
    again = {oid for oid, _ in hub.uploads[2:]}
    assert len(again) == 3
    assert not again & arrived

    # A commit whose answer is lost was made: the next push finds it so.
    hub.answers["commit"] = [Answer(cut=0)]
    said = terminal.refused(NAME, "--dataset", prepared)
    assert "the connection to the Hub failed" in said
    sent = len(hub.uploads)
    assert not terminal.pushes(NAME, "--dataset", prepared)["changed"]
    assert len(hub.uploads) == sent


TRY_TOKENS = """
import json, sys
import dancereid
said = []
for token in json.loads(sys.argv[2]):
    try:
        said.append(str(dancereid.push_to_hub(sys.argv[1], "dancer/reid", token=token)))
    except dancereid.DanceReIDError as error:
        said.append(str(error))
print(json.dumps(said))
"""


def test_tokens_that_will_not_do(hub: Hub, terminal: Terminal, prepared: Path) -> None:
    expected = {
        None: "No token of the Hugging Face Hub was found. Make a token that can write, at https://",
        "hf_read": "The token of dancer can only read. Make a token that can write",
        "hf_expired": "The token has expired (",
        "hf_unknown": "The Hub does not know the token (",
        "hf_fine_read": f"{NAME}: the Hub does not allow it (",
        "hf_stranger": f"{NAME}: the Hub does not allow it (You don't have the rights to create",
    }
    done = terminal.run("-c", TRY_TOKENS, prepared, json.dumps(list(expected)), token=None)
    said = json.loads(done.stdout)
    starts = zip(said, expected.values(), strict=True)
    assert [text for text, start in starts if not text.startswith(start)] == []
    assert NAME not in hub.repos
    assert hub.uploads == []


@pytest.mark.slow
def test_repositories_that_will_not_do(hub: Hub, terminal: Terminal, prepared: Path) -> None:
    hub.create(NAME, private=True).put({"train.csv": b"mine"})
    said = terminal.refused(NAME, "--config", "demo")
    assert f"{NAME} exists and holds train.csv, which this project did not push." in said
    assert not list(terminal.home.rglob("*.arrow"))  # said before the long build
    said = terminal.refused(NAME, "--dataset", prepared, "--public")
    assert f"{NAME} exists and is private; expected public." in said
    hub.create("dancer/open", private=False)
    said = terminal.refused("open", "--dataset", prepared)
    assert "dancer/open exists and is public; expected private." in said
    assert "--public" in said
    assert "is not a name of a dataset on the Hub" in terminal.refused(
        "a b/c", "--dataset", prepared, code=2
    )
    assert "cannot be given. Leave --dataset out to build" in terminal.refused(
        NAME, "--dataset", prepared, "--stride", 5, code=2
    )
    assert hub.uploads == []
    assert hub.repos[NAME].files["train.csv"] == b"mine"


@pytest.mark.slow
def test_what_the_hub_says_is_passed_on(hub: Hub, terminal: Terminal, prepared: Path) -> None:
    def said(kind: str, answer: Answer) -> str:
        hub.answers = {kind: [answer]}
        return terminal.refused(NAME, "--dataset", prepared, "--config", "paper")

    full = "Private repository storage limit reached"
    assert f"does not allow it ({full}" in said("batch", refusal(403, full))
    assert "there is storage left" in said("upload", refusal(403, full, always=True))
    assert "somebody else wrote to it at the same time" in said("commit", refusal(412, "changed"))
    assert "too many requests" in said("whoami", refusal(429, "slow down", always=True))
    assert "the Hub has an error (500: oh" in said("commit", refusal(500, "oh"))
    assert set(hub.repos[NAME].files) == {".gitattributes"}
    hub.stop()
    assert "the connection to the Hub failed" in terminal.refused(NAME, "--dataset", prepared)


def test_what_comes_back_is_compared(
    hub: Hub, terminal: Terminal, prepared: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(prepared, tmp_path / "broken"))
    shard = broken / "paper" / "test-001-bbb.parquet"
    shard.write_bytes(shard.read_bytes() + b"x")
    said = terminal.refused(NAME, "--dataset", broken)
    assert "test-001-bbb.parquet is not as in build.json" in said
    assert hub.requests == []
    # The first request for the tree of what was pushed gives another file's checksum.
    entry = {
        "type": "file", "path": "paper/test-001-bbb.parquet", "size": 1, "oid": "0" * 40,
        "lfs": {"oid": "1" * 64, "size": 1, "pointerSize": 130},
    }  # fmt: skip
    hub.answers["tree"] = [Answer(body=json.dumps([entry]).encode())]
    said = terminal.refused(NAME, "--dataset", prepared, "--config", "paper")
    assert "what was read back of 'paper' is not what was pushed: its Parquet files." in said


@pytest.mark.slow
def test_what_is_on_the_hub_may_be_broken_or_others(
    hub: Hub, terminal: Terminal, prepared: Path
) -> None:
    terminal.pushes(NAME, "--dataset", prepared)
    repo = hub.repos[NAME]
    good = repo.files["README.md"]
    repo.put({"README.md": b"---\nlicense: [\n---\n"})
    said = terminal.refused(NAME, "--dataset", prepared)
    assert "the head of its README.md is not YAML" in said
    repo.put({"README.md": b"\xff\xfe no text", "full/build.json": b"{"})
    said = terminal.refused(NAME, "--dataset", prepared, "--config", "paper")
    assert "the record of 'full' is broken" in said
    assert "Push that config again, too" in said
    assert terminal.pushes(NAME, "--dataset", prepared)["changed"]
    assert repo.files["README.md"] == good
    assert b"{\n" in repo.files["full/build.json"]


def test_what_cannot_be_pushed_is_said_at_once(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    with pytest.raises(OptionError, match="public: expected True or False, got 0"):
        dancereid.push_to_hub(prepared, NAME, public=0)
    with pytest.raises(OptionError, match="data: expected a folder that prepare made, or all"):
        dancereid.push_to_hub(dancereid.load_dataset("demo", split="test", cache_dir=cache), NAME)
    with pytest.raises(HubError, match="offline mode is on"):
        dancereid.push_to_hub(prepared, NAME)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir(parents=True)
    with pytest.raises(HubError, match="There is a folder dancer/reid here"):
        dancereid.push_to_hub(prepared, NAME)


def test_in_code_and_built_first(hub: Hub, terminal: Terminal) -> None:
    program = (
        "import dancereid, sys\n"
        "ds = dancereid.load_dataset('demo')\n"
        "from pathlib import Path; import datasets\n"
        "cache = Path(datasets.config.HF_DATASETS_CACHE)\n"
        "(cache / 'dancereid-push-killed' / 'demo').mkdir(parents=True)\n"
        "print(dancereid.push_to_hub(ds, 'reid'))\n"
        "print(list(cache.glob('dancereid-push-*')))\n"
    )
    done = terminal.run("-c", program)
    repo = hub.repos[NAME]
    assert done.stdout == (
        f"{hub.url}/datasets/{NAME} (private: only you, or your organization, see it)\n"
        f"revision {repo.head.id}; read back and compared\n"
        f'  load_dataset("{NAME}", "demo")\n'
        "[]\n"
    )
    sent, head = len(hub.uploads), repo.head
    # The same data built again is the same data.
    assert terminal.pushes(NAME, "--config", "demo")["changed"] is False
    assert (len(hub.uploads), repo.head) == (sent, head)


@pytest.mark.parametrize(
    ("name", "options", "code", "said"),
    [
        ("no spaces/please", [], 2, "no spaces/please"),
        (NAME, ["--stride", "0"], 2, "stride: expected a whole number from 1"),
        (NAME, ["--token"], 2, "unrecognized arguments: --token"),
    ],
)
def test_what_can_be_refused_before_a_build_is(
    terminal: Terminal, tmp_path: Path, name: str, options: list[str], code: int, said: str
) -> None:
    cache = tmp_path / "cache"
    line = terminal.refused(name, "--config", "demo", "--cache-dir", cache, *options, code=code)
    assert line.startswith("dancereid push: ")
    assert said in line
    assert not cache.exists()


def test_without_a_token_nothing_is_built(terminal: Terminal, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    line = terminal.refused(NAME, "--config", "demo", "--cache-dir", cache, token=None)
    assert line.startswith("dancereid push: No token of the Hugging Face Hub was found.")
    assert not cache.exists()
