"""The command `eqflow-nb exercises`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def exercises(
    check: Annotated[bool, typer.Option("--check", help="Only say which are out of step.")] = False,
    nbgrader: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write assignments for an nbgrader course there instead."),
    ] = None,
) -> None:
    """Make the exercise notebooks from their solutions."""
    from eqflow_nb.running import assignments
    from eqflow_nb.running import catalogue as course
    from eqflow_nb.running import exercises as made

    if check and nbgrader:
        raise course.CourseError("--check and --nbgrader don't go together; give one of them")
    try:
        if check:
            faults = made.out_of_step()
            for fault in faults:
                typer.echo(fault)
            typer.echo("Run: eqflow-nb exercises" if faults else "All exercises are in step.")
            raise typer.Exit(1 if faults else 0)
        for path in assignments.export(nbgrader) if nbgrader else made.write():
            typer.echo(f"wrote {path}")
    except OSError as error:
        raise course.CourseError(f"can't read or write the exercises: {error}") from error
