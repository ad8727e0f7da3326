"""Speed of the simulation against the plain alternatives, and of what runs on images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from eqflow_nb import flows, scores
from eqflow_nb.snapshots import gray_scott

SIZE, STEPS, SAMPLES = 128, 50, 4
FEED, LOST, DU, DV = 0.018, 0.067, 0.16, 0.08


def state() -> torch.Tensor:
    return torch.rand(SAMPLES, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def torch_rolls(x: torch.Tensor) -> torch.Tensor:
    for _ in range(STEPS):
        x = x + gray_scott.rate(x, "waves")
    return x


def torch_conv(x: torch.Tensor) -> torch.Tensor:
    stencil = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).expand(2, 1, 3, 3)
    for _ in range(STEPS):
        around = F.conv2d(F.pad(x, (1, 1, 1, 1), "circular"), stencil, groups=2)
        u, v = x[:, 0], x[:, 1]
        reaction = u * v * v
        du = DU * around[:, 0] - reaction + FEED * (1 - u)
        x = x + torch.stack([du, DV * around[:, 1] + reaction - LOST * v], 1)
    return x


def numpy_slices(x: torch.Tensor) -> np.ndarray:
    a = np.ascontiguousarray(
        np.pad(x.numpy().transpose(1, 2, 3, 0), ((0, 0), (1, 1), (1, 1), (0, 0)))
    )
    middle = (slice(None), slice(1, -1), slice(1, -1))
    for _ in range(STEPS):
        a[:, 0], a[:, -1] = a[:, -2], a[:, 1]
        a[:, :, 0], a[:, :, -1] = a[:, :, -2], a[:, :, 1]
        around = a[:, :-2, 1:-1] + a[:, 2:, 1:-1]
        around += a[:, 1:-1, :-2]
        around += a[:, 1:-1, 2:]
        u, v = a[middle]
        reaction = v * v
        reaction *= u
        u *= 1 - 4 * DU - FEED
        u += FEED
        u += DU * around[0]
        u -= reaction
        v *= 1 - 4 * DV - LOST
        v += DV * around[1]
        v += reaction
    return a[middle]


def py_pde(x: torch.Tensor) -> Any:
    pde = pytest.importorskip("pde")
    grid = pde.UnitGrid([SIZE, SIZE], periodic=True)
    equations = {
        "u": f"{DU} * laplace(u) - u * v**2 + {FEED} * (1 - u)",
        "v": f"{DV} * laplace(v) + u * v**2 - {LOST} * v",
    }
    parts = [pde.ScalarField(grid, channel.double().numpy()) for channel in x[0]]
    fields = pde.FieldCollection(parts, labels=["u", "v"])
    return pde.PDE(equations).solve(fields, t_range=SAMPLES * STEPS, dt=1, tracker=None)


WAYS: dict[str, Callable] = {
    "ours": lambda x: gray_scott.advance(x, "waves", STEPS),
    "numpy slices": numpy_slices,
    "torch rolls": torch_rolls,
    "torch conv2d": torch_conv,
    "py-pde": py_pde,
}


@pytest.mark.benchmark(group="Gray-Scott, 128 by 128")
@pytest.mark.parametrize("way", WAYS)
def test_gray_scott(benchmark: Any, way: str) -> None:
    torch.set_num_threads(1)
    x = state()
    benchmark.pedantic(WAYS[way], (x,), rounds=3, warmup_rounds=1)
    if benchmark.stats:
        seconds = benchmark.stats.stats.min
        benchmark.extra_info["microseconds a sample-step"] = 1e6 * seconds / STEPS / SAMPLES


def test_the_plain_ways_do_the_same() -> None:
    ours = WAYS["ours"](state())
    for way in ("torch rolls", "torch conv2d"):
        torch.testing.assert_close(WAYS[way](state()), ours, atol=1e-4, rtol=1e-3)
    slices = torch.from_numpy(numpy_slices(state()).transpose(3, 0, 1, 2).copy())
    torch.testing.assert_close(slices, ours, atol=1e-4, rtol=1e-3)


@pytest.mark.benchmark(group="one image of two channels, 128 by 128")
@pytest.mark.parametrize("what", ["spectral score", "network score", "nearest flow"])
def test_fields(benchmark: Any, what: str) -> None:
    torch.set_num_threads(1)
    stills = torch.randn(8, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    score = scores.fit_spectral(stills, 0.5)
    tests = flows.nearest.potentials(2, (SIZE, SIZE), degree=3, radii=(0.0, 1.0, 2.0, 4.0))
    turn = flows.kernels.Convolution(flows.spectral.turning(score), score)
    fields = {
        "spectral score": score,
        "network score": scores.load("waves", 0.5),
        "nearest flow": flows.nearest.nearest(turn, stills, tests, torch.ones(2)),
    }
    with torch.no_grad():
        benchmark(fields[what], stills[:1])
