"""Writes and checks shards: Parquet files with the examples of one video."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..build.options import SampleOptions
from ..build.schema import IMAGES, example_features
from ..build.stored_image import check_jpeg, image_bytes
from ..common.errors import DanceReIDError, SourceError

# A crop has about 6 KB, so who looks at one example, as previews do, fetches half a megabyte.
ROWS_A_GROUP = 100
_LARGE_ROWS_A_GROUP = 10  # a tracklet or a frame has about 100 KB
# Where two files have equal content, they get equal chunks, which the Hub stores and sends once.
# These are the numbers of `datasets` 5.
_CHUNKS = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}


@dataclass(frozen=True)
class Shard:
    """A Parquet file with the examples of one video.

    Attributes:
        name: `SPLIT-ROW-VIDEOID.parquet`; ROW is the video's row in the catalogue.
        split: name of the split.
        video_id: the video.
        rows: number of rows, an example each.
        bytes: size of the file.
        sha256: SHA-256 of the file, hexadecimal.
    """

    name: str
    split: str
    video_id: str
    rows: int
    bytes: int
    sha256: str


def rows_a_group(options: SampleOptions) -> int:
    """The number of rows of a row group."""
    return ROWS_A_GROUP if options.unit == "crop" else _LARGE_ROWS_A_GROUP


def shard_schema(options: SampleOptions) -> pa.Schema:
    """The columns of a shard, as Arrow has them, with what tells `datasets` their types.

    Args:
        options: those that the examples are made with.
    """
    features = example_features(skeleton=options.skeleton, unit=options.unit)
    told = {"info": {"features": plain_features(features)}}
    return features.arrow_schema.with_metadata({"huggingface": json.dumps(told)})


def plain_features(features: Any) -> dict[str, Any]:
    """`Features.to_dict` with "Sequence" for lists, as in datasets 3; every version reads that."""
    plain: dict[str, Any] = json.loads(
        json.dumps(features.to_dict()).replace('"List"', '"Sequence"')
    )
    return plain


@contextmanager
def shard_writer(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Gives a function that writes a table of at most `ROWS_A_GROUP` rows, as a row group.

    Equal tables give equal files, whoever writes them, with the same pyarrow.

    Args:
        path: the file to write.
        schema: as `shard_schema` gives it.
    """
    leaves = {leaf for name in schema.names for leaf in _leaves(name, schema.field(name).type)}
    images = {leaf for leaf in leaves if leaf.partition(".")[0] in IMAGES}
    with pq.ParquetWriter(
        path,
        schema,
        use_content_defined_chunking=_CHUNKS,
        write_page_index=True,
        # A JPEG does not get smaller.
        compression={leaf: "none" if leaf in images else "snappy" for leaf in leaves},
        use_dictionary=sorted(leaves - images),
        column_encoding=dict.fromkeys(images, "PLAIN"),
    ) as writer:
        yield writer.write_table
        writer.add_key_value_metadata({"content_defined_chunking": json.dumps(_CHUNKS)})


def _leaves(path: str, kind: pa.DataType) -> list[str]:
    """The paths of a column's parts, as Parquet names them."""
    if pa.types.is_struct(kind):
        parts = (kind.field(i) for i in range(kind.num_fields))
        return [leaf for part in parts for leaf in _leaves(f"{path}.{part.name}", part.type)]
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return _leaves(f"{path}.list.element", kind.value_type)
    return [path]


def check_shard(path: Path, options: SampleOptions) -> None:
    """Refuses a shard, which may be anybody's, with an image that is not to be passed on.

    Args:
        path: the Parquet file.
        options: those that the examples are said to be made with.

    Raises:
        DanceReIDError: a row has no bytes, or others than those of such a JPEG; or the file
            cannot be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            check_images(file.iter_batches(rows_a_group(options)), str(path), 0, options)
    except DanceReIDError:
        raise
    except Exception as error:  # what pyarrow raises for any file is not listed
        raise SourceError(
            f"{path}: cannot be read as Parquet ({' '.join(str(error).split())[:300]}). Prepare "
            "the config again with --force."
        ) from error


def check_images(batches: Iterable[Any], where: str, row: int, options: SampleOptions) -> None:
    """Refuses Arrow's batches of examples with an image that is not to be passed on.

    Args:
        batches: the batches.
        where: names the split or the file, for the error message.
        row: number of the first example there.
        options: those that the examples are said to be made with.
    """
    for batch in batches:
        names = [name for name in (*IMAGES, "height", "width") if name in batch.schema.names]
        for example in batch.select(names).to_pylist():
            size = options.image_size
            if options.unit == "frame":
                size = _frame_size(example, f"{where}, row {row}", options.max_side)
            for name in (name for name in names if name in IMAGES):
                named = f"{where}, row {row}, column '{name}'"
                images = example[name] if name == "images" else [example[name]]
                for image in images or ():
                    check_jpeg(image_bytes(image, named), size, named)
            row += 1


def _frame_size(example: dict[str, Any], where: str, most: int) -> tuple[int, int]:
    """Height and width of a frame, as its row says.

    Raises:
        DanceReIDError: they are not those of a frame with at most this many pixels a side.
    """
    height, width = (example[name] or 0 for name in ("height", "width"))
    if not (0 < height <= most and 0 < width <= most):
        raise DanceReIDError(
            f"{where}: expected a frame of 1 to {most:,} pixels a side, found {height} x {width}. "
            "Build or prepare the dataset again, or get it again."
        )
    return height, width
