"""The panel of the chapter on equations: from snapshots to equations, step by step."""

from functools import lru_cache
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes

from eqflow_nb.course.equations import as_system, path, snapshots
from eqflow_nb.equations.conditions import MomentConditions
from eqflow_nb.equations.elimination import Fit, search
from eqflow_nb.equations.moments import measure
from eqflow_nb.equations.terms import Term, velocity
from eqflow_nb.figures.axes import draw_cloud
from eqflow_nb.figures.equations import FOUND, draw_elimination, draw_equations
from eqflow_nb.figures.style import FAINT
from eqflow_nb.panels.base import Panel, control, slider
from eqflow_nb.snapshots.zoo import system

NUMBERS = (300, 1000, 3000, 10_000, 30_000)
TESTS = {1: 5, 2: 6, 3: 7}  # degree of the tests, by that of the library
NAMES = ("x", "y", "z")


def lorenz_equations_panel() -> Panel:
    """Set snapshots, noise, the library's degree and the terms left: equations and attractor."""
    numbers = [(f"{n:,}", n) for n in NUMBERS]
    controls = {
        "number": control(widgets.SelectionSlider, "snapshots N", 3000, options=numbers),
        "noise": slider("noise s", 0.0, 0.0, 0.4, 0.02),
        "degree": control(widgets.IntSlider, "library degree", 2, min=1, max=3),
        "terms": control(widgets.IntSlider, "terms", 7, min=2, max=30),
    }
    return Panel(
        draw,
        controls,
        {"terms": [20, 7, 5]},
        "Left: misfit along the elimination; grey: noise alone. Middle: the equations with that "
        "many terms, in the truth's clock. Right: snapshots, and a path from one of them. Noise is "
        "in deviations; its size is known to the method.",
        "Three columns, for 20, 7 and 5 terms left. With 20 there are small spurious terms; with 7 "
        "the equations are Lorenz's; the paths of both fill the butterfly. With 5 the misfit is "
        "far up the cliff, and the path goes nowhere.",
        panes=3,
    )


def draw(panes: list[Axes], number: int, noise: float, degree: int, terms: int) -> str:
    """Fill three panes: the elimination, the equations at one step of it, and a path of theirs."""
    fits, every, units = _eliminated(int(number), noise, int(degree))
    size = min(int(terms), len(fits))
    fit = fits[len(fits) - size]
    lengths, misfits = [len(each.support) for each in fits], [each.misfit for each in fits]
    draw_elimination(panes[0], lengths, misfits, [max(each.freedom, 1) for each in fits], size)
    kept = {every[k]: float(fit.c[k] * units[k]) for k in np.flatnonzero(fit.c)}
    found, error = _on_clock(kept)
    figure: Any = panes[0].figure
    if alone := len(figure.axes) == 3:  # to find its margins would take as long as to draw it
        figure.set_layout_engine(None)
        figure.subplots_adjust(0.045, 0.11, 0.99, 0.97, 0.15)
    draw_equations(panes[1], _text(found), 10.5 if alone else 6.5, 32)
    cloud = snapshots("lorenz", max(NUMBERS), 0)
    followed = path(as_system(found, 1.0, system("lorenz")), cloud[5], 30.0, 2400)
    draw_cloud(panes[2], cloud[:600, [0, 2]], FAINT, size=2)
    panes[2].plot(*followed[:, [0, 2]].T, color=FOUND, linewidth=0.45, alpha=0.85)
    panes[2].set(xlim=(-24, 24), ylim=(-2, 52), xlabel="x", ylabel="z")
    left = " The path leaves." if np.isnan(followed).any() else ""
    return (
        f"{size} of {len(fits)} terms; misfit {fit.misfit:.0f} where noise gives "
        f"{max(fit.freedom, 1)}; field error {error:.1%}.{left}"
    )


@lru_cache(maxsize=64)
def _eliminated(number: int, noise: float, degree: int) -> tuple[list[Fit], list[Term], np.ndarray]:
    """The path of elimination under one set of tests, the terms, and their units."""
    cloud = snapshots("lorenz", max(NUMBERS), 0)
    spread, x = cloud.std(0), cloud[:number]
    y = x + noise * spread * np.random.default_rng(1).standard_normal(x.shape)
    known = measure([y], number, TESTS[degree] - 1 + degree).without_noise(noise * spread)
    conditions = MomentConditions(known, TESTS[degree], degree)
    return search(conditions).path, conditions.terms, conditions.units


def _on_clock(found: dict[Term, float]) -> tuple[dict[Term, float], float]:
    """Equations at the truth's speed and in its direction, and their field error."""
    x = snapshots("lorenz", max(NUMBERS), 0)[-1000:]
    truth, ours = system("lorenz").velocity(x), velocity(found, x)
    scale = float((truth * ours).sum() / max((ours**2).sum(), 1e-300))
    error = float(np.linalg.norm(scale * ours - truth) / np.linalg.norm(truth))
    return {term: scale * c for term, c in found.items()}, error


def _text(found: dict[Term, float]) -> str:
    lines = ["", "", ""]
    for term, c in found.items():
        part = f" {'-' if c < 0 else '+'} {abs(c):.3g} {term.text(NAMES)}"
        lines[term.equation] += part.removesuffix(" 1")
    return "\n".join(f"d{x}/dt ={line.removeprefix(' +') or ' 0'}" for x, line in zip(NAMES, lines))
