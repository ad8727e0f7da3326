"""The command line: eqflow-nb, or python -m eqflow_nb.running.commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eqflow_nb.inputs import InputError, replace_text
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import (
    exercises,
    identify_command,
    lean,  # noqa: F401
    sweep_command,
)

if TYPE_CHECKING:  # the notebooks' machinery is slow to load, and `identify` does without it
    from eqflow_nb.running import runner

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run the course on equilibrium flow, or parts of it.",
)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NOTEBOOK]...", help="Names, their beginnings, or paths."),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME VALUE", help="Set a parameter; repeatable."),
]
Budget = Annotated[str | None, typer.Option(help="quick, laptop or paper.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda.")]
Jobs = Annotated[int, typer.Option(help="How many notebooks to run at a time.")]
Force = Annotated[bool, typer.Option("--force", help="Run again what has finished already.")]
Html = Annotated[bool, typer.Option("--html", help="Write HTML pages and an index too.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder of the results.")]


app.command("identify")(identify_command.identify)
app.command("exercises")(exercises.exercises)
app.command("sweep")(sweep_command.sweep)


@app.command("list")
def list_notebooks() -> None:
    """List the chapters and studies, what each asks, and what its last measured run took."""
    for heading, notebooks in (("Chapters", course.chapters()), ("Studies", course.studies())):
        if notebooks:
            typer.echo(heading)
        for chapter in notebooks:
            time = "" if chapter.minutes is None else _duration(60 * chapter.minutes)
            memory = "" if chapter.peak_mb is None else f"{chapter.peak_mb:.0f} MB"
            typer.echo(f"  {chapter.stem:<32}{time:>8}{memory:>10}  {chapter.question}".rstrip())


@app.command()
def run(
    notebooks: Names = None,
    parameter: Parameters = None,
    budget: Budget = None,
    device: Device = None,
    jobs: Jobs = 1,
    force: Force = False,
    html: Html = False,
    out: Out = Path("build/course"),
) -> None:
    """Run notebooks, all chapters if none is named; finished ones are not run again."""
    from eqflow_nb.running import runner, scorecard

    known = course.chapters()
    everything = [*known, *course.studies()]
    chosen = [course.find(name, everything) for name in notebooks or []] or known
    tasks = runner.plan(chosen, out, _asked(parameter, budget, device))
    outcomes = _run(tasks, jobs, force)
    cards = scorecard.gather(out)
    for stem in [task.stem for task in tasks if cards.get(task.stem)]:
        typer.echo(f"\n{stem}\n{scorecard.table(cards[stem])}")
    if html:
        from eqflow_nb.running.pages import write_pages

        typer.echo(f"\nOpen {write_pages(out, everything)}")
    _finish(outcomes, out)


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A study's name, or its beginning.")],
    parameter: Parameters = None,
    budget: Budget = None,
    device: Device = None,
    force: Force = False,
    out: Out = Path("build/studies"),
) -> None:
    """Run a study, and keep its scorecard beside it with the command and versions it came from."""
    from eqflow_nb.running import runner, scorecard

    tasks = runner.plan(
        [course.find(name, course.studies())], out, _asked(parameter, budget, device)
    )
    outcomes = _run(tasks, 1, force)
    if budget == "quick":
        typer.echo("A quick run is a trial: the recorded scorecard is left as it is.")
    elif outcomes[0].status == "finished":
        target = tasks[0].source.with_suffix(".json")
        record = runner.record(tasks[0])
        given = [f"-p {key} {value}" for key, value in tasks[0].overrides.items()]
        kept = {
            "command": " ".join(["eqflow-nb study", tasks[0].stem, *given]),
            **{key: record[key] for key in ("parameters", "versions", "seconds", "peak_mb")},
            "scorecard": scorecard.read(tasks[0].result),
        }
        replace_text(target, scorecard.dump(kept))
        typer.echo(f"\n{scorecard.table(kept['scorecard'])}\nKept in {target}")
    _finish(outcomes, out)


@app.command()
def refresh(
    notebooks: Names = None,
    studies: Annotated[bool, typer.Option("--studies", help="The studies as well.")] = False,
    jobs: Jobs = 1,
    force: Force = False,
    out: Out = Path("build/notebooks"),
) -> None:
    """Execute the scripts into the notebooks committed beside them, and the README's pictures."""
    from eqflow_nb.running import runner
    from eqflow_nb.running.pages import publish
    from eqflow_nb.running.thumbnails import thumbnails

    known, heavy = course.chapters(), course.studies()
    chosen = [course.find(name, [*known, *heavy]) for name in notebooks or []]
    tasks = runner.plan(chosen or [*known, *(heavy if studies else [])], out, {})
    outcomes = _run(tasks, jobs, force)
    finished = {outcome.stem for outcome in outcomes if outcome.status == "finished"}
    for task in tasks:
        if task.stem in finished:
            typer.echo(f"wrote {publish(task)}")
    folder = course.notebooks_folder()
    docs = folder.parent / "docs"
    if docs.is_dir() or (folder.parent / "README.md").is_file():
        for picture in thumbnails(folder, docs):
            typer.echo(f"wrote {picture}")
    _finish(outcomes, out)


