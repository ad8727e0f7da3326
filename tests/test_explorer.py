"""The explorer: it has every panel, makes each when asked, and all sliders move in a browser."""

from __future__ import annotations

import inspect
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import explore
import ipywidgets as widgets
import jupytext
import nbformat
import numpy as np
import pytest
from browser import browsing
from PIL import Image

from eqflow_nb.panels import explorer
from eqflow_nb.panels.base import Panel, slider
from eqflow_nb.running import pages

PATIENCE = 60.0


@pytest.fixture
def made() -> Iterator[list[str]]:
    yield []


@pytest.fixture
def entries(made: list[str]) -> tuple[explorer.Entry, ...]:
    """Two panels that note when they are made, one with a player, and one that fails."""

    def draw(panes: list[Any], time: float) -> str:
        return "drawn"

    def panel(name: str) -> Panel:
        made.append(name)
        return Panel(draw, {"time": slider("t", 0, 0, 1, 0.1)}, {"time": [0]}, "", "", step=0.1)

    def fails() -> Panel:
        raise ValueError("no such <cloud>")

    return (
        explorer.Entry("a", "00", "first", lambda: panel("a")),
        explorer.Entry("b", "00", "second", lambda: panel("b")),
        explorer.Entry("c", "00", "third", fails),
    )


def test_a_panel_is_made_when_its_tab_is_opened(
    entries: tuple[explorer.Entry, ...], made: list[str]
) -> None:
    page = explorer.Explorer(entries)
    assert made == ["a"] and list(page.made) == ["a"]
    assert "working" in page.boxes[1].children[1].value
    page.tabs.selected_index = 1
    page.tabs.selected_index = 0
    page.tabs.selected_index = 1
    assert made == ["a", "b"], "and only once"
    assert page.boxes[1].children[1] is page.made["b"].widget


def test_what_is_left_rests(entries: tuple[explorer.Entry, ...]) -> None:
    page = explorer.Explorer(entries)
    (play,) = [w for w in page.made["a"].widget.children[1].children if isinstance(w, widgets.Play)]
    play.playing = True
    page.tabs.selected_index = 1
    assert not play.playing


def test_a_panel_that_cannot_be_made_says_why(entries: tuple[explorer.Entry, ...]) -> None:
    page = explorer.Explorer(entries)
    with pytest.raises(ValueError, match="no such"):
        page.tabs.selected_index = 2
    assert "ValueError: no such &lt;cloud&gt;" in page.boxes[2].children[1].value
    page.tabs.selected_index = 1
    assert "b" in page.made, "the others still can"


def test_without_a_kernel_there_is_a_list_of_the_tabs(entries: tuple[explorer.Entry, ...]) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("page")])
    shown = nbformat.v4.new_output("display_data", explorer.Explorer(entries)._repr_mimebundle_())
    assert pages.WIDGET in shown.data, "with one, there are the panels"
    notebook.cells[0].outputs = [shown]
    pages.without_kernel(notebook)
    assert pages.WIDGET not in shown.data
    for entry in entries:
        assert entry.text in shown.data["text/html"]
        assert f'"../{entry.chapter}.ipynb"' in shown.data["text/html"]


def test_every_panel_of_the_package_is_there() -> None:
    package = Path(explorer.__file__).parent
    names = {
        name
        for path in package.glob("panels*.py")
        for name, it in vars(__import__(f"eqflow_nb.{path.stem}", fromlist=["_"])).items()
        if name.endswith("_panel") and inspect.isfunction(it)
    }
    there = inspect.getsource(explorer)
    assert len(names) >= 9
    assert [name for name in names if f".{name}" not in there] == []
    assert len({entry.name for entry in explorer.ENTRIES}) == len(explorer.ENTRIES)


def test_the_pair_is_in_step_and_the_course_does_not_take_it_for_a_chapter() -> None:
    from eqflow_nb.running import catalogue as course

    script, notebook = (jupytext.read(explore.PAGE / f"explorer.{e}") for e in ("py", "ipynb"))
    cells = [[(cell.cell_type, cell.source) for cell in pair.cells] for pair in (script, notebook)]
    assert cells[0] == cells[1]
    (shown,) = next(cell for cell in notebook.cells if cell.cell_type == "code").outputs
    listed = shown.data["text/html"]
    assert [entry.name for entry in explorer.ENTRIES if entry.text not in listed] == []
    folder = explore.PAGE.parent
    assert "explorer" not in [
        each.stem for each in course.chapters(folder) + course.studies(folder)
    ]


# ---- in a browser ----


