"""Running a sweep: one notebook with many sets of parameters, on a Dask cluster.

Each set is a task of its own.  The worker that gets it starts `eqflow_nb.worker` in a process of
its own, as `eqflow-nb run` does but warm where that can be, in a folder of its own scratch space,
and sends the executed notebook back as text.  The client alone writes into the folder of the
results, so that workers on other machines need nothing but the same version of the package: no
shared folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import logging
import signal
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dask
import distributed
import nbformat

from eqflow_nb.running import catalogue as course
from eqflow_nb.running import runner, warm
from eqflow_nb.running.sweep_sets import Sweep

ATTEMPTS = 3
WINDOW = 256  # tasks handed to the cluster at a time, so that a long sweep takes little memory
CONNECT_SECONDS = 10
PAUSE = 0.1  # seconds between looks at what has ended

# A set whose worker is killed comes back at once and is counted here.  With one task at a time on
# each worker no other set is counted with it.
LOCAL = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1,
    "distributed.worker.daemon": False,  # daemons may not have the children that start warm
}


@dataclass(frozen=True)
class State:
    """How far a sweep is: numbers of sets, and a line on each attempt that has just failed."""

    finished: int
    failed: int
    running: int
    news: tuple[str, ...] = ()


def run(
    sweep: Sweep, jobs: int | None = None, scheduler: str | None = None, force: bool = False
) -> Iterator[State]:
    """Run the sets of a sweep that have no result yet, each up to `ATTEMPTS` times.

    Parameters
    ----------
    sweep : Sweep
    jobs : int, optional
        How many sets to run at a time on this machine; one a core if not given.
    scheduler : str, optional
        The address of a running Dask scheduler, such as ``tcp://10.0.0.1:8786``, to use instead.
        A killed worker's set is then tried again by that scheduler's own rule first.
    force : bool
        Run again what has finished already.

    Yields
    ------
    State
        After each change and several times a second.  Results are in their folders before they
        are counted.  When the generator is closed, or interrupted, what runs is stopped.

    Raises
    ------
    CourseError
        If the scheduler doesn't answer, or stops answering for good.
    """
    waiting: deque[tuple[runner.Task, int]] = deque()
    for task in sweep.tasks:
        if force or runner.recall(task).status != "finished":
            task.result.unlink(missing_ok=True)  # no older result may pass for this run's
            waiting.append((task, 1))
    state = State(len(sweep.tasks) - len(waiting), 0, 0)
    yield state
    if waiting:
        with _client(scheduler, jobs or runner.cores()) as client:
            yield from _drive(client, sweep, waiting, state)


def _drive(
    client: distributed.Client,
    sweep: Sweep,
    waiting: deque[tuple[runner.Task, int]],
    state: State,
) -> Iterator[State]:
    """Hand out tasks and collect them until none is left."""
    running: dict[distributed.Future, tuple[runner.Task, int]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < WINDOW:
                task, attempt = waiting.popleft()
                running[_submit(client, sweep, task)] = task, attempt
            news = []
            for future in [each for each in running if each.done()]:
                task, attempt = running.pop(future)
                if future.status in ("cancelled", "lost"):  # the connection's fault, not the set's
                    waiting.append((task, attempt))
                    continue
                outcome = _collect(future, task, attempt)
                if outcome.status == "finished":
                    state = dataclasses.replace(state, finished=state.finished + 1)
                    continue
                news.append(f"{outcome.stem}: attempt {attempt} of {ATTEMPTS}: {outcome.error}")
                if attempt < ATTEMPTS:
                    waiting.append((task, attempt + 1))
                else:
                    state = dataclasses.replace(state, failed=state.failed + 1)
            if client.status == "closed":
                raise course.CourseError(
                    "the Dask scheduler is gone; what has finished is kept, and the same command "
                    "goes on from here"
                )
            threads = client.scheduler_info().get("total_threads", len(running))
            yield dataclasses.replace(state, running=min(len(running), threads), news=tuple(news))
            time.sleep(PAUSE)
    finally:
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing to cancel
            client.cancel(list(running), force=True)


def _submit(client: distributed.Client, sweep: Sweep, task: runner.Task) -> distributed.Future:
    job = {
        "name": task.source.name,
        "text": sweep.text,
        "package": sweep.package,
        "overrides": task.overrides,
        "parameters": task.parameters,
        "fingerprint": task.fingerprint,
    }
    return client.submit(perform, job, pure=False)


def _collect(future: distributed.Future, task: runner.Task, attempt: int) -> runner.Outcome:
    """Write down what came of an attempt, and say what is written."""
    task.out.mkdir(parents=True, exist_ok=True)
    if future.status == "finished":
        notebook = nbformat.reads(future.result(), as_version=4)
        runner.save(task, notebook, notebook.metadata["eqflow"] | {"attempts": attempt})
    else:
        failure = future.exception()
        killed = isinstance(failure, distributed.KilledWorker)
        error = "its worker was killed" if killed else f"{type(failure).__name__}: {failure}"
        record = {"status": "failed", "error": error, "attempts": attempt}
        runner.save(task, course.load(task.source), record)
    return dataclasses.replace(runner.recall(task, reused=False), stem=task.out.name)


def perform(job: dict[str, Any]) -> str:
    """Run one set on a Dask worker; the executed notebook as text, whether it failed or not.

    When nobody waits for the result any more, since the sweep was stopped or its client has died,
    the notebook's processes are ended.

    Raises
    ------
    RuntimeError
        If the worker's package is another than the client's.
    """
    worker = distributed.get_worker()
    key = worker.get_current_task()
    if _package() != job["package"]:
        raise RuntimeError("this worker has another version of eqflow_nb than the sweep")
    with tempfile.TemporaryDirectory(dir=worker.local_directory) as folder:
        source, out = Path(folder, job["name"]), Path(folder, "out")
        source.write_text(job["text"], encoding="utf-8")
        out.mkdir()
        task = runner.Task(source, out, job["overrides"], job["parameters"], job["fingerprint"])
        start = warm.start if warm.possible() else runner.start
        process = start(task, max(2, worker.state.nthreads), Path(folder))
        try:
            while process.poll() is None and _wanted(worker, key):
                time.sleep(PAUSE)
        finally:
            runner.stop(process.pid)
            process.wait()
        if not task.result.is_file():
            runner.keep_stillborn(task, f"its process ended with code {process.returncode}")
        return task.result.read_text(encoding="utf-8")


def dask_setup(worker: distributed.Worker) -> None:
    """Leave the terminal's Ctrl-C to the client; Dask calls this on each local worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _wanted(worker: distributed.Worker, key: Any) -> bool:
    """Whether the task that this thread runs hasn't been cancelled."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state == "executing"


@cache
def _package() -> str:
    return runner.package_digest()


@contextlib.contextmanager
def _client(scheduler: str | None, jobs: int) -> Iterator[distributed.Client]:
    """Connect to the scheduler, or to a cluster of this machine's that ends with the sweep."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a killed worker is reported as its set's failure
    try:
        with contextlib.ExitStack() as stack:
            address = scheduler or stack.enter_context(_started(jobs)).scheduler_address
            yield stack.enter_context(_connect(address))
    finally:
        logger.setLevel(level)


