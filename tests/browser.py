"""Finding a Chromium for the browser tests, or getting one."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PATIENCE = 300.0
ASK = "install Chromium or Chrome, or run: python -m playwright install chromium"


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome on this machine, Playwright's own included, or None."""
    on_path = filter(None, map(shutil.which, NAMES))
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return next(on_path, None) or (mac if Path(mac).is_file() else _playwrights_own())


def require_chromium() -> str:
    """The path of a browser, which Playwright or, for root, apt may install first.

    Where none can be had the test fails under CI=true, else is skipped.
    """
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        # Somebody else may be installing: apt-get waits for them, else it would fail at once.
        install = ["apt-get", "install", "-yq", "-o", "DPkg::Lock::Timeout=300", "chromium"]
        attempts += [["apt-get", "update", "-q"], install]
    while not (found := find_chromium()) and attempts:
        _try(attempts.pop(0))
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"no browser, and under CI=true the browser tests must run: {ASK}")
    pytest.skip(f"no browser could be found or installed: {ASK}")


@contextmanager
def browsing() -> Iterator[Any]:
    """A browser, started and closed."""
    from playwright.sync_api import sync_playwright

    path = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def wait_for(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"waited {patience:g} s for {what}"
        time.sleep(0.02)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(
    command: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path | None = None
) -> Iterator[subprocess.Popen]:
    """A server in a process group of its own, ended with all it started."""
    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder's files on a server of its own."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with serving(command, os.environ, folder.parent / f"{folder.name}.log", folder):
        while not listening(port):
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def opened(browser: Any, address: str, width: int, **how: Any) -> Iterator[tuple[Any, list[str]]]:
    """A page that reaches no other host, and what goes wrong on it, so far."""
    wrong: list[str] = []

    def asked(route: Any) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            return route.continue_()
        wrong.append(f"asks for {route.request.url}")
        return route.abort()

    with browser.new_context(viewport={"width": width, "height": 800}, **how) as context:
        context.route(re.compile("^https?:"), asked)
        tab = context.new_page()
        tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.goto(address, wait_until="load")
        yield tab, wrong


def start_panels(tab: Any) -> int:
    """Scroll to each live panel of a page and see it move; how many there are."""
    panels = tab.locator(".eqflow-live").all()
    for panel in panels:
        panel.scroll_into_view_if_needed()
        moves = "([e, n]) => e.dataset.state === 'running' && e.dataset.frames > n"
        seen = [panel.element_handle(), int(panel.get_attribute("data-frames") or 0) + 2]
        tab.wait_for_function(moves, arg=seen, timeout=30_000)
    return len(panels)


def contrasts(elements: Any) -> list[float]:
    """Contrast of each element's text with what is behind it, by the rules for accessible pages."""
    found = elements.evaluate_all(
        """all => all.map(e => { let b = e; const back = x => getComputedStyle(x).backgroundColor;
                  while (b.parentElement && back(b) === 'rgba(0, 0, 0, 0)') b = b.parentElement;
                  return [getComputedStyle(e).color, back(b)]; })"""
    )
    light = [sorted(map(_luminance, pair)) for pair in found]
    return [(high + 0.05) / (low + 0.05) for low, high in light]


def _luminance(colour: str) -> float:
    parts = [float(x) / 255 for x in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _try(command: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, env=environment, timeout=600, capture_output=True, check=False)


def _playwrights_own() -> str | None:
    from playwright.sync_api import Error, sync_playwright

    with contextlib.suppress(Error), sync_playwright() as playwright:
        path = playwright.chromium.executable_path
        return path if Path(path).is_file() else None
    return None
