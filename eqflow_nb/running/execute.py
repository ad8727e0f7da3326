"""Running notebooks: each in a process of its own, measured, resumable, failures kept apart.

`run` starts this module as a program for each notebook.  That process runs the notebook with
papermill, and saves it with a record of the run in its metadata: status ("finished" or "failed"),
seconds, peak_mb, attempts, versions, parameters, a fingerprint of all it depends on, and error if
it failed.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import psutil

from eqflow_nb.inputs import replace_text, writable_folder
from eqflow_nb.running import catalogue, scorecard

PACKAGE = Path(__file__).parents[1]
MEMORY = "memory"  # how the error of a run begins that needed more than there is
NO_MEMORY = r"MemoryError|(can't|[Uu]nable to) allocate|out of memory"
MEMORY_EVENTS = (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events"))
DEPENDED_ON = ("eqflow-nb", "torch", "numpy", "scipy", "POT", "matplotlib")

Record = dict[str, Any]


@dataclasses.dataclass(frozen=True)
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


def plan(chapters: Iterable[catalogue.Chapter], out: Path, asked: dict[str, Any]) -> list[Task]:
    """Tasks for notebooks, with the parameters `asked` for as values or text, all checked."""
    package, tasks = package_digest(), []
    for chapter in {chapter.stem: chapter for chapter in chapters}.values():
        defaults = catalogue.parameters(catalogue.load(chapter.path))
        overrides = catalogue.override(defaults, asked, chapter.stem)
        tasks.append(task_for(chapter.path, out, overrides, defaults, package))
    writable_folder(out)
    return tasks


def task_for(source: Path, out: Path, overrides: dict, defaults: dict, package: str) -> Task:
    """A task whose fingerprint covers its source, the package and all parameters."""
    parameters = defaults | overrides
    depends_on = json.dumps([source.read_text("utf-8"), package, parameters], default=str)
    digest = hashlib.sha256(depends_on.encode()).hexdigest()
    return Task(source, out.absolute(), overrides, parameters, digest)


def package_digest(package: Path = PACKAGE) -> str:
    """The state of the package: another one if any of its files is changed."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def sort_out(tasks: Iterable[Task], force: bool) -> tuple[list[tuple[Task, Record]], list[Task]]:
    """Tasks that have finished, with their records, and those to run: with `force`, all of them."""
    done, waiting = [], []
    for task in tasks:
        earlier = recall(task)
        if earlier["status"] == "finished" and not force:
            done.append((task, earlier | {"reused": True}))
        else:
            task.result.unlink(missing_ok=True)  # no older result may pass for this run's
            waiting.append(task)
    return done, waiting


def run(
    tasks: Iterable[Task], jobs: int = 1, force: bool = False, attempts: int = 1
) -> Iterator[tuple[Task, Record]]:
    """Run the tasks, `jobs` at a time; yield each with its record, and gather the scorecards."""
    # What has finished isn't run again unless `force`; its record has ``reused``.  What fails is
    # tried so many times.  When the generator is closed or interrupted, what runs is stopped and
    # what has finished stays.
    done, waiting = sort_out(tasks, force)
    yield from done
    for folder in {task.out for task in waiting if task.out.is_dir()}:
        scorecard.gather(folder)
    queue = deque((task, 1) for task in waiting)
    running: dict[subprocess.Popen[bytes], tuple[Task, int]] = {}
    try:
        while queue or running:
            while queue and len(running) < jobs:
                task, attempt = queue.popleft()
                running[start(task, jobs, attempt)] = task, attempt
            time.sleep(0.05)
            for process in [each for each in running if each.poll() is not None]:
                task, attempt = running.pop(process)
                record_death(task, process, attempt)
                if attempt < attempts and may_do_better(recall(task)):
                    queue.appendleft((task, attempt + 1))
                    continue
                scorecard.gather(task.out)
                yield task, recall(task)
    finally:
        for process in running:
            stop(process.pid)
            process.wait()


def recall(task: Task) -> Record:
    """The record in `task.result`; status "none" if that isn't of this very task."""
    try:
        kept = json.loads(task.result.read_text("utf-8"))["metadata"]["eqflow"]
    except (OSError, ValueError, KeyError):
        kept = {}
    return kept if kept.get("fingerprint") == task.fingerprint else {"status": "none"}


def may_do_better(record: Record) -> bool:
    """Whether a run failed, and not for want of memory: then it would fail again."""
    return record["status"] == "failed" and not record["error"].startswith(MEMORY)


