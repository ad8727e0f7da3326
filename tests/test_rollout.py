"""Integrators reach their orders and keep what they should keep."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import law, normal

from eqflow_nb.flows import skew
from eqflow_nb.flows.learned import FlowNetworks
from eqflow_nb.rollout import exponential, follow, heun, rk4
from eqflow_nb.scores import KernelDensityScore, gaussian

J = skew.from_entries(1.0).double()
EYE = torch.eye(2, dtype=torch.float64)


def last(path):
    return list(path)[-1]


def still(x):
    return torch.zeros_like(x)


def turning(omega):
    """The constant skew flow of a standard Gaussian: a rotation at angular velocity omega."""
    return skew.constant(omega * J, gaussian(torch.zeros(2), EYE))


# Runge-Kutta


def order(integrate, dt=0.1):
    """Observed order: log2 of the ratio of the errors at dt and dt / 2, for a rotation by 1."""
    start, exact = torch.tensor([[1.0, 0.5]]).double(), torch.linalg.matrix_exp(-J)
    steps = round(1 / dt)
    errors = [
        float((integrate(turning(1.0), start, dt / k, steps * k) - start @ exact.T).norm())
        for k in (1, 2)
    ]
    return math.log2(errors[0] / errors[1])


def test_runge_kutta_is_of_order_four_and_heun_of_order_two():
    assert order(lambda f, x, dt, n: last(rk4(f, x, dt, n))[1]) == pytest.approx(4, abs=0.1)
    assert order(lambda f, x, dt, n: last(heun(f, x, dt, n, eta=0))[1]) == pytest.approx(2, abs=0.1)


@given(st.floats(0.3, 5))
@settings(max_examples=10, deadline=None)
def test_a_skew_flow_turns_a_round_gaussian_once_in_two_pi_over_omega(omega):
    x = normal(20, 2)
    path = list(rk4(turning(omega), x, 2 * math.pi / omega / 100, 100))
    torch.testing.assert_close(path[-1][1], x, atol=1e-5, rtol=0)
    torch.testing.assert_close(path[50][1], -x, atol=1e-5, rtol=0)
    # v = K s = -K x: J turns (1, 0) into the direction of +y.
    assert float(turning(omega)(EYE)[0, 1]) == pytest.approx(omega)


def test_a_skew_flow_stays_on_its_level_line():
    score, x = law(2), normal(20, 2)
    _, end = last(rk4(skew.constant(J, score), x, 0.01, 500))
    torch.testing.assert_close(score.log_density(end), score.log_density(x), atol=1e-6, rtol=0)
    assert (end - x).norm(dim=1).mean() > 0.5


def test_times_start_at_zero_and_rise_by_the_step():
    for path in (
        rk4(still, EYE, 0.25, 4),
        heun(still, EYE, 0.25, 4, eta=0.1),
        exponential(still, J, EYE, sigma=0.5, tau=1.0, steps=4, eta=0.1),
    ):
        assert [t for t, _ in path] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_fields_of_any_shape_are_followed():
    images = normal(2, 3, 4, 4)
    _, end = last(rk4(lambda x: -x, images, 0.1, 10))
    torch.testing.assert_close(end, images / math.e, atol=1e-5, rtol=0)


def test_the_start_is_never_changed_and_no_gradients_are_recorded():
    flow = FlowNetworks(1, 2)
    x = torch.tensor([[100.0, 0.0], [0.0, math.inf]])
    for path in (
        rk4(flow, x, 0.1, 3),
        heun(flow, x, 0.1, 3, eta=0.1),
        exponential(flow, J, x, 0.5, 0.1, 3, eta=0.1),
    ):
        run = follow(path, [0, 0.05])
        assert not run.states.requires_grad
        assert x[0, 0] == 100 and x[1, 1] == math.inf


# Stochastic Heun: dx = (v + eta s) dt + sqrt(2 eta) dW


def linear_variance(dt):
    """Variance that one axis of dx = -x dt + sqrt(2) dW settles at under Heun's step, exactly.

    The step is x -> a x + (1 - dt / 2) kick with a = 1 - dt + dt^2 / 2 and kick ~ N(0, 2 dt).
    """
    return 2 * dt * (1 - dt / 2) ** 2 / (1 - (1 - dt + dt**2 / 2) ** 2)


@pytest.mark.parametrize("dt", [0.5, 0.25])
def test_heun_settles_at_the_variance_of_its_own_recurrence(dt):
    score = gaussian(torch.zeros(1), torch.eye(1))
    _, x = last(heun(score, normal(100_000, 1), dt, 20, eta=1.0, seed=1))
    # Five standard errors of a variance.
    assert float(x.var()) == pytest.approx(linear_variance(dt), abs=5 * math.sqrt(2 / 100_000))


def test_that_variance_is_right_to_second_order_in_the_step():
    errors = [1 - linear_variance(dt) for dt in (0.02, 0.01)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("eta", [0.0, 0.3, 2.0])
def test_diffusion_of_any_strength_keeps_a_gaussian(eta):
    covariance = torch.tensor([[1.0, 0.6], [0.6, 0.8]]).double()
    score = gaussian(torch.zeros(2), covariance)
    x = normal(20_000, 2) @ torch.linalg.cholesky(covariance).T
    drift = skew.Linear(J + eta * EYE, score)
    _, x = last(heun(drift, x, 0.02, 50, eta=eta))
    torch.testing.assert_close(torch.cov(x.T), covariance, atol=0.04, rtol=0)


def test_diffusion_without_its_drift_does_not_keep_it():
    # The start has the seed that the noise has by default, and must not be correlated with it.
    _, x = last(heun(still, normal(10_000, 1), 0.1, 10, eta=0.5))
    assert float(x.var()) == pytest.approx(1 + 2 * 0.5, rel=0.06)


# The exponential integrator


@given(st.floats(0.01, 20), st.floats(0.01, 3), st.floats(-3, 3), st.floats(0.1, 1))
@settings(max_examples=15, deadline=None)
def test_the_exponential_step_keeps_a_blurred_point_exactly_at_any_step(tau, eta, k, sigma):
    # For samples at one point D is constant, and N(D, sigma^2 I) must be kept by every step.
    point = torch.tensor([[1.0, -2.0]]).double()
    score = KernelDensityScore(point, sigma)
    x = point + sigma * normal(20_000, 2)
    _, x = last(exponential(score.denoise, k * J, x, sigma, tau, 3, eta, seed=4))
    z = (x - point) / sigma
    assert (z.mean(0).abs() < 5 / math.sqrt(20_000)).all()
    torch.testing.assert_close(torch.cov(z.T), EYE, atol=5 * math.sqrt(2 / 20_000), rtol=0)


def test_from_a_point_the_noise_builds_up_as_its_formula_says():
    sigma, tau, eta = 0.5, 0.3, 0.7
    start = torch.zeros(50_000, 2).double()
    _, x = last(exponential(still, J, start, sigma, tau, 1, eta))
    expected = sigma**2 * (1 - math.exp(-2 * eta * tau))
    torch.testing.assert_close(torch.cov(x.T) / expected, EYE, atol=0.03, rtol=0)


def test_without_diffusion_it_rotates_about_the_denoised_point_and_draws_no_noise():
    x, tau, centre = normal(10, 2), 0.4, torch.tensor([1.0, 2.0]).double()
    steps = [
        last(exponential(lambda y: centre.expand_as(y), J, x, 0.3, tau, 5, 0.0, seed))[1]
        for seed in (0, 1)
    ]
    assert torch.equal(*steps)
    turn = torch.linalg.matrix_exp(-5 * tau * J)
    torch.testing.assert_close(steps[0], centre + (x - centre) @ turn.T)


def test_it_follows_the_same_flow_as_the_equation_it_solves():
    # dx/dt = K s with s = (D - x) / sigma^2, for a denoiser that is not constant.
    score, x = KernelDensityScore(normal(50, 2), 0.8), normal(20, 2, seed=1)
    _, exact = last(rk4(skew.constant(J, score), x, 0.005, 200))
    errors = []
    for tau in (0.05, 0.025):
        steps = round(1 / (tau * 0.8**2))
        _, found = last(exponential(score.denoise, J, x, 0.8, 1 / (steps * 0.8**2), steps, 0.0))
        errors.append(float((found - exact).norm()))
    assert errors[0] < 0.2 and errors[0] / errors[1] == pytest.approx(2, rel=0.2)


@pytest.mark.gpu
def test_rollouts_run_on_the_gpu():
    x, score = normal(500, 2).cuda(), KernelDensityScore(normal(200, 2), 0.4)
    for path in (
        rk4(skew.constant(J, score), x, 0.1, 10),
        heun(skew.Linear(J + EYE, score), x, 0.01, 100, eta=1.0),
        exponential(score.denoise, J, x, 0.4, 0.5, 20, eta=0.1),
    ):
        run = follow(path, [0, 0.5])
        assert run.states.is_cuda and run.bounded(0.5, 6.0) == 1
        assert run.at(0.5).shape == x.shape
