"""Sweeps: one notebook with many sets of parameters, on a Dask cluster, and the table they give.

Each set is a task of its own.  The worker that gets it starts `eqflow_nb.running.execute` in a
process of its own, as `eqflow-nb run` does, in a folder of its own scratch space, and sends the
executed notebook back as text.  The client alone writes into the folder of the results, so workers
on other machines need nothing but the same version of the package: no shared folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import itertools
import json
import logging
import math
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dask
import distributed
import joblib
import nbformat
import pandas as pd

from eqflow_nb.inputs import (
    InputError,
    replace_bytes,
    replace_text,
    split_at_commas,
    writable_folder,
)
from eqflow_nb.running import catalogue, execute, scorecard
from eqflow_nb.running.execute import Record, Task

MOST = 100_000  # sets in one sweep
LONGEST = 120  # letters in a folder's name; most file systems take 255 bytes
ATTEMPTS = 3
WINDOW = 256  # tasks handed to the cluster at a time, so that a long sweep takes little memory
CONNECT_SECONDS = 10
TOPIC = "eqflow_nb attempts"
RECORD = ("status", "seconds", "peak_mb", "attempts", "error")
LOCAL = {
    # A set whose worker is killed is tried again.  A worker holds one task at a time, so that no
    # other set is counted with it.
    "distributed.scheduler.allowed-failures": ATTEMPTS - 1,
    "distributed.scheduler.worker-saturation": 1,
}

_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)"
_RANGE = re.compile(rf"{_NUMBER}\s*:\s*{_NUMBER}(?:\s*:\s*{_NUMBER})?")


# ---- what to run ----


def plan(chapter: catalogue.Chapter, out: Path, asked: Sequence[tuple[str, str]]) -> list[Task]:
    """A task for each set of the parameters `asked` for, as names and texts that `values` reads.

    Each has a folder in `out`, named by its parameters.  Everything that can be checked is checked
    here, before anything runs.
    """
    stem, defaults = chapter.stem, catalogue.parameters(catalogue.load(chapter.path))
    if not asked:
        known = ", ".join(defaults) or "none"
        raise InputError(
            f"give a parameter to sweep over, such as -p seed 0:10; {stem} knows: {known}"
        )
    texts = dict(asked)
    if len(texts) < len(asked):
        twice = Counter(name for name, _ in asked).most_common(1)[0][0]
        raise InputError(
            f"parameter {twice!r} is given more than once; put all its values in one list"
        )
    catalogue.override(defaults, {name: defaults.get(name) for name in texts}, stem)
    found = {name: values(name, text, defaults, stem) for name, text in asked}
    given = {name: found[name] for name in defaults if name in found}
    if (sets := math.prod(map(len, given.values()))) > MOST:
        raise InputError(f"that would be {sets:,} sets; at most {MOST:,} can be run")
    writable_folder(out)
    claim = out / "sweep.json"
    try:
        owner = json.loads(claim.read_text("utf-8"))["notebook"] if claim.exists() else stem
    except (OSError, ValueError, KeyError, TypeError):
        owner = "something else"
    if owner != stem:
        raise InputError(
            f"{out} holds a sweep of {owner}, not of {stem}; give another folder with -o"
        )
    replace_text(claim, json.dumps({"notebook": stem, "parameters": texts}, indent=1) + "\n")
    package, tasks = execute.package_digest(), []
    for each in itertools.product(*given.values()):
        chosen = dict(zip(given, each, strict=True))
        folder = out / folder_name(chosen)
        tasks.append(execute.task_for(chapter.path, folder, chosen, defaults | chosen, package))
    return tasks


def values(name: str, text: str, defaults: Mapping[str, Any], stem: str) -> list[Any]:
    """Read the values of one parameter: single ones and half-open ranges, between commas.

    ``0:100`` is 0 to 99, ``0:1:.25`` is 0, .25, .5 and .75, ``1,2,10:20`` mixes them.  Where the
    notebook's default is text, a colon is only a colon.
    """
    found: list[Any] = []
    for piece in split_at_commas(text):
        if not piece:
            raise InputError(f"parameter {name!r} got {text!r}, in which a value is missing")
        parts = None if isinstance(defaults.get(name), str) else _RANGE.fullmatch(piece)
        found += [piece] if parts is None else _span(name, piece, *parts.groups())
    checked = [catalogue.override(defaults, {name: value}, stem)[name] for value in found]
    shown, most = Counter(json.dumps(value, default=str) for value in checked).most_common(1)[0]
    if most > 1:
        raise InputError(f"parameter {name!r} has {shown} more than once in {text!r}")
    return checked


def _span(name: str, piece: str, start: str, stop: str, step: str | None) -> list[int | float]:
    """The numbers of a half-open range; fractions, since adding up .1 would gather rounding."""
    first, last, stride = Fraction(start), Fraction(stop), Fraction(step or 1)
    count = max(0, math.ceil((last - first) / stride)) if stride else 0
    if not 0 < count <= MOST:
        fault = (
            "has step 0; give another"
            if not stride
            else f"has {count:,} values; at most {MOST:,} can be run"
            if count
            else "is empty: its end isn't part of it, so 0:3 is 0, 1, 2"
        )
        raise InputError(f"the range {piece!r} of {name!r} {fault}")
    kind = int if all(re.fullmatch(r"[-+]?\d+", n) for n in (start, stop, step or "1")) else float
    return [kind(first + k * stride) for k in range(count)]


def folder_name(chosen: Mapping[str, Any]) -> str:
    """A readable folder name for a set, such as ``seed=3_sigma=0.1``; long ones end in a digest."""
    name = "_".join(f"{key}={quote(str(value), safe='+,')}" for key, value in chosen.items())
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}~{digest}"


# ---- running it ----


class SetFailed(Exception):
    """A set's notebook failed; the only argument is the executed notebook as text."""


