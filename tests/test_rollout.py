"""Integrators reach their orders and keep what they should; what is recorded of their paths."""

import gc
import itertools
import math
import signal
import sys
import threading
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import lopsided, normal

from eqflow_nb.flows import kernels, skew
from eqflow_nb.flows.exact import StreamFunction
from eqflow_nb.rollout import Diverged, exponential, held, heun, record, rk4, together
from eqflow_nb.rollout.record import FAR
from eqflow_nb.scores import KernelDensityScore, gaussian

J = skew.from_entries(1.0).double()
EYE = torch.eye(2, dtype=torch.float64)
ZEROS = torch.zeros(2, 2)


def last(path):
    *_, (_, state) = path
    return state


def still(x):
    return torch.zeros_like(x)


def turning(omega):
    """The constant skew flow of a standard Gaussian: a rotation at angular velocity omega."""
    return skew.constant(omega * J, gaussian(torch.zeros(2), EYE))


def wide_rule(size=8):
    return kernels.symbol(kernels.random_kernel(2, 3), (size, size))


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
    assert order(lambda f, x, dt, n: last(rk4(f, x, dt, n))) == pytest.approx(4, abs=0.1)
    assert order(lambda f, x, dt, n: last(heun(f, x, dt, n, eta=0))) == pytest.approx(2, abs=0.1)


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
    score, x = lopsided(2), normal(20, 2)
    end = last(rk4(skew.constant(J, score), x, 0.01, 500))
    torch.testing.assert_close(score.log_density(end), score.log_density(x), atol=1e-6, rtol=0)
    assert (end - x).norm(dim=1).mean() > 0.5


# Stochastic Heun: dx = (v + eta s) dt + sqrt(2 eta) dW


def linear_variance(dt):
    """Variance that one axis of dx = -x dt + sqrt(2) dW settles at under Heun's step, exactly.

    The step is x -> a x + (1 - dt / 2) kick with a = 1 - dt + dt^2 / 2 and kick ~ N(0, 2 dt).
    """
    return 2 * dt * (1 - dt / 2) ** 2 / (1 - (1 - dt + dt**2 / 2) ** 2)


@pytest.mark.parametrize("dt", [0.5, 0.25])
def test_heun_settles_at_the_variance_of_its_own_recurrence(dt):
    score = gaussian(torch.zeros(1), torch.eye(1))
    x = last(heun(score, normal(100_000, 1), dt, 20, eta=1.0, seed=1))
    # Five standard errors of a variance.
    assert float(x.var()) == pytest.approx(linear_variance(dt), abs=5 * math.sqrt(2 / 100_000))


@pytest.mark.parametrize("eta", [0.0, 0.3, 2.0])
def test_diffusion_of_any_strength_keeps_a_gaussian(eta):
    covariance = torch.tensor([[1.0, 0.6], [0.6, 0.8]]).double()
    score = gaussian(torch.zeros(2), covariance)
    x = normal(20_000, 2) @ torch.linalg.cholesky(covariance).T
    drift = skew.Linear(J + eta * EYE, score)
    x = last(heun(drift, x, 0.02, 50, eta=eta))
    torch.testing.assert_close(torch.cov(x.T), covariance, atol=0.04, rtol=0)


# The exponential integrator


@given(st.floats(0.01, 20), st.floats(0.01, 3), st.floats(-3, 3), st.floats(0.1, 1))
@settings(max_examples=15, deadline=None)
def test_the_exponential_step_keeps_a_blurred_image_exactly_at_any_step(tau, eta, k, sigma):
    # For snapshots of one image D is constant, and N(D, sigma^2 I) must be kept by every step.
    image = torch.tensor([1.0, -2.0]).double()[:, None, None]
    x = image + sigma * normal(5000, 2, 2, 2)
    x = last(exponential(lambda y: image.expand_as(y), k * J, x, sigma, tau, 3, eta, seed=4))
    z = ((x - image) / sigma).transpose(0, 1).flatten(1)
    assert (z.mean(1).abs() < 5 / math.sqrt(20_000)).all()
    torch.testing.assert_close(torch.cov(z), EYE, atol=5 * math.sqrt(2 / 20_000), rtol=0)


@pytest.mark.parametrize("wide", [False, True])
def test_the_distribution_of_independent_pixels_is_kept(wide):
    # Pixels of unit variance: D(x) = x / (1 + sigma^2), blurred ones have variance 1 + sigma^2.
    # The integrator treats D as constant over a step, so small steps.
    x = math.sqrt(1.25) * normal(300, 2, 8, 8)
    rule = wide_rule() if wide else J
    end = last(exponential(lambda y: y / 1.25, rule, x, 0.5, 0.05, 80, 1.0))
    assert float(end.var()) == pytest.approx(1.25, rel=0.03)
    assert float((end * x).mean()) < 0.9 * float((x * x).mean()), "and the state has moved"


