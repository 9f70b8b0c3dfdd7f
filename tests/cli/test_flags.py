"""Flags: those of a build say what the docstrings of its options say."""

from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

import dancereid
from dancereid_pipeline.build.config import DanceReIDConfig
from dancereid_pipeline.cli.build_flags import add_build_flags, build_options
from dancereid_pipeline.cli.network_flags import documented, flag
from dancereid_pipeline.transfer.settings import Network

# Of `datasets`, and not of ours.
OTHERS = {"name", "version", "data_files", "description", "extended_description"}


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    """With the flags of a build."""
    parser = argparse.ArgumentParser()
    add_build_flags(parser)
    return parser


def helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    """The help of each option of the group, as it is shown."""
    (group,) = (g for g in parser._action_groups if g.title == "what to build, and its sources")
    return {action.dest: str(action.help) % {} for action in group._group_actions}


def test_every_option_of_a_build_is_a_flag_whose_help_is_its_docstring_s(
    parser: argparse.ArgumentParser,
) -> None:
    found = helps(parser)
    said = documented(dancereid.load_dataset) | documented(DanceReIDConfig) | documented(Network)
    options = {field.name for field in fields(DanceReIDConfig)} - OTHERS - {"storage_options"}
    assert set(found) == options | {"config", "cache_dir", "num_proc"}
    for name, text in found.items():
        expected = said["name" if name == "config" else name].rstrip(".")
        assert len(expected) > 10
        assert text.startswith(expected)
        assert f" {flag(name)} " in parser.format_help().replace("\n", " ")


def test_defaults_and_variables_are_said_where_there_are_any(
    parser: argparse.ArgumentParser,
) -> None:
    found = helps(parser)
    assert found["stride"].endswith("1 takes all frames (default: 5)")
    assert found["image_size"].endswith("in pixels (default: 256 128)")
    for field in fields(Network):
        assert found[field.name].endswith(f"DANCEREID_{field.name.upper()})")


def test_only_what_is_given_is_an_option(parser: argparse.ArgumentParser) -> None:
    assert build_options(parser.parse_args([])) == {}
    words = (
        "--stride 2 --image-size 64 32 --skeleton -j 3 --rate 5K --videos a b "
        "--storage-option key=a=b --storage-option secret=c"
    )
    assert build_options(parser.parse_args(words.split())) == {
        "stride": 2,
        "image_size": [64, 32],
        "skeleton": True,
        "num_proc": 3,
        "rate": "5K",
        "videos": ["a", "b"],
        "storage_options": {"key": "a=b", "secret": "c"},
    }


def test_a_docstring_is_read_entry_by_entry() -> None:
    class Described:
        """Something.

        Attributes:
            one: with `code` in it,
                and a second line.
            two, three: not told apart, so not read.
            four: 5 % of it.

        Raises:
            five: no entry of that section.
        """

    assert documented(Described) == {
        "one": "with code in it, and a second line.",
        "four": "5 % of it.",
    }
    assert documented(object()) == {}
