"""The exercises as nbgrader assignments: the source versions that a course is graded with.

nbgrader makes the students' version from these itself: what stands between its marks is taken out.
The hints stay, as comments.  See https://nbgrader.readthedocs.io for the cells' metadata, schema 3.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import nbformat

from eqflow_nb.inputs import replace_text
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import exercises

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
POINTS = 1


def source(script: Path) -> nbformat.NotebookNode:
    """The source version of an assignment, made from a script of solutions.

    Solutions are what students may change, each check is worth one point, and all other code is
    locked, so that a submission can't change what it is tried on.

    Raises
    ------
    CourseError
        As `exercises.read`.
    """
    notebook = course.load(script)
    found = exercises.read(notebook, script.name)
    solution = {one.solution: number for number, one in enumerate(found, 1)}
    check = {one.check: number for number, one in enumerate(found, 1)}
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"exercise-{place:02d}"
        if place in solution:
            cell.source = _marked(cell.source, script.name, place)
            _grade(cell, f"answer-{solution[place]}", solution=True)
        elif place in check:
            _grade(cell, f"check-{check[place]}", points=POINTS, locked=True)
        elif cell.cell_type == "code":
            _grade(cell, f"given-{place}", locked=True)
    return notebook


def export(out: Path, place: Path | None = None) -> list[Path]:
    """Write all assignments to DIR/source/NAME/NAME.ipynb; return their paths."""
    written = []
    for script in exercises.solutions(place):
        name = exercises.target_of(script).stem
        path = out / "source" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, exercises.text_of(source(script)))
        written.append(path)
    return written


def _marked(text: str, name: str, place: int) -> str:
    """A solution cell with nbgrader's marks around what the student is to find."""
    hint = exercises.hint_of(text, name, place)
    pieces = ["\n".join(textwrap.wrap(f"{exercises.HINT} {hint}", 88, subsequent_indent="# "))]
    for part in exercises.parts_of(text, name, place):
        indent = "    " if part.kept else ""
        hidden = f"{indent}{BEGIN}\n{part.hidden}\n{indent}{END}" if part.hidden else ""
        pieces.append("\n".join(piece for piece in (part.kept, hidden) if piece))
    return "\n".join(pieces)


def _grade(
    cell: nbformat.NotebookNode,
    name: str,
    points: int | None = None,
    solution: bool = False,
    locked: bool = False,
) -> None:
    """Give a cell nbgrader's metadata, in place."""
    about = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    cell.metadata["nbgrader"] = about | ({} if points is None else {"points": points})
