"""Runs cut short, by a person or by the machine: what stays, and how the next run goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from test_course import Shelf, run

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import execute, scorecard


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (met := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return met


def start(out: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "eqflow_nb.running.commands", "run", "-o", str(out), *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_interrupts
    )


def heed_interrupts() -> None:
    """Where the tests themselves run in the background, a shell has told them to ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_run_cut_short_leaves_nothing_half_written_and_goes_on(
    shelf: Shelf, scored: str, tmp_path: Path, sign: signal.Signals
) -> None:
    flag, out = tmp_path / "flag", tmp_path / "out"
    slow = f"import pathlib, time\npathlib.Path({str(flag)!r}).touch()\ntime.sleep(gain)\n"
    shelf(**{"01_a": scored, "02_slow": slow + scored})
    assert run(out, {"gain": "1.0"})["02_slow"]["status"] == "finished"
    flag.unlink()
    process = start(out, "-p", "gain", "100")
    wait_for(flag.exists)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(sign)
    _, said = process.communicate(timeout=30)
    assert process.returncode == (130 if sign == signal.SIGINT else -sign)
    if sign == signal.SIGINT:
        assert b"1 of 2 finished" in said
        assert b"Traceback" not in said
    wait_for(lambda: not any(each.is_running() for each in family))
    assert not (out / "02_slow.ipynb").exists(), "an older result must not pass for this one"
    for path in out.glob("*.json"):
        json.loads(path.read_text())
    assert set(json.loads((out / "scorecard.json").read_text())) == {"01_a"}
    tasks = execute.plan(course.chapters(), out, {"gain": "100"})
    assert [execute.recall(task)["status"] for task in tasks] == ["finished", "none"]
    again = run(out, {"gain": "1"})
    assert again["02_slow"]["status"] == "finished"


def test_a_worker_killed_is_a_failure_of_its_notebook_alone(
    shelf: Shelf, scored: str, tmp_path: Path
) -> None:
    kill = "import os, psutil\npsutil.Process(os.getppid()).kill()\n"
    shelf(**{"01_a": scored + kill, "02_b": scored})
    records = run(tmp_path / "out")
    assert records["01_a"]["status"] == "failed"
    assert "-9" in records["01_a"]["error"]
    assert records["02_b"]["status"] == "finished"
    assert set(scorecard.gather(tmp_path / "out")) == {"02_b"}
