"""Runs cut short: Ctrl-C, killed processes, a full disk, a home that can't be written, no network.

Each kind of kill is repeated at $EQFLOW_FAULTS random moments: 50 in `make test-all`.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from test_course import run

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import execute, scorecard

KILLS = int(os.environ.get("EQFLOW_FAULTS", "1"))
ONE = {"OMP_NUM_THREADS": "1"}  # thread for the processes started here: they are small
ROOT = Path(__file__).parents[1]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "eqflow_nb.running.commands", *map(str, arguments)]


# ---- a person or the machine ends a run ----


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (met := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return met


def start(out: Path, *options: str) -> subprocess.Popen[bytes]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        command("run", "-o", out, *options), **pipes, preexec_fn=heed_interrupts
    )


def heed_interrupts() -> None:
    """Where the tests themselves run in the background, a shell has told them to ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_run_cut_short_leaves_nothing_half_written_and_goes_on(shelf, scored, tmp_path, sign):
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
    assert set(json.loads((out / "scorecard.json").read_text())) == {"01_a"}
    tasks = execute.plan(course.chapters(), out, {"gain": "100"})
    assert [execute.recall(task)["status"] for task in tasks] == ["finished", "none"]
    assert run(out, {"gain": "1"})["02_slow"]["status"] == "finished"


def test_a_worker_killed_is_a_failure_of_its_notebook_alone(shelf, scored, tmp_path):
    kill = "import os, psutil\npsutil.Process(os.getppid()).kill()\n"
    shelf(**{"01_a": scored + kill, "02_b": scored})
    records = run(tmp_path / "out")
    assert records["01_a"]["status"] == "failed"
    assert "-9" in records["01_a"]["error"]
    assert records["02_b"]["status"] == "finished"
    assert set(scorecard.gather(tmp_path / "out")) == {"02_b"}


# ---- kills at random moments ----


def killed(arguments: list[str], after: float) -> int:
    """Start a process, kill it and all it started after some seconds; its return code."""
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(arguments, **nowhere, env=os.environ | ONE)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        # Those left behind end by themselves: a machine that kills one rarely kills them all.
        psutil.wait_procs(family, timeout=30)
        assert not any(each.is_running() for each in family), "someone works on for nobody"
    return process.wait()


def readable(folder: Path) -> None:
    """Assert that every result in a folder is whole."""
    for path in folder.rglob("*"):
        if path.name.startswith("."):
            pass  # drafts, which nobody reads
        elif path.suffix == ".ipynb":
            nbformat.validate(nbformat.read(path, as_version=4))
        elif path.suffix == ".json":
            json.loads(path.read_text())


def seconds_of(arguments: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(arguments, check=True, capture_output=True, env=os.environ | ONE)
    return time.monotonic() - start


@pytest.mark.slow
def test_a_run_killed_at_any_moment_leaves_whole_results_and_goes_on(shelf, scored, tmp_path):
    shelf(**{"01_a": scored, "02_b": scored.replace("twice", "double")})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    usual = seconds_of(command("run", "-o", whole))
    moments = random.Random(0)
    for _ in range(KILLS):
        killed(command("run", "-o", broken), moments.uniform(0, usual))
        readable(broken)
        assert all(scorecard.gather(broken).values()), "no card is empty"
    seconds_of(command("run", "-o", broken))
    assert scorecard.gather(broken) == scorecard.gather(whole)


# ---- a full disk ----


def full_disk() -> None:
    """Let no file grow over 3 kB: a write then fails in its middle, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))


def test_a_full_disk_is_said_and_older_results_stay(shelf, scored, tmp_path):
    shelf(**{"01_a": scored})
    out = tmp_path / "out"
    seconds_of(command("run", "-o", out))
    before = {*out.glob("*.json")}
    again = command("run", "-o", out, "-p", "gain", "1")
    done = subprocess.run(again, capture_output=True, preexec_fn=full_disk)
    assert done.returncode in (1, 2)
    assert b"File too large" in done.stdout + done.stderr
    readable(out)
    seconds_of(again)
    assert before <= {*out.glob("*.json")}


@pytest.mark.slow
def test_a_full_disk_ends_a_training_with_one_line(tmp_path):
    arguments = command("train", "dot", "--steps", 1, "-o", tmp_path / "w")
    env = os.environ | {"EQFLOW_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(arguments, capture_output=True, preexec_fn=full_disk, env=env)
    assert done.returncode == 2
    assert b"File too large" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "w" / "dot.safetensors").exists()


# ---- a home that can't be written, and no network ----

NO_NETWORK = """
    import socket, sys

    def guard(connect):
        def guarded(self, address, *rest):
            if self.family in (socket.AF_INET, socket.AF_INET6):
                if not str(address[0]).startswith(("127.", "localhost", "::1")):
                    with open({record!r}, "a") as file:
                        file.write(f"{{sys.argv}} {{address}}\\n")
                    raise OSError(101, "Network is unreachable")
            return connect(self, address, *rest)
        return guarded

    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, guard(getattr(socket.socket, name)))
"""


@pytest.mark.slow
def test_a_chapter_runs_without_a_network_and_without_a_home(tmp_path):
    site, record = tmp_path / "site", tmp_path / "record"
    site.mkdir()
    guard = textwrap.dedent(NO_NETWORK).format(record=str(record))
    (site / "sitecustomize.py").write_text(guard)
    nowhere = str(tmp_path / "file")
    Path(nowhere).write_text("a file, in which no folder can be made")
    kept = {"PATH", "LANG", "VIRTUAL_ENV", "TMPDIR"}
    env = {key: value for key, value in os.environ.items() if key in kept}
    env |= {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "PYTHONPATH": f"{site}:{ROOT}"}
    arguments = command("run", "00", "--budget", "quick", "-o", tmp_path / "out")
    done = subprocess.run(arguments, capture_output=True, env=env, cwd=ROOT, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not record.exists(), record.read_text()
    assert scorecard.gather(tmp_path / "out")["00_start_here"]
