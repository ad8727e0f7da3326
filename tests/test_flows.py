"""The continuity residual measures how well a flow keeps p; skew and exact flows keep any p."""

import itertools
import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import lopsided, normal, rms

from eqflow_nb.flows import at_common_speed, continuity, skew
from eqflow_nb.flows.continuity import divergence, jacobian, residual
from eqflow_nb.flows.exact import StreamFunction, VectorPotential, Waves
from eqflow_nb.scores import KernelDensityScore, gaussian, of_density

seeds = st.integers(0, 10_000)
few = settings(max_examples=15, deadline=None)
J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)


def curved(x):
    """A field without structure, for tests of derivatives."""
    return torch.sin(x.flip(1)) * x + torch.cos(x[:, :1]) * x**2


# Continuity


@few
@given(seeds, st.integers(1, 6))
def test_jacobians_agree_with_finite_differences_and_divergences_are_their_traces(seed, d):
    x, h = normal(5, d, seed=seed), 1e-5
    directions = torch.eye(d, dtype=torch.float64)
    columns = [(curved(x + h * e) - curved(x - h * e)) / (2 * h) for e in directions]
    found = jacobian(curved, x)
    torch.testing.assert_close(found, torch.stack(columns, 2), atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(divergence(curved, x), found.diagonal(dim1=1, dim2=2).sum(1))


def test_probes_are_unbiased_and_their_variance_falls_as_their_number():
    x = normal(3, 4)
    exact = divergence(curved, x)
    one, ten = (
        torch.stack([divergence(curved, x, probes, seed) for seed in range(200)])
        for probes in (1, 10)
    )
    for estimate in (one, ten):
        error = estimate.std(0) / math.sqrt(200)
        assert ((estimate.mean(0) - exact).abs() < 4 * error).all()
    ratio = one.var(0) / ten.var(0)
    assert ((ratio > 6) & (ratio < 16)).all()


def test_the_residual_in_both_normalisations_worked_by_hand():
    # Standard normal, s = -x, and v = x: div v = 2, v . s = -|x|^2 = -1 and -4, so r = 1 and -2.
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    found = residual(lambda y: y, lambda y: -y, x)
    assert found.relative == pytest.approx(math.sqrt(2.5 / 2.5))
    assert found.ratio == pytest.approx(2.5 / (4 + 8.5))


def test_the_residual_by_probes_is_unbiased_for_its_square(monkeypatch):
    score, x = lopsided(3), normal(40, 3)
    exact, dice = residual(curved, score, x).relative, itertools.count()
    monkeypatch.setattr(continuity, "EXACT_UP_TO", 0)
    one_probe = partial(divergence, probes=1)
    monkeypatch.setattr(
        continuity, "divergence", lambda v, x, **_: one_probe(v, x, seed=next(dice))
    )
    found = torch.tensor([residual(curved, score, x).relative ** 2 for _ in range(300)])
    error = float(found.std()) / math.sqrt(300)
    assert abs(float(found.mean()) - exact**2) < 4 * error


def test_every_flow_can_be_set_to_the_common_speed():
    x = normal(100, 3)
    flow = at_common_speed(VectorPotential(Waves(3, 3), lopsided(3)), x)
    assert rms(flow(x)) == pytest.approx(math.sqrt(3))
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))


# Constant skew


@few
@given(seeds, st.integers(2, 6))
def test_a_skew_matrix_keeps_any_distribution(seed, d):
    mixture, x = lopsided(d, seed), normal(50, d, seed=seed)
    automatic, kernel = of_density(mixture.log_density), KernelDensityScore(x[:30], 0.5)
    for score in (mixture, automatic, kernel):
        flow = skew.constant(skew.random(d, seed).double(), score)
        assert residual(flow, score, x).relative < 1e-11
        assert ((flow(x) * score(x)).sum(1).abs() < 1e-10).all(), "it follows level lines of p"
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))


@few
@given(seeds)
def test_a_symmetric_matrix_or_another_score_does_not(seed):
    score, x = lopsided(2, seed), normal(200, 2, seed=seed)
    symmetric = skew.Linear(torch.tensor([[1.0, 0.5], [0.5, -1.0]]).double(), score)
    assert residual(symmetric, score, x).relative > 0.1
    assert residual(skew.constant(J, lopsided(2, seed + 1)), score, x).relative > 0.01


def test_several_matrices_take_a_block_of_rows_each():
    several = torch.stack([skew.random(3, seed).double() for seed in range(3)])
    flow, x, score = skew.constant(several, lopsided(3)), normal(12, 3), lopsided(3)
    blocks = [skew.constant(K, score)(rows) for K, rows in zip(several, x.split(4), strict=True)]
    torch.testing.assert_close(flow(x), torch.cat(blocks))
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))


# Exact flows, v = A s + div A


@few
@given(seeds, st.floats(2, 10))
def test_any_potential_keeps_any_distribution(seed, wavelength):
    for d, make, outputs in ((2, StreamFunction, 1), (3, VectorPotential, 3)):
        score, x = lopsided(d, seed), normal(50, d, seed=seed)
        flow = make(Waves(d, outputs, wavelength=wavelength, seed=seed), score)
        assert residual(flow, score, x).relative < 1e-11


def test_hand_written_potentials_will_do():
    def potential(x):
        return torch.stack([x[:, 1] * x[:, 2], torch.sin(x[:, 0]), x[:, 1] ** 3], 1)

    x = normal(50, 3)
    assert residual(VectorPotential(potential, lopsided(3)), lopsided(3), x).relative < 1e-11
    flat = gaussian(torch.zeros(3).double(), 1e8 * torch.eye(3).double())
    by_hand = [3 * x[:, 1] ** 2, x[:, 1], torch.cos(x[:, 0]) - x[:, 2]]
    curl = VectorPotential(potential, flat)(x)
    torch.testing.assert_close(curl, torch.stack(by_hand, 1), atol=1e-5, rtol=1e-5)


@few
@given(seeds, st.integers(1, 3))
def test_the_gradient_of_waves_written_by_hand_is_the_automatic_one(seed, outputs):
    waves, x = Waves(3, outputs, seed=seed), normal(7, 3, seed=seed)
    value, gradient = waves.with_gradient(x)
    torch.testing.assert_close(value, waves(x).view(7, outputs))
    automatic = jacobian(lambda y: waves(y).view(7, outputs), x)
    torch.testing.assert_close(gradient, automatic.view(7, outputs, 3))


@pytest.mark.gpu
def test_flows_work_on_the_gpu():
    x, score = normal(40, 3).cuda(), lopsided(3)
    for flow in (
        VectorPotential(Waves(3, 3), score),
        skew.constant(skew.random(3).double(), score),
    ):
        assert flow(x).is_cuda
        assert residual(flow, score, x).relative < 1e-10
