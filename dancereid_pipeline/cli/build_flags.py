"""The flags of a build; and the flag that names an existing dataset instead.

Their help texts are the docstrings of `DanceReIDConfig`, `Network` and `dancereid.load_dataset`.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import fields
from typing import Any

import dancereid

from ..build.options import KEYPOINTS, MISSING, UNITS
from ..build.prepared_names import prepared_name
from ..build.request import Request
from ..common.errors import OptionError
from ..common.validation import whole_number
from ..publish.prepared_folder import load_prepared
from .flag_types import storage_option, video_id
from .network_flags import NETWORK, Flags, add_network_flags, documented, flag, help_text

# Arguments of `add_argument` for each option of a build.
_FLAGS: dict[str, dict[str, Any]] = {
    "data_dir": {"metavar": "FOLDER"},
    "catalogue": {"metavar": "CSV"},
    "title": {"metavar": "TEXT"},
    "videos": {"metavar": "ID", "nargs": "+", "type": video_id},
    "stride": {"metavar": "N", "type": int},
    "image_size": {"metavar": ("HEIGHT", "WIDTH"), "type": int, "nargs": 2},
    "jpeg_quality": {"metavar": "Q", "type": int},
    "skeleton": {"action": "store_true", "default": None},
    "keypoints": {"choices": KEYPOINTS},
    "unit": {"choices": UNITS},
    "max_gap": {"metavar": "N", "type": int},
    "max_length": {"metavar": "N", "type": int},
    "overlap": {"metavar": "N", "type": int},
    "max_side": {"metavar": "PIXELS", "type": int},
    "missing": {"choices": MISSING},
    "cache_dir": {"metavar": "FOLDER"},
    "num_proc": {"metavar": "N", "type": int},
}
# What a command does not have that is for crops alone.
UNIT_OPTIONS = ("unit", "max_gap", "max_length", "overlap", "max_side")
# Options that can also be given with --dataset, where nothing is built.
_LOADING_OPTIONS = ("cache_dir", "num_proc")


def add_build_flags(
    parser: argparse.ArgumentParser, *, several: bool = False, without: Collection[str] = ()
) -> None:
    """Adds the flags of a build, as a group.

    Args:
        parser: the parser of a command that builds.
        several: whether the command can build several configs.
        without: options that the command does not have.
    """
    group = parser.add_argument_group("what to build, and its sources")
    group.add_argument(
        "--config",
        metavar="CONFIG",
        help=help_text(documented(dancereid.load_dataset).get("name", "")),
        nargs="+" if several else None,
    )
    add_options(group, *(name for name in _FLAGS if name not in without))
    add_network_flags(group)
    add_storage_flag(parser.add_argument_group("stores"))


def add_options(parser: Flags, *names: str) -> None:
    """Adds the flags of these options of a build."""
    texts = documented(dancereid.load_dataset) | documented(dancereid.DanceReIDConfig)
    defaults = {field.name: field.default for field in fields(dancereid.DanceReIDConfig)}
    for name in names:
        short = ["-j"] if name == "num_proc" else []
        text = help_text(texts.get(name, ""), defaults.get(name))
        parser.add_argument(*short, flag(name), help=text, **_FLAGS[name])


def add_storage_flag(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Adds the flag for options of a store."""
    parser.add_argument(
        "--storage-option",
        type=storage_option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of fsspec for addresses in a store, for example credentials; its own "
        "configuration and environment variables hold as well. May be given several times",
    )


def build_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The flags that were given, as keywords of `load_dataset`.

    Raises:
        OptionError: the number of processes is not from 1 to 1000.
    """
    given = {name: getattr(arguments, name, None) for name in (*_FLAGS, *NETWORK)}
    options = {name: value for name, value in given.items() if value is not None}
    if "num_proc" in options:
        whole_number("num_proc", options["num_proc"], 1, 1000)
    if in_store := getattr(arguments, "storage_option", None):
        options["storage_options"] = dict(in_store)
    return options


def request_of(config: str | None, options: dict[str, Any]) -> Request:
    """The request for a build with these options. Input files are not searched yet.

    Raises:
        DanceReIDError: an option or the catalogue is not valid.
    """
    rest = {name: value for name, value in options.items() if name not in _LOADING_OPTIONS}
    return dancereid.DanceReIDConfig(name=config or "paper", **rest).request()


def add_dataset_flag(parser: argparse.ArgumentParser) -> None:
    """Adds the flag that names an existing dataset."""
    parser.add_argument(
        "--dataset",
        metavar="PATH_OR_NAME",
        help="use this dataset instead of building one: a folder that dancereid prepare wrote, or "
        "USER/NAME on the Hub",
    )


def refuse_options(given: Collection[str], dataset: str) -> None:
    """Refuses options of a build where an existing dataset is used.

    Raises:
        OptionError: `given` is not empty.
    """
    if given:
        raise OptionError(
            f"--dataset: {dataset} is taken as it is, so {', '.join(map(flag, given))} cannot be "
            "given. Leave --dataset out to build with these, or give them to dancereid prepare."
        )


def load(arguments: argparse.Namespace, *, streaming: bool = False) -> Any:
    """Loads all splits of the dataset that the flags name; builds it if needed.

    Args:
        arguments: the flags of `add_build_flags` and `add_dataset_flag`, and `split` (or None).
        streaming: return a stream, whose examples are made while it is read.

    Raises:
        DanceReIDError: flags exclude each other, or the dataset cannot be loaded.
    """
    options = build_options(arguments)
    if arguments.dataset is None:
        _check_split(arguments, options)
    else:
        options.pop("storage_options", None)  # they are for what the command reads or writes else
        unit = options.pop("unit", None)
        refuse_options([o for o in options if o not in _LOADING_OPTIONS], arguments.dataset)
    if streaming:
        options.pop("num_proc", None)  # a stream has one reader
        options["streaming"] = True
    if arguments.dataset is None:
        return dancereid.load_dataset(arguments.config, **options)
    config = name_in_dataset(arguments.config, unit)
    return load_prepared(arguments.dataset, config, **options)


def name_in_dataset(config: str | None, unit: str | None) -> str | None:
    """The name of a config in an existing dataset; None for its first one.

    Raises:
        OptionError: there is a unit without a config.
    """
    if config is None:
        if unit is not None:
            raise OptionError("--unit: name the config of the dataset, too, as --config paper.")
        return None
    return prepared_name(config, unit or "crop")


def _check_split(arguments: argparse.Namespace, options: dict[str, Any]) -> None:
    """Refuses a split that the config does not have, before a build that may take an hour."""
    request = request_of(arguments.config, options)
    splits = request.catalogue.splits(request.config)
    if arguments.split is not None and arguments.split not in splits:
        raise OptionError(
            f"--split: config '{arguments.config or 'paper'}' has {' and '.join(splits)}, not "
            f"'{arguments.split}'."
        )
