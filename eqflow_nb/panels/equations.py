"""The panel of the chapter on equations: from snapshots to equations, step by step."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes

from eqflow_nb.course import equations as recovery
from eqflow_nb.course.equations_runs import snapshots
from eqflow_nb.equations import elimination, moments
from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.library import product
from eqflow_nb.figures.equations import FOUND, draw_attractor, draw_elimination, draw_law
from eqflow_nb.panels.base import Panel, slider
from eqflow_nb.snapshots.zoo import Polynomial, System, system

NUMBERS = (300, 1000, 3000, 10_000, 30_000)
TESTS = {1: 5, 2: 6, 3: 7}  # degree of the tests, by that of the library
HORIZON = 30.0  # of a path, in Lorenz time
NAMES = ("x", "y", "z")


def lorenz_law_panel(
    number: int = 3000, noise: float = 0.0, degree: int = 2, terms: int = 7
) -> Panel:
    """Set snapshots, noise, degree and elimination step: path, equations, attractor."""
    controls = {
        "number": _numbers(number),
        "noise": slider("noise s", noise, 0.0, 0.4, 0.02),
        "degree": _whole("library degree", degree, 1, 3),
        "terms": _whole("terms left", terms, 2, 30),
    }
    return Panel(
        draw,
        controls,
        {"terms": [20, 7, 5]},
        "Left: misfit along the elimination; grey: noise alone. Middle: equations with that many "
        "terms, in the truth's clock. Right: snapshots, and the equations followed from one. "
        "Noise is in deviations; its size is known to the method.",
        "Three columns, for 20, 7 and 5 terms left. With 20 there are small spurious terms; with 7 "
        "the equations are Lorenz's; paths of both fill the butterfly. With 5 the misfit is far up "
        "the cliff, and the path goes nowhere.",
        panes=3,
    )


def draw(panes: list[Axes], number: int, noise: float, degree: int, terms: int) -> str:
    """Fill three panes: the elimination path, the equations at one step, and where they lead."""
    path, own = _eliminated(int(number), noise, int(degree))
    size = min(int(terms), len(path))
    fit = path[len(path) - size]
    lengths = [len(each.support) for each in path]
    draw_elimination(
        panes[0], lengths, [each.misfit for each in path], [max(each.freedom, 1) for each in path],
        size,
    )  # fmt: skip
    law, error = _on_clock(own(fit.c))
    draw_law(panes[1], _text(law), 10.5 if len(panes[1].figure.axes) == 3 else 6.5, 32)
    cloud = snapshots("lorenz", max(NUMBERS), 0)
    followed = recovery.path(_system(law), cloud[5], HORIZON, 2400)
    draw_attractor(panes[2], followed, (0, 2), FOUND, cloud[:600])
    panes[2].set(xlim=(-24, 24), ylim=(-2, 52), xlabel="x", ylabel="z")
    left = " The path leaves." if np.isnan(followed).any() else ""
    freedom = max(fit.freedom, 1)
    return (
        f"{size} of {len(path)} terms; misfit {fit.misfit:.0f} where noise gives {freedom}; field "
        f"error {error:.1%}.{left}"
    )


@lru_cache(maxsize=64)
def _eliminated(number: int, noise: float, degree: int) -> tuple[list[elimination.Fit], Any]:
    """The path of elimination under one set of tests, and coefficients in the cloud's own units."""
    conditions = MomentConditions(
        _moments(number, noise, degree).without_noise(noise * _spread()), TESTS[degree], degree
    )
    _, path, _, _ = elimination.search(conditions)

    def own(c: np.ndarray) -> dict[tuple[int, tuple[int, ...]], float]:
        each = zip(conditions.terms, conditions.own(c), strict=True)
        return {(t.equation, t.powers): float(v) for t, v in each if v}

    return path, own


@lru_cache(maxsize=64)
def _moments(number: int, noise: float, degree: int) -> Any:
    x = snapshots("lorenz", max(NUMBERS), 0)[:number]
    y = x + noise * _spread() * np.random.default_rng(1).standard_normal(x.shape)
    return moments.measure([y], number, TESTS[degree] - 1 + degree)


@lru_cache(maxsize=1)
def _spread() -> np.ndarray:
    return snapshots("lorenz", max(NUMBERS), 0).std(0)


Coefficients = dict[tuple[int, tuple[int, ...]], float]


def _on_clock(law: Coefficients) -> tuple[Coefficients, float]:
    """Equations at the truth's speed and in its direction, and their field error."""
    x = snapshots("lorenz", max(NUMBERS), 0)[-1000:]
    truth, found = system("lorenz").velocity(x), _system(law).velocity(x)
    scale = float((truth * found).sum() / max((found**2).sum(), 1e-300))
    error = float(np.linalg.norm(scale * found - truth) / np.linalg.norm(truth))
    return {term: scale * c for term, c in law.items()}, error


def _system(law: Coefficients) -> System:
    found: list[Polynomial] = [{} for _ in NAMES]
    for (equation, powers), c in law.items():
        found[equation][powers] = c
    return System("found", tuple(found), (1.0, 1.0, 25.0), 0.75, 0.0125, 1.5, 0.9, "")


def _text(law: Coefficients) -> str:
    lines = []
    for i, name in enumerate(NAMES):
        parts = [
            f"{'-' if c < 0 else '+'} {abs(c):.3g} {product(NAMES, powers)}".removesuffix(" 1")
            for (equation, powers), c in law.items()
            if equation == i
        ]
        lines.append(f"d{name}/dt = " + (" ".join(parts).removeprefix("+ ") or "0"))
    return "\n".join(lines)


def _whole(description: str, value: int, low: int, high: int) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=value, min=low, max=high, description=description,
        style={"description_width": "8.5em"},
        layout=widgets.Layout(width="30em", max_width="100%"),
    )  # fmt: skip


def _numbers(value: int) -> widgets.SelectionSlider:
    if value not in NUMBERS:
        value = min(NUMBERS, key=lambda n: abs(math.log(n / value)))
    return widgets.SelectionSlider(
        value=value, options=[(f"{n:,}", n) for n in NUMBERS], description="snapshots N",
        style={"description_width": "8.5em"},
        layout=widgets.Layout(width="30em", max_width="100%"),
    )  # fmt: skip
