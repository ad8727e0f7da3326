"""The panels in a real browser, in JupyterLab."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser import PATIENCE, free_port, serving, wait_for

from eqflow_nb.running import catalogue as course

ROOT = Path(__file__).parents[1]
RUN_ALL = '.lm-Menu-item[data-command="runmenu:run-all"]'
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Cells out of sight are drawn too.
    "notebook-extension/tracker": {"windowingMode": "none"},
}

# The live panels of each chapter.
CHAPTERS = {
    "00_start_here": 1,
    "01_toys_2d": 3,
    "02_lorenz_chaos": 1,
    "03_gray_scott_training_free": 1,
    "04_alife_flocking": 2,
    "06_your_own_snapshots": 1,
}
SOONEST = "00_start_here"

BROKEN = """# %%
from IPython.display import display
from eqflow_nb.panels.base import Panel, slider

def draw(panes, gain):
    if gain > 1:
        raise ValueError("the gain is too large")
    panes[0].plot([0, gain])
    return f"moved {gain:.3f}"

panel = Panel(draw, {"gain": slider("gain", 1.0, 0, 2, 0.5)}, {"gain": [0, 1]}, "", "two lines")
display(panel.widget)
"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab, and the folder it serves."""

    url: str
    folder: Path

    def sessions(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/api/sessions", timeout=30) as answer:
            return json.load(answer)

    def end_sessions(self) -> None:
        for session in self.sessions():
            address = f"{self.url}/api/sessions/{session['id']}"
            urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=30)


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chrome):
    home = tmp_path_factory.mktemp("lab")
    for name, values in SETTINGS.items():
        path = home / "settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    environment = surroundings(home)
    for name in ("workspaces", "settings"):
        environment[f"JUPYTERLAB_{name.upper()}_DIR"] = str(home / name)
    (home / "root").mkdir()
    port = free_port()
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--ServerApp.root_dir={home / 'root'}", "--IdentityProvider.token="]
    command += ["--ServerApp.disable_check_xsrf=True"]
    running = Lab(f"http://127.0.0.1:{port}", home / "root")
    with serving(command, environment, home / "log") as process:
        wait_for(lambda: answers(running, process), "JupyterLab to start", 60)
        yield running
        running.end_sessions()


@contextmanager
def opened(chrome: Any, lab: Lab, name: str, evidence: Path, ended: bool = True) -> Iterator[Any]:
    """A page with a notebook of the lab's folder, all of it run; a picture of it on failure."""
    page = chrome.new_page(viewport={"width": 1400, "height": 1000})
    try:
        page.goto(f"{lab.url}/lab/tree/{name}?reset", timeout=60_000)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        # Run All drops cells silently before the kernel is there, whatever the indicator says.
        wait_for(lambda: kernel_is_ready(lab, name), "the kernel", 60)
        page.click('.lm-MenuBar-itemLabel:text-is("Run")')
        page.click(RUN_ALL)
        page.wait_for_selector(".eqflow-status, .eqflow-live", timeout=1000 * PATIENCE)
        running = page.locator('.jp-InputPrompt:text-is("[*]:")')
        wait_for(lambda: not ended or running.count() == 0, "all cells to end")
        yield page
    except BaseException:
        page.screenshot(path=evidence / "failure.png")
        print(f"what the browser showed: {evidence / 'failure.png'}")
        raise
    finally:
        page.close()


@pytest.mark.parametrize(
    "stem", [pytest.param(each, marks=[pytest.mark.slow] * (each != SOONEST)) for each in CHAPTERS]
)
def test_the_panels_of_a_chapter_move(stem, lab, chrome, tmp_path):
    put_chapter(stem, lab.folder)
    with opened(chrome, lab, f"{stem}.ipynb", tmp_path) as page:
        live = page.locator(".eqflow-live")
        assert live.count() == CHAPTERS[stem]
        for panel in live.all():
            panel.scroll_into_view_if_needed()
            frames = int(panel.get_attribute("data-frames"))
            more = lambda one=panel, n=frames: int(one.get_attribute("data-frames")) > n + 5  # noqa: E731
            wait_for(more, "the panel to move", 60)
            assert panel.get_attribute("data-state") == "running"
        # The static twin, which doesn't need the kernel, is there too.
        assert page.locator(".jp-RenderedImage img").count() > 0
        errors = page.locator(".jp-OutputArea-output", has_text="Traceback (most recent call last)")
        assert errors.count() == 0, errors.first.inner_text()


@pytest.mark.slow
def test_a_painted_creature_lives(lab, chrome, tmp_path):
    put_chapter("04_alife_flocking", lab.folder)
    with opened(chrome, lab, "04_alife_flocking.ipynb", tmp_path) as page:
        panel = page.locator(".widget-box:has(> img.widget-image):has(canvas)").first
        panel.scroll_into_view_if_needed()
        sheet = panel.locator("canvas").first.bounding_box()
        x, y = sheet["x"] + sheet["width"] / 2, sheet["y"] + sheet["height"] / 2
        page.mouse.move(x - 30, y)
        page.mouse.down()
        for step in range(7):
            page.mouse.move(x - 30 + 10 * step, y + 3 * step)
        page.mouse.up()
        panel.locator("button", has_text="bring it to life").click()
        status = panel.locator(".eqflow-status")
        wait_for(lambda: "kept" in status.inner_text(), "the creature to live", 180)
        assert panel.locator(".eqflow-error").inner_text() == ""
        film = panel.locator("img.widget-image")
        wait_for(lambda: film.evaluate("image => image.naturalWidth") == 320, "the film")


