"""The stand-in for the Hugging Face Hub, asked by its real clients in processes of their own."""

from __future__ import annotations

import hashlib
import inspect
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.utils import http_backoff

from tests.support.servers.hub import Broken, Hub
from tests.support.servers.hub_card import check_card
from tests.support.servers.hub_requests import refusal
from tests.support.servers.hub_store import READ, WRITE, Token
from tests.support.servers.web import Answer, Hold

WALTZ = "dancer/waltz"

# An older client (1.0) tries less often again what fails on the way to the store.
RETRIES = "RemoteProtocolError" in str(
    inspect.signature(http_backoff).parameters["retry_on_exceptions"].default
)

# Programs say what they found by `told`, which is printed at the end.
START = """
import atexit, json, sys
from pathlib import Path
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
waltz = {"repo_id": "dancer/waltz", "repo_type": "dataset"}
api, folder, told = HfApi(), Path(sys.argv[1]), {}
atexit.register(lambda: print(json.dumps(told)))

def attempt(call, *args, **options):
    try:
        return call(*args, **options)
    except Exception as error:
        cause = type(error.__cause__).__mro__ if error.__cause__ else ()
        return [type(error).__name__, str(error), [kind.__name__ for kind in cause]]

def push(files, **options):
    adds = [CommitOperationAdd(path, content) for path, content in files.items()]
    options = {**waltz, "commit_message": "Push", "num_threads": 1, **options}
    return attempt(lambda: api.create_commit(operations=adds, **options).oid)
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        yield hub


def run(hub: Hub, folder: Path, program: str, *, token: str | None = "hf_write") -> Any:
    done = subprocess.run(
        [sys.executable, "-c", START + program, str(folder)],
        env=hub.environment(folder / "home", token),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(url: str, data: bytes | None = None, method: str = "GET", **headers: str) -> HTTPResponse:
    named = {"Authorization": "Bearer hf_write", **headers}
    request = urllib.request.Request(url, data=data, method=method, headers=named)
    try:
        return urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


PUSH_AND_LOAD = """
import datasets
here = folder / "repo"
(here / "data").mkdir(parents=True)
(here / "README.md").write_text('''---
license: other
configs:
- config_name: steps
  data_files:
  - split: train
    path: data/train-*
---
''')
steps = [f"step {i}" for i in range(5000)]
ds = datasets.Dataset.from_dict({"step": steps})
ds.to_parquet(here / "data/train-00000-of-00001.parquet")
api.create_repo(**waltz, private=True)
told["pushed"] = [api.upload_folder(folder_path=here, **waltz).oid for _ in range(2)]
told["unseen"] = [
    attempt(datasets.load_dataset, "dancer/waltz", token=False)[0],
    attempt(api.repo_info, **waltz, token=False)[0],
    attempt(api.repo_info, **waltz, token="hf_stranger")[0],
]
built = datasets.load_dataset("dancer/waltz", "steps", split="train")
stream = datasets.load_dataset("dancer/waltz", "steps", split="train", streaming=True)
told["equal"] = [built["step"][:] == steps, [row["step"] for row in stream] == steps]
"""


def test_a_folder_is_pushed_and_loaded(hub: Hub, tmp_path: Path) -> None:
    told = run(hub, tmp_path, PUSH_AND_LOAD)
    repo = hub.repos[WALTZ]
    # The second time, nothing was sent, and there was no commit.
    assert told["pushed"] == [repo.head.id] * 2
    assert len(repo.revisions) == 2
    name = "data/train-00000-of-00001.parquet"
    content = (tmp_path / "repo" / name).read_bytes()
    assert (repo.files[name], repo.head.files[name].lfs) == (content, True)
    assert not repo.head.files["README.md"].lfs
    assert hub.uploads == [(hashlib.sha256(content).hexdigest(), len(content))]
    assert [(r.received, r.authorization) for r in hub.of("upload")] == [(len(content), None)]
    assert told["equal"] == [True, True]
    assert {r.authorization for r in hub.of("object")} == {None}
    assert told["unseen"] == [
        "DatasetNotFoundError",
        "RepositoryNotFoundError",
        "RepositoryNotFoundError",
    ]
    assert hub.of("viewer")
    assert not hub.of("unknown")


TOKENS = """
kinds = ["write", "fine", "waltz", "read", "fine_read", "stranger", "expired", "none"]
for token in [f"hf_{kind}" for kind in kinds]:
    who = attempt(api.whoami, token=token)
    told[token] = [
        who["auth"]["accessToken"]["role"] if isinstance(who, dict) else who[0],
        attempt(api.create_repo, f"dancer/{token}", repo_type="dataset", token=token),
        attempt(api.create_repo, f"studio/{token}", repo_type="dataset", token=token),
        attempt(lambda: api.repo_info(**waltz, token=token).id),
        push({"a.txt": token.encode()}, token=token),
    ]