def run(
    tasks: Sequence[Task],
    jobs: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
) -> Iterator[tuple[Task, Record]]:
    """Run the tasks of a sweep, and yield each with its record once its result is there.

    Those that finished earlier come first, unless `force` runs them again.  Dask tries a set that
    fails `ATTEMPTS` times.  When the generator is closed, or interrupted, what runs is stopped.

    Parameters
    ----------
    jobs : int, optional
        How many sets to run at a time on this machine; one a core if not given.
    scheduler : str, optional
        The address of a running Dask scheduler, such as ``tcp://10.0.0.1:8786``, to use instead.
        How often a set whose worker is killed is tried again is then that scheduler's setting.
    """
    waiting = []
    for task in tasks:
        earlier = execute.recall(task)
        if earlier["status"] == "finished" and not force:
            yield task, earlier
        else:
            task.result.unlink(missing_ok=True)  # no older result may pass for this run's
            waiting.append(task)
    if waiting:
        with _client(scheduler, jobs or joblib.cpu_count()) as client:
            yield from _collect(client, iter(waiting))


def _collect(client: distributed.Client, waiting: Iterator[Task]) -> Iterator[tuple[Task, Record]]:
    """Hand tasks to the cluster, and save what comes back, until none is left."""
    running: dict[distributed.Future, Task] = {}
    attempts: Counter[str] = Counter()
    client.subscribe_topic(TOPIC, lambda event: attempts.update([event[1]]))
    results = distributed.as_completed(loop=client.loop)
    package = execute.package_digest()

    def submit(number: int) -> None:
        for task in itertools.islice(waiting, number):
            text = task.source.read_text("utf-8")
            future = client.submit(perform, task, text, package, pure=False, retries=ATTEMPTS - 1)
            running[future] = task
            results.add(future)

    try:
        submit(WINDOW)
        for future in results:
            if future.status in ("cancelled", "lost"):
                raise InputError(
                    "the Dask scheduler is gone; what has finished is kept, and the same command "
                    "goes on from here"
                )
            task = running.pop(future)
            _save(task, future, attempts[task.fingerprint])
            submit(1)
            yield task, execute.recall(task)
    finally:
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing to cancel
            client.cancel(list(running), force=True)


