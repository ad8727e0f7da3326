"""Live panels in a real browser, on bare pages without a kernel."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import browser
import pytest
import torch
from browser import wait_for
from test_panels import LIVE as PANELS

from eqflow_nb import panels

FIGURES = {
    "lorenz": "path in radii",
    "chemistry": "their cosine",
    "creatures": "neighbours' cosine",
}
DRAWN = {f"draw {n}": lambda n=n: panels.draw_panel(3 * torch.rand(n, 2) - 1.5) for n in (1, 5000)}
PAGE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Panels</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<body><p>Words.</p>{panels}<p style='margin-top: 200vh'>The end.</p></body></html>"
)
PICTURE = "root => root.querySelector('canvas').toDataURL()"


@cache
def html(name: str) -> str:
    return (PANELS | DRAWN)[name]().html()


@contextmanager
def opened(
    chrome: Any, folder: Path, *shown: str, width: int = 1300, wait: bool = False, **how: Any
) -> Iterator[tuple[Any, Any]]:
    """A page with panels, which must ask nobody for anything, and the first panel, at work or not.

    `said`, of the page, is what goes wrong on it.
    """
    path = folder / "page.html"
    path.write_text(PAGE.format(panels="".join(map(html, shown))), encoding="utf-8")
    with browser.opened(chrome, path.as_uri(), width, **how) as (page, said):
        page.said, root = said, root_of(page)
        if wait:
            runs(root)
        yield page, root
        assert not [line for line in page.said if line.startswith("asks for")]


def root_of(page: Any, name: str = "", number: int = 0) -> Any:
    panel = page.locator(".eqflow-live")
    return (panel.and_(page.locator(f'[data-panel="{name}"]')) if name else panel).nth(number)


def frames(root: Any) -> int:
    return int(root.get_attribute("data-frames"))


def state(root: Any) -> str:
    return root.get_attribute("data-state")


def runs(root: Any, more: int = 5) -> None:
    before = frames(root)
    wait_for(lambda: state(root) == "running" and frames(root) >= before + more, "motion")


def press(root: Any, name: str) -> None:
    root.get_by_role("button", name=name, exact=True).click()


def draw(page: Any, root: Any, *places: tuple[float, float]) -> None:
    """Move the mouse, pressed, through places of the sheet, in shares of it."""
    box = root.locator("canvas").bounding_box()
    for number, (x, y) in enumerate(places):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def dots(root: Any) -> int:
    return int(re.search(r"(\d+) dots", root.locator(".eqflow-status").inner_text())[1])


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_moves_and_its_sliders_act(name, chrome, tmp_path):
    with opened(chrome, tmp_path, name) as (page, root):
        runs(root, 30)
        before = root.evaluate(PICTURE)
        runs(root)
        assert root.evaluate(PICTURE) != before, "the points have moved"
        figures = root.locator(".eqflow-figures")
        expected = FIGURES.get(name, "distance to the cloud")
        wait_for(lambda: expected in figures.inner_text(), "a measurement")
        if name not in FIGURES:
            assert float(re.search(r"cloud (\S+)", figures.inner_text())[1]) < 2
        for slider in root.get_by_role("slider").all():
            shown = slider.locator("xpath=ancestor::label").locator("output")
            value = shown.inner_text()
            slider.press("ArrowLeft" if slider.evaluate("s => s.value > s.min") else "ArrowRight")
            assert shown.inner_text() != value
        runs(root)
        for toggle in root.locator("button[aria-pressed]").all():
            toggle.click()
        runs(root)
        assert not page.said


def test_a_paused_panel_rests_and_still_shows_what_a_slider_does(chrome, tmp_path):
    with opened(chrome, tmp_path, "toys", wait=True) as (page, root):
        press(root, "Pause")
        assert state(root) == "paused"
        still, drawn = root.evaluate(PICTURE), frames(root)
        time.sleep(0.3)
        assert root.evaluate(PICTURE) == still and frames(root) == drawn
        root.get_by_role("slider").first.press("Home")
        wait_for(lambda: root.evaluate(PICTURE) != still, "the other flow")
        assert frames(root) == drawn + 1, "in the next frame"
        assert state(root) == "paused"
        press(root, "Play")
        runs(root)
        page.mouse.wheel(0, 3000)
        wait_for(lambda: state(root) == "paused", "the panel to rest out of view")
        page.mouse.wheel(0, -3000)
        runs(root)
        press(root, "Start again")
        wait_for(lambda: "time 0." in root.locator(".eqflow-figures").inner_text(), "the start")


def test_less_motion_on_request(chrome, tmp_path):
    with opened(chrome, tmp_path, "start", reduced_motion="reduce") as (_, root):
        wait_for(lambda: frames(root) == 1, "a picture")
        assert state(root) == "paused"
        assert "asks for less motion" in root.locator(".eqflow-status").inner_text()
        press(root, "Play")
        runs(root)


def test_two_of_a_kind_on_one_page_live_apart(chrome, tmp_path):
    with opened(chrome, tmp_path, "toys", "toys", "draw") as (page, _):
        assert page.evaluate("document.querySelectorAll('.eqflow-live').length") == 3
        first, second = root_of(page, "toys", 0), root_of(page, "toys", 1)
        runs(first)
        press(first, "Pause")
        second.scroll_into_view_if_needed()
        runs(second)
        first.get_by_role("slider").first.press("End")
        assert second.locator("output").first.inner_text() == "1.0"
        assert state(first) == "paused"
        assert not page.said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_pages_and_both_themes(scheme, chrome, tmp_path):
    with opened(chrome, tmp_path, *PANELS, width=360, color_scheme=scheme) as (page, _):
        for name in PANELS:
            root = root_of(page, name)
            root.scroll_into_view_if_needed()
            runs(root)
            paper = root.evaluate("root => getComputedStyle(root).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", paper)[:3])) < 300) == (scheme == "dark")
            assert root.locator(".eqflow-views").bounding_box()["width"] > 300
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        root = root_of(page, "own")
        root.scroll_into_view_if_needed()
        page.set_viewport_size({"width": 700, "height": 600})  # while it runs
        wait_for(lambda: root.locator("canvas").bounding_box()["width"] < 500, "the other layout")
        root.scroll_into_view_if_needed()
        runs(root)
        page.evaluate("document.body.setAttribute('data-theme', 'dark')")
        dark = "root => getComputedStyle(root).colorScheme"
        wait_for(lambda: root.evaluate(dark) == "dark", "the page's own theme to count")
        assert not page.said


# ---- drawing ----


def test_drawing_by_mouse(chrome, tmp_path):
    with opened(chrome, tmp_path, "draw") as (page, root):
        hint = root.locator(".eqflow-hint")
        runs(root)
        assert hint.is_visible()
        draw(page, root, (0.3, 0.3), (0.7, 0.3), (0.7, 0.7))
        once = dots(root)
        assert 60 < once < 250 and not hint.is_visible(), "the ready-made drawing is gone"
        draw(page, root, (0.3, 0.7), (0.3, 0.7))
        assert once < dots(root) < once + 20
        runs(root)
        press(root, "Eraser")
        draw(page, root, (0.3, 0.3), (0.72, 0.3), (0.7, 0.75))
        assert 0 < dots(root) < 20, "one blot is left"
        press(root, "Clear")
        runs(root)
        assert dots(root) == 0 and hint.is_visible()
        root.get_by_role("combobox").select_option("letter S")
        runs(root)
        assert dots(root) > 300
        assert not page.said


@pytest.mark.parametrize("number", [1, 5000])
def test_a_drawing_of_one_dot_and_of_as_many_as_fit(number, chrome, tmp_path):
    with opened(chrome, tmp_path, f"draw {number}") as (page, root):
        runs(root, 10)
        press(root, "Eraser")
        draw(page, root, (0.01, 0.01))  # of nothing; from now on the drawing is the reader's
        press(root, "Eraser")
        draw(page, root, (0.1, 0.1), (0.2, 0.1))
        assert dots(root) == 5000 if number > 1 else dots(root) > 8
        runs(root)
        assert not page.said


def test_drawing_by_keys(chrome, tmp_path):
    with opened(chrome, tmp_path, "draw", wait=True) as (page, root):
        sheet = root.locator("canvas")
        sheet.focus()
        page.keyboard.press("Space")
        one = dots(root)
        page.keyboard.down("Space")
        for _ in range(6):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.up("Space")
        assert dots(root) > one + 30
        page.keyboard.press("Escape")
        assert not sheet.evaluate("canvas => document.activeElement === canvas")
        runs(root)


def test_drawing_by_finger_does_not_scroll(chrome, tmp_path):
    phone = {"has_touch": True, "is_mobile": True}
    with opened(chrome, tmp_path, "draw", width=360, wait=True, **phone) as (page, root):
        box = root.locator("canvas").bounding_box()
        page.touchscreen.tap(box["x"] + 100, box["y"] + 100)
        wait_for(lambda: "dots" in root.locator(".eqflow-status").inner_text(), "dots")
        assert dots(root) < 20
        assert root.locator("canvas").evaluate("c => getComputedStyle(c).touchAction") == "none"


# ---- creatures ----


def test_creatures_keep_their_sheets_by_steering(chrome, tmp_path):
    """On a flock's sheets g(r) and alignment stay; swimming without steering loses both."""
    with opened(chrome, tmp_path, "creatures", reduced_motion="reduce") as (page, _):
        runs_apart = """(steers) => { const k = eqflow.PANELS[0].kind;
          k.restart();
          const law = Object.assign((q, out) => out.fill(0), { reach: 20 });
          if (!steers) k.field = eqflow.life(law, { size: k.size, swim: 1 });
          for (let i = 0; i < 200; i++) k.move(0.25);
          const off = k.sheet.g.map((g, i) => Math.abs(g - k.seen[i]));
          return [off.reduce((a, b) => a + b) / off.length, k.seen.at(-1) - k.sheet.aligned]; }"""
        off, alignment = page.evaluate(runs_apart, True)
        assert off < 0.1 and abs(alignment) < 0.15
        off, alignment = page.evaluate(runs_apart, False)
        assert off > 0.2 and alignment < -0.25


