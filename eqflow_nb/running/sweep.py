"""Sweeps: one notebook with many sets of parameters, and the table they give.

Each set is a task, in a folder of its own.  On a Dask cluster a worker runs it in a scratch folder,
and sends it back as text: the client alone writes results, so workers on other machines need the
same version of the package, and no shared folder.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import logging
import math
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import distributed
import joblib
import nbformat
import pandas as pd

from eqflow_nb.inputs import InputError, replace_bytes, split_at_commas, writable_folder
from eqflow_nb.running import catalogue, execute, scorecard
from eqflow_nb.running.execute import Record, Task

MOST = 100_000  # sets in one sweep
LONGEST = 120  # letters in a folder's name; most file systems take 255 bytes
ATTEMPTS = 3
WINDOW = 256  # tasks handed to the cluster at a time, so that a long sweep takes little memory
CONNECT_SECONDS = 10
RECORD = ("status", "seconds", "peak_mb", "attempts", "error")

_RANGE = re.compile(r"\s*:\s*".join([scorecard.NUMBER] * 2) + rf"(?:\s*:\s*{scorecard.NUMBER})?")


def plan(chapter: catalogue.Chapter, out: Path, asked: Sequence[tuple[str, str]]) -> list[Task]:
    """A task for each set of the parameters `asked` for, with a folder of its own in `out`."""
    stem, defaults = chapter.stem, catalogue.parameters(catalogue.load(chapter.path))
    if not asked:
        known = f"{stem} knows: {', '.join(defaults) or 'none'}"
        raise InputError(f"give a parameter to sweep over, such as -p seed 0:10; {known}")
    if len(dict(asked)) < len(asked):
        raise InputError("a parameter is given more than once; put all its values in one list")
    found = {name: values(name, text, defaults, stem) for name, text in asked}
    given = {name: found[name] for name in defaults if name in found}
    if (sets := math.prod(map(len, given.values()))) > MOST:
        raise InputError(f"that would be {sets:,} sets; at most {MOST:,} can be run")
    writable_folder(out)
    package, tasks = execute.package_digest(), []
    for each in itertools.product(*given.values()):
        chosen = dict(zip(given, each, strict=True))
        folder = out / folder_name(chosen)
        tasks.append(execute.task_for(chapter.path, folder, chosen, defaults, package))
    return tasks


def values(name: str, text: str, defaults: Mapping[str, Any], stem: str) -> list[Any]:
    """Read values such as ``1,2,10:20`` or ``0:1:.25``; for text a colon is only a colon."""
    found: list[Any] = []
    for piece in split_at_commas(text):
        if not piece:
            raise InputError(f"parameter {name!r} got {text!r}, in which a value is missing")
        parts = None if isinstance(defaults.get(name), str) else _RANGE.fullmatch(piece)
        found += [piece] if parts is None else _span(name, piece, *parts.groups("1"))
    checked = [catalogue.override(defaults, {name: value}, stem)[name] for value in found]
    shown, most = Counter(json.dumps(value, default=str) for value in checked).most_common(1)[0]
    if most > 1:
        raise InputError(f"parameter {name!r} has {shown} more than once in {text!r}")
    return checked


def _span(name: str, piece: str, *numbers: str) -> list[int | float]:
    """The numbers of a half-open range; fractions, since adding up .1 would gather rounding."""
    first, last, step = map(Fraction, numbers)
    count = math.ceil((last - first) / step) if step else 0
    if not 0 < count <= MOST:
        fault = f"is empty or has more than {MOST:,} values; its end isn't part of it"
        raise InputError(f"the range {piece!r} of {name!r} {fault}, so 0:3 is 0, 1, 2")
    kind = int if all(re.fullmatch(r"[-+]?\d+", number) for number in numbers) else float
    return [kind(first + k * step) for k in range(count)]


def folder_name(chosen: Mapping[str, Any]) -> str:
    """A readable folder name for a set, such as ``seed=3_sigma=0.1``; long ones end in a digest."""
    name = "_".join(f"{key}={quote(str(value), safe='+,')}" for key, value in chosen.items())
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}~{digest}"


def run(
    tasks: Sequence[Task], jobs: int | None, scheduler: str | None, force: bool
) -> Iterator[tuple[Task, Record]]:
    """Run the tasks of a sweep, each up to `ATTEMPTS` times; see `execute.run`."""
    # They go to the `scheduler` of this address, such as ``tcp://10.0.0.1:8786``, or run here,
    # `jobs` at a time, one a core if not given.
    if scheduler is None:
        yield from execute.run(tasks, jobs or joblib.cpu_count(), force, ATTEMPTS)
        return
    done, waiting = execute.sort_out(tasks, force)
    yield from done
    if not waiting:
        return
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # failures are reported anyway
    try:  # as with every Dask cluster, whoever reaches its port has the rights of who started it
        client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError, RuntimeError) as error:
        wanted = "start one with 'dask scheduler', or leave --scheduler out to use this machine"
        raise InputError(f"no Dask scheduler answers at {scheduler!r}; {wanted}") from error
    with client:
        yield from _collect(client, iter(waiting))


def _collect(client: distributed.Client, waiting: Iterator[Task]) -> Iterator[tuple[Task, Record]]:
    """Hand tasks to the cluster, and save what comes back, until none is left."""
    running: dict[distributed.Future, Task] = {}
    results = distributed.as_completed(loop=client.loop)
    package = execute.package_digest()

    def submit(number: int) -> None:
        for task in itertools.islice(waiting, number):
            text = task.source.read_text("utf-8")
            future = client.submit(perform, task, text, package, pure=False)
            running[future] = task
            results.add(future)

    try:
        submit(WINDOW)
        for future in results:
            if future.status in ("cancelled", "lost"):
                kept = "what has finished is kept, and the same command goes on from here"
                raise InputError(f"the Dask scheduler is gone; {kept}")
            task = running.pop(future)
            if (failure := future.exception()) is None:
                notebook = nbformat.reads(future.result(), as_version=4)
                record = notebook.metadata["eqflow"]
            else:
                notebook = catalogue.load(task.source)
                error = f"{type(failure).__name__}: {failure}"
                record = {"status": "failed", "error": error, "attempts": 1}
            task.out.mkdir(parents=True, exist_ok=True)
            execute.save(task, notebook, record)
            submit(1)
            yield task, execute.recall(task)
    finally:
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing to cancel
            client.cancel(list(running), force=True)


def perform(task: Task, text: str, package: str) -> str:
    """Run one set on a Dask worker; the executed notebook as text."""
    # When nobody waits for the result any more, since the sweep was stopped or its client has
    # died, the notebook's processes are ended.
    worker = distributed.get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state == "executing"

    if execute.package_digest() != package:
        raise RuntimeError("this worker has another version of eqflow_nb than the sweep")
    for attempt in range(1, ATTEMPTS + 1):
        with tempfile.TemporaryDirectory(dir=worker.local_directory) as folder:
            source, out = Path(folder, task.source.name), Path(folder, "out")
            here = dataclasses.replace(task, source=source, out=out)
            source.write_text(text, encoding="utf-8")
            process = execute.start(here, max(2, worker.state.nthreads), attempt, Path(folder))
            try:
                while process.poll() is None and wanted():
                    time.sleep(0.1)
            finally:
                execute.stop(process.pid)
                process.wait()
            execute.record_death(here, process, attempt)
            executed = here.result.read_text("utf-8")
            if not execute.may_do_better(execute.recall(here)) or not wanted():
                break
    return executed


def write(tasks: Sequence[Task], out: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gather a sweep's results into ``table.csv``, ``.parquet`` and ``summary.csv``; return both.

    The table has a row for each task.  Its columns: the parameters given; those of `RECORD`, with
    status "none" for what has not run yet; each scorecard row's value under the row's name (with
    ``.value`` if that is taken), and its deviation as ``row.sd`` where any set has one.
    """
    lines, cards = [], []
    for task in tasks:
        record = execute.recall(task)
        cards.append(scorecard.read(task.result) if record["status"] == "finished" else {})
        line: dict[str, Any] = {
            name: value if isinstance(value, int | float | str) else json.dumps(value)
            for name, value in task.overrides.items()
        }
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
    replace_bytes(out / "table.parquet", frame.to_parquet(index=False))
    return frame, summary


