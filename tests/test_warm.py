"""Notebooks that start warm do what they do when they start cold."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest
from test_interruption import wait_for

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import runner, scorecard, warm

Shelf = Callable[..., Path]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts are for Linux")

PLOTTED = """
import os, sys, tempfile
loaded = "torch" in sys.modules
where = sorted(os.listdir())
import matplotlib.pyplot as plt
import torch
torch.manual_seed(seed)
drawn = torch.randn(1000).sum().item()
plt.plot([0, 1])
plt.show()
"""
ROWS = """
card.row("drawn", drawn)
card.row("loaded", loaded)
card.row("empty", len(where) == 0)
card.row("scratch", tempfile.gettempdir() == os.environ.get("TMPDIR"))
card.show()
"""


def planned(shelf: Shelf, out: Path, code: str) -> runner.Task:
    shelf(**{"01_a": code})
    (task,) = runner.plan(course.chapters(), out, {"seed": 3})
    return task


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_warm_and_cold_runs_agree(shelf: Shelf, scored: str, tmp_path: Path, scratch: Path) -> None:
    before = dict(os.environ)
    cards, pictures = [], []
    for start, name in ((warm.start, "warm"), (runner.start, "cold")):
        task = planned(shelf, tmp_path / name, PLOTTED + scored + ROWS)
        assert start(task, 2, scratch).wait() == 0, runner.record(task).get("error")
        cards.append(scorecard.read(task.result))
        outputs = [
            output
            for cell in nbformat.read(task.result, 4).cells
            for output in cell.get("outputs", [])
        ]
        pictures += [
            each.data["image/png"] for each in outputs if "image/png" in each.get("data", {})
        ]
        for row in ("empty", "scratch"):
            assert cards[-1][row]["value"] == 1
    assert [card["loaded"]["value"] for card in cards] == [1, 0]
    assert cards[0]["drawn"]["value"] == cards[1]["drawn"]["value"]
    assert len(pictures) == 2 and pictures[0] == pictures[1]
    assert dict(os.environ) == before


def test_an_error_is_kept_with_the_notebook(shelf: Shelf, tmp_path: Path, scratch: Path) -> None:
    task = planned(shelf, tmp_path / "out", "raise ValueError('no such cloud')")
    assert warm.start(task, 2, scratch).wait() == 1
    outcome = runner.recall(task)
    assert (outcome.status, outcome.error) == ("failed", "ValueError: no such cloud")


def test_a_notebook_that_never_begins_leaves_no_process(
    shelf: Shelf, tmp_path: Path, scratch: Path
) -> None:
    task = planned(shelf, tmp_path / "out", "pass")
    task.source.write_text("# %% [markdown]\n# gone", encoding="utf-8")
    (tmp_path / "out").rmdir()
    (tmp_path / "out").write_text("a file where the folder should be")
    started = warm.start(task, 2, scratch)
    family = psutil.Process(started.pid).children(recursive=True)
    assert started.wait() != 0
    wait_for(lambda: not any(each.is_running() for each in family), 30)


def test_when_the_server_is_killed_its_notebooks_end_and_the_next_one_starts(
    shelf: Shelf, tmp_path: Path, scratch: Path
) -> None:
    flag = tmp_path / "flag"
    code = f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\n"
    slow = planned(shelf, tmp_path / "slow", code + "time.sleep(300)")
    started = warm.start(slow, 2, scratch)
    wait_for(flag.exists)
    worker = psutil.Process(started.pid)
    family, server = worker.children(recursive=True), worker.parent()
    assert family and server is not None and server.pid != os.getpid()
    server.kill()
    assert started.wait() not in (None, 0)
    wait_for(lambda: not any(each.is_running() for each in [worker, *family]), 30)
    assert not slow.result.exists()
    quick = planned(shelf, tmp_path / "quick", code)
    assert warm.start(quick, 2, scratch).wait() == 0


def test_daemons_start_cold() -> None:
    context = multiprocessing.get_context("spawn")
    for daemon in (True, False):
        process = context.Process(target=_exit_with_what_is_possible, daemon=daemon)
        process.start()
        process.join()
        assert bool(process.exitcode) is not daemon


def _exit_with_what_is_possible() -> None:
    sys.exit(int(warm.possible()))
