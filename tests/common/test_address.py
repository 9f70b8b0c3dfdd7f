from __future__ import annotations

import copy
import json
import pickle

import pytest

from dancereid_pipeline.common.address import Address, without_secrets
from dancereid_pipeline.transfer.settings import VIDEO_URL


@pytest.mark.parametrize(
    ("whole", "shown"),
    [
        ("http://lab/a/b.zip", "http://lab/a/b.zip"),
        ("https://me:secret@lab:81/b.zip?token=secret#secret", "https://lab:81/b.zip"),
        ("https://me:s@cret@lab/b.zip", "https://lab/b.zip"),
        (VIDEO_URL.with_secrets(), VIDEO_URL),
        ("http://lab/get?v={video_id}&key=secret", "http://lab/get?v={video_id}"),
        ("http://secret@lab/{{x}}/{clip}.mp4", "http://lab/{{x}}/{clip}.mp4"),
        ("socks5://me:secret@lab:1080", "socks5://lab:1080"),
        ("http://me:secret@[::/b.zip?secret", "http://[::/b.zip"),  # no such host can be
        ("a folder/npy.zip", "a folder/npy.zip"),
    ],
)
def test_an_address_is_shown_without_its_secrets(whole: str, shown: str) -> None:
    address = Address(whole)
    assert address.with_secrets() == str(whole)
    texts = [str(address), f"{address}", f"{address:s}", "".join([address])]
    texts += [json.loads(json.dumps({"a": address}))["a"], repr(address)[1:-1]]
    assert texts == [shown] * len(texts)


def test_a_pattern_shows_the_video_and_no_secret() -> None:
    pattern = Address("http://me:secret@lab/get?key=secret&v={clip}")
    address = pattern.filled(clip="000_a")
    assert address == "http://lab/get?v=000_a"
    assert address.with_secrets() == "http://me:secret@lab/get?key=secret&v=000_a"


def test_a_copy_and_another_process_have_all_of_it() -> None:
    address = Address("http://me:secret@lab/get?key=secret&v={clip}").filled(clip="000_a")
    for other in (pickle.loads(pickle.dumps(address)), copy.deepcopy(address), Address(address)):
        assert other.with_secrets() == address.with_secrets()
    assert pickle.loads(pickle.dumps(address)) == "http://lab/get?v=000_a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Is it a video? It is not.", "Is it a video? It is not."),
        ("Max retries exceeded with url: /npy.zip?sig=secret (Caused by X)",
         "Max retries exceeded with url: /npy.zip (Caused by X)"),
        ("cannot reach 'http://me:secret@lab/x?sig=secret#access_token=secret'",
         "cannot reach 'http://lab/x'"),
        ("'ftp://me:secret@lab/x'", "'ftp://lab/x'"),
        ("Illegal header value b'Bearer hf_secret0secret\\n'",
         "Illegal header value b'Bearer ...'"),
        ("token hf_secret0secret has expired", "token hf_... has expired"),
    ],
)  # fmt: skip
def test_what_other_programs_say_is_shown_without_secrets(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
