"""Costs of flows: a divergence, one network, rollouts."""

import pytest
import torch

from eqflow_nb.flows import learned, skew
from eqflow_nb.flows.exact import StreamFunction, VectorPotential, Waves
from eqflow_nb.rollout import rk4
from eqflow_nb.scores import fit_mixture
from eqflow_nb.snapshots import world

SIGMA, BATCH = 0.31, 512


@pytest.fixture(scope="module")
def samples():
    return world("lorenz").sample(4000, 0)


@pytest.fixture(scope="module")
def score(samples):
    return fit_mixture(samples, SIGMA, components=24)


def test_divergence_and_its_gradient(benchmark, samples):
    flow, x = learned.FlowNetworks(1, 3, octaves=4), samples[None, :BATCH]

    def step():
        flow.zero_grad()
        found = flow.with_jacobian(x)[1].diagonal(dim1=1, dim2=3).sum((0, 2))
        found.square().mean().backward()
        return found.detach()

    assert torch.isfinite(benchmark(step)).all()


def test_solving_the_last_layer_of_one_network(benchmark, samples, score):
    points = learned.sample_training_points(samples, score, SIGMA, n=8192)
    benchmark(learned.solve_last_layer, learned.FlowNetworks(1, 3), points)


@pytest.mark.parametrize("kind", ["skew", "stream", "potential", "learned"])
def test_one_hundred_steps_of_250_trajectories(benchmark, samples, score, kind):
    plane = fit_mixture(samples[:, :2], SIGMA, components=24)
    field = {
        "skew": skew.constant(skew.random(3), score),
        "stream": StreamFunction(Waves(2), plane),
        "potential": VectorPotential(Waves(3, 3), score),
        "learned": learned.FlowNetworks(1, 3),
    }[kind]
    x = samples[:250, : 2 if kind == "stream" else 3].contiguous()
    end = benchmark(lambda: list(rk4(field, x, 0.1, 100))[-1][1])
    assert torch.isfinite(end).all()