def _save(task: Task, future: distributed.Future, attempts: int) -> None:
    """Write what came of a set into its folder."""
    failure = future.exception()
    if failure is None or isinstance(failure, SetFailed):
        text = failure.args[0] if failure else future.result()
        notebook = nbformat.reads(text, as_version=4)
        record = notebook.metadata["eqflow"]
    else:
        notebook = catalogue.load(task.source)
        killed = isinstance(failure, distributed.KilledWorker)
        error = "its worker was killed" if killed else f"{type(failure).__name__}: {failure}"
        record = {"status": "failed", "error": error}
    task.out.mkdir(parents=True, exist_ok=True)
    execute.save(task, notebook, record | {"attempts": attempts})


def perform(task: Task, text: str, package: str) -> str:
    """Run one set on a Dask worker, given the notebook's `text`; the executed notebook as text.

    When nobody waits for the result any more, since the sweep was stopped or its client has died,
    the notebook's processes are ended.
    """
    worker = distributed.get_worker()
    key = worker.get_current_task()
    worker.log_event(TOPIC, task.fingerprint)
    if _package() != package:
        raise RuntimeError("this worker has another version of eqflow_nb than the sweep")
    with tempfile.TemporaryDirectory(dir=worker.local_directory) as folder:
        here = dataclasses.replace(
            task, source=Path(folder, task.source.name), out=Path(folder, "out")
        )
        here.source.write_text(text, encoding="utf-8")
        here.out.mkdir()
        process = execute.start(here, max(2, worker.state.nthreads), Path(folder))
        try:
            while process.poll() is None:
                state = worker.state.tasks.get(key)
                if state is None or state.state != "executing":
                    break  # the task has been cancelled
                time.sleep(0.1)
        finally:
            execute.stop(process.pid)
            process.wait()
        execute.record_death(here, process)
        executed = here.result.read_text("utf-8")
        if execute.recall(here)["status"] == "failed":
            raise SetFailed(executed)
        return executed


@cache
def _package() -> str:
    return execute.package_digest()


def dask_setup(worker: distributed.Worker) -> None:
    """Leave the terminal's Ctrl-C to the client; Dask calls this on each local worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _client(scheduler: str | None, jobs: int) -> Iterator[distributed.Client]:
    """Connect to the scheduler, or to single-threaded workers on this machine, ended afterwards.

    As with every Dask cluster, another user of this machine who finds its port can run code with
    your rights.
    """
    logger = logging.getLogger("distributed")
    with contextlib.ExitStack() as stack:
        stack.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL)  # a killed worker is reported as its set's failure
        address = scheduler or stack.enter_context(_local_cluster(jobs)).scheduler_address
        try:
            client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no Dask scheduler answers at {address!r} within {CONNECT_SECONDS} seconds; "
                "start one with 'dask scheduler', or leave --scheduler out to use this machine"
            ) from error
        yield stack.enter_context(client)


def _local_cluster(jobs: int, attempt: int = 1) -> distributed.LocalCluster:
    """Single-threaded workers on this machine; begun anew if one is killed while it starts."""
    try:
        with dask.config.set(LOCAL):
            return distributed.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                memory_limit=None,  # the memory is taken by the workers' children
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",  # Dask listens there even without a dashboard
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
                preload=__name__,  # has `dask_setup`
            )
    except (RuntimeError, TimeoutError, OSError) as error:
        if attempt < ATTEMPTS:
            return _local_cluster(jobs, attempt + 1)
        raise InputError(
            f"the workers of this machine don't start ({error}); the same command tries "
            "again, --jobs 1 with fewer, and --scheduler with others"
        ) from error


# ---- what came of it ----


def write(tasks: Sequence[Task], out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gather a sweep's results from its folders into ``table.csv``, ``.parquet``, ``summary.csv``.

    Returns the table and the summary; for the latter see `summarise`.  The table has a row for each
    task.  Its columns: the parameters given; status ("finished", "failed" or "none" for those not
    run yet), seconds, peak_mb, attempts and error; each scorecard row's value under the row's name,
    and its deviation as ``row.sd`` where any set has one.  A scorecard row named like a column
    before it becomes ``row.value``.
    """
    lines, cards = [], []
    for task in tasks:
        record = execute.recall(task)
        line: dict[str, Any] = {}
        cards.append(scorecard.read(task.result) if record["status"] == "finished" else {})
        for name, value in task.overrides.items():
            line[name] = value if isinstance(value, int | float | str) else json.dumps(value)
        line |= {key: record.get(key) for key in RECORD}
        taken = set(line)
        for name, row in cards[-1].items():
            line[f"{name}.value" if name in taken else name] = row["value"]
            if "sd" in row:
                line[f"{name}.sd"] = row["sd"]
        lines.append(line)
    frame, summary = pd.DataFrame(lines), summarise(cards)
    measured = [*RECORD[1:4], *frame.columns[len(tasks[0].overrides) + len(RECORD) :]]
    frame[measured] = frame[measured].astype("float64")  # None as NaN, also where all are
    frame["error"] = frame["error"].fillna("")
    _write_csv(out / "table.csv", frame)
    _write_csv(out / "summary.csv", summary)
    parquet = io.BytesIO()
    frame.to_parquet(parquet, index=False)
    replace_bytes(out / "table.parquet", parquet.getvalue())
    return frame, summary


