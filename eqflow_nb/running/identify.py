"""The command `eqflow-nb identify FILE`: the equations behind a file of snapshots."""

import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from typer import Argument, Option

from eqflow_nb.inputs import InputError, split_at_commas

FUNCTIONS: dict[str, Any] = {
    name: getattr(np, name) for name in ("sin", "cos", "tan", "tanh", "exp", "log", "sqrt", "abs")
}
PIECE = re.compile(r"(?P<number>(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)|[^\W\d]\w*|\S")
PICTURES = (
    "--noise and --diffusion are for points; noise in pictures can't be taken out here, so smooth "
    "them first, or give cleaner ones"
)

Text = str | None
File = Annotated[
    Path, Argument(metavar="FILE", help=".npy, .npz, .csv, a folder of pictures or a film.")
]
Degree = Annotated[int | None, Option(help="Of the library: 2 for points, 3 for fields.")]
Library = Annotated[
    Text, Option(help="More terms, as 'sin(x), 1/(1+x^2)'; fields: local, gradients or rich.")
]
Noise = Annotated[str, Option(help="Its size in the file's units: auto, one, or one a column.")]
Diffusion = Annotated[Text, Option(help="In the dynamics: fit, or D, one number or one a column.")]
Relative = Annotated[
    Text, Option(metavar="TERM", help="The term that gets 1, as x*z, or 1:x*z in equation 1.")
]
Json = Annotated[bool, Option("--json", help="Print JSON alone.")]
Columns = Annotated[Text, Option(help="Columns to use, by name or number from 0.")]


def identify(
    file: File,
    degree: Degree = None,
    library: Library = None,
    noise: Noise = "0",
    diffusion: Diffusion = None,
    relative_to: Relative = None,
    columns: Columns = None,
    seed: int = 0,
    as_json: Json = False,
) -> None:
    """Find the equations that unordered snapshots were drawn from, or say why it can't be done."""
    from eqflow_nb import equations
    from eqflow_nb.user_data import read

    started = time.perf_counter()
    chosen = [c.strip() for c in columns.split(",")] if columns else None
    own = read(file, columns=chosen and [int(c) if c.isdigit() else c for c in chosen])
    # A file without names has x0, x1 and so on; the equations' own are better.
    named = None if own.names == tuple(f"x{i}" for i in range(len(own.names))) else own.names
    asked: dict[str, Any] = {"relative_to": relative_to, "names": named, "seed": seed}
    sizes, size = amounts(noise, "noise"), diffusion and amounts(diffusion, "diffusion")
    if own.images:
        if size is not None or sizes != 0.0:
            raise InputError(PICTURES)
        asked |= {"library": library or "local"}
        found = equations.identify_fields(own.values, 3 if degree is None else degree, **asked)
    else:
        names = equations.names_for(named, own.values.shape[1])
        extras = {text: function_of(text, names) for text in split_at_commas(library or "") if text}
        asked |= {"noise": sizes, "diffusion": size, "extras": extras}
        found = equations.identify(own.values, 2 if degree is None else degree, **asked)
        found = equations.with_arrow(found, own.values, seed)
    seconds = time.perf_counter() - started
    if as_json:
        typer.echo(json.dumps(as_data(found, own.images, seconds), allow_nan=False))
        return
    for note in own.notes:
        typer.echo(note, err=True)
    typer.echo(f"{own.source}: {len(own.values):,} snapshots\n\n{found}\n\n{seconds:.1f} seconds")


def as_data(found: Any, fields: bool, seconds: float) -> dict[str, Any]:
    """Equations as plain data for JSON."""
    terms = []
    for each in found.terms:
        one = each.term
        row = {"equation": one.equation, "term": each.text, "exponents": list(one.powers)}
        row |= {"coefficient": each.coefficient, "error": each.error}
        terms.append(row | ({"operator": one.operator, "channel": one.channel} if fields else {}))
    return {
        "verdict": found.verdict, "dimension": len(found.names), "terms": terms,
        "null_dimension": found.null_dimension, "arrow": found.arrow, "seconds": round(seconds, 3),
        "names": list(found.names), "relative_to": found.reference,
        "diffusion": found.diffusion and dict(zip(("coefficient", "error"), found.diffusion)),
        "noise": [float(s) for s in found.noise], "evidence": found.evidence,
        "snapshots_needed": found.needed,
    }  # fmt: skip


def amounts(text: str, name: str) -> Any:
    """A word, a number, or a number a column, from text."""
    if text.strip() in ("auto", "fit"):
        return text.strip()
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        word = "auto" if name == "noise" else "fit"
        raise InputError(f"--{name} is {text!r}; give a number, one a column, or {word}") from None
    return numbers[0] if len(numbers) == 1 else numbers


def function_of(text: str, names: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
    """A function of points (n, d) from a formula of the columns' names; nothing else is run."""
    known = ", ".join(names)

    def checked(piece: re.Match[str]) -> str:
        if piece["number"]:
            return repr(float(piece[0]))
        if piece[0] not in {*names, *FUNCTIONS, *"+-*/^()"}:
            use = f"use {known}, numbers, + - * / ^ and {', '.join(FUNCTIONS)}"
            raise InputError(f"--library: {text!r} has {piece[0]}; {use}")
        return piece[0]

    try:
        code = compile(PIECE.sub(checked, text.strip()).replace("^", "**"), "--library", "eval")
    except SyntaxError:
        raise InputError(f"--library: {text!r} can't be read as a formula of {known}") from None

    def function(x: np.ndarray) -> np.ndarray:
        columns = dict(zip(names, x.T))
        with np.errstate(all="ignore"):  # what isn't finite is refused afterwards, by name
            try:
                value = np.asarray(eval(code, {"__builtins__": {}}, FUNCTIONS | columns), float)
                return np.broadcast_to(value, len(x)).copy()
            except (ArithmeticError, NameError, TypeError, ValueError) as error:
                raise InputError(f"--library: {text!r} can't be computed ({error})") from None

    return function
