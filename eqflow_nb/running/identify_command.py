"""The command `eqflow-nb identify FILE`: the law behind a file of snapshots, with its verdict."""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eqflow_nb.inputs import InputError

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh, "exp": np.exp, "log": np.log,
    "sqrt": np.sqrt, "abs": np.abs,
}  # fmt: skip
OPERATIONS = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub,
    ast.UAdd, ast.Call, ast.Name, ast.Load, ast.Constant,
)  # fmt: skip

File = Annotated[
    Path, typer.Argument(metavar="FILE", help=".npy, .npz, .csv, a folder of pictures or a film.")
]
Degree = Annotated[int | None, typer.Option(help="Of the library: 2 for points, 3 for fields.")]
Library = Annotated[
    str | None,
    typer.Option(
        help="Further terms of the columns, such as 'sin(x), 1/(1+x^2)'; "
        "for fields: local, gradients or rich."
    ),
]
Noise = Annotated[
    str,
    typer.Option(help="Size of the observation noise in the file's units, one a column, or auto."),
]
Diffusion = Annotated[
    str | None, typer.Option(help="Noise in the dynamics: fit, or D, one number or one a column.")
]
RelativeTo = Annotated[
    str | None,
    typer.Option(metavar="TERM", help="The term that gets 1, such as x*z, or 1:x*z in equation 1."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON alone.")]
Columns = Annotated[str | None, typer.Option(help="Columns to use, by name or number from 0.")]


def identify(
    file: File,
    degree: Degree = None,
    library: Library = None,
    noise: Noise = "0",
    diffusion: Diffusion = None,
    relative_to: RelativeTo = None,
    columns: Columns = None,
    seed: int = 0,
    as_json: Json = False,
) -> None:
    """Find the equations that unordered snapshots were drawn from, or say why it can't be done."""
    from eqflow_nb.user_data.read import read

    started = time.perf_counter()
    chosen = [_number(c) for c in columns.split(",")] if columns else None
    own = read(file, columns=chosen)
    asked = {"relative_to": relative_to, "seed": seed}
    if own.images:
        law = _field(own, degree, library, noise, diffusion, asked)
    else:
        law = _points(own, degree, library, noise, diffusion, asked)
    seconds = time.perf_counter() - started
    if as_json:
        typer.echo(json.dumps(as_data(law, seconds), allow_nan=False))
        return
    for note in own.notes:
        typer.echo(note, err=True)
    typer.echo(f"{own.source}: {len(own.values):,} snapshots\n\n{law}\n\n{seconds:.1f} seconds")


def _points(
    own: Any,
    degree: int | None,
    library: str | None,
    noise: str,
    diffusion: str | None,
    asked: dict,
) -> Any:
    from eqflow_nb.equations.direction_of_time import with_arrow
    from eqflow_nb.equations.stationarity import identify as find

    extras = {text: term(text, _named(own.names)) for text in split(library or "")}
    law = find(
        own.values, 2 if degree is None else degree, noise=amounts(noise, "noise"),
        diffusion=None if diffusion is None else amounts(diffusion, "diffusion"), extras=extras,
        names=_named(own.names), **asked,
    )  # fmt: skip
    return with_arrow(law, own.values, asked["seed"])


def _named(names: Sequence[str]) -> Sequence[str]:
    """The file's names, or x, y, z where it has none."""
    from eqflow_nb.equations.library import names_for

    bare = tuple(f"x{i}" for i in range(len(names)))
    return names_for(None, len(names)) if tuple(names) == bare else names


def _field(
    own: Any,
    degree: int | None,
    library: str | None,
    noise: str,
    diffusion: str | None,
    asked: dict,
) -> Any:
    from eqflow_nb.equations.stationarity_fields import identify_fields

    if diffusion is not None or amounts(noise, "noise") != 0.0:
        raise InputError(
            "--noise and --diffusion are for points; noise in pictures can't be taken out here, so "
            "smooth them first, or give cleaner ones"
        )
    kind = library or "local"
    bare = own.names == tuple(f"x{i}" for i in range(len(own.names)))
    names = None if bare else own.names
    return identify_fields(
        own.values, 3 if degree is None else degree, library=kind, names=names, **asked
    )


def as_data(law: Any, seconds: float) -> dict[str, Any]:
    """A law as plain data for JSON."""
    fields = bool(law.candidate) and hasattr(law, "fields") and law.fields
    terms = []
    for each in law.terms:
        row = {
            "equation": each.equation, "term": each.text, "exponents": list(each.exponents),
            "coefficient": each.coefficient, "error": each.error,
        }  # fmt: skip
        if fields:
            row |= {"operator": each.operator, "channel": each.channel}
        terms.append(row)
    diffusion = law.diffusion and {"coefficient": law.diffusion[0], "error": law.diffusion[1]}
    return {
        "verdict": law.verdict, "dimension": law.dimension, "terms": terms,
        "null_dimension": law.null_dimension, "arrow": law.arrow, "seconds": round(seconds, 3),
        "names": list(law.names), "relative_to": law.reference, "diffusion": diffusion,
        "noise": [float(s) for s in law.noise], "evidence": law.evidence,
        "snapshots_needed": law.needed,
    }  # fmt: skip


def amounts(text: str, name: str) -> Any:
    """A word, a number, or a number a column, from text."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and parts[0] in ("auto", "fit"):
        return parts[0]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        word = "auto" if name == "noise" else "fit"
        raise InputError(f"--{name} is {text!r}; give a number, one a column, or {word}") from None
    return numbers[0] if len(numbers) == 1 else numbers


def split(text: str) -> list[str]:
    """The terms of a list, at commas that stand in no bracket."""
    terms, depth, start = [], 0, 0
    for k, letter in enumerate(text + ","):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            terms.append(text[start:k].strip())
            start = k + 1
    return [each for each in terms if each]


def term(text: str, names: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
    """A function of points (n, d) from a formula of the columns' names; nothing else is run.

    Raises
    ------
    InputError
        If the formula can't be read, or uses a name that is no column or known function.
    """
    try:
        tree = ast.parse(text.replace("^", "**"), mode="eval")
    except SyntaxError:
        raise InputError(
            f"--library: {text!r} can't be read as a formula of {', '.join(names)}"
        ) from None
    for node in ast.walk(tree):
        known = isinstance(node, OPERATIONS)
        if isinstance(node, ast.Name):
            known = node.id in names or node.id in FUNCTIONS
        if isinstance(node, ast.Constant):
            known = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        if not known:
            shown = getattr(node, "id", type(node).__name__)
            raise InputError(
                f"--library: {text!r} has {shown}; use {', '.join(names)}, numbers, + - * / ^ and "
                f"{', '.join(FUNCTIONS)}"
            )

    def function(x: np.ndarray) -> np.ndarray:
        known = {name: x[:, i] for i, name in enumerate(names)} | FUNCTIONS
        return np.broadcast_to(_value(tree.body, known), len(x)).astype(float)

    return function


def _value(node: ast.AST, known: dict[str, Any]) -> Any:
    """Evaluate a checked formula."""
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Call):
        return known[node.func.id](*(_value(each, known) for each in node.args))  # type: ignore[attr-defined]
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, known)
        return -value if isinstance(node.op, ast.USub) else value
    assert isinstance(node, ast.BinOp)
    left, right = _value(node.left, known), _value(node.right, known)
    with np.errstate(all="ignore"):  # what isn't finite is refused afterwards, by name
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        return left / right if isinstance(node.op, ast.Div) else left**right


def _number(text: str) -> str | int:
    text = text.strip()
    return int(text) if text.isdigit() else text
