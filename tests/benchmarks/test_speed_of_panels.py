"""From a control moved to the picture redrawn, in the panels of images; p50 and p95 are kept.

Every control goes through its range from where the others stand, as a reader would move it.  A
creature's rule, moved, is followed anew for 50 steps; a step of time is 10 steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from eqflow_nb.course import creatures as alife
from eqflow_nb.panels import images as panels_images
from eqflow_nb.panels.base import Panel


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def through(control: Any, stops: int) -> list[Any]:
    """Values that a control is moved to one by one, and back to where it stood."""
    if hasattr(control, "options"):
        values = list(control.options)
    else:
        steps = round((control.max - control.min) / control.step)
        places = np.unique(np.linspace(0, steps, min(stops, steps + 1)).round())
        values = [round(control.min + float(place) * control.step, 9) for place in places]
    path = [*values, control.value]
    return [value for before, value in zip([control.value, *path], path) if value != before]


def redraws(benchmark: Any, panel: Panel, moves: list[tuple[str, Any]]) -> None:
    """Time each move once: many times the same would find its answer kept."""
    left = iter(moves)

    def move(name: str, value: Any) -> None:
        panel.controls[name].value = value

    rounds = len(moves)
    benchmark.pedantic(move, setup=lambda: (next(left), {}), rounds=rounds)
    assert not panel.errors
    if benchmark.stats:
        spread = np.percentile(benchmark.stats.stats.sorted_data, [50, 95])
        for name, seconds in zip(("p50", "p95"), spread, strict=True):
            benchmark.extra_info[f"{name} in milliseconds"] = round(1e3 * float(seconds))


@pytest.mark.benchmark(group="a redraw of a panel of images, one thread")
@pytest.mark.parametrize("eta", [0.0, 0.2])
def test_patterns(benchmark: Any, eta: float) -> None:
    panel = panels_images.gray_scott_panel()
    panel.controls["eta"].value = eta
    moves = [(name, to) for name, c in panel.controls.items() for to in through(c, 12)]
    redraws(benchmark, panel, moves)


@pytest.mark.benchmark(group="a redraw of a panel of images, one thread")
@pytest.mark.parametrize("what", ["rule, creature and noise", "time"])
def test_creatures(benchmark: Any, what: str) -> None:
    panels_images._life.cache_clear()
    panel = panels_images.alife_panel()
    if what == "time":
        start = int(panel.controls["time"].value)
        moves = [("time", start + alife.EVERY * n) for n in range(1, 36)]
    else:
        names = [name for name in panel.controls if name != "time"]
        moves = [(name, to) for name in names for to in through(panel.controls[name], 5)]
    redraws(benchmark, panel, moves)