def summarise(cards: Sequence[scorecard.Card]) -> pd.DataFrame:
    """Each scorecard row over all sets that have it, in how many of them (`met`) on target."""
    # In `sets` sets its value is finite, with a `mean` and the `sd` of a sample, in `not_finite`
    # it isn't; the `worst` is the value farthest on the wrong side of the target.
    lines = []
    for name in dict.fromkeys(itertools.chain(*cards)):
        rows = [card[name] for card in cards if name in card]
        judged = [row for row in rows if "target" in row]
        worst = max(judged, key=lambda r: scorecard.wrongness(r["value"], r["target"]), default={})
        numbers = pd.Series([row["value"] for row in rows], dtype="float64")
        targets = ", ".join(dict.fromkeys(row["target"] for row in judged))
        met = sum(row["met"] for row in judged) if judged else None
        about = numbers.count(), numbers.isna().sum(), numbers.mean(), numbers.std()
        lines.append((name, *about, worst.get("value"), targets, met))
    types = {"mean": "float64", "sd": "float64", "worst": "float64", "met": "Int64"}
    columns = ["row", "sets", "not_finite", "mean", "sd", "worst", "target", "met"]
    return pd.DataFrame(lines, columns=columns).astype(types)


def keep(tasks: Sequence[Task], frame: pd.DataFrame, command: str, wall_seconds: float) -> Path:
    """Write a sweep's table beside its notebook, as ``NAME_sweep.csv``, with a record in JSON."""
    source = tasks[0].source
    path = source.with_name(f"{source.stem}_sweep.csv")
    _write_csv(path, frame.drop(columns=[name for name in RECORD if name != "seconds"]))
    versions, each = execute.recall(tasks[0])["versions"], float(frame["seconds"].mean())
    record = {"command": command, "sets": len(frame), "versions": versions}
    record |= {"wall_seconds": round(wall_seconds, 1), "seconds_per_set": round(each, 1)}
    record |= {"peak_mb": round(float(frame["peak_mb"].max())), "cores": joblib.cpu_count()}
    replace_bytes(path.with_suffix(".json"), scorecard.dump(record).encode())
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
