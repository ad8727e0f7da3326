"""Speed of what runs on images; the simulation has a benchmark of its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from eqflow_nb import flows, scores

SIZE = 128


@pytest.mark.benchmark(group="one image of two channels, 128 by 128")
@pytest.mark.parametrize("what", ["spectral score", "network score", "nearest flow"])
def test_fields(benchmark: Any, what: str) -> None:
    torch.set_num_threads(1)
    stills = torch.randn(8, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    score = scores.fit_gaussian_field(stills, 0.5)
    tests = flows.projection.potentials(2, (SIZE, SIZE), degree=3, radii=(0.0, 1.0, 2.0, 4.0))
    turn = flows.kernels.Convolution(flows.spectral_kernel.equal_rate_kernel(score), score)
    fields = {
        "spectral score": score,
        "network score": scores.load("waves", 0.5),
        "nearest flow": flows.projection.project(turn, stills, tests, torch.ones(2)),
    }
    with torch.no_grad():
        benchmark(fields[what], stills[:1])
