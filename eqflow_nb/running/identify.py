"""The command `eqflow-nb identify FILE`: the equations behind a file of snapshots."""

import ast
import json
import keyword
import math
import re
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from typer import Argument, Option

from eqflow_nb.inputs import InputError, count, split_at_commas

FUNCTIONS: dict[str, Any] = {
    name: getattr(np, name) for name in ("sin", "cos", "tan", "tanh", "exp", "log", "sqrt", "abs")
}
PIECE = re.compile(r"(?P<number>(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?)|`[^`]+`|[^\W\d]\w*|\S")
# Arguments as messages for Python have them: columns=['x', 'y'], transpose=True.
ARGUMENT = re.compile(
    r"\b(columns|array|side|transpose|drop_missing)="
    r"""(True|\d+|'[^']*'|"[^"]*"|\[(?:'[^']*'|"[^"]*"|[^]'"])*\])"""
)
UNFIT = ("constant", "dependent", "counter")  # the last may be a state if it is asked for
SEARCH, MORE, VALUES = 6e-4, 7, 5e-8  # seconds, as measured on one core
PICTURES = (
    "--noise and --diffusion are for points; noise in pictures can't be taken out here, so smooth "
    "them first, or give cleaner ones"
)

Text = str | None
File = Annotated[Path, Argument(metavar="FILE", help="A table, arrays, a film, or a folder.")]
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
Columns = Annotated[Text, Option(help="To use, by name (`in, backticks`) or number from 0.")]
Array = Annotated[Text, Option(help="Which array of a file that holds several.")]
Side = Annotated[int | None, Option(help="Of pictures: make the longer side at most this.")]
Transpose = Annotated[bool, Option("--transpose", help="Take columns for rows.")]
DropMissing = Annotated[bool, Option("--drop-missing", help="Leave out rows with missing values.")]


def identify(
    file: File, degree: Degree = None, library: Library = None, noise: Noise = "0",
    diffusion: Diffusion = None, relative_to: Relative = None, columns: Columns = None,
    array: Array = None, side: Side = None, transpose: Transpose = False,
    drop_missing: DropMissing = False, seed: int = 0, as_json: Json = False,
) -> None:  # fmt: skip
    """Find the equations that unordered snapshots were drawn from, or say why it can't be done."""
    from eqflow_nb import equations
    from eqflow_nb.user_data import look, read

    started = time.perf_counter()
    seed = count(seed, "seed", at_least=0)
    chosen = [c.strip("`") for c in split_at_commas(columns)] if columns else None
    own = read(file, chosen, array, side, transpose=transpose, drop_missing=drop_missing)
    # A file without names has x0, x1 and so on; the equations' own are better.
    plain = own.names == tuple(f"x{i}" for i in range(len(own.names)))
    names = None if plain else tuple(quoted(name) for name in own.names)
    labels = equations.names_for(names, len(own.names), "uvw" if own.images else "xyzw")
    seen = look(own._replace(names=labels) if plain else own, seed)
    unfit = {f.column: f.text for f in seen.findings if f.about in UNFIT[: 2 if chosen else 3]}
    if unfit:
        rest = [c if plain else n for c, n in enumerate(own.names) if c not in unfit]
        raise InputError(f"{' '.join(unfit.values())} For the others: columns={rest}")
    asked: dict[str, Any] = {"relative_to": relative_to, "names": names, "seed": seed}
    sizes, size = amounts(noise, "noise"), diffusion and amounts(diffusion, "diffusion")
    notes = [spoken(note) for note in (*own.notes, *(f.text for f in seen.findings))]
    if not as_json and notes:
        typer.echo("\n".join(notes), err=True)
    degree = degree if degree is not None else 3 if own.images else 2
    if own.images:
        if size is not None or sizes != 0.0:
            raise InputError(PICTURES)
        asked |= {"library": library or "local"}
        method: Callable[..., Any] = equations.identify_fields
    else:
        parts = filter(None, split_at_commas(library or ""))
        asked |= {"noise": sizes, "diffusion": size}
        asked |= {"extras": {text: function_of(text, labels) for text in parts}}
        method = equations.identify
    # Very roughly: the search grows with the terms K, the moments with the values, too.
    terms = len(labels) * math.comb(len(labels) + degree, degree)
    search = SEARCH * terms**2 * (MORE if sizes == "auto" else 1)
    with _patience(search + VALUES * own.values.size * terms):
        found = method(own.values, degree, **asked)
        found = found if own.images else equations.with_arrow(found, own.values, seed)
    seconds = time.perf_counter() - started
    if as_json:
        data = as_data(found, own.images, seconds) | {"notes": notes}
        typer.echo(json.dumps(data, allow_nan=False))
        return
    typer.echo(f"{own.source}: {len(own.values):,} snapshots\n\n{found}\n\n{seconds:.1f} seconds")


