"""The explorer page in a real browser: serving it, and turning every knob by keyboard.

``python tests/explore.py`` measures: each slider is moved some times, and the times from key to
picture go to build/explorer.json.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from browser import browsing, free_port, require_chromium, serving

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "notebooks" / "explorer"
AIMS = {"points": 200, "fields": 300}  # milliseconds, at the 95th percentile
FIELDS = ("Chemistry", "Creatures")
# When the key went down, and when the panel's picture had changed, or its status line after that.
WATCH = """
(panel) => {
  const times = window.eqflowTimes = { key: 0, done: 0 };
  const done = () => { if (times.key && !times.done) times.done = performance.now(); };
  const image = panel.querySelector('img.widget-image[src]');
  const status = panel.querySelector('.eqflow-status');
  document.addEventListener('keydown', (event) => {
    if (event.key.startsWith('Arrow')) { times.key = performance.now(); times.done = 0; }
  }, true);
  if (image && !panel.querySelector('canvas')) {
    new MutationObserver(() => image.decode().then(done, done))
      .observe(image, { attributes: true, attributeFilter: ['src'] });
  } else {
    new MutationObserver(() => { if (status.textContent.includes('redraw')) done(); })
      .observe(status, { childList: true, subtree: true, characterData: true });
  }
}
"""


@dataclass
class Seen:
    """What a page did: complaints of its console, and requests to other hosts."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Voila with the explorer, as `make explore` starts it; its address."""
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}
    environment = os.environ | {name: str(home / folder) for name, folder in folders.items()}
    environment |= {"PYTHONPATH": str(ROOT), "JUPYTER_PATH": str(PAGE / "share")}
    port = free_port()
    command = [sys.executable, "-m", "voila", "explorer.ipynb", "--no-browser", f"--port={port}"]
    command.append("--Voila.ip=127.0.0.1")
    with serving(command, environment, home / "log", PAGE) as process:
        _wait_for_port(port, process, home / "log")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def opened(browser: Any, address: str, theme: str = "light") -> Iterator[tuple[Any, Seen]]:
    """The page, once its first panel is there, and what it did."""
    seen = Seen()

    def asked(request: Any) -> None:
        if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
            seen.elsewhere.append(request.url)

    def said(message: Any) -> None:
        if message.type == "error":
            seen.errors.append(message.text)

    page = browser.new_page(viewport={"width": 1300, "height": 900})
    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.goto(f"{address}/?theme={theme}", timeout=120_000)
    page.wait_for_selector(".eqflow-status", timeout=120_000)
    yield page, seen
    page.close()


def tabs(page: Any) -> list[str]:
    """The names of the tabs."""
    return page.locator("[role=tab]").all_inner_texts()


def open_tab(page: Any, number: int) -> Any:
    """Open a tab by keyboard; the panel in it, once it has been made."""
    page.locator("[role=tab]").nth(number).focus()
    page.keyboard.press("Enter")
    shown = page.locator(".widget-tab-contents > *:not(.lm-mod-hidden)")
    shown.locator(".eqflow-status, .eqflow-error").first.wait_for(timeout=60_000)
    panel = shown.last
    panel.locator(".eqflow-status").first.wait_for(timeout=5000)
    panel.locator("[role=slider][aria-label]").last.wait_for(timeout=5000)
    return panel


def move(panel: Any, slider: Any) -> float | None:
    """Move a slider by one step; milliseconds from the key to the new picture.

    None for a slider that changes no picture, once its number has changed.
    """
    page, readout = panel.page, slider.locator("xpath=../../../../..").locator(".widget-readout")
    before = readout.inner_text()
    at_end = slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax")
    slider.focus()
    slider.press("ArrowLeft" if at_end else "ArrowRight")
    if is_quiet(panel, slider):
        page.wait_for_timeout(200)
        assert readout.inner_text() != before
        return None
    page.wait_for_function("() => window.eqflowTimes.done", timeout=120_000)
    return page.evaluate("() => window.eqflowTimes.done - window.eqflowTimes.key")


def is_quiet(panel: Any, slider: Any) -> bool:
    """Whether a slider changes no picture: a tool's size, or what the next particles do."""
    quiet = ("size of the tool", "width in pixels", "diffusion η")
    return panel.locator("canvas").count() > 0 and slider.get_attribute("aria-label") in quiet


def measure(times: int, path: Path) -> dict[str, Any]:
    """Move every slider some times, and write what it took, by tab, to a JSON file."""
    found: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as home,
        served(Path(home)) as address,
        browsing(require_chromium()) as browser,
        opened(browser, address) as (page, seen),
    ):
        for number, name in enumerate(tabs(page)):
            began = time.perf_counter()
            panel = open_tab(page, number)
            built = time.perf_counter() - began
            panel.evaluate(WATCH)
            waits: dict[str, list[float]] = {}
            for slider in panel.get_by_role("slider").all():
                moves = [move(panel, slider) for _ in range(times)]
                waits[slider.get_attribute("aria-label")] = [m for m in moves if m is not None]
            kind = "fields" if name in FIELDS else "points"
            found[name] = summary([m for each in waits.values() for m in each], kind, built)
            found[name]["sliders"] = {label: summary(each) for label, each in waits.items() if each}
            print(name, {key: value for key, value in found[name].items() if key != "sliders"})
            print("   ", {label: each["p50"] for label, each in found[name]["sliders"].items()})
        found["complaints"] = seen.errors + seen.elsewhere
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    return found


def summary(moves: list[float], kind: str = "", built: float | None = None) -> dict[str, Any]:
    """Median and 95th percentile in milliseconds, with the aim of a kind of panel."""
    if not moves:
        return {"moves": 0, "built_seconds": built}
    cuts = [float(cut) for cut in np.percentile(moves, [50, 95])]
    told: dict[str, Any] = {"moves": len(moves), "p50": round(cuts[0]), "p95": round(cuts[1])}
    if kind:
        told |= {"kind": kind, "aim": AIMS[kind], "met": cuts[1] <= AIMS[kind]}
        told["built_seconds"] = round(built or 0, 2)
    return told


def _wait_for_port(port: int, process: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"voila did not start: {log.read_text()}")


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5, ROOT / "build" / "explorer.json")
