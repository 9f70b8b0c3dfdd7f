"""Features and identities -> mAP and CMC: exact, fast, named.

    from dancereid_pipeline.metrics import evaluate
    result = evaluate(features, person_ids, frames)
    print(result)

One score a file, with its formula: `average_precision`, `cmc`, `cuhk03`.
"""

from __future__ import annotations

from .evaluation import evaluate
from .nearest import nearest
from .result import Result

__all__ = ["Result", "evaluate", "nearest"]
