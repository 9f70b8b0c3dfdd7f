"""The page in a real browser: it opens from disk, asks nobody, and can be used by keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from selenium.webdriver.common.keys import Keys

import dancereid
from dancereid_pipeline.build.coverage import Coverage
from tests.support.browser import LACKING, Browser
from tests.support.servers.web import Site

HOSTILE = [
    "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">",
    "\"'><svg onload=document.title='run'></svg></script><!--<script>\u2028{{ 7 * 7 }}${1}",
]
SHOWN = "[...document.querySelectorAll('.person')].filter((row) => row.offsetParent).length"
POSES = (
    "[...document.querySelectorAll('.pose')]"
    ".filter((pose) => getComputedStyle(pose).display !== 'none').length"
)
IS_LARGE = "document.getElementById('large').open"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, started once."""
    if LACKING:
        pytest.skip(f"needs chromium and chromedriver; the {' and the '.join(LACKING)} is missing")
    with Browser(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


@pytest.fixture(scope="module")
def page(demo_built: datasets.DatasetDict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's page."""
    return dancereid.preview(demo_built).save(tmp_path_factory.mktemp("page") / "demo.html")


def choose(browser: Browser, field: str, value: str) -> None:
    """As a user's choice in a filter."""
    browser.run(
        f"(() => {{ const field = document.getElementById({field!r}); field.value = {value!r};"
        "field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_it_opens_without_a_complaint_or_a_request(
    browser: Browser, page: Path, dark: bool, width: int
) -> None:
    browser.open(page, dark=dark, width=width)
    browser.run("dispatchEvent(new Event('beforeprint'))")  # draws all
    assert browser.run("document.querySelectorAll('.crop img').length") == 120
    browser.wait("[...document.images].every((image) => image.complete && image.naturalWidth)")
    assert browser.complaints() == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    light = browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(250, 249, 246)"
    assert light is not dark


def test_nothing_can_be_fetched_and_no_other_script_runs(
    browser: Browser, page: Path, site: Site
) -> None:
    browser.open(page)
    address = json.dumps(site.address("picture.png"))
    browser.run(f"document.body.append(Object.assign(new Image(), {{src: {address}}}))")
    browser.run(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{textContent: 'document.title = 1'}))"
    )
    said = browser.complaints()
    assert sum("Content Security Policy" in line for line in said) == 2
    assert site.requests == []
    assert browser.run("document.title") == "DanceReID: demo"


