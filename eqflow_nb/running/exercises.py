"""The exercises and their command: made from notebooks of solutions, so that the two can't drift.

A solution notebook is a script in `notebooks/exercises/solutions`.  A cell tagged ``solution``
begins with ``# HINT: ...``, which asks the right question, and ``# MORE: ...``, which half answers
it, and has nbgrader's marks around what the student is to find.  The student's notebook has both
hints folded, one in the other, above the cell.  A cell tagged ``check`` follows, as it is.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

from eqflow_nb.inputs import InputError, replace_text
from eqflow_nb.running import catalogue

HINTS = re.compile(r"\A# HINT: (\S.*)\n# MORE: (\S.*)\n")
FOLDED = (
    "<details><summary>A hint</summary>\n\n{}\n\n"
    "<details><summary>A larger one</summary>\n\n{}\n\n</details></details>"
)
UNANSWERED = 'raise NotImplementedError("your answer goes here")'
MARKED = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.MULTILINE | re.DOTALL)


def solutions() -> list[Path]:
    """The scripts of solutions, in the order of the chapters."""
    place = catalogue.notebooks_folder() / "exercises" / "solutions"
    if not (scripts := sorted(place.glob("*_solutions.py"))):
        raise InputError(f"no NN_name_solutions.py in {place}")
    return scripts


def assignment(script: Path) -> Any:
    """What nbgrader starts from: a check is worth a point, only solutions may be changed."""
    from nbformat.v4 import new_markdown_cell  # slow to load

    notebook, waiting = catalogue.load(script), False
    cells, notebook.cells = notebook.cells, []
    for place, cell in enumerate(cells):
        solution, check = (tag in cell.metadata.get("tags", []) for tag in ("solution", "check"))
        hints = HINTS.match(cell.source)
        marked = len(MARKED.findall(cell.source)) == 1
        if (solution and (waiting or not hints or not marked)) or (check and not waiting):
            wanted = "begin with '# HINT: ...' and '# MORE: ...', mark one place with ### BEGIN"
            wanted += " SOLUTION and ### END SOLUTION, and a check after it"
            raise InputError(f"{script.name}, cell {place}: a solution should {wanted}")
        waiting = solution or (waiting and not check)
        if solution and hints:
            cell.source = HINTS.sub("", cell.source)
            notebook.cells.append(new_markdown_cell(FOLDED.format(*hints.groups())))
        notebook.cells.append(cell)
        if cell.cell_type == "code":
            about: dict[str, Any] = {"grade": check, "solution": solution, "locked": not solution}
            about |= {"task": False, "grade_id": f"exercise-{place:02d}", "schema_version": 3}
            cell.metadata["nbgrader"] = about | ({"points": 1} if check else {})
    if waiting:
        raise InputError(f"{script.name}: no check follows the last solution")
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"exercise-{place:02d}"  # random ids would change with every run
    return notebook


def student(script: Path) -> Any:
    """The student's notebook: a refusal in place of what is to be found, nothing executed."""
    notebook = assignment(script)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        if tags == ["solution"]:
            cell.source, tags = MARKED.sub(rf"\1{UNANSWERED}", cell.source), ["answer"]
        cell.metadata = type(cell)({"tags": tags} if tags else {})
    form = {"extension": ".py", "format_name": "percent"}  # JupyterLab keeps the two in step
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent", "text_representation": form}
    return notebook


def made(nbgrader: Path | None = None) -> dict[Path, str]:
    """Texts by path: the students' notebooks and scripts, or the source of an nbgrader course."""
    import jupytext

    texts = {}
    for script in solutions():
        name = f"{script.stem.removesuffix('_solutions')}_exercises"
        place = nbgrader / "source" / name if nbgrader else script.parents[1]
        notebook = assignment(script) if nbgrader else student(script)
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
        texts[place / f"{name}.ipynb"] = f"{text}\n"
        if not nbgrader:  # without versions, which would change with every release of jupytext
            code = jupytext.writes(notebook, "py:percent")
            code = re.sub(r"^# +(format|jupytext)_version: .*\n", "", code, flags=re.MULTILINE)
            texts[place / f"{name}.py"] = code
    return texts


def exercises(
    check: Annotated[bool, Option("--check", help="Only say which are out of step.")] = False,
    nbgrader: Annotated[
        Path | None, Option(metavar="DIR", help="Write an nbgrader course's assignments there.")
    ] = None,
) -> None:
    """Make the exercise notebooks from their solutions."""
    if check and nbgrader:
        raise InputError("--check and --nbgrader don't go together; give one of them")
    try:
        wanted = made(nbgrader)
        if check:
            paths = next(iter(wanted)).parent.glob("*_exercises.*")
            there = {path: path.read_text("utf-8") for path in paths}
            differ = [path.name for path in wanted | there if wanted.get(path) != there.get(path)]
            for name in differ:
                typer.echo(f"{name} is not what its solutions make; run: eqflow-nb exercises")
            raise typer.Exit(1 if differ else 0)
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_text(path, text)
            typer.echo(f"wrote {path}")
    except OSError as error:
        raise InputError(f"can't read or write the exercises: {error}") from error