@app.command()
def train(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Weights to make.")],
    seed: Annotated[int, typer.Option(help="Of the stills and of everything else.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Other than the recipe's.")] = None,
    device: Device = None,
    out: Out = Path("build/weights"),
) -> None:
    """Make the weights that come with the course again; an interrupted training goes on."""
    from eqflow_nb.inputs import choice
    from eqflow_nb.scores import training, weights

    for name in names:
        try:
            for each in names:  # an unknown one is refused before hours go into the others
                choice(each, training.RECIPES, "weights")
            path = training.train_weights(name, out, seed, steps, device or "auto")
        except (ValueError, OSError) as error:
            raise course.CourseError(str(error)) from error
        except KeyboardInterrupt:
            typer.echo("\nStopped; the same command goes on from here.", err=True)
            raise typer.Exit(130) from None
        loss = weights.read(path)[1]["loss"]
        typer.echo(f"{path}  {path.stat().st_size / 1000:.0f} kB, loss {loss}")


@app.command()
def doctor() -> None:
    """Look at this machine, and say what to mend."""
    from eqflow_nb.running.doctor import examine

    findings = examine()
    for finding in findings:
        mend = f"\n{'':>14}  MEND: {finding.mend}" if finding.mend else ""
        typer.echo(f"{finding.subject:>14}  {finding.found}{mend}")
    to_mend = sum(bool(finding.mend) for finding in findings)
    typer.echo(f"\n{to_mend} thing(s) to mend." if to_mend else "\nAll is well.")
    raise typer.Exit(1 if to_mend else 0)


def _asked(given: Sequence[str] | None, budget: str | None, device: str | None) -> dict[str, Any]:
    """The parameters asked for, as text by name."""
    asked: dict[str, Any] = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise course.CourseError(f"-p wants a name and a value, and got only {pair!r}")
        asked[name.strip()] = value
    options = {"budget": budget, "device": device}
    return asked | {name: value for name, value in options.items() if value is not None}


def _run(tasks: Sequence[runner.Task], jobs: int, force: bool) -> list[runner.Outcome]:
    """Run with progress shown; after Ctrl-C say what stays and leave with code 130."""
    from tqdm import tqdm

    from eqflow_nb.running import runner

    if jobs < 1:
        raise course.CourseError(f"--jobs is {jobs}; it must be at least 1")
    done: list[runner.Outcome] = []
    with tqdm(total=len(tasks), desc="Notebooks", unit="notebook", disable=jobs == 1) as bar:

        def report(outcome: runner.Outcome) -> None:
            done.append(outcome)
            if jobs > 1:
                tqdm.write(f"{outcome.stem}: {outcome.status}", file=sys.stderr)
            bar.update()

        try:
            return runner.run(tasks, jobs, force, report)
        except KeyboardInterrupt:
            finished = sum(outcome.status == "finished" for outcome in done)
            typer.echo(
                f"\nStopped; {finished} of {len(tasks)} finished and kept. "
                "The same command goes on from here.",
                err=True,
            )
            raise typer.Exit(130) from None


def _finish(outcomes: Sequence[runner.Outcome], out: Path) -> None:
    """Print how each notebook fared, and leave with code 1 if any failed."""
    typer.echo("")
    for outcome in sorted(outcomes, key=lambda each: each.stem):
        time = "" if outcome.seconds is None else _duration(outcome.seconds)
        memory = "" if outcome.peak_mb is None else f"{outcome.peak_mb:.0f} MB"
        note = "not run again" if outcome.reused else outcome.error
        line = f"{outcome.stem:<32}{outcome.status:<10}{time:>8}{memory:>10}  {note}"
        typer.echo(line.rstrip())
    failures = [outcome.stem for outcome in outcomes if outcome.status != "finished"]
    if failures:
        kept = ", ".join(str(out / f"{stem}.ipynb") for stem in failures)
        typer.echo(f"{len(failures)} failed; the tracebacks are in {kept}", err=True)
        raise typer.Exit(1)
    typer.echo(f"Results are in {out}")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _join_parameters(arguments: Sequence[str]) -> list[str]:
    """Write ``-p NAME VALUE`` as ``-p NAME=VALUE``, since typer has no options that take pairs."""
    joined: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        joined.append(argument)
        if argument in ("-p", "--parameter"):
            name = next(rest, "")
            value = None if "=" in name or name.startswith("-") else next(rest, None)
            joined += [name] if value is None else [f"{name}={value}"]
    return joined


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a request that can't be met is one line and exit code 2."""
    command: Callable[..., Any] = app
    try:
        command(args=_join_parameters(sys.argv[1:] if arguments is None else arguments))
    except InputError as error:
        typer.echo(f"eqflow-nb: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
