"""Costs of scores: a fitted mixture against the kernel density it replaces."""

import pytest
import torch

from eqflow_nb.scores import DenoiserScore, KernelDensityScore, denoiser, fit_mixture
from eqflow_nb.snapshots import world

SIGMA = 0.31


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


def test_training_a_denoiser_for_100_steps(benchmark, samples):
    score = DenoiserScore(3, SIGMA)
    history = benchmark(lambda: list(denoiser.train(score, samples, steps=100)))
    assert len(history) == 100
