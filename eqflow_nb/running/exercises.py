"""Exercises, made from notebooks of solutions so that the two can't drift.

A solution notebook is a py:percent script in `notebooks/exercises/solutions`.  Its cells tagged
``solution`` begin with ``# HINT: ...``; in the student's notebook their functions keep signature
and docstring, their answers keep their names, and what is to be found becomes a
`NotImplementedError` with the hint.  Each is followed by a cell tagged ``check``, which stays as
it is.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat

from eqflow_nb.inputs import replace_text
from eqflow_nb.running import catalogue as course

HINT = "# HINT:"
FROM, TO = "_solutions", "_exercises"
WIDTH = 88


@dataclass(frozen=True)
class Exercise:
    """One exercise of a solution notebook.

    Attributes
    ----------
    names : tuple of str
        The functions and answers that the reader is asked for.
    hint : str
    solution, check : int
        The places of its two cells.
    """

    names: tuple[str, ...]
    hint: str
    solution: int
    check: int


@dataclass(frozen=True)
class Part:
    """A piece of a solution cell: lines to keep, and lines the reader is to find."""

    kept: str
    hidden: str
    name: str = ""


def folder() -> Path:
    """The folder of the exercises, beside the chapters."""
    return course.notebooks_folder() / "exercises"


def solutions(place: Path | None = None) -> list[Path]:
    """The scripts of solutions, in the order of the chapters.

    Raises
    ------
    CourseError
        If there are none, or one isn't called NN_name_solutions.py.
    """
    place = (place or folder()) / "solutions"
    scripts = sorted(place.glob("*.py"))
    if not scripts:
        raise course.CourseError(f"no solutions in {place}; they are called NN_name{FROM}.py")
    for script in scripts:
        if not script.stem.endswith(FROM):
            raise course.CourseError(f"{script.name} should be called {script.stem}{FROM}.py")
    return scripts


def read(notebook: nbformat.NotebookNode, name: str) -> list[Exercise]:
    """The exercises of a solution notebook.

    Raises
    ------
    CourseError
        If a solution has no hint, no answer, or code that is neither; if a check follows no
        solution, or a solution no check; or if a check doesn't ask for every answer.
    """
    found: list[Exercise] = []
    waiting: int | None = None
    for place, cell in enumerate(notebook.cells):
        if is_tagged(cell, "solution"):
            if waiting is not None:
                raise _fault(name, waiting, "a solution is followed by no check cell")
            parts_of(cell.source, name, place)  # a faulty one is refused here
            waiting = place
        elif is_tagged(cell, "check"):
            if waiting is None:
                raise _fault(name, place, "a check cell follows no solution cell")
            source = notebook.cells[waiting].source
            names = tuple(part.name for part in parts_of(source, name, waiting) if part.name)
            if unasked := [each for each in names if each not in _names_in(cell.source)]:
                raise _fault(name, place, f"a check cell never uses the answer {unasked[0]!r}")
            found.append(Exercise(names, hint_of(source, name, waiting), waiting, place))
            waiting = None
    if waiting is not None:
        raise _fault(name, waiting, "a solution is followed by no check cell")
    if not found:
        raise course.CourseError(f"{name} has no cell tagged 'solution'")
    return found


def student(script: Path) -> nbformat.NotebookNode:
    """The student's notebook of a script of solutions: stubs for solutions, nothing executed."""
    notebook = course.load(script)
    asked = {one.solution: one for one in read(notebook, script.name)}
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"exercise-{place:02d}"  # random ids would change with every run
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.get("tags", [])})
        if place in asked:
            cell.source = stub(cell.source, asked[place].hint, script.name, place)
            cell.metadata["tags"] = ["answer"]
        if not cell.metadata["tags"]:
            del cell.metadata["tags"]
    # As the chapters' pairs say it: JupyterLab keeps the two in step.
    form = {"extension": ".py", "format_name": "percent"}
    pair = {"formats": "ipynb,py:percent", "text_representation": form}
    notebook.metadata["jupytext"] = pair
    return notebook


def text_of(notebook: nbformat.NotebookNode) -> str:
    """A notebook as it is written to disk."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def target_of(script: Path) -> Path:
    """Where the student's notebook of a script goes."""
    return script.parents[1] / f"{script.stem.removesuffix(FROM)}{TO}.ipynb"


def made_of(script: Path) -> dict[Path, str]:
    """What a script of solutions makes: the student's notebook and the script paired with it."""
    notebook, target = student(script), target_of(script)
    code = jupytext.writes(notebook, "py:percent")
    # Versions would change the script with every release of jupytext.
    code = re.sub(r"^# +(format|jupytext)_version: .*\n", "", code, flags=re.MULTILINE)
    return {target: text_of(notebook), target.with_suffix(".py"): code}