def test_rows_are_drawn_as_they_come_near(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert 0 < browser.run("document.querySelectorAll('.crop').length") < 120
    browser.run("scrollTo({top: 1e6, behavior: 'instant'})")
    browser.run("document.querySelector('.person:last-child').scrollIntoView()")
    browser.wait("document.querySelector('.person:last-child .crop')")


def test_one_switch_shows_and_hides_all_skeletons(browser: Browser, page: Path) -> None:
    browser.open(page)
    # Rows are still being drawn, so both are counted at the same moment.
    all_shown = f"{POSES} === document.querySelectorAll('.crop').length"
    assert browser.run(POSES) > 0
    assert browser.run(all_shown)
    browser.run("document.getElementById('skeletons').focus()")
    browser.press(Keys.SPACE)
    assert browser.run(POSES) == 0
    browser.press(Keys.SPACE)
    assert browser.run(POSES) > 0
    assert browser.run(all_shown)


def test_filters_filter(browser: Browser, page: Path, demo_built: datasets.DatasetDict) -> None:
    browser.open(page)
    assert browser.run(SHOWN) == 12
    choose(browser, "split", "1")
    assert browser.run(SHOWN) == 6
    choose(browser, "video", "3")
    assert browser.run(SHOWN) == 3
    choose(browser, "person", "10, 11 2")
    assert browser.run(SHOWN) == 2
    assert browser.run("document.getElementById('shown').textContent") == "2 of 12 rows"
    choose(browser, "person", "0-9 , 11 – 12")
    assert browser.run(SHOWN) == 2
    assert not browser.run("document.getElementById('misread').checkVisibility()")
    choose(browser, "person", "all 10")
    assert browser.run(SHOWN) == 1
    said = "Person: not understood: all. Write numbers, or ranges like 3-7."
    assert browser.run("document.getElementById('misread').innerText") == said
    choose(browser, "person", "Mary -3")
    assert browser.run(SHOWN) == 3
    assert "Mary-3" in browser.run("document.getElementById('misread').innerText")
    choose(browser, "person", "1")
    assert browser.run(SHOWN) == 0
    assert browser.run("document.getElementById('nobody').checkVisibility()")
    browser.run("document.getElementById('clear').click()")
    assert browser.run(SHOWN) == 12
    assert browser.run("document.getElementById('skeletons').checked")


def test_a_finding_shows_its_people(
    browser: Browser, demo_built: datasets.DatasetDict, tmp_path: Path
) -> None:
    few = demo_built["test"].filter(lambda row: row["person_id"] != 7 or row["frame"] < 40)
    browser.open(dancereid.preview(few).save(tmp_path / "few.html"))
    assert browser.run("document.querySelector('#findings h3').textContent") == (
        "1 person has fewer than 10 images"
    )
    browser.run("document.querySelector('.show').click()")
    assert browser.run(SHOWN) == 1
    assert browser.run("document.activeElement.value") == "7"


def test_the_tip_says_who_and_when_also_to_the_keyboard(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("document.getElementById('person').focus()")
    assert not browser.run("document.getElementById('tip').checkVisibility()")
    browser.press(Keys.TAB)
    said = "person 0, video demo_Waltz1, frame 5, trainval"
    assert browser.run("document.getElementById('tip').textContent") == said
    assert browser.run("document.getElementById('tip').checkVisibility()")
    assert browser.run("document.activeElement.getAttribute('aria-label')").startswith(said)
    browser.press(Keys.ESCAPE)
    assert not browser.run("document.getElementById('tip').checkVisibility()")


def test_the_large_view_by_keyboard(
    browser: Browser, page: Path, demo_built: datasets.DatasetDict
) -> None:
    browser.open(page)
    browser.run("document.querySelector('.crop').focus()")
    browser.press(Keys.ENTER)
    assert browser.run(IS_LARGE)
    said = browser.run("document.getElementById('large').innerText")
    first = demo_built["trainval"][0]
    for expected in (
        "person 0, video demo_Waltz1, frame 5", "left ankle", "right wrist", "yes",
        f"from x {first['bbox'][0]:.1f}", f"{first['keypoints'][0][0]:.1f}",
    ):  # fmt: skip
        assert expected in said
    drawn = "[...document.querySelectorAll('#large-image text')].map((t) => t.textContent)"
    assert len(set(browser.run(drawn))) == 17
    browser.press(Keys.ARROW_RIGHT)
    assert "frame 15" in browser.run("document.getElementById('large-title').textContent")
    browser.press(Keys.ESCAPE)
    assert not browser.run(IS_LARGE)
    browser.wait("document.activeElement.dataset.index === '1'")
    assert browser.complaints() == []


def hostile_parts(ds: datasets.DatasetDict) -> dict[str, Any]:
    """The demo with HTML and script wherever a text comes from outside."""
    description = ds["test"].info.description
    text = json.dumps(HOSTILE[0])[1:-1]
    for name in ("demo-Lock_2", "demo_House4", "test", "demo", "exact", "256"):
        description = description.replace(f'"{name}"', f'"{text}{name}"')
    parts = {}
    for number, (name, part) in enumerate(ds.items()):
        part = part.map(lambda row: {"video_id": HOSTILE[row["person_id"] % 2] + row["video_id"]})
        part.info.description = description
        parts[HOSTILE[number] + name] = part
    assert HOSTILE[0] in Coverage.from_description(description).config
    return parts


def test_hostile_values_are_text(
    browser: Browser, demo_built: datasets.DatasetDict, tmp_path: Path
) -> None:
    page = dancereid.preview(hostile_parts(demo_built)).save(tmp_path / "<b>&'\".html")
    browser.open(page)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.run("document.querySelector('.crop').click()")
    assert browser.run("document.title").startswith("DanceReID: <script>")
    assert browser.run("document.querySelectorAll('[onerror], [onload], img[src=x]').length") == 0
    assert browser.run("document.scripts.length") == 2 + 12  # ours, and a row's crops each
    said = browser.run("document.body.textContent")
    for text in (*HOSTILE, "{{ 7 * 7 }}"):
        assert text in said
    assert HOSTILE[0] in browser.run("document.getElementById('large-title').textContent")
    assert browser.complaints() == []


def test_a_notebook_shows_it_in_a_frame_of_its_own(
    browser: Browser, demo_built: datasets.DatasetDict, tmp_path: Path
) -> None:
    shown = dancereid.preview(hostile_parts(demo_built), people=2)
    frame = shown._repr_html_()
    assert 'sandbox="allow-scripts"' in frame
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><p class=crop><img src='data:,'></p>{frame}", "utf-8")
    browser.open(notebook)
    browser.driver.switch_to.frame(0)
    try:
        browser.run("document.getElementById('people').scrollIntoView()")
        browser.wait("document.querySelectorAll('.crop img').length === 20")
        browser.run("document.querySelector('.crop').click()")
        assert browser.run(IS_LARGE)
    finally:
        browser.driver.switch_to.default_content()
    assert browser.complaints() == []