def _connect(address: str) -> distributed.Client:
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise course.CourseError(
            f"no Dask scheduler answers at {address!r} within {CONNECT_SECONDS} seconds; start one "
            "with 'dask scheduler', or leave --scheduler out to use this machine"
        ) from error


def _started(jobs: int) -> Any:
    """A local cluster that is up; one whose worker is killed while it starts is begun anew."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _local_cluster(jobs)
        except (RuntimeError, TimeoutError, OSError) as error:
            if attempt == ATTEMPTS:
                raise course.CourseError(
                    f"the workers of this machine don't start ({error}); the same command tries "
                    "again, --jobs 1 with fewer, and --scheduler with others"
                ) from error
    raise AssertionError("one of the attempts returns or raises")


def _local_cluster(jobs: int) -> Any:
    """A cluster of single-threaded worker processes on this machine.

    Where dask-cuda is installed and torch sees GPUs, one worker for each of them; `jobs` is not
    used then.  That way has not been tried on a machine with GPUs.  As with every Dask cluster,
    another user of this machine who finds its port can run code with your rights.
    """
    common: dict[str, Any] = {
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",  # any free port, since Dask listens there regardless,
        "scheduler_kwargs": {"dashboard": False},  # with no dashboard
        "silence_logs": logging.CRITICAL,
        "preload": __name__,  # has `dask_setup`
    }
    if importlib.util.find_spec("dask_cuda") is not None:
        import torch
        from dask_cuda import LocalCUDACluster

        if torch.cuda.is_available():
            return LocalCUDACluster(**common)
    with dask.config.set(LOCAL):
        # What takes the memory are the workers' children, which Dask's limit doesn't see.
        return distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, memory_limit=None, **common
        )
