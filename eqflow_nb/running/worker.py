"""One notebook, run with papermill in this process; `eqflow_nb.runner` starts it."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
from jupyter_client.manager import KernelManager

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import runner

PACKAGES = ("eqflow-nb", "torch", "numpy", "scipy", "POT", "matplotlib")


class Watch(threading.Thread):
    """Follow the memory of the processes this one started, and end when its own parent ends.

    Attributes
    ----------
    peak_mb : float
        The most resident memory the children held at once, in megabytes, looked at every `every`
        seconds; memory that processes share is counted once for each.
    """

    def __init__(self, parent: int, every: float = 0.05) -> None:
        super().__init__(daemon=True)
        self.parent = parent
        self.every = every
        self.peak_mb = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        """Look until told that the run has ended."""
        itself = psutil.Process()
        while not self.ended.wait(self.every):
            if os.getppid() != self.parent:
                # Nobody waits for the result any more: leave nothing behind.
                runner.stop(itself.pid, itself=False)
                os._exit(1)
            self.peak_mb = max(self.peak_mb, sum(map(_resident_mb, _children(itself))))


def execute(
    task: runner.Task, parent: int, progress: bool, manager: type[KernelManager] | None = None
) -> bool:
    """Run a task's notebook and save it with its record; False if it failed.

    The kernel works in an empty folder of its own, so a notebook can't lean on where it lies.  It
    is started by a `manager`, if one is given.
    """
    notebook = course.load(task.source)
    error = ""
    with tempfile.TemporaryDirectory() as folder:
        draft, desk = Path(folder, "draft.ipynb"), Path(folder, "desk")
        desk.mkdir()
        watch = Watch(parent)
        watch.start()
        started = time.perf_counter()
        try:
            papermill.execute_notebook(
                notebook,
                draft,
                parameters=task.overrides,
                kernel_name="python3",
                progress_bar={"desc": task.stem} if progress else False,
                cwd=desk,
                extra_arguments=["--IPKernelApp.log_level=40"],  # hush its remarks at the start
                **({"kernel_manager_class": manager} if manager else {}),
            )
        except Exception as failure:  # whatever stops a notebook is that notebook's result
            error = _in_a_line(failure)
        seconds = time.perf_counter() - started
        watch.ended.set()
        executed = _read(draft) or notebook
    record = {
        "status": "failed" if error else "finished",
        "seconds": round(seconds, 1),
        "peak_mb": round(watch.peak_mb),
        "versions": versions(),
    }
    runner.save(task, executed, record | ({"error": error} if error else {}))
    return not error


def _read(draft: Path) -> nbformat.NotebookNode | None:
    """What papermill wrote; None if nothing, or half of it on a full disk."""
    try:
        return nbformat.read(draft, as_version=4)
    except (OSError, ValueError):
        return None


def versions() -> dict[str, str]:
    """The versions a result depends on."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _in_a_line(failure: Exception) -> str:
    name = getattr(failure, "ename", type(failure).__name__)
    said = str(getattr(failure, "evalue", failure)).strip()
    return f"{name}: {said.splitlines()[0]}" if said else name


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _resident_mb(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def main(job: dict[str, Any], manager: type[KernelManager] | None = None) -> None:
    """Run a job of `runner.job` and exit, with code 1 if the notebook failed."""
    progress, parent = job.pop("progress"), job.pop("parent")
    task = runner.Task(**job | {"source": Path(job["source"]), "out": Path(job["out"])})
    try:
        sys.exit(0 if execute(task, parent, progress, manager) else 1)
    except OSError as error:
        sys.exit(f"{task.stem}: its result can't be kept: {error}")
