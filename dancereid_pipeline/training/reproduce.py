"""A dataset -> the table of baselines: trainings, and a page about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ..common.errors import OptionError
from ..common.files import replaced, usable, write_json
from ..common.validation import checked_path, one_of, whole_number
from ..evaluation.evaluate import evaluate
from ..evaluation.top_k import nearest
from ..preview.ranking_sheet import chosen_queries, ranked_gallery
from .check_training import check_training
from .extract import extract
from .methods import METHODS, PRESETS, PUBLISHED_SCORES
from .train import train

TABLE, PAGE, GALLERIES = "table.json", "README.md", "galleries.png"
_SCORES = ("mAP", "rank-1 cuhk03", "rank-5 cuhk03", "rank-1 market1501", "rank-5 market1501")


def reproduce(
    dataset: Any,
    output: str | Path,
    *,
    methods: Sequence[str] = tuple(PUBLISHED_SCORES),
    seeds: int = 1,
    preset: str = "mended",
    device: str = "cpu",
    workers: int = 0,
    **options: Any,
) -> dict[str, list[dict[str, Any]]]:
    """Trains and scores methods under one protocol, and writes a page that compares them.

    Each training has a folder, `METHOD-seed-N`. One that is finished is kept, and one that was
    stopped is continued: so the same call, again, does what is left.

    Args:
        dataset: all splits, as `load_dataset` gives them.
        output: the folder to write: trainings, `table.json`, and the page, `README.md`.
        methods: the methods, as `dancereid.train` has them.
        seeds: number of trainings of each, with the seeds 0, 1, ...
        preset: as in `dancereid.train`. Methods that were not published are always mended.
        device: "cpu", "cuda", or another device of PyTorch.
        workers: number of processes that decode images; 0 for this one.
        **options: others of `dancereid.train`: backbone, weights, epochs, steps, batch, lr, select.

    Returns:
        For each method the results of its trainings, as `dancereid.train` gives them.

    Raises:
        DanceReIDError: as `dancereid.train`; a folder has a training with other options.
    """
    folder = checked_path("output", output)
    runs = _runs(folder, methods, seeds, preset)
    if not isinstance(dataset, Mapping) or not len(dataset.get("test", ())):
        raise OptionError("dataset: expected all splits, with images in 'test' to score on.")
    results: dict[str, list[dict[str, Any]]] = {}
    for run, own in runs.items():
        result = train(dataset, run, **own, **options, device=device, workers=workers)
        results.setdefault(own["method"], []).append(result)
        # After each training, so that a look into the folder shows how far it is.
        with usable(folder):
            if not (run / GALLERIES).exists():
                _draw_galleries(dataset["test"], run, device, workers)
            write_json(folder / TABLE, results)
            with replaced(folder / PAGE) as unfinished:
                unfinished.write_text(page(results), "utf-8")
    return results


def check_reproduction(
    output: str | Path, methods: Sequence[str], seeds: int, preset: str, **options: Any
) -> None:
    """Refuses, before a dataset is loaded, options and a folder that `reproduce` would refuse.

    Raises:
        DanceReIDError: as `check_training`, of each training.
    """
    for run, own in _runs(checked_path("output", output), methods, seeds, preset).items():
        check_training(run, **own, **options)


def _runs(
    folder: Path, methods: Sequence[str], seeds: int, preset: str
) -> dict[Path, dict[str, Any]]:
    """The options of each training that are its own, by its folder."""
    one_of("preset", preset, PRESETS)
    whole_number("seeds", seeds, 1, 1000)
    if unknown := [name for name in methods if name not in METHODS] or not methods:
        raise OptionError(f"methods: expected some of {', '.join(METHODS)}, got {unknown}.")
    runs = {}
    for method in dict.fromkeys(methods):
        own = {"method": method, "preset": preset if method in PUBLISHED_SCORES else "mended"}
        for seed in range(seeds):
            runs[folder / f"{method}-seed-{seed}"] = {**own, "seed": seed, "resume": True}
    with usable(folder):
        there = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if there and TABLE not in there and not there & {run.name for run in runs}:
        raise OptionError(
            f"{folder}: expected a new folder, or one with trainings of this table, found "
            f"{', '.join(sorted(there)[:3])}. Name another folder."
        )
    return runs


def _draw_galleries(images: Any, run: Path, device: str, workers: int) -> None:
    """Draws some queries of a trained model, with the images nearest to them."""
    rows = extract(images, run, device=device, workers=workers)
    given = (rows, images["person_id"][:], images["frame"][:])
    per_query = evaluate(*given).per_query
    rankings = nearest(*given, chosen_queries(per_query))
    with replaced(run / GALLERIES) as unfinished:
        sheet = ranked_gallery(images, rankings, per_query.average_precision)
        sheet.save(unfinished, format="png")


def page(results: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    """A page in Markdown: the published figures beside those of these results.

    Args:
        results: as `reproduce` returns them; at least one.
    """
    first = next(iter(results.values()))[0]
    parts = [
        f"# Baselines on DanceReID '{first['config']}'",
        "All scores are in percent, on all images of the split `test`, by exact mAP and CMC. With "
        "several seeds: the mean, and the lowest and highest.",
        _table(
            ["method", "seeds", *_SCORES],
            [[name, str(len(runs)), *_of_seeds(runs)] for name, runs in results.items()],
        ),
        "## Published",
        _table(
            ["method", "mAP", "rank 1", "rank 5"],
            [
                [name, *(f"{score:.1f}" for score in PUBLISHED_SCORES[name])]
                for name in results
                if name in PUBLISHED_SCORES
            ],
        ),
        "The published figures are the best of ten evaluations on a test set that shares five "
        "people with the training set, with ResNet-50. Which protocol their ranks are of, which "
        "options gave which row, and how many seeds, is not known.",
        "## How these were found",
        _table(
            ["method", "preset", "faults that are on", "backbone", "began with", "steps", "chosen"],
            [[name, *_conditions(runs[0])] for name, runs in results.items()],
        ),
        f"Trained on {first['images']:,} images of {first['people']} people (fingerprint "
        f"{first['fingerprint']}), on: {first['device']}, with PyTorch "
        f"{first['versions']['torch']}.",
    ]
    for name, runs in results.items():
        run = f"{name}-seed-{runs[0]['seed']}"
        parts += [
            f"## {name}",
            f"![losses of {name}]({run}/curves.png)",
            f"![queries and what {name} finds]({run}/{GALLERIES})",
        ]
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else "Nothing."


def _of_seeds(runs: Sequence[dict[str, Any]]) -> list[str]:
    cells = []
    for name in _SCORES:
        scores = [run["test"][name] for run in runs]
        spread = f" ({min(scores):.1f} to {max(scores):.1f})" if len(scores) > 1 else ""
        cells.append(f"{fmean(scores):.1f}{spread}")
    return cells


def _conditions(run: dict[str, Any]) -> list[str]:
    switches = ", ".join(f"`{name}`" for name in run["switches"]) or "none"
    cells = (run["preset"], switches, run["backbone"], run["weights"], f"{run['steps']:,}")
    return [*cells, run["selection"]]