@pytest.fixture(scope="module")
def page(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    home = tmp_path_factory.mktemp("voila")
    with (
        explore.served(home) as address,
        browsing(chromium) as browser,
        explore.opened(browser, address) as (opened, seen),
    ):
        yield SimpleNamespace(page=opened, seen=seen, address=address, browser=browser)


def test_drawing_with_the_mouse(page: SimpleNamespace) -> None:
    panel = explore.open_tab(page.page, 0)
    sheet, stage = panel.locator("canvas").all()
    status = panel.locator(".eqflow-status")
    wait_for(lambda: ink(sheet) > 100, "the drawing to begin with")
    panel.get_by_role("button", name="clear").click()
    wait_for(lambda: "choose a drawing" in status.inner_text(), "an empty sheet")
    empty = ink(sheet)
    box = sheet.bounding_box()
    began = time.perf_counter()
    page.page.mouse.move(box["x"] + 60, box["y"] + 160)
    page.page.mouse.down()
    for step in range(20):
        page.page.mouse.move(box["x"] + 60 + 10 * step, box["y"] + 160)
    page.page.mouse.up()
    wait_for(lambda: "dots" in status.inner_text(), "the drawing to be read")
    print(f"{time.perf_counter() - began:.2f} s for a stroke and all that follows from it")
    wait_for(lambda: ink(sheet) > empty + 500, "dots and arrows")
    assert int(status.inner_text().split()[0]) > 100
    page.page.keyboard.press("Tab")  # the sheet, which has the focus now, would swallow it
    wait_for(lambda: panel.locator("select:focus").count() == 1, "the keyboard to leave the sheet")
    # They move for good, until they are stopped by keyboard.
    measured = panel.locator(".eqflow-measured")
    wait_for(lambda: "t = 1." in measured.inner_text(), "the particles to move by themselves")
    button = panel.get_by_role("button", name="pause")
    button.focus()
    button.press("Enter")
    panel.get_by_role("button", name="play").wait_for(timeout=10_000)
    page.page.wait_for_timeout(500)
    still = stage.screenshot()
    page.page.wait_for_timeout(500)
    assert stage.screenshot() == still
    assert float(measured.inner_text().split(": ")[1].split()[0]) < 2.5
    assert panel.locator(".eqflow-error").inner_text() == ""


def test_every_slider_of_every_panel_moves_by_keyboard(page: SimpleNamespace) -> None:
    names = explore.tabs(page.page)
    assert names == [entry.name for entry in explorer.ENTRIES]
    moved = {}
    for number, name in enumerate(names):
        panel = explore.open_tab(page.page, number)
        panel.evaluate(explore.WATCH)
        for knob in panel.get_by_role("slider").all():
            label = knob.get_attribute("aria-label")
            assert label, f"a slider of {name} has no name"
            moved[name, label] = explore.move(panel, knob)
            assert panel.locator(".eqflow-error").inner_text() == "", (name, label)
        for picture in panel.locator("img, canvas").all():
            if picture.is_visible():
                told = picture.get_attribute("alt") or picture.get_attribute("aria-label")
                assert told, f"a picture of {name} has no words"
        for box in panel.locator("select, input[type=text], button:visible").all():
            named = box.get_attribute("aria-label") or box.inner_text().strip()
            assert named, f"{name}: {box.evaluate('e => e.outerHTML')}"
    assert len(moved) > 30
    assert page.seen.errors == []
    assert page.seen.elsewhere == [], "nothing is asked of other hosts"


def test_dark_pages_are_dark_and_legible(page: SimpleNamespace) -> None:
    with explore.opened(page.browser, page.address, "dark") as (dark, seen):
        for words in (".widget-label", ".eqflow-status", "h1", ".eqflow-name", "[role=tab]"):
            assert contrast(dark.locator(words).first) > 4, words
        assert np.asarray(Image.open(io.BytesIO(dark.screenshot())).convert("L"))[0, 0] < 60
        assert seen.errors == []


# ---- how it is done ----


def ink(canvas: Any) -> int:
    """Dark pixels of a canvas as it is seen."""
    return int((np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("L")) < 120).sum())


def contrast(element: Any) -> float:
    """Contrast of an element's text with what is behind it, by the rules for accessible pages."""
    found = element.evaluate(
        """e => { let b = e; const back = x => getComputedStyle(x).backgroundColor;
                  while (b.parentElement && back(b) === 'rgba(0, 0, 0, 0)') b = b.parentElement;
                  return [getComputedStyle(e).color, back(b)]; }"""
    )
    light = sorted(map(luminance, found))
    return (light[1] + 0.05) / (light[0] + 0.05)


def luminance(colour: str) -> float:
    parts = [float(x) / 255 for x in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def wait_for(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE:g} s for {what}"
        time.sleep(0.05)
