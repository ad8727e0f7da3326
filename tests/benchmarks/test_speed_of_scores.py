"""Costs of scores: a fitted mixture against the kernel density it replaces; images."""

import pytest
import torch

from eqflow_nb import scores
from eqflow_nb.flows import projection, spectral_kernel
from eqflow_nb.scores import DenoiserScore, KernelDensityScore, fit_mixture
from eqflow_nb.snapshots import world

SIGMA, SIZE = 0.31, 128


@pytest.fixture(scope="module")
def samples():
    return world("lorenz").sample(20_000, 0)


@pytest.mark.parametrize("kind", ["mixture", "kernel", "denoiser"])
def test_score_of_2000_states(benchmark, samples, kind):
    score = {
        "mixture": lambda: fit_mixture(samples[:4000], SIGMA, components=64),
        "kernel": lambda: KernelDensityScore(samples, SIGMA),
        "denoiser": lambda: DenoiserScore(3, SIGMA),
    }[kind]()
    with torch.no_grad():
        assert benchmark(score, samples[:2000]).shape == (2000, 3)


@pytest.mark.parametrize("components", [8, 64, None])
def test_fitting_a_mixture_to_20000_samples(benchmark, samples, components):
    fit = benchmark.pedantic(fit_mixture, (samples, SIGMA, components), rounds=1)
    assert torch.isfinite(fit(samples[:10])).all()


@pytest.mark.benchmark(group="one image of two channels, 128 by 128")
@pytest.mark.parametrize("what", ["spectral score", "network score", "projected flow"])
def test_fields(benchmark, what):
    x = torch.randn(8, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    score = scores.fit_gaussian_field(x, 0.5)
    tests = projection.potentials(2, (SIZE, SIZE), degree=3)
    fields = {
        "spectral score": score,
        "network score": scores.load("waves", 0.5),
        "projected flow": projection.project(spectral_kernel.flow(score), x, tests, torch.ones(2)),
    }
    with torch.no_grad():
        benchmark(fields[what], x[:1])
