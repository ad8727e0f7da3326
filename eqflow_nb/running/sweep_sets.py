"""What a sweep runs: ranges and lists of parameters, and a folder for each set of them."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eqflow_nb.inputs import replace_text
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import runner

MOST = 100_000  # sets in one sweep
LONGEST = 120  # letters in a folder's name; most file systems take 255 bytes

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_RANGE = re.compile(rf"({_NUMBER})\s*:\s*({_NUMBER})(?:\s*:\s*({_NUMBER}))?")


@dataclass(frozen=True)
class Sweep:
    """One notebook and the sets of parameters to run it with.

    Attributes
    ----------
    source : Path
        The notebook; `text` is its content, for workers that don't see its folder.
    out : Path
        The folder of the results.
    package : str
        `runner.package_digest()`: workers must have the same.
    given : dict
        The values of each parameter asked for, in the notebook's order.
    tasks : tuple of Task
        One for each set; the folder of its result, `task.out`, is named by its parameters.
    """

    source: Path
    text: str
    out: Path
    package: str
    given: dict[str, list[Any]]
    tasks: tuple[runner.Task, ...]


def plan(chapter: course.Chapter, out: Path, asked: Sequence[tuple[str, str]]) -> Sweep:
    """Check everything that can be checked before anything runs.

    Parameters
    ----------
    chapter : Chapter
        The notebook.
    out : Path
        The folder of the results; made if there is none.
    asked : sequence of (name, text)
        Text as `values` reads it.

    Raises
    ------
    CourseError
        If a parameter is unknown, given twice, or has values the notebook refuses; if there is no
        set or more than `MOST`; or if `out` can't be written to or has another notebook's results.
    """
    defaults = course.parameters(course.load(chapter.path))
    if not asked:
        known = ", ".join(defaults) or "none"
        raise course.CourseError(
            f"give a parameter to sweep over, such as -p seed 0:10; {chapter.stem} knows: {known}"
        )
    names = [name for name, _ in asked]
    if twice := [name for name in names if names.count(name) > 1]:
        raise course.CourseError(
            f"parameter {twice[0]!r} is given more than once; put all its values in one list"
        )
    course.override(defaults, {name: defaults.get(name) for name in names}, chapter.stem)
    found = {name: values(name, text, defaults, chapter.stem) for name, text in asked}
    given = {name: found[name] for name in defaults if name in found}
    if (sets := math.prod(map(len, given.values()))) > MOST:
        raise course.CourseError(f"that would be {sets:,} sets; at most {MOST:,} can be run")
    runner.check_writable(out)
    _claim(out, chapter.stem, dict(asked))
    source, package = chapter.path.read_bytes(), runner.package_digest()
    tasks = []
    for choice in itertools.product(*given.values()):
        chosen = dict(zip(given, choice, strict=True))
        every = defaults | chosen
        mark = runner.fingerprint(source, package, every)
        folder = out.absolute() / folder_name(chosen)
        tasks.append(runner.Task(chapter.path, folder, chosen, every, mark))
    return Sweep(chapter.path, source.decode(), out.absolute(), package, given, tuple(tasks))


def values(name: str, text: str, defaults: Mapping[str, Any], stem: str) -> list[Any]:
    """Read the values of one parameter: single ones and half-open ranges, between commas.

    Parameters
    ----------
    name : str
        The parameter.
    text : str
        ``0:100`` is 0 to 99, ``0:1:.25`` is 0, .25, .5 and .75, ``1,2,10:20`` mixes them.  Where
        the notebook's default is text, a colon is only a colon.
    defaults : mapping
        The notebook's own values by name.
    stem : str
        What to call the notebook in messages.

    Raises
    ------
    CourseError
        If a value is missing, of another type than the default, or there twice; or if a range is
        empty, stands still, or has more than `MOST` values.
    """
    found: list[Any] = []
    for piece in _pieces(text):
        if not piece:
            raise course.CourseError(
                f"parameter {name!r} got {text!r}, in which a value is missing"
            )
        parts = None if isinstance(defaults.get(name), str) else _RANGE.fullmatch(piece)
        found += [piece] if parts is None else _span(name, piece, *parts.groups())
    checked = [course.override(defaults, {name: value}, stem)[name] for value in found]
    seen: set[str] = set()
    for value in checked:
        if (shown := json.dumps(value, default=str)) in seen:
            raise course.CourseError(f"parameter {name!r} has {value!r} more than once in {text!r}")
        seen.add(shown)
    return checked


def folder_name(chosen: Mapping[str, Any]) -> str:
    """A readable folder name for a set, such as ``seed=3_sigma=0.1``; long ones end in a digest."""
    name = "_".join(f"{key}={quote(str(value), safe='+,')}" for key, value in chosen.items())
    if len(name) <= LONGEST:
        return name
    return name[: LONGEST - 17] + "~" + hashlib.sha256(name.encode()).hexdigest()[:16]


def _span(name: str, piece: str, start: str, stop: str, step: str | None) -> list[int | float]:
    """The numbers of a half-open range; fractions, since adding up .1 would gather rounding."""
    first, last, stride = Fraction(start), Fraction(stop), Fraction(step or 1)
    if stride == 0:
        raise course.CourseError(f"the range {piece!r} of {name!r} has step 0; give another")
    count = max(0, math.ceil((last - first) / stride))
    if count == 0:
        raise course.CourseError(
            f"the range {piece!r} of {name!r} is empty: its end isn't part of it, so 0:3 is 0, 1, 2"
        )
    if count > MOST:
        raise course.CourseError(
            f"the range {piece!r} of {name!r} has {count:,} values; at most {MOST:,} can be run"
        )
    numbers = [first + k * stride for k in range(count)]
    whole = all(re.fullmatch(r"[-+]?\d+", part) for part in (start, stop, step or "1"))
    return [int(number) if whole else float(number) for number in numbers]


def _pieces(text: str) -> list[str]:
    """The parts of a list, at commas that stand in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _claim(out: Path, stem: str, asked: Mapping[str, str]) -> None:
    """Write down whose results `out` holds; refuse a folder of another notebook's."""
    path = out / "sweep.json"
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))["notebook"] if path.exists() else stem
    except (OSError, ValueError, KeyError, TypeError):
        owner = "something else"
    if owner != stem:
        raise course.CourseError(
            f"{out} holds a sweep of {owner}, not of {stem}; give another folder with -o"
        )
    replace_text(path, json.dumps({"notebook": stem, "parameters": asked}, indent=1) + "\n")
