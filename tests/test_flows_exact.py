"""Exact flows, v = A s + div A, keep any law for any potential, to rounding."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import law, normal, rms

from eqflow_nb.flows import at_common_speed, skew
from eqflow_nb.flows.continuity import jacobian, residual
from eqflow_nb.flows.exact import StateDependentSkew, StreamFunction, VectorPotential, Waves
from eqflow_nb.scores import gaussian

seeds = st.integers(0, 10_000)
few = settings(max_examples=15, deadline=None)
J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)


@few
@given(seeds, st.floats(2, 10))
def test_any_stream_function_keeps_any_law_of_the_plane(seed, wavelength):
    score, x = law(2, seed), normal(50, 2, seed=seed)
    flow = StreamFunction(Waves(2, wavelength=wavelength, seed=seed), score)
    assert residual(flow, score, x).relative < 1e-11


@pytest.mark.parametrize(
    "psi",
    [
        lambda x: x[:, 0] ** 2 * x[:, 1] - x[:, 1],
        lambda x: torch.exp(-x.square().sum(1)),
        lambda x: torch.sin(3 * x[:, :1]) * x[:, 1:],
    ],
)
def test_a_hand_written_stream_function_will_do(psi):
    score, x = law(2), normal(50, 2)
    assert residual(StreamFunction(psi, score), score, x).relative < 1e-11


def test_a_constant_stream_function_is_the_constant_skew_flow():
    score, x = law(2), normal(50, 2)
    for psi in (lambda y: torch.ones_like(y[:, 0]), lambda y: torch.ones(len(y)).double()):
        torch.testing.assert_close(StreamFunction(psi, score)(x), score(x) @ J.T)


def test_a_stream_function_of_the_density_alone_circulates_along_its_level_lines():
    score, x = law(2), normal(50, 2)
    v = StreamFunction(lambda y: score.log_density(y), score)(x)
    assert ((v * score(x)).sum(1).abs() < 1e-11).all()


@few
@given(seeds)
def test_any_vector_potential_keeps_any_law_of_space(seed):
    score, x = law(3, seed), normal(50, 3, seed=seed)
    assert residual(VectorPotential(Waves(3, 3, seed=seed), score), score, x).relative < 1e-11


def test_a_hand_written_vector_potential_will_do():
    def potential(x):
        return torch.stack([x[:, 1] * x[:, 2], torch.sin(x[:, 0]), x[:, 1] ** 3], 1)

    score, x = law(3), normal(50, 3)
    assert residual(VectorPotential(potential, score), score, x).relative < 1e-11
    flat = gaussian(torch.zeros(3).double(), 1e8 * torch.eye(3).double())
    curl = VectorPotential(potential, flat)(x)
    by_hand = [3 * x[:, 1] ** 2, x[:, 1], torch.cos(x[:, 0]) - x[:, 2]]
    torch.testing.assert_close(curl, torch.stack(by_hand, 1), atol=1e-5, rtol=1e-5)


def test_a_constant_vector_potential_is_a_constant_skew_flow():
    # s x a = K s with K s = -a x s.
    score, x, a = law(3), normal(50, 3), torch.tensor([1.0, 2.0, 3.0]).double()
    flow = VectorPotential(lambda y: a.expand(len(y), 3), score)
    matrix = skew.from_entries(a[2], -a[1], a[0]).double()
    torch.testing.assert_close(flow(x), skew.constant(matrix, score)(x))


def test_a_gradient_added_to_the_potential_where_p_is_flat_changes_nothing():
    # curl(grad f) = 0: many potentials write the same flow.
    flat, x = gaussian(torch.zeros(3).double(), 1e12 * torch.eye(3).double()), normal(20, 3)
    v = VectorPotential(lambda y: torch.func.grad(lambda z: (z**3).prod(1).sum())(y), flat)(x)
    assert v.abs().max() < 1e-8


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_a_state_dependent_skew_matrix_keeps_any_law_in_any_dimension(d):
    waves = Waves(d, outputs=d * d)
    score, x = law(d), normal(50, d)
    flow = StateDependentSkew(lambda y: waves(y).view(-1, d, d), score)
    assert residual(flow, score, x).relative < 1e-11


@few
@given(seeds)
def test_in_the_plane_it_is_the_stream_function(seed):
    psi, score, x = Waves(2, seed=seed), law(2, seed), normal(30, 2, seed=seed)
    general = StateDependentSkew(lambda y: psi(y)[:, None, None] * J / 2, score)
    torch.testing.assert_close(general(x), StreamFunction(psi, score)(x))


@few
@given(seeds, st.integers(1, 3))
def test_the_gradient_of_waves_written_by_hand_is_the_automatic_one(seed, outputs):
    waves, x = Waves(3, outputs, seed=seed), normal(7, 3, seed=seed)
    value, gradient = waves.with_gradient(x)
    torch.testing.assert_close(value, waves(x).view(7, outputs))
    torch.testing.assert_close(
        gradient, jacobian(lambda y: waves(y).view(7, outputs), x).view(7, outputs, 3)
    )


def test_waves_have_the_wavelength_asked_for():
    # E cos has mean square 1/2, its gradient |w|^2 / 2 with E |w|^2 = d (2 pi / wavelength)^2.
    waves, x = Waves(2, terms=4000, wavelength=5.0), 30 * normal(500, 2)
    value, gradient = waves.with_gradient(x)
    ratio = float(gradient.square().sum(2).mean() / value.square().mean())
    assert ratio == pytest.approx(2 * (2 * math.pi / 5) ** 2, rel=0.15)


def test_every_flow_can_be_set_to_the_common_speed():
    x = normal(100, 3)
    flow = at_common_speed(VectorPotential(Waves(3, 3), law(3)), x)
    assert rms(flow(x)) == pytest.approx(math.sqrt(3))
    torch.testing.assert_close(flow.jacobian(x), jacobian(lambda y: flow(y), x))


@pytest.mark.gpu
def test_exact_flows_work_on_the_gpu():
    x = normal(40, 3).cuda()
    score = law(3)
    for flow in (
        VectorPotential(Waves(3, 3), score),
        StateDependentSkew(lambda y: Waves(3, 9)(y).view(-1, 3, 3), score),
        skew.constant(skew.random(3).double(), score),
    ):
        assert flow(x).is_cuda
        assert residual(flow, score, x).relative < 1e-10
        assert residual(flow, score, x, probes=2).relative >= 0
