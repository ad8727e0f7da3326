"""The command `eqflow-nb sweep NOTEBOOK -p seed 0:100`: one notebook, many sets of parameters."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqflow_nb.running import catalogue as course

if TYPE_CHECKING:  # Dask and pandas are slow to load, and no other command needs them
    from eqflow_nb.running.sweep_sets import Sweep

Notebook = Annotated[
    str, typer.Argument(metavar="NOTEBOOK", help="A chapter's or study's name, or its beginning.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--parameter",
        metavar="NAME VALUES",
        help="Such as seed 0:100 (0 to 99), sigma .1,.2 or budget quick; repeatable.",
    ),
]
Jobs = Annotated[int | None, typer.Option(help="Sets to run at a time here; default one a core.")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Of a running Dask scheduler to use.")
]
Force = Annotated[bool, typer.Option("--force", help="Run again what has finished already.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Write the finished table beside the notebook too.")
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="DIR", help="Default build/sweeps/NOTEBOOK."),
]


def sweep(
    notebook: Notebook,
    parameter: Parameters = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Force = False,
    keep: Keep = False,
    out: Out = None,
) -> None:
    """Run a notebook once for each set of parameters, and gather the scorecards in one table."""
    from eqflow_nb.running import sweep_sets, sweep_table

    chapter = course.find(notebook, [*course.chapters(), *course.studies()])
    if jobs is not None and jobs < 1:
        raise course.CourseError(f"--jobs is {jobs}; it must be at least 1")
    folder = out or Path("build/sweeps") / chapter.stem
    asked = _asked(parameter)
    planned = sweep_sets.plan(chapter, folder, asked)
    interrupted, began = False, time.perf_counter()
    try:
        _run(planned, chapter.stem, jobs, scheduler, force)
    except KeyboardInterrupt:
        interrupted = True
    table, summary = sweep_table.write(planned)
    finished, failed = ((table["status"] == each).sum() for each in ("finished", "failed"))
    if interrupted:
        typer.echo(
            f"\nStopped; {finished} of {len(table)} finished and kept. "
            "The same command goes on from here.",
            err=True,
        )
        raise typer.Exit(130)
    typer.echo(f"\n{sweep_table.shown(summary)}\n")
    typer.echo(f"{finished} of {len(table)} finished; the table is {folder / 'table.csv'}")
    if failed:
        typer.echo(f"{failed} failed; their errors are in the table", err=True)
        raise typer.Exit(1)
    if keep:
        given = [f"-p {name} {text}" for name, text in asked]
        command = " ".join(["eqflow-nb sweep", chapter.stem, *given])
        path = sweep_table.keep(planned, table, command, time.perf_counter() - began)
        typer.echo(f"Kept in {path}")


def _run(planned: Sweep, stem: str, jobs: int | None, scheduler: str | None, force: bool) -> None:
    """Run with progress shown, and a line for each attempt that fails."""
    from tqdm import tqdm

    from eqflow_nb.running import sweep as running

    shown = None
    with tqdm(total=len(planned.tasks), desc=stem, unit="set") as bar:
        for state in running.run(planned, jobs, scheduler, force):
            for line in state.news:
                tqdm.write(line, file=sys.stderr)
            bar.n = state.finished + state.failed
            bar.set_postfix(failed=state.failed, running=state.running, refresh=state != shown)
            shown = state


def _asked(given: list[str] | None) -> list[tuple[str, str]]:
    """Names and texts of the parameters asked for."""
    pairs = []
    for each in given or []:
        name, equals, text = each.partition("=")
        if not equals:
            raise course.CourseError(f"-p wants a name and values, and got only {each!r}")
        pairs.append((name.strip(), text))
    return pairs