def write(place: Path | None = None) -> list[Path]:
    """Write the student's notebooks of all solutions, and their scripts; return their paths."""
    made = [pair for script in solutions(place) for pair in made_of(script).items()]
    for path, text in made:
        replace_text(path, text)
    return [path for path, _ in made]


def out_of_step(place: Path | None = None) -> list[str]:
    """What is wrong with the student's notebooks on disk, in words; [] if nothing is."""
    place = place or folder()
    scripts = solutions(place)
    wanted = dict(pair for script in scripts for pair in made_of(script).items())
    faults = []
    for path, text in wanted.items():
        if not path.is_file():
            faults.append(f"{path.name} is missing")
        elif path.read_text(encoding="utf-8") != text:
            faults.append(f"{path.name} is not what its solutions make")
    extra = sorted({*place.glob("*.ipynb"), *place.glob("*.py")} - wanted.keys())
    return faults + [f"{path.name} has no solutions" for path in extra]


def hint_of(source: str, name: str, place: int) -> str:
    """The hint a solution cell begins with: ``# HINT: ...`` and the comment lines below it."""
    first, *rest = source.splitlines() or [""]
    words = [first.removeprefix(HINT).strip()] if first.startswith(HINT) else [""]
    for line in rest:
        if not line.startswith("# "):
            break
        words.append(line.removeprefix("# ").strip())
    if not words[0]:
        raise _fault(name, place, f"a solution cell must begin with '{HINT} ...'")
    return " ".join(words)


def parts_of(source: str, name: str, place: int) -> list[Part]:
    """A solution cell in pieces; names that begin with _ are helpers, which only solutions need.

    Raises
    ------
    CourseError
        If the cell has no hint, no answer, or code that is neither function, answer nor import.
    """
    hint_of(source, name, place)
    lines = source.splitlines()
    parts = []
    for node in ast.parse(source).body:
        text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.Import | ast.ImportFrom):
            parts.append(Part(text, ""))
        elif isinstance(node, ast.FunctionDef) and not node.decorator_list:
            parts.append(_function(node, lines))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            parts.append(Part("", text, node.targets[0].id))
        else:
            what = text.splitlines()[0]
            raise _fault(
                name, place, f"a solution cell may define functions and answers, and has: {what}"
            )
    if not any(part.name and not part.name.startswith("_") for part in parts):
        raise _fault(name, place, "a solution cell defines nothing for the reader to find")
    helpers = [part.name.startswith("_") for part in parts]
    return [
        Part("", f"{part.kept}\n{part.hidden}".strip("\n")) if helper else part
        for part, helper in zip(parts, helpers)
    ]


def stub(source: str, hint: str, name: str, place: int) -> str:
    """What the student gets instead of a solution."""
    pieces, answers = [], []
    for part in parts_of(source, name, place):
        if part.kept and part.name:
            pieces.append(f"{part.kept}\n{textwrap.indent(_refusal(hint), '    ')}")
        elif part.kept:
            pieces.append(part.kept)
        elif part.name:
            answers.append(f"{part.name} = ...")
    if answers:
        todo = "# Fill in your answer, and delete what raises."
        pieces.append("\n".join([todo, *answers, _refusal(hint)]))
    return "\n\n\n".join(pieces)


def is_tagged(cell: nbformat.NotebookNode, tag: str) -> bool:
    """Whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])


def _function(node: ast.FunctionDef, lines: Sequence[str]) -> Part:
    """A function's signature and docstring are kept, its body is hidden."""
    documented = ast.get_docstring(node) is not None
    ends = node.body[0].end_lineno if documented else node.body[0].lineno - 1
    kept = "\n".join(lines[node.lineno - 1 : ends])
    return Part(kept, "\n".join(lines[ends : node.end_lineno]), node.name)


def _refusal(hint: str) -> str:
    """The statement that raises a hint, in lines that fit."""
    line = f"raise NotImplementedError({json.dumps(hint, ensure_ascii=False)})"
    if len(line) <= WIDTH:
        return line
    pieces = textwrap.wrap(hint, WIDTH - 10, drop_whitespace=False)
    quoted = "\n".join(f"    {json.dumps(piece, ensure_ascii=False)}" for piece in pieces)
    return f"raise NotImplementedError(\n{quoted}\n)"


def _names_in(source: str) -> set[str]:
    """The names that some code uses."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _fault(name: str, place: int, what: str) -> course.CourseError:
    return course.CourseError(f"{name}, cell {place}: {what}")
