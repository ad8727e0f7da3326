"""What takes longest in the chapters.  How time grows with size is the study `growth`."""

import pytest
import torch

from eqflow_nb import scores
from eqflow_nb.equations import identify
from eqflow_nb.flows import learned, projection, spectral_kernel
from eqflow_nb.rollout import rk4
from eqflow_nb.snapshots import world
from eqflow_nb.snapshots.zoo import system

SIGMA = 0.31


def mixture():
    x = world("lorenz").sample(20_000, 0)
    return lambda: scores.fit_mixture(x, SIGMA)


def last_layer():
    x, flow = world("lorenz").sample(4000, 0), learned.FlowNetworks(1, 3)
    score = scores.fit_mixture(x, SIGMA, components=24)
    points = learned.sample_training_points(x, score, SIGMA, n=8192)
    return lambda: learned.solve_last_layer(flow, points)


def rollout():
    x, flow = world("lorenz").sample(250, 0), learned.FlowNetworks(1, 3)
    return lambda: list(rk4(flow, x, 0.1, 100))


def projected():
    x = torch.randn(8, 2, 128, 128, generator=torch.Generator().manual_seed(0))
    flow = spectral_kernel.flow(scores.fit_gaussian_field(x, 0.5))
    flow = projection.project(flow, x, projection.potentials(2, (128, 128), 3), torch.ones(2))
    return lambda: flow(x[:1])


def equations():
    x = system("lorenz").sample(10_000, 0)
    return lambda: identify(x)


@pytest.mark.parametrize("make", [mixture, last_layer, rollout, projected, equations])
def test_speed(benchmark, make):
    benchmark.pedantic(make(), rounds=3, warmup_rounds=1)