def test_without_noise_a_constant_denoiser_is_followed_exactly():
    centre, x = normal(1, 2, 4, 4, seed=1), normal(3, 2, 4, 4)
    ends = [last(exponential(lambda y: centre, J, x, 0.5, 0.25, 8, 0.0, seed)) for seed in (0, 1)]
    assert torch.equal(*ends)
    turned = torch.linalg.matrix_exp(-2 * J)
    expected = centre + torch.einsum("cd,bdhw->bchw", turned, x - centre)
    torch.testing.assert_close(ends[0], expected)


def test_it_follows_the_same_flow_as_the_equation_it_solves():
    # dx/dt = K s with s = (D - x) / sigma^2, for a denoiser that is not constant.
    score, x = KernelDensityScore(normal(50, 2), 0.8), normal(20, 2, seed=1)
    exact = last(rk4(skew.constant(J, score), x, 0.005, 200))
    errors = []
    for tau in (0.05, 0.025):
        steps = round(1 / (tau * 0.8**2))
        path = exponential(
            lambda y: score.denoise(y[..., 0, 0])[..., None, None],
            J, x[..., None, None], 0.8, 1 / (steps * 0.8**2), steps, 0.0,
        )  # fmt: skip
        errors.append(float((last(path)[..., 0, 0] - exact).norm()))
    assert errors[0] < 0.2 and errors[0] / errors[1] == pytest.approx(2, rel=0.2)


def test_a_further_velocity_is_followed_to_second_order():
    x, ends = normal(2, 2, 4, 4), []
    for steps in (10, 20):
        path = exponential(lambda y: y, ZEROS, x, 1.0, 1 / steps, steps, 0.0, extra=lambda y: -y)
        ends.append(float((last(path) - x * math.exp(-1)).norm()))
    assert ends[1] < ends[0] / 3


def test_a_rollout_that_runs_away_is_stopped_with_its_likely_cause():
    x = normal(1, 2, 4, 4)
    with pytest.raises(Diverged, match=r"at step \d+: the largest \|x\| is .* not skew"):
        last(exponential(lambda y: 0 * y, -torch.eye(2), x, 0.5, 1.0, 50, 0.0))
    with pytest.raises(Diverged, match="nan"):
        last(exponential(lambda y: y * math.nan, ZEROS, x, 1.0, 1.0, 5, 0.1))


@pytest.mark.gpu
def test_rollouts_run_on_the_gpu():
    x, score = normal(500, 2).cuda(), KernelDensityScore(normal(200, 2), 0.4)
    for path in (
        rk4(skew.constant(J, score), x, 0.1, 10),
        heun(skew.Linear(J + EYE, score), x, 0.01, 100, eta=1.0),
    ):
        run = record(held(path), [0, 0.5])
        assert run.last.is_cuda and run.bounded(0.5, 6.0) == 1
    images = normal(4, 2, 8, 8).cuda()
    run = record(exponential(lambda y: y / 2, wide_rule(), images, 0.4, 0.5, 20, 0.1), steps=[20])
    assert run.last.is_cuda and run.last.shape == images.shape


# What is recorded


def counting(steps):
    """A path that stands at 0, and at 1 from its first step on."""
    for step in range(steps + 1):
        yield 0.1 * step, torch.full((1, 2, 4, 4), 1.0 if step else 0.0)


def test_states_are_recorded_at_the_first_step_at_or_after_each_time():
    run = record(rk4(torch.ones_like, torch.zeros(1, 1), 0.1, 100), [1.0, 0, 0.25, 10])
    assert [(t, round(float(x), 4)) for t, x in run.states.items()] == [
        (0, 0), (0.25, 0.3), (1.0, 1.0), (10, 10),
    ]  # fmt: skip
    assert float(run.at(0.25)) == pytest.approx(0.3)


def test_steps_are_recorded_and_the_path_goes_no_further():
    path = exponential(lambda y: y / 2, ZEROS, normal(1, 2, 4, 4), 1, 0.5, 9, 0)
    run = record(path, steps=(0, 2, 5))
    assert list(run.states) == [0, 2, 5] and run.stopped is None
    assert torch.equal(run.at(0), normal(1, 2, 4, 4)) and torch.equal(run.last, run.at(5))
    assert float(record(counting(3), steps=[3], keep=lambda x: 2 * x).last.mean()) == 2


def test_a_rollout_that_diverges_keeps_what_came_before():
    x = normal(1, 2, 4, 4)
    away = exponential(lambda y: 0 * y, -2 * torch.eye(2), x, 0.5, 1.0, 50, 0.0)
    run = record(away, steps=(0, 1, 50))
    assert run.stopped is not None and 1 < run.stopped < 50 and list(run.states) == [0, 1]
    broken = record(rk4(lambda x: x * math.inf, x, 1.0, 3), steps=(0, 2))
    assert (broken.stopped, list(broken.states)) == (2, [0])


