"""The automatic noise level: as large as held-out data can't tell from none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import normal

from eqflow_nb import flows, rollout, scores
from eqflow_nb.measures import sliced_wasserstein
from eqflow_nb.scores.noise_level import TOLERANCE, choose_sigma
from eqflow_nb.snapshots import world


def test_blur_of_a_gaussian_shows_as_the_formula_says():
    """Blur widens a standard normal law to sqrt(1 + s^2): W2 = sqrt(1 + s^2) - 1, floor aside."""
    choice = choose_sigma(normal(4000, 1))
    # In one dimension the squared floor of two samples of m is E W2^2, here measured.
    x, y = normal(40, 2000, seed=1).sort(1).values, normal(40, 2000, seed=2).sort(1).values
    floor = float((x - y).square().mean())
    excess = (np.sqrt(1 + choice.sigmas**2) - 1) ** 2 / floor
    np.testing.assert_allclose(choice.values, np.sqrt(1 + excess), rtol=0.35)


@pytest.mark.parametrize("name", ["two_moons", "ring", "lorenz"])
def test_the_criterion_grows_with_sigma_and_the_choice_is_its_last_below_the_tolerance(name):
    choice = choose_sigma(world(name).sample(1500, 3))
    rising = np.diff(choice.values) > -3 * choice.errors[1:]
    assert rising.all()
    below = choice.sigmas <= choice.sigma
    assert (choice.values[below] <= TOLERANCE).all()
    assert choice.values[~below][0] > TOLERANCE
    assert (choice.errors >= 0).all()


def test_more_data_and_sharper_laws_ask_for_less_blur():
    few, many = (
        np.mean([choose_sigma(world("two_peaks").sample(n, s)).sigma for s in range(4)])
        for n in (200, 4000)
    )
    assert many < few
    sharp = np.mean([choose_sigma(world("ring").sample(4000, s)).sigma for s in range(4)])
    assert sharp < many


@given(st.floats(0.01, 1000), st.integers(0, 100))
@settings(max_examples=10)
def test_the_level_has_the_units_of_the_data_and_the_seed_decides(scale, seed):
    x = normal(300, 2)
    choice = choose_sigma(x, seed=seed)
    assert choose_sigma(scale * x, seed=seed).sigma == pytest.approx(scale * choice.sigma, rel=0.2)
    assert choose_sigma(x, seed=seed).sigma == choice.sigma


def test_duplicated_rows_do_not_take_all_blur_away():
    x = normal(500, 2)
    assert choose_sigma(x.repeat(2, 1)).sigma > 0.5 * choose_sigma(x).sigma


def rolled_distance(train, fresh, sigma, seed, t=4.0):
    """Mean distance to fresh data of a cloud of blurred data that followed an exact flow."""
    noise = sigma * normal(*train.shape, seed=seed).float()
    score, x = scores.KernelDensityScore(train, sigma), train + noise
    flow = flows.at_common_speed(flows.skew.constant(flows.skew.random(x.shape[1], 1), score), x)
    dt = min(0.1, sigma / 3)
    run = rollout.race({"": (flow, dt, (t / 2, t))}, x)[""]
    clouds = [run.at(t / 2), run.at(t)]
    return float(np.mean([sliced_wasserstein(x, y, 100) for x in clouds for y in fresh]))


def test_no_other_level_keeps_the_law_much_better():
    """Aim: 1.2 with 2,000 points; a cloud of 350 is noisier, so two seeds are averaged."""
    ring, ratios = world("ring"), []
    for seed in range(2):
        train = ring.sample(350, 10 + seed)
        fresh = [ring.sample(350, 100 + 10 * seed + k) for k in range(3)]
        chosen = rolled_distance(train, fresh, choose_sigma(train).sigma, seed)
        others = [rolled_distance(train, fresh, sigma, seed) for sigma in (0.1, 0.2, 0.4)]
        ratios.append(chosen / min(others))
    assert np.mean(ratios) < 1.35
