"""Running notebooks: each in a process of its own, measured, resumable, failures kept apart."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil

from eqflow_nb.inputs import replace_text
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import scorecard

PACKAGE = Path(__file__).parents[1]
WORKER = (
    "import json, sys; from eqflow_nb.running import lean, worker; "
    "worker.main(json.loads(sys.argv[1]))"
)
# Dask sets it for its workers; it makes malloc give memory back at once, which slows torch.
TRIM = "MALLOC_TRIM_THRESHOLD_"


@dataclass(frozen=True)
class Task:
    """A notebook to run: `overrides` are the parameters asked for, `parameters` are all of them."""

    source: Path
    out: Path
    overrides: dict[str, Any]
    parameters: dict[str, Any]
    fingerprint: str

    @property
    def stem(self) -> str:
        """The notebook's name without its ending."""
        return self.source.stem

    @property
    def result(self) -> Path:
        """Where the executed notebook goes."""
        return self.out / f"{self.stem}.ipynb"


@dataclass(frozen=True)
class Outcome:
    """How a notebook fared; `reused` if an earlier run of the same notebook stands."""

    stem: str
    status: str
    seconds: float | None = None
    peak_mb: float | None = None
    error: str = ""
    reused: bool = False


def plan(chapters: Iterable[course.Chapter], out: Path, asked: Mapping[str, Any]) -> list[Task]:
    """Check everything that can be checked before anything runs.

    Parameters
    ----------
    chapters : iterable of Chapter
    out : Path
        The folder of the results; made if there is none.
    asked : mapping
        Parameters by name, as values or as text.

    Raises
    ------
    CourseError
        If a parameter is refused by one of the notebooks, or `out` can't be written to.
    """
    package = package_digest()
    tasks = []
    for chapter in {chapter.stem: chapter for chapter in chapters}.values():
        notebook = course.load(chapter.path)
        defaults = course.parameters(notebook)
        overrides = course.override(defaults, asked, chapter.stem)
        values = defaults | overrides
        mark = fingerprint(chapter.path.read_bytes(), package, values)
        tasks.append(Task(chapter.path, out.absolute(), overrides, values, mark))
    check_writable(out)
    return tasks


def fingerprint(source: bytes, package: str, values: Mapping[str, Any]) -> str:
    """What a result depends on, in a line: its source, the package, and all its parameters."""
    return _digest(source, package, json.dumps(values, default=str))


def package_digest() -> str:
    """The state of the package: another one if any of its files is changed."""
    return _digest(*(path.read_bytes() for path in _package_files()))


def check_writable(out: Path) -> None:
    """Make the folder of the results if there is none; `CourseError` if it can't be written to."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / ".writable", "")
        (out / ".writable").unlink()
    except OSError as error:
        raise course.CourseError(f"can't write to {out}: {error.strerror or error}") from error


def run(
    tasks: Iterable[Task],
    jobs: int = 1,
    force: bool = False,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Run the tasks, `jobs` at a time, and gather the scorecard after each.

    A task with a finished result of the same source, package and parameters isn't run again
    unless `force`.  A failure is an outcome, not an exception; on `KeyboardInterrupt` what runs
    is stopped and what has finished stays.

    Returns
    -------
    list of Outcome
        In the order in which they ended, those reused first.
    """
    outcomes: list[Outcome] = []

    def ended(outcome: Outcome) -> None:
        outcomes.append(outcome)
        report(outcome)

    waiting = []
    for task in tasks:
        earlier = recall(task)
        if earlier.status == "finished" and not force:
            ended(earlier)
        else:
            # Whatever stops this run, no older result may pass for it.
            task.result.unlink(missing_ok=True)
            waiting.append(task)
    for folder in {task.out for task in waiting}:
        scorecard.gather(folder)
    running: dict[subprocess.Popen[bytes], Task] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.pop(0)
                running[start(task, jobs)] = task
            time.sleep(0.05)
            for process in [each for each in running if each.poll() is not None]:
                task = running.pop(process)
                if not task.result.is_file():
                    keep_stillborn(task, f"its process ended with code {process.returncode}")
                scorecard.gather(task.out)
                ended(recall(task, reused=False))
    finally:
        for process in running:
            stop(process.pid)
            process.wait()
    return outcomes


def recall(task: Task, reused: bool = True) -> Outcome:
    """What `task.result` says of itself; status "none" if it isn't of this very task."""
    kept = record(task)
    if kept.get("fingerprint") != task.fingerprint:
        return Outcome(task.stem, "none")
    measured = kept.get("seconds"), kept.get("peak_mb")
    return Outcome(task.stem, kept["status"], *measured, kept.get("error", ""), reused)


def record(task: Task) -> dict[str, Any]:
    """What `save` kept in `task.result`; empty if there is no such notebook."""
    try:
        return json.loads(task.result.read_text(encoding="utf-8"))["metadata"]["eqflow"]
    except (OSError, ValueError, KeyError):
        return {}


def stop(pid: int, itself: bool = True) -> None:
    """Kill the processes that `pid` started, and then it."""
    try:
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), *([parent] if itself else [])]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def save(task: Task, notebook: nbformat.NotebookNode, record: Mapping[str, Any]) -> None:
    """Write an executed notebook with what is known of its run, and no machine's paths."""
    for node in [notebook, *notebook.cells]:
        node.metadata.pop("papermill", None)
        node.metadata.pop("execution", None)
    notebook.metadata["eqflow"] = {
        "fingerprint": task.fingerprint,
        "parameters": task.parameters,
        **record,
    }
    replace_text(task.result, nbformat.writes(notebook) + "\n")


def start(task: Task, jobs: int, scratch: Path | None = None) -> subprocess.Popen[bytes]:
    """Start `eqflow_nb.worker` on a task, out of the reach of the terminal's Ctrl-C.

    With several `jobs` at a time each gets its share of the cores and shows no progress; temporary
    files go to `scratch` if it is given, as by a Dask worker.
    """
    settings = os.environ | environment(jobs)
    if scratch:
        settings["TMPDIR"] = str(scratch)
        settings.pop(TRIM, None)
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, json.dumps(job(task, jobs))],
        env=settings,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def environment(jobs: int) -> dict[str, str]:
    """What a worker's environment has, beside what this process has."""
    path = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    settings = {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(filter(None, path))),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    if jobs > 1 and "OMP_NUM_THREADS" not in os.environ:
        settings["OMP_NUM_THREADS"] = str(max(1, cores() // jobs))
    return settings


def job(task: Task, jobs: int) -> dict[str, Any]:
    """What a worker is told, as JSON has it."""
    return {
        "source": str(task.source),
        "out": str(task.out),
        "overrides": task.overrides,
        "parameters": task.parameters,
        "fingerprint": task.fingerprint,
        "progress": jobs == 1,
        "parent": os.getpid(),
    }


def keep_stillborn(task: Task, error: str) -> None:
    """Record a run that died before it could record itself."""
    save(task, course.load(task.source), {"status": "failed", "error": error})


def _package_files() -> list[Path]:
    files = (path for path in sorted(PACKAGE.rglob("*")) if path.is_file())
    return [path for path in files if "__pycache__" not in path.parts]


def _digest(*parts: bytes | str) -> str:
    pieces = (part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in pieces)).hexdigest()


def cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