def test_an_error_in_a_panel_is_seen(lab, chrome, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    nbformat.write(course.load(tmp_path / "broken.py"), lab.folder / "broken.ipynb")
    with opened(chrome, lab, "broken.ipynb", tmp_path) as page:
        panel = find_panel(page, ("gain",))
        error = panel.locator(".eqflow-error")
        assert error.inner_text() == ""
        press(panel, "gain", "ArrowRight")
        wait_for(lambda: "the gain is too large" in error.inner_text(), "the error")
        press(panel, "gain", "Home")
        wait_for(lambda: error.inner_text() == "", "the error to go")
        wait_for(lambda: moved(panel.locator(".eqflow-status")) == 0, "the redraw")


LIVE = """# %%
from eqflow_nb import panels
panels.toy_panel()

# %%
import time
time.sleep(600)
"""


def test_a_live_panel_asks_nothing_of_a_busy_kernel(lab, chrome, tmp_path):
    (tmp_path / "live.py").write_text(LIVE)
    nbformat.write(course.load(tmp_path / "live.py"), lab.folder / "live.ipynb")
    with opened(chrome, lab, "live.ipynb", tmp_path, ended=False) as page:
        root = page.locator(".eqflow-live")
        wait_for(lambda: int(root.get_attribute("data-frames")) > 10, "the panel to move")
        twin = page.locator(".jp-RenderedImage img")
        twin.wait_for(state="attached")
        assert not twin.is_visible()
        root.get_by_role("button", name="Pause").click()
        for label in ("skew strength", "noise level"):
            before = root.locator("canvas").evaluate("canvas => canvas.toDataURL()")
            handle = page.locator(f'.widget-slider:has(.widget-label:text("{label}"))')
            handle.locator(".noUi-handle").press("End")
            changed = (
                "before => document.querySelector('.eqflow-live canvas').toDataURL() != before"
            )
            page.wait_for_function(changed, arg=before, timeout=5000)
        page.locator(".widget-dropdown select").select_option("ring")
        page.wait_for_function(changed, arg=before, timeout=5000)
        assert root.get_attribute("data-state") == "paused"
        assert page.get_by_role("slider", name=re.compile("skew strength")).count() == 1
        asleep = page.locator('.jp-CodeCell:has-text("time.sleep") .jp-InputPrompt')
        assert asleep.inner_text().strip() == "[*]:", "the kernel is busy to the end"


# ---- how it is done ----


def surroundings(folder: Path) -> dict[str, str]:
    """What a Jupyter server is started with; it knows nothing of this machine's settings."""
    places = {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in ("config", "runtime")}
    return os.environ | places | {"PYTHONPATH": str(ROOT)}


def put_chapter(stem: str, folder: Path) -> None:
    """Copy a chapter, without outputs and at the quick budget."""
    path = course.notebooks_folder() / f"{stem}.py"
    notebook = course.load(path)
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    cell.source, changed = re.subn(r'(?m)^budget = "\w+"', 'budget = "quick"', cell.source)
    assert changed == 1
    nbformat.write(notebook, folder / f"{stem}.ipynb")


def find_panel(page: Any, labels: tuple[str, ...]) -> Any:
    """The first panel that has all of these sliders, once it has come up."""

    panels = page.locator(".widget-box:has(> img.widget-image)")
    for label in labels:
        panels = panels.filter(has=page.locator(f'.widget-label:text("{label}")'))
    wait_for(lambda: panels.count() > 0, f"a panel with sliders {labels}")
    return panels.first


def slider(panel: Any, label: str) -> Any:
    return panel.locator(f'.widget-slider:has(.widget-label:text("{label}"))')


def press(panel: Any, label: str, key: str) -> None:
    handle = slider(panel, label).locator(".noUi-handle")
    handle.focus()
    handle.press(key)


def moved(status: Any) -> float:
    """How far things moved, as the panel says; NaN while it is working."""
    said = re.search(r"moved (\S+)", status.inner_text())
    return float(said[1]) if said else float("nan")


def kernel_is_ready(lab: Lab, name: str) -> bool:
    kernels = [session["kernel"] for session in lab.sessions() if session["path"] == name]
    return any(k["execution_state"] == "idle" and k["connections"] >= 1 for k in kernels)


def answers(lab: Lab, process: subprocess.Popen) -> bool:
    assert process.poll() is None, f"JupyterLab ended: {(lab.folder.parent / 'log').read_text()}"
    try:
        lab.sessions()
    except OSError:
        return False
    return True
