"""What README and docs/ say is so: their code runs, and they agree with the code."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dancereid
from dancereid_pipeline import ROOMS
from dancereid_pipeline.build.config import DanceReIDConfig
from dancereid_pipeline.catalogue.metadata import CITATION, CONTACT_SHOWN, PROJECT_URL_SHOWN
from dancereid_pipeline.checks.finding import Kind
from dancereid_pipeline.cli.main import COMMANDS, main, module_of
from dancereid_pipeline.common.reasons import REFUSALS, Fate, Reason, fate
from dancereid_pipeline.transfer.settings import Network
from tests.conftest import PROJECT
from tests.support.doc_blocks import RUN, Block, blocks, commands, run_page
from tools.build_site import fetched_from_elsewhere

README = PROJECT / "README.md"
DOCS = sorted((PROJECT / "docs").glob("*.md"))
PAGES = [README, *DOCS]
BLOCKS = [block for page in PAGES for block in blocks(page)]


def can_run(block: Block) -> bool:
    return block.language in RUN and not block.needs


def name_of(value: object) -> str:
    return getattr(value, "where", None) or getattr(value, "name", "")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Caches that the pages share, so that the demo is built once."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(map(can_run, blocks(page)))], ids=name_of
)
def test_the_blocks_of_a_page_run_and_print_what_it_shows(
    page: Path, home: Path, tmp_path: Path
) -> None:
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.doc_blocks", page],
        cwd=tmp_path,
        env={**os.environ, **offline, "HF_HOME": str(home), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"{sum(map(can_run, blocks(page)))} blocks ran" in done.stderr


def test_blocks_and_commands_were_found_at_all() -> None:
    assert sum(map(can_run, BLOCKS)) > 25
    used = {words[1] for b in BLOCKS if b.language == "sh" for words in commands(b)
            if words[0] == "dancereid"}  # fmt: skip
    assert used >= set(COMMANDS) - {"cache"}


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.needs and b.language == "python"], ids=name_of
)
def test_a_python_block_that_cannot_run_here_is_python(block: Block) -> None:
    assert ast.parse(block.code).body


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.needs and b.language == "sh"], ids=name_of
)
def test_a_command_that_cannot_run_here_has_flags_that_exist(
    block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in commands(block):
        if words[0] == "dancereid":
            module = importlib.import_module(f"dancereid_pipeline.cli.{module_of(words[1])}")
            monkeypatch.setattr(module, "main", lambda arguments: 0)
            assert main(words[1:]) == 0


def test_a_page_that_shows_something_else_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint('a\\nb')\n```\n\n```text\n...\nb\n```\n")
    assert run_page(page) == 1
    for code, shown in (("print('a')", "b"), ("x = 1", "1")):
        page.write_text(f"```python\n{code}\n```\n\n```text\n{shown}\n```\n")
        with pytest.raises(AssertionError, match=r"page\.md:6 shows"):
            run_page(page)
    page.write_text("```pycon\n>>> 1 + 1\n3\n```\n")
    with pytest.raises(AssertionError, match=r"page\.md:2: [\s\S]*Got:\s+2"):
        run_page(page)
    page.write_text("```sh\ngit clone x\n```\n")
    with pytest.raises(AssertionError, match="mark the block with what 'git' needs"):
        run_page(page)
    assert doctest.ELLIPSIS_MARKER == "..."


def test_every_block_is_closed_and_says_its_language() -> None:
    for page in PAGES:
        assert page.read_text().count("```") % 2 == 0
    assert {b.language for b in BLOCKS} <= {*RUN, "text", "bibtex"}


def test_readme_is_a_front_page() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 180
    assert "dancereid_pipeline" not in text
    assert 'load_dataset("dancereid")' not in text
    assert CITATION in text
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 3
    for link in links:
        # An index gets them with the project's address before them: tests/project/test_wheel.py.
        assert link.startswith("https://") or (PROJECT / link).exists(), link


def test_address_and_contact_are_those_of_one_constant() -> None:
    texts = {page.name: page.read_text() for page in PAGES}
    addresses = set(re.findall(r"https?://[^\s/)`]*\.invalid", "\n".join(texts.values())))
    assert addresses <= {PROJECT_URL_SHOWN}
    assert PROJECT_URL_SHOWN in texts["README.md"]
    assert PROJECT_URL_SHOWN in texts["index.md"]
    assert CONTACT_SHOWN in texts["rights.md"]


def test_nothing_is_installed_from_an_index_by_a_name_that_is_not_ours() -> None:
    for page in PAGES:
        found = re.findall(r"pip install[^`\n]*", page.read_text())
        assert not [line for line in found if "dancereid" in line], page.name


def test_every_page_is_in_the_site() -> None:
    listed = re.findall(r'= "(\w+\.md)"', (PROJECT / "zensical.toml").read_text())
    assert sorted(listed) == [page.name for page in DOCS]


def test_all_that_import_dancereid_offers_is_in_the_api_page() -> None:
    text = (PROJECT / "docs" / "api.md").read_text()
    shown = set(re.findall(r"^::: dancereid\S*\.(\w+)$", text, flags=re.MULTILINE))
    shown |= set(re.findall(r"heading: (\w+)", text))
    shown |= set(re.findall(r"`dancereid\.(\w+)`", text))
    shown |= set(re.findall(r"\w+Error", text))
    assert len(dancereid.__all__) > 10
    assert set(dancereid.__all__) - shown == set()


def sections(page: str) -> dict[str, str]:
    """The text below each heading of the third level."""
    parts = re.split(r"^#+ ", (PROJECT / "docs" / page).read_text(), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def test_every_reason_is_explained_and_its_fate_is_told() -> None:
    text = (PROJECT / "docs" / "troubleshooting.md").read_text()
    headings = re.findall(r"^### (.+)$", text, flags=re.MULTILINE)
    assert sorted(headings) == sorted(reason.value for reason in Reason)
    told = sections("troubleshooting.md")
    for reason in REFUSALS:
        assert told[reason.value].lower().lstrip().startswith(f"*{fate(reason).value}.*")
    for each in Fate:
        assert f"**{each.value}**" in text


def test_every_kind_of_finding_is_explained() -> None:
    rows = re.findall(r"^\| (.+?) \|", sections("troubleshooting.md")["What is doubtful"], re.M)
    assert sorted(rows[2:]) == sorted(kind.value for kind in Kind)


def test_rooms_are_listed_in_their_order() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", text, flags=re.MULTILINE)
    assert rows == list(ROOMS.items())


@pytest.mark.parametrize("kind", [DanceReIDConfig, Network])
def test_every_option_is_described_in_the_docstring_that_the_page_is_made_of(kind: type) -> None:
    # Without the indentation, which Python keeps up to 3.12.
    described = re.findall(r"^ {4}(\w+): ", inspect.getdoc(kind) or "", flags=re.MULTILINE)
    fields = {field.name for field in dataclasses.fields(kind)}
    if kind is DanceReIDConfig:
        fields -= {field.name for field in dataclasses.fields(Network)}
        fields -= {"name", "version", "data_files", "description"}  # of `datasets`
    assert len(fields) > 7
    assert set(described) - {"OptionError"} == fields


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<link href="https://fonts.example/css" rel="stylesheet">'),
        ("a.html", '<script src="//cdn.example/x.js"></script>'),
        ("a.html", '<img src="https://pictures.example/x.png">'),
        ("a.html", "<style>@import 'https://fonts.example/x.css';</style>"),
        ("a.html", '<p style="background: url(https://pictures.example/x.png)"></p>'),
        ("a.html", '<pre class="mermaid">graph</pre>'),
        ("a.css", "@font-face { src: url(https://fonts.example/x.woff2); }"),
    ],
)
def test_what_a_page_fetches_from_another_host_is_found(
    name: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    assert len(fetched_from_elsewhere(tmp_path / name)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://huggingface.co">Hub</a>',
        '<script src="assets/x.js"></script><img src="demo.jpg">',
        '<link rel="canonical" href="https://pages.example/x.html">',
        "<code>url(https://pictures.example)</code>",
    ],
)
def test_links_and_own_files_are_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(text)
    assert fetched_from_elsewhere(tmp_path / "a.html") == []
