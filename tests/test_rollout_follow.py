"""Following a rollout: what is recorded, what counts as lost, several at once, and stopping."""

import itertools
import math
import signal
import threading
import time

import pytest
import torch
from laws import law, normal

from eqflow_nb import rollout
from eqflow_nb.flows import skew
from eqflow_nb.inputs import InputError
from eqflow_nb.rollout import follow, heun, rk4, together
from eqflow_nb.scores import gaussian

J = skew.from_entries(1.0).double()
EYE = torch.eye(2, dtype=torch.float64)


def still(x):
    return torch.zeros_like(x)


def turning(omega):
    """The constant skew flow of a standard Gaussian: a rotation at angular velocity omega."""
    return skew.constant(omega * J, gaussian(torch.zeros(2), EYE))


def test_states_are_recorded_at_the_first_step_at_or_after_each_time():
    run = follow(rk4(torch.ones_like, torch.zeros(1, 1), 0.1, 100), [1.0, 0, 0.25, 10])
    assert run.times == (0, 0.25, 1.0, 10)
    assert run.states.flatten().tolist() == pytest.approx([0, 0.3, 1.0, 10], abs=1e-4)
    assert float(run.at(0.25)) == pytest.approx(0.3)
    with pytest.raises(InputError, match=r"time 0\.3 was not recorded"):
        run.at(0.3)


def test_rounding_of_the_clock_does_not_put_a_time_off_by_a_step():
    path = [(0.0, torch.zeros(1, 1)), (2.9999999999, torch.ones(1, 1)), (3.1, torch.zeros(1, 1))]
    assert float(follow(iter(path), [3]).at(3)) == 1
    with pytest.raises(InputError, match="ended before"):
        follow(rk4(still, torch.zeros(1, 1), 0.1, 99), [10])


def test_reach_is_the_farthest_any_coordinate_ever_was():
    x = torch.tensor([[1.0, 0.0], [3.0, 4.0]]).double()
    run = follow(rk4(turning(1.0), x, 0.05, 200), [0, 1, 3, 10])
    assert (run.reach.diff(dim=0) >= 0).all()
    torch.testing.assert_close(run.reach[0], torch.tensor([1.0, 4.0]).double())
    torch.testing.assert_close(run.reach[-1], torch.tensor([1.0, 5.0]).double(), atol=2e-3, rtol=0)
    assert run.bounded(10, limit=4.9) == 0.5 and run.bounded(0, limit=4.9) == 1


def test_trajectories_that_explode_are_held_and_count_as_lost():
    # dx/dt = x^2 reaches infinity at t = 1 / x(0), or falls to zero if x(0) < 0.
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).double()
    run = follow(rk4(torch.square, x, 0.1, 50), [0, 3, 5])
    assert run.states.isfinite().all() and torch.equal(run.at(3)[0], run.at(5)[0])
    assert float(run.at(5)[1, 0]) == pytest.approx(-1 / 6, rel=1e-3)
    assert [run.bounded(t) for t in run.times] == [1, 0.5, 0.5]


def test_trajectories_that_leave_never_come_back():
    # Circles of radius 20 and 5 about (40, 0), in time 2 pi: the wider one passes x = 60.
    centre = torch.tensor([40.0, 0.0]).double()
    x = centre + torch.tensor([[-20.0, 0.0], [-5.0, 0.0]]).double()
    run = follow(rk4(lambda y: (y - centre) @ J.T, x, 0.05, 200), [0, 3, 4, 2 * math.pi])
    assert torch.equal(run.at(3)[0], run.at(4)[0]) and run.at(3)[0].abs().max() == rollout.FAR
    torch.testing.assert_close(run.states[-1, 1], x[1], atol=0.3, rtol=0)
    assert [run.bounded(t, 46) for t in run.times] == [1, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_count_as_lost_from_their_step_on(bad):
    path = ((float(t), torch.tensor([[bad if t == 2 else 0.0], [1.0]])) for t in range(5))
    run = follow(path, range(5))
    assert [run.bounded(t) for t in range(5)] == [1, 1, 0.5, 0.5, 0.5]
    assert run.states.isfinite().all() and (run.states[2:, 0].abs() == rollout.FAR).all()


def test_a_progress_bar_changes_nothing():
    runs = [follow(rk4(turning(1.0), EYE, 0.1, 20), [2], progress=bar) for bar in (False, True)]
    assert torch.equal(runs[0].states, runs[1].states)


# Several at once


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_together_gives_what_each_gives_alone_and_restores_the_threads(three_threads):
    seen = []

    def job(seed):
        seen.append(torch.get_num_threads())
        drift = skew.Linear(J + 0.1 * EYE, law(2))
        return follow(heun(drift, normal(50, 2), 0.05, 20, eta=0.1, seed=seed), [0.5, 1])

    jobs = {f"run {seed}": (lambda seed=seed: job(seed)) for seed in range(5)}
    runs = together(jobs)
    assert torch.get_num_threads() == 3 and set(seen) == {1}
    assert list(runs) == list(jobs)
    for name, alone in jobs.items():
        assert torch.equal(runs[name].states, alone().states)
    assert together({}) == {}


def endless(steps_done, at_start=lambda: None):
    """A path that would take twenty seconds, and tells how far it came."""
    at_start()
    for step in itertools.islice(itertools.count(), 20_000):
        steps_done.append(step)
        time.sleep(1e-3)
        yield float(step), torch.zeros(1, 1)


def fail():
    raise RuntimeError("the score broke")


def test_an_error_in_one_rollout_surfaces_and_ends_the_others(three_threads):
    steps = []
    jobs = {name: lambda: follow(endless(steps), [1e9]) for name in "abcd"}
    with pytest.raises(RuntimeError, match="the score broke"):
        together({"long": jobs["a"], "broken": fail, **jobs})
    assert len(steps) < 20_000 and torch.get_num_threads() == 3
    assert follow(rk4(still, EYE, 0.1, 2), [0.2]).times == (0.2,)


@pytest.fixture
def interruptible():
    """Where the tests run in the background, a shell has told them to ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_ends_all_of_them(three_threads, interruptible):
    def interrupt():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    steps = []
    jobs = {name: lambda: follow(endless(steps, interrupt), [1e9]) for name in "ab"}
    with pytest.raises(KeyboardInterrupt):
        together(jobs)
    assert len(steps) < 20_000 and torch.get_num_threads() == 3


def test_a_race_is_each_field_followed_alone_with_its_own_step_and_times():
    start = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    runs = rollout.race(
        {"turn": (lambda x: x @ turn, 0.1, [1.0, 2.0]), "fall": (lambda x: -x, 0.3, [1.0])}, start
    )
    assert list(runs) == ["turn", "fall"]
    angle = torch.tensor(2.0)
    rotated = start * angle.cos() + start @ turn * angle.sin()
    torch.testing.assert_close(runs["turn"].at(2.0), rotated, atol=1e-4, rtol=0)
    # The first state at or after t = 1, at steps of .3.
    torch.testing.assert_close(runs["fall"].at(1.0), start * math.exp(-1.2), atol=1e-3, rtol=0)