def test_reach_is_the_farthest_any_coordinate_ever_was():
    x = torch.tensor([[1.0, 0.0], [3.0, 4.0]]).double()
    run = record(rk4(turning(1.0), x, 0.05, 200), [0, 1, 3, 10])
    reach = torch.stack(list(run.reach.values()))
    assert (reach.diff(dim=0) >= 0).all()
    torch.testing.assert_close(reach[0], torch.tensor([1.0, 4.0]).double())
    torch.testing.assert_close(reach[-1], torch.tensor([1.0, 5.0]).double(), atol=2e-3, rtol=0)
    assert run.bounded(10, limit=4.9) == 0.5 and run.bounded(0, limit=4.9) == 1


def test_trajectories_that_explode_are_held_and_count_as_lost():
    # dx/dt = x^2 reaches infinity at t = 1 / x(0), or falls to zero if x(0) < 0.
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).double()
    run = record(held(rk4(torch.square, x, 0.1, 50)), [0, 3, 5])
    assert run.last.isfinite().all() and torch.equal(run.at(3)[0], run.at(5)[0])
    assert float(run.at(5)[1, 0]) == pytest.approx(-1 / 6, rel=1e-3)
    assert [run.bounded(t) for t in run.states] == [1, 0.5, 0.5]


def test_trajectories_that_leave_never_come_back():
    # Circles of radius 20 and 5 about (40, 0), in time 2 pi: the wider one passes x = 60.
    centre = torch.tensor([40.0, 0.0]).double()
    x = centre + torch.tensor([[-20.0, 0.0], [-5.0, 0.0]]).double()
    run = record(held(rk4(lambda y: (y - centre) @ J.T, x, 0.05, 200)), [0, 3, 4, 2 * math.pi])
    assert torch.equal(run.at(3)[0], run.at(4)[0]) and run.at(3)[0].abs().max() == FAR
    torch.testing.assert_close(run.last[1], x[1], atol=0.3, rtol=0)
    assert [run.bounded(t, 46) for t in run.states] == [1, 0.5, 0.5, 0.5]


# Several at once


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(sys.modules["eqflow_nb.rollout.record"], "CORES", 3)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_together_gives_what_each_gives_alone_and_restores_the_threads(three_threads):
    seen = []

    def job(seed):
        seen.append(torch.get_num_threads())
        drift = skew.Linear(J + 0.1 * EYE, lopsided(2))
        return record(heun(drift, normal(50, 2), 0.05, 20, eta=0.1, seed=seed), [0.5, 1])

    jobs = {f"run {seed}": (lambda seed=seed: job(seed)) for seed in range(5)}
    runs = together(jobs)
    assert torch.get_num_threads() == 3 and set(seen) == {1}
    assert list(runs) == list(jobs)
    for name, alone in jobs.items():
        assert torch.equal(runs[name].last, alone().last)
    nested = together({"a": lambda: together({"b": lambda: 1})})
    assert nested == {"a": {"b": 1}} and together({}) == {}


def test_fields_that_need_forward_mode_can_run_side_by_side(three_threads):
    """Torch's forward mode is not made for threads: without a lock most of such runs fail."""
    flow = StreamFunction(lambda x: torch.sin(x[:, 0]), lambda x: -x)
    jobs = {seed: lambda: record(rk4(flow, normal(5, 2), 0.01, 100), [1.0]) for seed in range(3)}
    runs = list(together(jobs).values())
    assert all(torch.equal(run.last, runs[0].last) for run in runs)


def endless(steps_done):
    """A path that would take twenty seconds, and tells how far it came."""
    for step in itertools.islice(itertools.count(), 20_000):
        steps_done.append(step)
        time.sleep(1e-3)
        yield float(step), torch.zeros(1, 1)


@pytest.fixture
def interrupt(monkeypatch):
    """Interrupt the main thread, again where it was in a finaliser, which swallows an interrupt.

    Where the tests run in the background, a shell has told them to ignore interrupts.
    """
    swallowed = threading.Event()
    monkeypatch.setattr(sys, "unraisablehook", lambda about: swallowed.set())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def send():
        swallowed.set()
        while swallowed.is_set():
            swallowed.clear()
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.1)

    gc.collect()
    gc.disable()
    yield send
    gc.enable()
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_or_an_interrupt_surfaces_and_ends_all_of_them(three_threads, interrupt, error):
    def broken():
        if error is RuntimeError:
            raise error
        interrupt()

    steps = []
    jobs = {name: lambda: record(endless(steps), [1e9]) for name in "abcd"}
    with pytest.raises(error):
        together({"long": jobs["a"], "broken": broken, **jobs})
    time.sleep(0.1)
    before = len(steps)
    time.sleep(0.1)
    assert len(steps) == before and torch.get_num_threads() == 3
    assert list(record(rk4(still, EYE, 0.1, 2), [0.2]).states) == [0.2]
