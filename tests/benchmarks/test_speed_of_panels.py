"""From a control of the creatures' panel moved to the picture redrawn; p50 and p95 are kept.

The chapters measure the other panels.
"""

import numpy as np
import pytest

from eqflow_nb.panels import images as panels_images


@pytest.mark.parametrize("what", ["rule, creature and noise", "time"])
def test_creatures(benchmark, what):
    panels_images._life.cache_clear()
    panel = panels_images.alife_panel()
    if what == "time":
        moves = [("time", panel.controls["time"].value + 10 * n) for n in range(1, 36)]
    else:
        other = {"icon": "firefly", "red_green": -0.5, "red_blue": 0.5, "green_blue": -0.5}
        moves = list({**other, "eta": 0.3, "sigma": 0.3}.items())
    left = iter(moves)  # each once: many times the same would find its answer kept

    def move(name, value):
        panel.controls[name].value = value

    benchmark.pedantic(move, setup=lambda: (next(left), {}), rounds=len(moves))
    assert not panel.errors
    if benchmark.stats:
        spread = np.percentile(benchmark.stats.stats.sorted_data, [50, 95])
        for name, seconds in zip(("p50", "p95"), spread, strict=True):
            benchmark.extra_info[f"{name} in milliseconds"] = round(1e3 * float(seconds))