def test_a_creature_is_dragged_and_a_wall_keeps_them_out(chrome, tmp_path):
    where = """(() => { const k = eqflow.PANELS[0].kind;
      return Array.from(k.places(k.q).slice(0, 2), (z) => z / k.size); })()"""
    touched = """(() => { const k = eqflow.PANELS[0].kind, at = k.places(k.q);
      const gap = (dot, i) => Math.hypot(
        ...[0, 1].map((c) => eqflow.shortest(at[i + c] + k.size / 2 - dot[c], k.size)));
      const near = (dot) => at.some((_, i) => i % 2 === 0 && gap(dot, i) < 2);
      return k.wall.dots.filter(near).length; })()"""
    with opened(chrome, tmp_path, "creatures") as (page, root):
        said = root.locator(".eqflow-status")
        runs(root)
        press(root, "Pause")
        sheet = root.locator(".eqflow-view").first
        x, y = page.evaluate(where)
        draw(page, sheet, (0.5 + x, 0.5 - y), (0.5, 0.6))
        assert said.inner_text() == "Let go."
        x, y = page.evaluate(where)
        assert abs(x) < 0.01 and abs(y + 0.1) < 0.01
        press(root, "Wall")
        draw(page, sheet, (0.1, 0.2), (0.9, 0.2))
        assert "not in the sheets" in said.inner_text()
        size, dots = page.evaluate(
            "(({ size, wall }) => [size, wall.dots.length])(eqflow.PANELS[0].kind)"
        )
        assert abs(3 * dots - 0.8 * size) < 6, "a dot every three pixels"
        press(root, "Play")
        wait_for(lambda: page.evaluate("eqflow.PANELS[0].kind.time") > 40, "creatures to leave")
        assert page.evaluate(touched) <= 2
        press(root, "No wall")
        assert page.evaluate("eqflow.PANELS[0].kind.wall.dots.length") == 0
        root.locator("canvas").first.focus()
        page.keyboard.down("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.up("Space")
        assert page.evaluate("eqflow.PANELS[0].kind.wall.dots.length") > 1
        assert not page.said


def test_wishes_that_outrun_the_steps_are_told(chrome, tmp_path):
    with opened(chrome, tmp_path, "creatures", wait=True) as (page, root):
        page.evaluate("eqflow.PANELS[0].change('swim', 50)")
        wait_for(lambda: state(root) == "error", "the error")
        assert "50.5 pixels a time" in root.get_by_role("alert").inner_text()
        page.evaluate("eqflow.PANELS[0].change('swim', 1)")
        press(root, "Start again")
        runs(root)


# ---- what goes wrong ----


def test_a_parameter_that_is_not_finite_is_told_and_the_picture_moves_on(chrome, tmp_path):
    with opened(chrome, tmp_path, "toys", wait=True) as (page, root):
        page.evaluate("eqflow.PANELS[0].change('gamma', NaN)")
        assert state(root) == "error"
        error = root.get_by_role("alert")
        assert "γ" in error.inner_text() and "NaN; it must be a finite number" in error.inner_text()
        assert any("NaN" in line for line in page.said)
        before = frames(root)
        wait_for(lambda: frames(root) > before + 3, "no frozen picture")
        root.get_by_role("slider").first.press("ArrowLeft")
        wait_for(lambda: state(root) == "running" and not error.is_visible(), "the error to go")


def test_a_long_sleep_and_an_error_in_a_frame(chrome, tmp_path):
    with opened(chrome, tmp_path, "toys", wait=True) as (page, root):
        slept = """() => { const panel = eqflow.PANELS[0], before = panel.kind.time;
          panel.last -= 3.6e6; panel.draw(performance.now()); return panel.kind.time - before; }"""
        assert 0 <= page.evaluate(slept) < 0.1, "nothing jumps"
        page.evaluate("eqflow.PANELS[0].kind.x.fill(NaN)")
        wait_for(lambda: state(root) == "error", "the error")
        assert "left the plane" in root.get_by_role("alert").inner_text()
        assert any("left the plane" in line for line in page.said)
        press(root, "Start again")
        runs(root)


def test_without_scripts_the_static_picture_stays(chrome, tmp_path):
    with opened(chrome, tmp_path, "toys", java_script_enabled=False) as (page, _):
        assert page.get_by_text("A live panel").is_visible()
        assert page.locator(".eqflow-live").count() == 0
