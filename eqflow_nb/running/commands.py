"""The command line: eqflow-nb, or python -m eqflow_nb.running.commands.

What only one command needs is imported there: torch and the notebooks' machinery are slow to load.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer import Argument, Option

from eqflow_nb.inputs import InputError, choice, count, replace_text
from eqflow_nb.running import catalogue, exercises, identify

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
    rich_markup_mode=None, help="Run the course on equilibrium flow, or parts of it.",
)  # fmt: skip
app.command("identify")(identify.identify)
app.command("exercises")(exercises.exercises)

Record = dict[str, Any]  # of a run, see `execute`
Records = dict[str, Record]  # by stem
Texts = list[str] | None
Names = Annotated[Texts, Argument(metavar="[NOTEBOOK]...", help="Beginnings of names, or paths.")]
Name = Annotated[str, Argument(metavar="NOTEBOOK", help="Its name, its beginning, or its path.")]
Parameters = Annotated[Texts, Option("-p", "--parameter", metavar="NAME VALUE", help="Repeatable.")]
Values = Annotated[
    Texts, Option("-p", "--parameter", metavar="NAME VALUES", help="As seed 0:100 or sigma .1,.2")
]
Budget = Annotated[str | None, Option(help="quick, laptop or paper.")]
Device = Annotated[str | None, Option(help="auto, cpu or cuda.")]
Jobs = Annotated[int, Option(help="How many notebooks to run at a time.")]
SetJobs = Annotated[int | None, Option(help="Sets to run at a time here; default one a core.")]
Scheduler = Annotated[str | None, Option(metavar="ADDRESS", help="Of a running Dask scheduler.")]
Force = Annotated[bool, Option("--force", help="Run again what has finished already.")]
Html = Annotated[bool, Option("--html", help="Write HTML pages and an index too.")]
Keep = Annotated[bool, Option("--keep", help="Write the table beside the notebook too.")]
Studies = Annotated[bool, Option("--studies", help="The studies as well.")]
Seed = Annotated[int, Option(help="Of the snapshots and of everything else.")]
Steps = Annotated[int | None, Option(help="Other than the recipe's.")]
Weights = Annotated[list[str], Argument(metavar="NAME...", help="Weights to make.")]
Out = Annotated[Path, Option("-o", "--out", metavar="DIR", help="Folder of the results.")]
WEIGHTS = Path("build/weights")
SweepOut = Annotated[Path | None, Option("-o", "--out", metavar="DIR", help="Of the results.")]


@app.command("list")
def list_notebooks() -> None:
    """List the chapters and studies, what each asks, and what its last measured run took."""
    for heading, known in ("Chapters", catalogue.chapters()), ("Studies", catalogue.studies()):
        typer.echo(heading)
        for one in known:
            cost = _cost(one.minutes and 60 * one.minutes, one.peak_mb)
            typer.echo(f"  {one.stem:<32}{cost}  {one.question}".rstrip())


@app.command()
def run(
    notebooks: Names = None, parameter: Parameters = None, budget: Budget = None,
    device: Device = None, jobs: Jobs = 1, force: Force = False, html: Html = False,
    out: Out = Path("build/course"),
) -> None:  # fmt: skip
    """Run notebooks, all chapters if none is named; finished ones are not run again."""
    from eqflow_nb.running import execute, scorecard

    everything = [*(known := catalogue.chapters()), *catalogue.studies()]
    chosen = [catalogue.find(name, everything) for name in notebooks or []] or known
    tasks = execute.plan(chosen, out, dict(_pairs(parameter, budget=budget, device=device)))
    if html:
        from eqflow_nb.running.pages import write_pages

        due = [task.stem for task in tasks]
        typer.echo(f"Open {write_pages(out, everything, due)} and draw while the notebooks run.")
    records = _run(tasks, jobs, force)
    cards = scorecard.gather(out)
    for task in tasks:
        if card := cards.get(task.stem):
            typer.echo(f"\n{task.stem}\n{scorecard.table(card)}")
    if html:
        typer.echo(f"\nOpen {write_pages(out, everything)}")
    _finish(records, out)


@app.command()
def study(
    name: Name, parameter: Parameters = None, budget: Budget = None, device: Device = None,
    force: Force = False, out: Out = Path("build/studies"),
) -> None:  # fmt: skip
    """Run a study, and keep its scorecard beside it with the command and versions it came from."""
    from eqflow_nb.running import execute, scorecard

    chosen = [catalogue.find(name, catalogue.studies())]
    (task,) = execute.plan(chosen, out, dict(_pairs(parameter, budget=budget, device=device)))
    records = _run([task], 1, force)
    record = records[task.stem]
    if budget == "quick":
        typer.echo("A quick run is a trial: the recorded scorecard is left as it is.")
    elif record["status"] == "finished":
        kept: Record = {"command": _command("study", task.stem, task.overrides.items())}
        kept |= {key: record[key] for key in ("parameters", "versions", "seconds", "peak_mb")}
        kept["scorecard"] = rows = scorecard.read(task.result)
        replace_text(target := task.source.with_suffix(".json"), scorecard.dump(kept))
        typer.echo(f"\n{scorecard.table(rows)}\nKept in {target}")
    _finish(records, out)


@app.command()
def sweep(
    notebook: Name, parameter: Values = None, jobs: SetJobs = None, scheduler: Scheduler = None,
    force: Force = False, keep: Keep = False, out: SweepOut = None,
) -> None:  # fmt: skip
    """Run a notebook once for each set of parameters, and gather the scorecards in one table."""
    from eqflow_nb.running import sweep as sweeping

    chapter = catalogue.find(notebook, [*catalogue.chapters(), *catalogue.studies()])
    count(1 if jobs is None else jobs, "--jobs")
    folder = (out or Path("build/sweeps") / chapter.stem).absolute()
    asked, began = _pairs(parameter), time.perf_counter()
    tasks = sweeping.plan(chapter, folder, asked)

    runs = sweeping.run(tasks, jobs, scheduler, force)
    _, interrupted = _follow(runs, len(tasks), chapter.stem)
    table, summary = sweeping.write(tasks, folder)
    finished, failed = ((table["status"] == each).sum() for each in ("finished", "failed"))
    if interrupted:
        _stopped(f"{finished} of {len(table)} finished and kept. The")
    typer.echo(f"\n{sweeping.shown(summary)}\n")
    typer.echo(f"{finished} of {len(table)} finished; the table is {folder / 'table.csv'}")
    if failed:
        typer.echo(f"{failed} failed; their errors are in the table", err=True)
        raise typer.Exit(1)
    if keep:
        command = _command("sweep", chapter.stem, asked)
        typer.echo(f"Kept in {sweeping.keep(tasks, table, command, time.perf_counter() - began)}")


@app.command()
def refresh(
    notebooks: Names = None, studies: Studies = False, jobs: Jobs = 1, force: Force = False,
    out: Out = Path("build/notebooks"),
) -> None:  # fmt: skip
    """Execute the scripts into the notebooks committed beside them."""
    from eqflow_nb.running import execute
    from eqflow_nb.running.pages import publish

    known, everything = catalogue.chapters(), [*catalogue.chapters(), *catalogue.studies()]
    chosen = [catalogue.find(name, everything) for name in notebooks or []]
    tasks = execute.plan(chosen or (everything if studies else known), out, {})
    records = _run(tasks, jobs, force)
    for task in tasks:
        if records[task.stem]["status"] == "finished":
            typer.echo(f"wrote {publish(task)}")
    _finish(records, out)


@app.command()
def train(
    names: Weights, seed: Seed = 0, steps: Steps = None, device: Device = None, out: Out = WEIGHTS
) -> None:
    """Make the weights that come with the course again; an interrupted training goes on."""
    from eqflow_nb.scores import training, weights

    for name in names:  # an unknown one is refused before hours go into the others
        choice(name, training.RECIPES, "weights")
    for name in names:
        try:
            path = training.train_weights(name, out, seed, steps, device or "auto")
        except (ValueError, OSError) as error:
            raise InputError(str(error)) from error
        except KeyboardInterrupt:
            _stopped()
        loss = weights.read(path)[1]["loss"]
        typer.echo(f"{path}  {path.stat().st_size / 1000:.0f} kB, loss {loss}")


@app.command()
def doctor() -> None:
    """Look at this machine, and say what to mend."""
    from eqflow_nb.running.doctor import examine

    findings = examine()
    for subject, found, mend in findings:
        typer.echo(f"{subject:>14}  {found}" + (f"\n{'':>14}  MEND: {mend}" if mend else ""))
    to_mend = sum(bool(mend) for _, _, mend in findings)
    typer.echo(f"\n{to_mend} thing(s) to mend." if to_mend else "\nAll is well.")
    raise typer.Exit(1 if to_mend else 0)


def _pairs(given: Texts, **options: str | None) -> list[tuple[str, str]]:
    """Names and texts of the parameters asked for."""
    pairs = []
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"-p wants a name and a value, and got only {pair!r}")
        pairs.append((name.strip(), value))
    return pairs + [(name, value) for name, value in options.items() if value]


def _command(verb: str, stem: str, pairs: Iterable[tuple[str, Any]]) -> str:
    return f"eqflow-nb {verb} {stem}" + "".join(f" -p {name} {value}" for name, value in pairs)


def _follow(runs: Iterator[tuple[Any, Record]], total: int, label: str) -> tuple[Records, bool]:
    """Show the progress of runs; their records by stem, and whether Ctrl-C has ended them."""
    from tqdm import tqdm

    records = {}
    try:
        for task, record in tqdm(runs, label, total, unit="run", disable=not label):
            records[task.stem] = record
            if record["status"] == "failed":
                name = task.out.name if label == task.stem else task.stem
                said = f"{name}: failed after {record['attempts']} attempt(s): {record['error']}"
                tqdm.write(said, file=sys.stderr)
    except KeyboardInterrupt:
        return records, True
    return records, False


def _run(tasks: Sequence[Any], jobs: int, force: bool) -> Records:
    """Run with progress shown; after Ctrl-C say what stays and leave with code 130."""
    from eqflow_nb.running import execute

    label = "Notebooks" if jobs > 1 else ""  # one alone shows its own progress
    runs = execute.run(tasks, count(jobs, "--jobs"), force)
    records, interrupted = _follow(runs, len(tasks), label)
    if interrupted:
        finished = sum(record["status"] == "finished" for record in records.values())
        _stopped(f"{finished} of {len(tasks)} finished and kept. The")
    return records


def _stopped(kept: str = "the") -> NoReturn:
    typer.echo(f"\nStopped; {kept} same command goes on from here.", err=True)
    raise typer.Exit(130)


def _finish(records: Records, out: Path) -> None:
    """Print how each notebook fared, and leave with code 1 if any failed."""
    typer.echo("")
    for stem, record in sorted(records.items()):
        cost = _cost(record.get("seconds"), record.get("peak_mb"))
        note = "not run again" if record.get("reused") else record.get("error", "")
        typer.echo(f"{stem:<32}{record['status']:<10}{cost}  {note}".rstrip())
    failures = [stem for stem, record in records.items() if record["status"] != "finished"]
    if failures:
        kept = ", ".join(str(out / f"{stem}.ipynb") for stem in failures)
        typer.echo(f"{len(failures)} failed; the tracebacks are in {kept}", err=True)
        raise typer.Exit(1)
    typer.echo(f"Results are in {out}")


def _cost(seconds: float | None, peak_mb: float | None) -> str:
    """Time and memory in two columns."""
    short = seconds is not None and seconds < 120
    time = "" if seconds is None else f"{seconds:.0f} s" if short else f"{seconds / 60:.1f} min"
    memory = "" if peak_mb is None else f"{peak_mb:.0f} MB"
    return f"{time:>8}{memory:>10}"


def _join_parameters(arguments: Sequence[str]) -> list[str]:
    """Write ``-p NAME VALUE`` as ``-p NAME=VALUE``, since typer has no options that take pairs."""
    joined: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        joined.append(argument)
        if argument in ("-p", "--parameter"):
            name = next(rest, "")
            value = None if "=" in name or name.startswith("-") else next(rest, None)
            joined.append(name if value is None else f"{name}={value}")
    return joined


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a request that can't be met is one line and exit code 2."""
    try:
        app(args=_join_parameters(sys.argv[1:] if arguments is None else arguments))
    except InputError as error:
        typer.echo(f"eqflow-nb: {identify.spoken(str(error))}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
