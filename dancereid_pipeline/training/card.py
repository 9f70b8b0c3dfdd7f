"""The card of a trained model."""

from __future__ import annotations

from typing import Any

_HEAD = """---
library_name: dancereid
tags: [person-re-identification]
---
"""


def model_card(result: dict[str, Any]) -> str:
    """A page that says what the model is, from what is in `result.json`."""
    rows = {
        "method": f"{result['method']}, preset {result['preset']}",
        "faults of the published code that are on": ", ".join(result["switches"]) or "none",
        "backbone": f"{result['backbone']}, begun with weights: {result['weights']}",
        "data": f"config {result['config']}, {result['images']:,} images of {result['people']} "
        f"people (fingerprint {result['fingerprint']})",
        "steps": f"{result['steps']:,}, seed {result['seed']}",
        "weights chosen": result["selection"],
    }
    lines = [_HEAD, f"# {result['method']} on DanceReID '{result['config']}'", ""]
    lines += ["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows.items())]
    if result["test"]:
        lines += [
            "",
            "## Scores on the split `test`, in percent",
            "",
            "| score | |",
            "| --- | --- |",
        ]
        lines += [f"| {name} | {score:.2f} |" for name, score in result["test"].items()]
    if result["method"] == "parts":
        lines += ["", "This model uses keypoints when it computes features, too."]
    lines += [
        "",
        "It was trained on images of real people, if the data shows such. Use it for research on",
        "re-identification methods only, never to find out who somebody is.",
        "",
        "```sh",
        "dancereid extract --model FOLDER --output features.parquet",
        "dancereid evaluate features.parquet",
        "```",
        "",
    ]
    return "\n".join(lines)
