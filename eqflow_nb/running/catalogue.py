"""The course: which notebooks there are, what each asks, and which parameters it takes."""

import ast
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eqflow_nb.inputs import BUDGETS, InputError, choice, pick_device

FOLDER_VARIABLE = "EQFLOW_NOTEBOOKS"
# The least that parameters may be; other whole numbers count things, unless their default doesn't.
LEAST = {"seed": 0, "sigma": 1e-6, "dt": 1e-6, "tau": 1e-6, "eta": 0}

# nbformat's validator would take a second to compile a grammar for checking international web
# addresses, which notebooks don't contain; it does without if this import fails.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


class Chapter(NamedTuple):
    """A notebook: its script if there is one, first quoted line, and committed run's measures."""

    stem: str
    path: Path
    title: str
    question: str
    minutes: float | None = None
    peak_mb: float | None = None


def notebooks_folder() -> Path:
    """The folder of the chapters: $EQFLOW_NOTEBOOKS, or notebooks/ here or beside the package."""
    beside = Path(__file__).parents[2] / "notebooks"
    named = os.environ.get(FOLDER_VARIABLE)
    for place in (places := [Path(named)] if named else [Path("notebooks"), beside]):
        if place.is_dir():
            return place.resolve()
    wanted = f"work from a clone of the project, or set {FOLDER_VARIABLE}"
    raise InputError(f"no folder of notebooks at {' or '.join(map(str, places))}; {wanted}")


def chapters(folder: Path | None = None) -> list[Chapter]:
    """The chapters in reading order."""
    folder = folder or notebooks_folder()
    sources = {path.stem: path for kind in ("ipynb", "py") for path in folder.glob(f"*.{kind}")}
    return [_read_chapter(sources[stem]) for stem in sorted(sources) if stem[0] not in "._"]


def studies(folder: Path | None = None) -> list[Chapter]:
    """The studies: notebooks that take too long for a chapter."""
    return chapters((folder or notebooks_folder()) / "studies")


def find(name: str, known: Sequence[Chapter]) -> Chapter:
    """The notebook called `name`: a stem, the beginning of just one stem, or a path."""
    path = Path(name)
    if path.suffix in (".py", ".ipynb"):
        if path.is_file():
            script = path.with_suffix(".py")
            return _read_chapter((script if script.is_file() else path).resolve())
        path = path.with_suffix("")
    name = path.name
    exact = [chapter for chapter in known if chapter.stem == name]
    matches = exact or [chapter for chapter in known if chapter.stem.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    stems = ", ".join(chapter.stem for chapter in matches or known) or "none yet"
    fault = "could be any of" if matches else "is the name of no notebook; there are"
    raise InputError(f"{name!r} {fault}: {stems}")


def load(path: Path) -> Any:
    """Read a notebook, from its py:percent script or from an .ipynb, for the python3 kernel."""
    import jupytext
    import nbformat

    try:
        notebook = jupytext.read(path)
    except (ValueError, OSError, nbformat.reader.NotJSONError) as error:
        raise InputError(f"{path} can't be read as a notebook: {error}") from error
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata["kernelspec"] = kernel
    return notebook


def parameters(notebook: Any) -> dict[str, Any]:
    """The names and default values in the cell tagged ``parameters``; none if there is no cell."""
    # It may only set literals: papermill sets values after it, too late for anything computed.
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    defaults: dict[str, Any] = {}
    for statement in ast.parse(tagged[0].source).body if tagged else []:
        try:
            if isinstance(statement, ast.AnnAssign):
                target, value = statement.target, statement.value
            else:
                (target,), value = statement.targets, statement.value
            defaults[target.id] = ast.literal_eval(value)  # type: ignore[union-attr, arg-type]
        except (ValueError, AttributeError) as error:
            has = f"and has: {ast.unparse(statement).splitlines()[0]}"
            wanted = "the parameters cell may only set names to literals"
            raise InputError(f"{wanted}, {has}") from error
    return defaults


def override(defaults: Mapping[str, Any], asked: Mapping[str, Any], stem: str) -> dict[str, Any]:
    """The values `asked` for, read if they are text, and checked against a notebook's defaults."""
    for name in asked:
        if name not in defaults:
            known = ", ".join(defaults) or "none"
            raise InputError(f"{stem} has no parameter {name!r}; it knows: {known}")
    values = {name: _as_default(name, value, defaults[name]) for name, value in asked.items()}
    for name, value in values.items():
        counts = type(value) is int and isinstance(defaults[name], int)
        least = LEAST.get(name, min(defaults[name], 1) if counts else value)
        if isinstance(value, int | float) and value < least:
            raise InputError(f"parameter {name!r} got {value}; it must be at least {least}")
    choice(values.get("budget", "quick"), BUDGETS, "budget")
    if "device" in values:
        pick_device(values["device"])
    return values


def _as_default(name: str, value: Any, default: Any) -> Any:
    """`value`, read as a literal if it is text, when it is of the type of `default`."""
    if isinstance(value, str) and not isinstance(default, str):
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            if default is None:
                return value
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if default is not None and type(value) is not type(default):
        kind, said = type(default), {str: "text", int: "whole number", bool: "True or False"}
        wanted = said.get(kind, kind.__name__)
        raise InputError(f"parameter {name!r} got {value!r}; it wants {wanted}, like {default!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"parameter {name!r} got {value!r}; it wants a finite number")
    return value


def recorded(study: str, folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Rows of a study's committed scorecard, as arguments for `Scorecard.row`, with its command."""
    path = (folder or notebooks_folder()) / "studies" / f"{study}.json"
    kept = json.loads(path.read_text("utf-8")) if path.is_file() else {"scorecard": {}}
    for row in kept["scorecard"].values():
        row.pop("met", None)
        row["recorded"] = kept["command"]
    return kept["scorecard"]


def _read_chapter(path: Path) -> Chapter:
    lines = [line for cell in load(path).cells[:1] for line in cell.source.splitlines()]
    title = next((line.lstrip("# ") for line in lines if line.startswith("# ")), path.stem)
    question = next((line.lstrip("> ") for line in lines if line.startswith(">")), "")
    try:  # what the committed notebook's own run recorded of itself
        committed = path.with_suffix(".ipynb").read_text(encoding="utf-8")
        measured = json.loads(committed)["metadata"].get("eqflow", {})
    except (OSError, ValueError, KeyError):
        measured = {}
    minutes = measured["seconds"] / 60 if "seconds" in measured else None
    return Chapter(path.stem, path, title, question, minutes, measured.get("peak_mb"))
