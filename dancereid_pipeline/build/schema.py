"""The columns of an example and their types."""

from __future__ import annotations

from typing import Any

import datasets


def example_features(*, skeleton: bool) -> datasets.Features:
    """The columns of an example and their types, in order.

    Args:
        skeleton: whether the column `skeleton` is there.
    """
    number = datasets.Value("float32")
    columns: dict[str, Any] = {
        "image": datasets.Image(),
        # Plain lists of fixed size: all programs that read Parquet can read them.
        "keypoints": datasets.Sequence(datasets.Sequence(number, length=2), length=17),
        "person_id": datasets.Value("int32"),
        "video_id": datasets.Value("string"),
        "frame": datasets.Value("int32"),
        "bbox": datasets.Sequence(number, length=4),
    }
    if skeleton:
        columns["skeleton"] = datasets.Image()
    return datasets.Features(columns)
