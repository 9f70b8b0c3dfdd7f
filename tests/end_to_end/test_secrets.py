"""Secrets are sent where they must be, and are neither shown nor kept, whatever goes wrong."""

from __future__ import annotations

import base64
import contextlib
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import load_dataset, load_dataset_builder

import dancereid
from dancereid_pipeline.cli.main import main
from dancereid_pipeline.cli.network_flags import flag
from dancereid_pipeline.common.errors import DanceReIDError
from tests.support import command
from tests.support.data.folders import write_folder
from tests.support.servers.hub import Hub
from tests.support.servers.hub_requests import refusal
from tests.support.servers.remote import serve
from tests.support.servers.web import Answer, Hold, Site, page, redirect

MARK = "marked"  # in every secret
USER, PASSWORD, TOKEN = f"{MARK}User", f"{MARK}Password", f"{MARK}Token"
COOKIE, SIGNED, PROXY = f"{MARK}Cookie", f"{MARK}Signature", f"{MARK}Proxy"
COOKIES = f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tSID\t{COOKIE}\n"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short videos."""
    folder = tmp_path_factory.mktemp("two") / "data"
    return write_folder(folder, {"aaa": [0, 1], "bbb": [0]}, frames=10)


@pytest.fixture
def options(site: Site, two: Path, tmp_path: Path, online: list[float]) -> dict[str, str]:
    """The options that load them from a server that wants secrets, through a proxy that does."""
    found = serve(site, two)
    cookies = tmp_path / "given" / "cookies.txt"
    cookies.parent.mkdir()
    cookies.write_text(COOKIES)
    for name in ("annotation", "archive", "video_url"):
        found[name] = found[name].replace("http://", f"http://{USER}:{PASSWORD}@")
        found[name] += f"?key={TOKEN}"
    return {
        **found,
        "cookies": str(cookies),
        "proxy": site.url.replace("http://", f"http://{PROXY}:{PROXY}@"),
        "download_dir": str(tmp_path / "downloads"),
        "cache_dir": str(tmp_path / "cache"),
    }


