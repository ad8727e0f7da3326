"""The continuity residual measures how well a flow keeps p; a constant skew flow keeps any p."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import law, normal, rms

from eqflow_nb.flows import Scaled, skew
from eqflow_nb.flows.continuity import divergence, jacobian, residual
from eqflow_nb.flows.exact import StreamFunction, Waves
from eqflow_nb.scores import KernelDensityScore, of_density
from eqflow_nb.snapshots import world

seeds = st.integers(0, 10_000)
few = settings(max_examples=15, deadline=None)
J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)


def curved(x):
    """A field without structure, for tests of derivatives."""
    return torch.sin(x.flip(1)) * x + torch.cos(x[:, :1]) * x**2


# Continuity


@few
@given(seeds, st.integers(1, 6))
def test_the_jacobian_agrees_with_finite_differences(seed, d):
    x, h = normal(5, d, seed=seed), 1e-5
    directions = torch.eye(d, dtype=torch.float64)
    columns = [(curved(x + h * e) - curved(x - h * e)) / (2 * h) for e in directions]
    torch.testing.assert_close(jacobian(curved, x), torch.stack(columns, 2), atol=1e-7, rtol=1e-6)


def test_a_field_that_knows_its_jacobian_is_asked():
    class Liar:
        def __call__(self, x):
            return x

        def jacobian(self, x):
            return 7 * torch.ones(len(x), 2, 2)

    assert (jacobian(Liar(), torch.zeros(3, 2)) == 7).all()
    assert (divergence(Liar(), torch.zeros(3, 2)) == 14).all()


@few
@given(seeds, st.integers(1, 6))
def test_the_divergence_of_a_linear_field_is_its_trace(seed, d):
    matrix, x = normal(d, d, seed=seed), normal(4, d, seed=seed + 1)
    found = divergence(lambda y: y @ matrix.T, x)
    torch.testing.assert_close(found, matrix.trace().expand(4))


def test_one_probe_is_exact_where_the_jacobian_is_diagonal():
    # z . J z = trace J for any signs z if J is diagonal; d = 9 goes through the probes by default.
    x = normal(4, 9)
    torch.testing.assert_close(divergence(lambda y: y**3, x, probes=1), (3 * x**2).sum(1))
    torch.testing.assert_close(divergence(lambda y: y**3, x), (3 * x**2).sum(1))


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


@few
@given(seeds, st.floats(-10, 10).filter(lambda c: abs(c) > 1e-3))
def test_the_residual_does_not_depend_on_the_speed_of_the_clock(seed, factor):
    score, x = law(3, seed), normal(20, 3, seed=seed)
    once, scaled = residual(curved, score, x), residual(Scaled(curved, factor), score, x)
    assert scaled.relative == pytest.approx(once.relative)
    assert scaled.ratio == pytest.approx(once.ratio)


def test_two_unrelated_terms_give_a_ratio_of_one():
    # v = matrix x with zero trace has div v = 0: all that is left is v . s.
    x, matrix = normal(100, 2), torch.tensor([[1.0, 2.0], [2.0, -1.0]]).double()
    assert residual(lambda y: y @ matrix.T, lambda y: -y, x).ratio == pytest.approx(1)


def test_the_residual_by_probes_is_unbiased_for_its_square():
    score, x = law(3), normal(40, 3)
    exact = residual(curved, score, x).relative
    found = torch.tensor(
        [residual(curved, score, x, probes=1, seed=2 * k).relative ** 2 for k in range(300)]
    )
    error = float(found.std()) / math.sqrt(300)
    assert abs(float(found.mean()) - exact**2) < 4 * error
    # The square of one noisy estimate would be too large by its variance.
    along, power = (curved(x) * score(x)).sum(1), curved(x).square().sum(1).mean()
    single = [(divergence(curved, x, 1, k) + along).square().mean() / power for k in range(300)]
    assert float(torch.stack(single).mean()) - exact**2 > 8 * error


def test_only_the_score_of_the_law_itself_makes_the_residual_small():
    x = normal(200, 2)
    flow = StreamFunction(Waves(2, seed=1), law(2))
    assert residual(flow, law(2), x).relative < 1e-12
    assert residual(flow, law(2, seed=5), x).relative > 0.1


# Constant skew


@few
@given(seeds, st.integers(2, 6))
def test_a_skew_matrix_keeps_any_law(seed, d):
    flow = skew.constant(skew.random(d, seed).double(), law(d, seed))
    found = residual(flow, law(d, seed), normal(50, d, seed=seed))
    assert found.relative < 1e-12


@pytest.mark.parametrize("name", ["ring", "two_moons", "checkerboard"])
def test_a_skew_matrix_keeps_the_worlds_by_their_exact_densities(name):
    w = world(name)
    score = of_density(lambda x: w.log_density(x, 0.2))
    x = w.sample(100, 0).double()
    assert residual(skew.constant(J, score), score, x).relative < 1e-9
    kernel = KernelDensityScore(w.sample(500, 0).double(), 0.2)
    assert residual(skew.constant(J, kernel), kernel, x).relative < 1e-9


@few
@given(seeds)
def test_a_symmetric_matrix_does_not(seed):
    symmetric = torch.tensor([[1.0, 0.5], [0.5, -1.0]]).double()
    found = residual(skew.Linear(symmetric, law(2, seed)), law(2, seed), normal(100, 2, seed=seed))
    assert found.relative > 0.1


def test_a_skew_flow_moves_along_the_level_lines_of_the_density():
    x, score = normal(50, 3), law(3)
    v = skew.constant(skew.random(3).double(), score)(x)
    assert ((v * score(x)).sum(1).abs() < 1e-12).all() and rms(v) > 0.1


def test_its_jacobian_is_the_matrix_times_the_hessian():
    flow, x = skew.constant(skew.random(3).double(), law(3)), normal(6, 3)
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))


def test_several_matrices_take_a_block_of_rows_each():
    several = torch.stack([skew.random(3, seed).double() for seed in range(3)])
    flow, x, score = skew.constant(several, law(3)), normal(12, 3), law(3)
    blocks = [skew.constant(K, score)(rows) for K, rows in zip(several, x.split(4), strict=True)]
    torch.testing.assert_close(flow(x), torch.cat(blocks))
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))
    assert residual(flow, score, x).relative < 1e-12


def test_entries_fill_the_matrix_row_by_row_above_the_diagonal():
    assert torch.equal(skew.from_entries(2.0), 2 * J.float())
    expected = torch.tensor([[0.0, 1.0, 2.0], [-1.0, 0.0, 3.0], [-2.0, -3.0, 0.0]])
    assert torch.equal(skew.from_entries(1, 2, 3), expected)
    assert skew.from_entries(*range(1, 7)).shape == (4, 4)


@given(st.integers(2, 8), seeds)
def test_random_skew_matrices_are_skew_and_of_norm_one(d, seed):
    matrix = skew.random(d, seed)
    assert torch.equal(matrix, -matrix.T)
    assert float(matrix.norm()) == pytest.approx(1)
    assert not torch.equal(matrix, skew.random(d, seed + 1)) or d == 2