def summarise(cards: Sequence[scorecard.Card]) -> pd.DataFrame:
    """Each scorecard row over all sets that have it.

    Columns: ``row``; ``sets``, how many have it with a finite value; ``not_finite``, how many
    without; ``mean`` and ``sd`` (of the sample); ``worst``, the value farthest on the wrong side of
    the target; ``target``; ``met``, in how many sets.
    """
    lines = []
    for name in dict.fromkeys(name for card in cards for name in card):
        rows = [card[name] for card in cards if name in card]
        numbers = pd.Series([row["value"] for row in rows], dtype="float64")
        judged = [row for row in rows if "target" in row]
        wrong = [scorecard.wrongness(row["value"], row["target"]) for row in judged]
        line = {"row": name, "sets": numbers.count(), "not_finite": numbers.isna().sum()}
        line |= {"mean": numbers.mean(), "sd": numbers.std()}
        line["worst"] = judged[wrong.index(max(wrong))]["value"] if judged else None
        line["target"] = ", ".join(dict.fromkeys(row["target"] for row in judged))
        line["met"] = sum(bool(row.get("met")) for row in judged) if judged else None
        lines.append(line)
    types = {"mean": "float64", "sd": "float64", "worst": "float64", "met": "Int64"}
    columns = ["row", "sets", "not_finite", "mean", "sd", "worst", "target", "met"]
    return pd.DataFrame(lines, columns=columns).astype(types)


def keep(tasks: Sequence[Task], frame: pd.DataFrame, command: str, wall_seconds: float) -> Path:
    """Write a finished sweep's table beside its notebook, as ``NAME_sweep.csv``, with its record.

    ``NAME_sweep.json`` holds the command, the versions, the seconds that this call took, and the
    mean seconds and peak memory of a set.
    """
    source = tasks[0].source
    path = source.with_name(f"{source.stem}_sweep.csv")
    _write_csv(path, frame.drop(columns=[name for name in RECORD if name != "seconds"]))
    record = {
        "command": command,
        "sets": len(frame),
        "versions": execute.recall(tasks[0])["versions"],
        "wall_seconds": round(wall_seconds, 1),
        "seconds_per_set": round(float(frame["seconds"].mean()), 1),
        "peak_mb": round(float(frame["peak_mb"].max())),
        "cores": joblib.cpu_count(),
    }
    replace_text(path.with_suffix(".json"), scorecard.dump(record))
    return path


def shown(summary: pd.DataFrame) -> str:
    """A summary as aligned text, empty where there is nothing to say."""
    if summary.empty:
        return "no scorecard rows"
    kept = summary if summary["not_finite"].any() else summary.drop(columns="not_finite")
    text = kept.astype(object).where(kept.notna(), "")
    return text.to_string(index=False, float_format="{:.4g}".format, na_rep="")


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    replace_bytes(path, frame.to_csv(index=False, lineterminator="\n").encode())