told["again"] = attempt(api.create_repo, **waltz, token="hf_write")
told["exists"] = api.create_repo(**waltz, token="hf_write", exist_ok=True).repo_id
told["nobody"] = [attempt(api.whoami)[0], push({"a.txt": b""})[0]]
"""
NO = "HfHubHTTPError"


def test_what_tokens_may(hub: Hub, tmp_path: Path) -> None:
    repo = hub.create(WALTZ, private=True)
    hub.tokens["hf_waltz"] = Token(role="fineGrained", scopes={WALTZ: (READ, WRITE)})
    told = run(hub, tmp_path, TOKENS, token=None)
    found = {
        token: [answer[0] if isinstance(answer, list) else answer for answer in told[token]]
        for token in told
        if token.startswith("hf_")
    }
    url, ids = f"{hub.url}/datasets", [revision.id for revision in repo.revisions]
    gone = "RepositoryNotFoundError"
    assert found == {
        "hf_write": ["write", f"{url}/dancer/hf_write", f"{url}/studio/hf_write", WALTZ, ids[1]],
        "hf_fine": ["fineGrained", f"{url}/dancer/hf_fine", NO, WALTZ, ids[2]],
        "hf_waltz": ["fineGrained", NO, NO, WALTZ, ids[3]],
        "hf_read": ["read", NO, NO, WALTZ, NO],
        "hf_fine_read": ["fineGrained", NO, NO, WALTZ, NO],
        "hf_stranger": ["write", NO, NO, gone, gone],
        "hf_expired": [NO, NO, NO, gone, gone],
        "hf_none": [NO, NO, NO, NO, NO],
    }
    assert "403 Forbidden: You don't have the rights to create" in told["hf_read"][1][1]
    assert "403 Forbidden: Forbidden: pass `create_pr=1`" in told["hf_read"][4][1]
    assert "token is expired" in told["hf_expired"][1][1]
    assert "Invalid credentials in Authorization header" in told["hf_none"][3][1]
    assert (told["again"][0], told["exists"]) == (NO, WALTZ)
    assert "You already created this dataset repo" in told["again"][1]
    assert told["nobody"] == ["LocalTokenNotFoundError", "RepositoryNotFoundError"]


TWO_FILES = """
files = {"data/a.parquet": b"a" * 300_000, "data/b.parquet": b"b" * 300_000}
told["pushed"] = [push(files) for _ in range(2)]
"""


def test_an_upload_that_breaks_off_is_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    repo = hub.create(WALTZ)
    # Six times: the client tries it again five times, with pauses that it does not make here.
    tries = 6 if RETRIES else 1
    hub.answers["upload"] = [Answer(), *[Broken(after=100_000)] * tries]
    (kind, message, cause), pushed = run(hub, tmp_path, TWO_FILES)["pushed"]
    assert (kind, message) == ("RuntimeError", "Error while uploading 'data/b.parquet' to the Hub.")
    assert "TransportError" in cause
    assert pushed == repo.head.id
    received = [request.received for request in hub.of("upload")]
    assert received == [300_000, *[100_000] * tries, 300_000]
    assert [size for _, size in hub.uploads] == [300_000] * 2
    assert set(repo.files) == {".gitattributes", "data/a.parquet", "data/b.parquet"}


def test_a_client_that_is_killed_in_an_upload(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.create(WALTZ)
    hold = Hold(after=0)
    hub.answers["upload"] = [Broken(after=100_000, hold=hold)]
    program = [sys.executable, "-c", START + TWO_FILES, str(tmp_path)]
    environment = hub.environment(tmp_path / "home", "hf_write")
    with subprocess.Popen(program, env=environment, stderr=subprocess.DEVNULL) as client:
        assert hold.reached.wait(60)
        client.kill()
    hold.go_on.set()
    assert (hub.uploads, hub.of("commit")) == ([], [])
    run(hub, tmp_path, TWO_FILES)
    assert [size for _, size in hub.uploads] == [300_000] * 2
    assert capfd.readouterr() == ("", "")


FAULTS = """
import huggingface_hub
file = {"data/a.parquet": b"a" * 1000}
told["who"] = attempt(api.whoami)[:2]
told["upload"], told["batch"], told["lost"] = push(file), push(file), push(file)
told["there"] = push(file)
told["moved"] = push({"b.txt": b"b"}, parent_commit=told["there"])[:2]
told["entry"] = attempt(huggingface_hub.hf_hub_download, filename="c.txt", **waltz)[0]
told["revision"] = attempt(api.repo_info, revision="no", **waltz)[0]
"""


def test_faults(hub: Hub, tmp_path: Path) -> None:
    repo = hub.create(WALTZ)
    full = refusal(403, "Private repository storage limit reached")
    hub.answers["whoami"] = [refusal(429, "Slower", **{"Retry-After": "7"})]
    hub.answers["upload"] = [full]
    hub.answers["batch"] = [
        *[Answer(), *[Answer(drop=True)] * RETRIES],
        *[refusal(500, "Broken")] * (5 if RETRIES else 1),
    ]
    hub.answers["commit"] = [Answer(cut=0), refusal(412, "A commit has happened since.")]
    told = run(hub, tmp_path, FAULTS)
    assert told["who"][0] == NO
    # An older client passes on what the Hub says.
    assert "rate limit" in told["who"][1] or told["who"][1].endswith("Slower")
    assert (told["upload"][0], NO in told["upload"][2]) == ("RuntimeError", True)
    assert (told["batch"][0], "Broken" in told["batch"][1]) == (NO, True)
    # Done, but the answer was lost; the client finds that there is nothing left to do.
    assert told["lost"][0] == "RemoteProtocolError"
    assert told["there"] == repo.head.id == repo.revisions[1].id
    assert (told["moved"][0], "A commit has happened since." in told["moved"][1]) == (NO, True)
    assert (told["entry"], told["revision"]) == (
        "RemoteEntryNotFoundError",
        "RevisionNotFoundError",
    )
    hub.stop()
    assert run(hub, tmp_path, "told['who'] = attempt(api.whoami)")["who"][0] == "ConnectError"


COMMITS = """
files = {"data/a.parquet": b"a" * 5000, "data/b.txt": b"text", "deep/er/c.txt": b"c"}
told["first"] = push(files)
api.create_tag(tag="v1", **waltz)
api.create_branch(branch="next", **waltz)
(folder / "README.md").write_text("---\\nlicense: nonsense\\n---\\n")
told["card"] = push({"README.md": folder / "README.md"})[:2]
deletes = [CommitOperationDelete("data/b.txt"), CommitOperationDelete("deep/")]
told["second"] = api.create_commit(
    operations=deletes, commit_message="Less", parent_commit=told["first"], **waltz
).oid
told["late"] = push({"d.txt": b"d"}, parent_commit=told["first"])[:2]
told["branch"] = push({"e.txt": b"e"}, revision="next")
told["refs"] = {ref.name: ref.target_commit for ref in api.list_repo_refs(**waltz).branches}
told["commits"] = [commit.title for commit in api.list_repo_commits(**waltz)]
for revision in ("main", "next", "v1", told["first"]):
    told[revision] = api.list_repo_files(revision=revision, **waltz)
