"""The size of an image, from its first bytes."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from dancereid_pipeline.formats.image_header import size_of_image


def written(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (70, 300)).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        written("JPEG"),
        written("JPEG", progressive=True),
        written("JPEG", comment=b"\xff\xc0 no frame begins here"),
        written("JPEG", exif=b"Exif\0\0" + b"\xff" * 5000),
        written("JPEG").replace(b"\xff\xc0", b"\xff\xff\xff\xc0", 1),  # a gap that is filled
        written("PNG"),
    ],
    ids=["plain", "progressive", "comment", "EXIF", "filled", "PNG"],
)
def test_height_and_width(content: bytes) -> None:
    assert size_of_image(content) == (300, 70)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xffx" * 9])
def test_what_is_neither_has_no_size(content: bytes) -> None:
    assert size_of_image(content) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_that_ends_early_has_its_size_or_none(kind: str) -> None:
    content = written(kind)
    found = [size_of_image(content[:length]) for length in range(len(content))]
    assert set(found) == {None, (300, 70)}
    assert found == sorted(found, key=lambda size: size is not None)