@contextmanager
def _patience(expected: float) -> Iterator[None]:
    """Say how long it will take, if long; count the seconds on a terminal; end in order."""
    ended, began = threading.Event(), time.perf_counter()

    def count_up() -> None:
        while not ended.wait(1):
            print(f"\r{time.perf_counter() - began:.0f} s ", end="", file=sys.stderr, flush=True)

    if expected > 10:
        typer.echo(f"This takes some {expected:.0f} s of one core; Ctrl-C ends it.", err=True)
    if sys.stderr.isatty():
        threading.Thread(target=count_up, daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"\nStopped after {time.perf_counter() - began:.0f} s.", err=True)
        raise typer.Exit(130) from None
    finally:
        ended.set()


def spoken(message: str) -> str:
    """A message as the command line says it: --columns x,y instead of columns=['x', 'y']."""

    def option(found: re.Match[str]) -> str:
        value = ast.literal_eval(found[2])
        listed = value if isinstance(value, list) else [] if value is True else [value]
        text = ",".join(f"`{each}`" if "," in str(each) else str(each) for each in listed)
        return f"--{found[1].replace('_', '-')}" + (f" {shlex.quote(text)}" if text else "")

    message = ARGUMENT.sub(option, message)
    message = re.sub(r"^images has (\d+)", r"x has \1 image(s)", message)
    message = re.sub(r"^x (?=has )|\bsource (?=')", "file ", message)
    flags = r"^(degree|noise|diffusion|relative_to|array|seed|side)(?= is | has | ')"
    return re.sub(flags, lambda found: f"--{found[0].replace('_', '-')}", message)


def quoted(name: str) -> str:
    """A column's name as formulas have it: in backticks, unless it is a plain word of its own."""
    plain = name.isidentifier() and not keyword.iskeyword(name) and name not in FUNCTIONS
    return name if plain else f"`{name}`"


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
        "names": [name.strip("`") for name in found.names], "relative_to": found.reference,
        "shorter_about": {name.strip("`"): value for name, (value, _) in found.origin.items()},
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
        if piece[0] in names:
            return f"_{names.index(piece[0])}"
        if piece[0] not in {*FUNCTIONS, *"+-*/^()"}:
            use = f"use {known}, numbers, + - * / ^ and {', '.join(FUNCTIONS)}"
            raise InputError(f"--library: {text!r} has {piece[0]}; {use}")
        return piece[0]

    try:
        code = compile(PIECE.sub(checked, text.strip()).replace("^", "**"), "--library", "eval")
    except SyntaxError:
        raise InputError(f"--library: {text!r} can't be read as a formula of {known}") from None

    def function(x: np.ndarray) -> np.ndarray:
        columns = {f"_{i}": column for i, column in enumerate(x.T)}
        with np.errstate(all="ignore"):  # what isn't finite is refused afterwards, by name
            try:
                value = np.asarray(eval(code, {"__builtins__": {}}, FUNCTIONS | columns), float)
                return np.broadcast_to(value, len(x)).copy()
            except (ArithmeticError, NameError, TypeError, ValueError) as error:
                raise InputError(f"--library: {text!r} can't be computed ({error})") from None

    return function