paths = api.get_paths_info(paths=["data", "data/a.parquet", "no"], **waltz)
told["paths"] = [path.path for path in paths]
"""


def test_commits_and_revisions(hub: Hub, tmp_path: Path) -> None:
    repo = hub.create(WALTZ)
    hub.part_size, hub.page_size = 2000, 2
    told = run(hub, tmp_path, COMMITS)
    first, second = repo.revisions[1].id, repo.revisions[2].id
    assert (told["first"], told["second"], repo.head.id) == (first, second, second)
    assert [request.received for request in hub.of("part")] == [2000, 2000, 1000]
    assert (len(hub.of("complete")), repo.files["data/a.parquet"]) == (1, b"a" * 5000)
    assert told["card"][0] == "ValueError"
    assert '"license" must be one of [apache-2.0, mit,' in told["card"][1]
    assert (told["late"][0], "A commit has happened since." in told["late"][1]) == (NO, True)
    assert told["refs"] == {"main": second, "next": told["branch"]}
    assert told["commits"] == ["Less", "Push", "initial commit"]
    left = [".gitattributes", "data/a.parquet"]
    before = [*left, "data/b.txt", "deep/er/c.txt"]
    assert (told["main"], told["v1"], told[first]) == (left, before, before)
    assert told["next"] == [*before, "e.txt"]
    assert told["paths"] == ["data", "data/a.parquet"]
    # By pages of two; three folders are in the listing, too.
    pages = [r for r in hub.of("tree") if r.names["revision"] == first]
    assert [request.query.get("cursor") for request in pages] == [None, "2", "4", "6"]


def test_files_and_ranges_at_any_revision(hub: Hub) -> None:
    repo = hub.create(WALTZ)
    old = repo.put({"a.parquet": bytes(range(250)), "a.txt": b"0123456789"})
    new = repo.put({"a.txt": b"new"})
    at = f"{hub.url}/datasets/{WALTZ}/resolve"
    whole = ask(f"{at}/main/a.txt")
    assert (whole.headers["X-Repo-Commit"], whole.read()) == (new.id, b"new")
    assert whole.headers["ETag"] == f'"{new.files["a.txt"].blob_id}"'
    part = ask(f"{at}/{old.id}/a.txt", Range="bytes=2-4")
    assert (part.status, part.headers["Content-Range"]) == (206, "bytes 2-4/10")
    assert part.read() == b"234"
    stored = ask(f"{at}/{old.id}/a.parquet", Range="bytes=-3")
    assert stored.url.startswith(hub.storage_url)
    assert (stored.status, stored.read()) == (206, bytes([247, 248, 249]))
    (asked, redirected) = hub.requests[-2:]
    assert (asked.kind, redirected.kind, redirected.sent) == ("resolve", "object", 3)
    gone = ask(f"{at}/main/b.txt")
    assert (gone.status, gone.headers["X-Error-Code"]) == (404, "EntryNotFound")
    assert gone.headers["X-Request-Id"]
    assert ask(f"{hub.url}/api/nothing").status == 404


def test_what_never_came_cannot_be_committed(hub: Hub) -> None:
    hub.create(WALTZ)
    oid = hashlib.sha256(b"content").hexdigest()
    place = f"{hub.storage_url}/objects/{WALTZ}/{oid}"
    assert ask(place, b"other content", "PUT").status == 400
    lines = [
        {"key": "header", "value": {"summary": "Push"}},
        {"key": "lfsFile", "value": {"path": "a.bin", "oid": oid}},
    ]
    body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    commit = f"{hub.url}/api/datasets/{WALTZ}/commit/main"
    refused = ask(commit, body, "POST")
    assert refused.status == 400
    assert refused.headers["X-Error-Message"].endswith("Offending file: - a.bin")
    assert ask(place, b"content", "PUT").status == 200
    assert ask(commit, body, "POST").status == 200
    assert hub.repos[WALTZ].files["a.bin"] == b"content"


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ("license: [mit, nonsense]", '"license[1]" must be one of [apache-2.0, '),
        ("- a list", '"value" must be of type object'),
        ("license: [", "while parsing a flow node"),
        ("tags: one", '"tags" must be an array'),
        ("tags: [1]", '"tags[0]" must be a string'),
        ("size_categories: [a few]", '"size_categories[0]" must be one of [n<1K, '),
        ("pretty_name: 7", '"pretty_name" must be a string'),
        ("configs: 7", '"configs" must be an array'),
        ("configs: [{}]", '"configs[0].config_name" must be a string'),
    ],
)
def test_a_card_that_is_refused(metadata: str, error: str) -> None:
    (found,), warnings = check_card(f"---\n{metadata}\n---\n# A waltz\n")
    assert (found.startswith(error), warnings) == (True, [])


def test_a_card_that_is_taken() -> None:
    rest = "size_categories: [1K<n<10K]\nconfigs: [{config_name: steps, data_files: x}]"
    good = f"---\nlicense: cc-by-4.0\ntask_categories: [other]\n{rest}\n---\n"
    assert check_card(good) == ([], [])
    errors, (warning,) = check_card("---\ntask_categories: [dancing]\n---\n")
    assert errors == []
    assert warning.startswith('The task_categories "dancing" is not in the official list: ')
    assert check_card("# A waltz\n") == ([], ["empty or missing yaml metadata in repo card"])
