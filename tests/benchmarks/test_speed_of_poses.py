"""A step of creatures that swim, for a few and for 10,000."""

from dataclasses import replace

import pytest
import torch

from eqflow_nb import rollout
from eqflow_nb.flows import poses as ways
from eqflow_nb.scores.pair_law import fit_pair_law
from eqflow_nb.snapshots import poses


@pytest.mark.parametrize("side", [3, 8, 25])
def test_a_step(benchmark, side):
    """Of Runge-Kutta, on a sheet that is `side` by `side` times one of 16 creatures."""
    sheets = poses.sample("flock", 96, 0)
    shift = torch.cartesian_prod(*[poses.SIZE * torch.arange(side)] * 2)
    sheet = (sheets[0] + torch.nn.functional.pad(shift, (0, 1))[:, None]).reshape(1, -1, 3)
    law = replace(fit_pair_law(sheets, mirror=True).law, size=side * poses.SIZE)
    path = rollout.rk4(ways.flow(law, ways.swim(1.0)), sheet, 0.1, 100)
    next(path)
    benchmark.extra_info["creatures"] = sheet.shape[1]
    benchmark.pedantic(lambda: next(path), rounds=5, warmup_rounds=1)
