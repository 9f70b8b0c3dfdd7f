"""The version of the examples goes up when the same files and options give other examples."""

from __future__ import annotations

import hashlib

import datasets

from dancereid_pipeline.build.config import VERSION
from tests.support.data.folders import all_contents

# A hash of all examples of the demo, by version. Shards of two versions are never merged.
EXAMPLES = {"1.0.0": "e03a4ddd575f8a86"}


def test_other_examples_have_another_version(demo_built: datasets.DatasetDict) -> None:
    found = hashlib.sha256(repr(all_contents(demo_built)).encode()).hexdigest()[:16]
    assert EXAMPLES.get(VERSION) == found, (
        "The demo's examples are not those of this version. If that is intended, raise VERSION in "
        "build/config.py, and add its hash here."
    )
