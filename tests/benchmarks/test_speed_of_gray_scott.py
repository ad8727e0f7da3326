"""Speed of the Gray-Scott simulation against py-pde, on one thread."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
import torch
from torch import Tensor

from eqflow_nb.snapshots import gray_scott

SIZE, SAMPLES, STEPS = 128, 4, 50
CHOSEN = gray_scott.PRESETS["waves"]
FEED, LOST = CHOSEN.feed, CHOSEN.feed + CHOSEN.kill
Follow = Callable[[Tensor], Any]


def state() -> Tensor:
    return torch.rand(SAMPLES, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def ours() -> Follow:
    return lambda x: gray_scott.advance(x, "waves", STEPS)


def py_pde() -> Follow:
    """In double precision, as it always is; compiled here, so that only steps are timed."""
    pde = pytest.importorskip("pde")
    grid = pde.UnitGrid([SIZE, SIZE], periodic=True)
    equations = {
        "u": f"{gray_scott.DU} * laplace(u) - u * v**2 + {FEED} * (1 - u)",
        "v": f"{gray_scott.DV} * laplace(v) + u * v**2 - {LOST} * v",
    }

    def fields(image: Tensor) -> Any:
        parts = [pde.ScalarField(grid, channel.double().numpy()) for channel in image]
        return pde.FieldCollection(parts, labels=["u", "v"])

    start = fields(state()[0])
    step = pde.solvers.EulerSolver(pde.PDE(equations)).make_stepper(start, dt=1.0)
    step(start, 0, 1)

    def follow(x: Tensor) -> Tensor:
        images = [fields(image) for image in x]
        for image in images:
            step(image, 0, STEPS)
        return torch.from_numpy(np.stack([image.data for image in images])).float()

    return follow


@pytest.mark.benchmark(group="Gray-Scott, 128 by 128, one thread")
@pytest.mark.parametrize("way", [ours, py_pde])
def test_gray_scott(benchmark, way):
    numba.set_num_threads(1)
    follow, x = way(), state()
    # Each way is held to the same answer, so that none is quick by doing less.
    after = benchmark.pedantic(follow, (x,), rounds=15, warmup_rounds=3)
    torch.testing.assert_close(after, ours()(state()), atol=1e-5, rtol=1e-4)
    if benchmark.stats:
        seconds = benchmark.stats.stats.min
        benchmark.extra_info["microseconds a sample-step"] = 1e6 * seconds / STEPS / SAMPLES
