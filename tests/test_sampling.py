"""Effective samples and symmetries, against laws where both are known."""

from __future__ import annotations

import math

import pytest
import torch

from eqflow_nb import measures
from eqflow_nb.measures import sampling
from eqflow_nb.snapshots import world


def normal(n: int, seed: int) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))


def autoregressive(memory: float, chains: int, steps: int, seed: int = 0):
    """x <- memory x + noise keeps N(0, I); its slowest observable is x itself."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(chains, 2, generator=generator)
    yield 0.0, x
    for step in range(1, steps + 1):
        x = memory * x + math.sqrt(1 - memory**2) * torch.randn(x.shape, generator=generator)
        yield float(step), x


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_effective_samples_of_an_autoregressive_chain(memory: float) -> None:
    steps, floor = 400, measures.noise_floor(measures.sliced_wasserstein, normal, n=500)[0]
    found = measures.assess(autoregressive(memory, 500, steps), steps, 1, normal, floor)
    # The integrated autocorrelation time of x is (1 + a) / (1 - a).
    assert found.effective == pytest.approx((1 - memory) / (1 + memory), rel=0.25)
    assert found.keeps


def test_a_chain_that_leaves_its_law_does_not_keep_it() -> None:
    floor = measures.noise_floor(measures.sliced_wasserstein, normal, n=500)[0]
    shifted = ((t, x + 1) for t, x in autoregressive(0.5, 500, 50))
    assert not measures.assess(shifted, 50, 1, normal, floor).keeps


def test_the_largest_step_that_keeps_the_law_is_chosen() -> None:
    kept = {0.1: 1.0, 0.2: 1.6, 0.3: 1.4, 0.4: 9.0}
    found = measures.largest_step(lambda dt: sampling.Sampling(dt, kept[dt]), list(kept))
    assert found is not None and found[0] == 0.3
    assert measures.largest_step(lambda dt: sampling.Sampling(dt, 2.0), [0.1]) is None


def test_half_turns_of_the_lorenz_attractor() -> None:
    turns = measures.half_turns(world("lorenz").sample(4000, 1))
    assert turns[0].signs.tolist() == [-1, -1, 1] and turns[0].holds
    assert not any(turn.holds for turn in turns[1:])


def test_a_lopsided_cloud_has_no_half_turn() -> None:
    cloud = torch.distributions.Exponential(1.0).sample((4000, 2)) - 1
    assert not any(turn.holds for turn in measures.half_turns(cloud))