@pytest.fixture
def heard(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[list[str]]:
    """What was said. At the end, no secret may be in it, nor in a file that was written."""
    said: list[str] = []
    for name in ("matplotlib", "filelock"):  # they say a lot about fonts and locks
        caplog.set_level(logging.INFO, name)
    with caplog.at_level(logging.DEBUG):
        yield said
    texts = {"what was said": "\n".join([*said, *capfd.readouterr(), caplog.text]).encode()}
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.parent.name != "given":
            texts[str(path)] = path.read_bytes()
    assert len(texts) > 1
    assert len(texts["what was said"]) > 100
    found = {name: text[max(at - 200, 0) : at + 99] for name, text in texts.items()
             if (at := text.find(MARK.encode())) >= 0}  # fmt: skip
    assert found == {}


def tell(said: list[str], work: Callable[[], object]) -> object:
    """Does work, and tells all that Python would print of its result or its error."""
    try:
        result = work()
    except DanceReIDError as error:
        said += [repr(error), "".join(traceback.format_exception(error))]
        return error
    said.append(f"{result} {result!r}")
    return result


def sent(site: Site, *, proxied: bool = True) -> None:
    """Makes sure that the secrets came, each where it is wanted."""
    basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    proxy = "Basic " + base64.b64encode(f"{PROXY}:{PROXY}".encode()).decode()
    first = site.requests[0]
    assert first.headers["Authorization"] == basic
    assert first.headers.get("Proxy-Authorization") == (proxy if proxied else None)
    assert first.headers["Cookie"] == f"SID={COOKIE}"
    assert first.query == {"key": TOKEN}


def flags(options: dict[str, str], *left_out: str) -> list[str]:
    """The same options for a command."""
    return [
        word
        for name, value in options.items()
        if name not in ("cache_dir", *left_out)
        for word in (flag(name), value)
    ]


SIGNED_PATH = f"/signed?sig={SIGNED}"


def to(address: str) -> Answer:
    return redirect(address, always=True)


# What goes wrong, by what the server says of the file that was asked for.
FAILURES: dict[str, Callable[[str], Answer]] = {
    "not there": lambda url: Answer(status=404, always=True),
    "no permission": lambda url: Answer(status=401, always=True),
    "forbidden": lambda url: Answer(status=403, always=True),
    "too many": lambda url: Answer(status=429, headers={"Retry-After": "999"}, always=True),
    "server error": lambda url: Answer(status=500, always=True),
    "dropped": lambda url: Answer(drop=True, always=True),
    "cut": lambda url: Answer(cut=100, always=True),
    "a page": lambda url: page("<!DOCTYPE html>Sign in", always=True),
    "no length": lambda url: Answer(headers={"Content-Length": "abc"}, cut=9, always=True),
    "slow": lambda url: Answer(hold=Hold(after=50), always=True),
    "moved, not there": lambda url: to(url + SIGNED_PATH),
    "moved to itself": lambda url: to(f"?sig={SIGNED}"),
    "moved to nobody": lambda url: to(f"http://{USER}:{PASSWORD}@127.0.0.1:1{SIGNED_PATH}"),
    "moved to no host": lambda url: to(f"http://[::{SIGNED_PATH}"),
    "moved to a bad name": lambda url: to(f"http://{USER}:{PASSWORD}@a..b{SIGNED_PATH}"),
    "moved to another scheme": lambda url: to(f"ftp://{USER}:{PASSWORD}@lab{SIGNED_PATH}"),
}
# These the client itself must reach: the proxy, which is the server, has every path.
DIRECT = ("moved to nobody", "moved to a bad name")
FILES = ("/annotation.json", "/npy.zip", "/videos/000_aaa.mp4")


def break_(site: Site, file: str, failure: str) -> dict[str, float]:
    """Lets a file fail; gives the options that this needs so that nobody waits."""
    site.answers[file] = [FAILURES[failure](site.url)]
    return {"time_limit": 0.5} if failure == "slow" else {}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("failure", FAILURES)
def test_when_fetching_fails(
    site: Site, options: dict[str, Any], heard: list[str], file: str, failure: str
) -> None:
    limit = break_(site, file, failure)
    if failure in DIRECT:
        del options["proxy"]
    ds = tell(heard, lambda: load_dataset("dancereid", **options, **limit))
    sent(site, proxied=failure not in DIRECT)
    assert isinstance(ds, DanceReIDError) or file == FILES[2]
    if not isinstance(ds, DanceReIDError):
        tell(heard, lambda: dancereid.coverage(ds))
        tell(heard, lambda: dancereid.coverage(ds).to_json())
        assert "http://127.0.0.1" in heard[-1]
    for path in Path(options["download_dir"]).rglob("manifest.json"):
        path.unlink()  # or a stream would not ask again
    tell(heard, lambda: list(load_dataset("dancereid", streaming=True, **options, **limit)["test"]))


@pytest.mark.parametrize("value", [f"{COOKIE}\u2713", f"{COOKIE}\x00", f"{COOKIE}\x7f;"])
def test_a_cookie_that_no_header_can_have(
    site: Site, options: dict[str, Any], heard: list[str], value: str
) -> None:
    Path(options["cookies"]).write_text(COOKIES.replace(COOKIE, value), "utf-8")
    site.answers["/annotation.json"] = [Answer(status=404, always=True)]
    error = tell(heard, lambda: load_dataset("dancereid", **options))
    assert isinstance(error, DanceReIDError)
    assert "\n" not in str(error)


def without_proxy(options: dict[str, Any], closed: bool) -> dict[str, Any]:
    """Options with a proxy that is not there, or with none."""
    proxy = f"http://{PROXY}:{PROXY}@127.0.0.1:1" if closed else None
    return {**options, "proxy": proxy}


def test_a_proxy_that_is_not_there(
    options: dict[str, Any], heard: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dancereid_pipeline.transfer.google_drive._PAUSES_S", (0.0, 0.0))
    error = tell(heard, lambda: load_dataset("dancereid", **without_proxy(options, closed=True)))
    assert isinstance(error, DanceReIDError)
    drive = "https://drive.google.com/file/d/1Ph8yUuXEefU6Buv1dOrxXFFDuptyEdA2/view"
    given = {**without_proxy(options, closed=True), "archive": f"{drive}?resourcekey={TOKEN}"}
    given["annotation"] = str(Path(options["catalogue"]).with_name("annotation.json"))
    assert "Google Drive" in str(tell(heard, lambda: load_dataset("dancereid", **given)))
    given = without_proxy(options, closed=True)
    assert main(["fetch", str(tmp_path / "videos"), *only_videos(given)]) == 3
    assert main(["doctor", *flags(given, "catalogue")]) == 1


def only_videos(options: dict[str, Any]) -> list[str]:
    return flags(options, "annotation", "archive", "download_dir")


@pytest.mark.parametrize("failure", FAILURES)
def test_commands(
    site: Site, options: dict[str, Any], heard: list[str], tmp_path: Path, failure: str
) -> None:
    limit = [w for name, v in break_(site, FILES[2], failure).items() for w in (flag(name), str(v))]
    if failure in DIRECT:
        del options["proxy"]
    assert main(["fetch", str(tmp_path / "videos"), *only_videos(options), *limit]) == 3
    # On a busy machine, the annotation may take longer than the limit, too.
    codes = (1, 3) if failure == "slow" else (3,)
    assert main(["fetch", "--json", *flags(options), *limit]) in codes
    for path in FILES[:2]:
        break_(site, path, failure)
    main(["doctor", *flags(options, "catalogue")])
    main(["doctor", "--json", *flags(options, "catalogue")])


def test_what_is_made_of_it(
    site: Site,
    options: dict[str, Any],
    heard: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    break_(site, FILES[2], "moved, not there")
    for name, value in options.items():
        if name not in ("catalogue", "cache_dir"):
            monkeypatch.setenv(f"DANCEREID_{name.upper()}", value)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", options["cache_dir"])
    commands = {
        "prepare": ["--output", tmp_path / "prepared"],
        "preview": ["--output", tmp_path / "page.html"],
        "export": ["--output", tmp_path / "exported", "--layout", "market1501"],
    }
    for name, output in commands.items():
        assert main([name, "--catalogue", options["catalogue"], *map(str, output)]) == 0
    assert main(["doctor"]) == 0
    sent(site)
    assert '"reason": "removed"' in (tmp_path / "prepared" / "paper" / "build.json").read_text()
    tell(heard, lambda: load_dataset_builder("dancereid", **options).config)


WRONG = {
    "annotation": f"http://{USER}:{PASSWORD}@a b/x?key={TOKEN}",
    "archive": f"ftp://{USER}:{PASSWORD}@lab/x?key={TOKEN}",
    "video_url": f"http://{USER}:{PASSWORD}@lab/no.mp4?key={TOKEN}",
    "cookies": f"SID={COOKIE}",
    "proxy": f"gopher://{USER}:{PASSWORD}@lab?key={TOKEN}",
    "data_dir": f"http://{USER}:{PASSWORD}@lab/x?key={TOKEN}",
    "catalogue": f"http://{USER}:{PASSWORD}@lab/x?key={TOKEN}",
    "download_dir": f"s3://{USER}:{PASSWORD}@lab/x?key={TOKEN}",
}


@pytest.mark.parametrize("name", WRONG)
def test_options_that_cannot_be(name: str, heard: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = tell(heard, lambda: load_dataset("dancereid", **{name: WRONG[name]}))
    assert isinstance(error, DanceReIDError)
    for command_name in ("fetch", "prepare", "preview"):
        with contextlib.suppress(SystemExit):
            assert (
                main([command_name, flag(name), WRONG[name], "--output", str(tmp_path / "x")]) != 0
            )


def test_a_flag_that_is_mistyped(heard: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    heard.append("." * 100)
    with pytest.raises(SystemExit):
        main(
            [
                "prepare",
                "--output",
                str(tmp_path / "x"),
                "--vidoe-url",
                f"http://{USER}:{PASSWORD}@lab/x?key={TOKEN}",
            ]
        )


HUB_TOKEN = f"hf_{MARK}0{MARK}"
REFUSED = {
    "whoami": refusal(401, "Invalid user token.", always=True),
    "batch": refusal(403, "no room", always=True),
    "upload": refusal(503, "no room", always=True),
    "commit": refusal(500, "oh", always=True),
    "tree": refusal(404, "gone", always=True),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_push(
    kind: str, heard: list[str], prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub() as hub:
        hub.tokens[HUB_TOKEN], hub.signature = hub.tokens["hf_write"], SIGNED
        hub.answers[kind] = [REFUSED[kind]]
        environment = hub.environment(tmp_path / "home", token=HUB_TOKEN)
        done = command.run("push", "dancer/reid", "--dataset", prepared, env=environment)
    heard += [done.stdout, done.stderr, "." * 100]
    assert done.returncode == 1
    assert hub.requests[0].headers["Authorization"] == f"Bearer {HUB_TOKEN}"
    assert hub.of(kind)


def test_a_token_that_no_header_can_have(heard: list[str], prepared: Path, tmp_path: Path) -> None:
    with Hub() as hub:
        environment = hub.environment(tmp_path / "home", token=f"{HUB_TOKEN}\x01")
        done = command.run("push", "dancer/reid", "--dataset", prepared, env=environment)
    heard += [done.stdout, done.stderr, "." * 100]
    assert done.returncode == 1