def save(task: Task, notebook: Any, record: Record) -> None:
    """Write an executed notebook with its record, and no machine's paths."""
    import nbformat

    for node in [notebook, *notebook.cells]:
        node.metadata.pop("papermill", None)
        node.metadata.pop("execution", None)
    about = {"fingerprint": task.fingerprint, "parameters": task.parameters}
    notebook.metadata["eqflow"] = about | record
    replace_text(task.result, nbformat.writes(notebook) + "\n")


def start(
    task: Task, jobs: int, attempt: int = 1, scratch: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that runs a task, with its share of the cores, out of the reach of Ctrl-C."""
    task.out.mkdir(parents=True, exist_ok=True)
    task.result.unlink(missing_ok=True)  # of an attempt before
    path = dict.fromkeys([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    settings = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    settings["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    if jobs > 1:
        settings.setdefault("OMP_NUM_THREADS", str(max(1, joblib.cpu_count() // jobs)))
    if scratch:
        settings["TMPDIR"] = str(scratch)
        # Dask sets it for its workers; malloc would give memory back at once, which slows torch.
        settings.pop("MALLOC_TRIM_THRESHOLD_", None)
    told = {"task": dataclasses.asdict(task), "parent": os.getpid(), "progress": jobs == 1}
    told["attempt"] = attempt
    command = [sys.executable, "-m", "eqflow_nb.running.execute", json.dumps(told, default=str)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=settings, stdin=quiet, start_new_session=True)


def stop(pid: int) -> None:
    """Kill the processes that `pid` started, and then it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def record_death(task: Task, process: subprocess.Popen[bytes], attempt: int) -> None:
    """Save a failed result for a process that ended before it could save one itself."""
    if not task.result.is_file():
        error = f"its process ended with code {process.returncode}"
        record = {"status": "failed", "attempts": attempt, "error": error}
        save(task, catalogue.load(task.source), record)


def killed_for_memory() -> int:
    """How many processes this machine, or container, has killed so far for want of memory."""
    killed = 0
    for path in MEMORY_EVENTS:
        with contextlib.suppress(OSError):  # only Linux tells
            killed += int((re.findall(r"^oom_kill (\d+)", path.read_text(), re.M) or [0])[0])
    return killed


# ---- in the process of a notebook ----


def execute(task: Task, parent: int, progress: bool, attempt: int) -> bool:
    """Run a task's notebook in an empty folder, and save it with its record; False if it failed."""
    import nbformat
    import papermill

    executed, error, peak, ended = catalogue.load(task.source), {}, [0.0], threading.Event()
    killed = killed_for_memory()
    threading.Thread(target=_watch, args=(parent, peak, ended), daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        draft, desk = Path(folder, "draft.ipynb"), Path(folder, "desk")
        desk.mkdir()
        began = time.perf_counter()
        try:
            papermill.execute_notebook(
                executed, draft, task.overrides, kernel_name="python3", cwd=desk,
                progress_bar={"desc": task.stem} if progress else False,
                extra_arguments=["--IPKernelApp.log_level=40"],  # hush its remarks at the start
            )  # fmt: skip
        except Exception as failure:  # whatever stops a notebook is that notebook's result
            name = getattr(failure, "ename", type(failure).__name__)
            said = str(getattr(failure, "evalue", failure)).strip().partition("\n")[0]
            error = {"error": f"{name}: {said}" if said else name}
            dead = name == "DeadKernelError"
            if (dead and killed_for_memory() > killed) or re.search(NO_MEMORY, error["error"]):
                error = {"error": f"{MEMORY}: {'killed by the system' if dead else said or name}"}
        seconds = time.perf_counter() - began
        ended.set()
        with contextlib.suppress(OSError, ValueError):  # there is none, or half of one
            executed = nbformat.read(draft, as_version=4)
    versions = {name: metadata.version(name) for name in DEPENDED_ON}
    record: Record = {"status": "failed" if error else "finished", "seconds": round(seconds, 1)}
    record |= {"peak_mb": round(peak[0]), "attempts": attempt}
    record["versions"] = {"python": platform.python_version()} | versions
    save(task, executed, record | error)
    return not error


def _watch(parent: int, peak: list[float], ended: threading.Event) -> None:
    """Put the most MB that this process's children held at once into `peak`; end with `parent`."""
    itself = psutil.Process()
    while not ended.wait(0.05):
        if os.getppid() != parent:  # nobody waits for the result any more
            stop(itself.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            children = itself.children(recursive=True)
            peak[0] = max(peak[0], sum(each.memory_info().rss / 2**20 for each in children))


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    job = told.pop("task")
    job |= {"source": Path(job["source"]), "out": Path(job["out"])}
    try:
        sys.exit(0 if execute(Task(**job), **told) else 1)
    except OSError as error:
        sys.exit(f"{job['source'].stem}: its result can't be kept: {error}")
