"""How creatures go and keep together, where their motions are known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.special import j0, jn_zeros

from eqflow_nb.inputs import InputError
from eqflow_nb.measures import flocking, travel
from eqflow_nb.measures.tracking import Tracks
from eqflow_nb.snapshots import icons

SIZE = 64


def film_of(path: np.ndarray, heading: np.ndarray | None = None, size: int = SIZE) -> Tracks:
    """Tracks of a path (frames, creatures, 2)."""
    return Tracks(path, np.zeros(path.shape[:2]) if heading is None else heading, size)


def wanderers(creatures: int, frames: int, seed: int, deviation: float = 1.0) -> np.ndarray:
    """Random walks that begin anywhere on the canvas."""
    random = np.random.default_rng(seed)
    steps = deviation * random.normal(size=(frames, creatures, 2))
    steps[0] = random.uniform(0, SIZE, (creatures, 2))
    return steps.cumsum(0)


# ---- how they go ----


def test_going_straight_on() -> None:
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 50)
    course = 0.7 * np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
    path = course * np.arange(40)[:, None, None]
    film = [film_of(path, np.tile(angle, (40, 1)))]
    slope, error = travel.msd_exponent(film, [1, 2, 4, 8])
    assert slope == pytest.approx(2)
    assert error < 1e-9
    for lag in (1, 3):
        assert travel.speed(film, lag) == pytest.approx(0.7)
        assert travel.persistence(film, lag) == pytest.approx(1)
        drift, error = travel.axis_drift(film, lag)
        assert drift == pytest.approx(0.7 * lag)
        assert error < 1e-9
    assert travel.persistence_time(film) == pytest.approx(38), "the film's length"
    sideways = [replace(film[0], heading=film[0].heading - np.pi / 2)]
    np.testing.assert_allclose(travel.body_drift(sideways, 2)[0], [0, 1.4], atol=1e-12)


@pytest.mark.parametrize("memory", [3.0, 12.0])
def test_persistence_time_of_a_walk_with_a_memory(memory: float) -> None:
    random = np.random.default_rng(2)
    keep = np.exp(-1 / memory)
    velocity = [random.normal(size=(800, 2))]
    for _ in range(200):
        kick = (1 - keep**2) ** 0.5 * random.normal(size=(800, 2))
        velocity.append(keep * velocity[-1] + kick)
    found = travel.persistence_time([film_of(np.cumsum(velocity, axis=0))])
    # The trapezoid of a geometric series: 1/2 + keep / (1 - keep).
    assert found == pytest.approx(0.5 + keep / (1 - keep), rel=0.1)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 30])
def test_polarisation_of_independent_creatures(n: int) -> None:
    angle = np.random.default_rng(n).uniform(0, 2 * np.pi, (40_000, n))
    lengths = np.abs(np.exp(1j * angle).mean(1))
    error = lengths.std() / 200
    assert flocking.polarisation_of_chance(n) == pytest.approx(lengths.mean(), abs=4 * error + 1e-4)


def test_polarisation_of_flocks() -> None:
    together = [film_of(np.ones((9, 5, 2)).cumsum(0))]
    assert flocking.polarisation(together, 2)[0] == pytest.approx(1)
    against = np.ones((9, 2, 2)).cumsum(0) * np.array([1, -1])[:, None]
    assert flocking.polarisation([film_of(against)], 2)[0] == pytest.approx(0, abs=1e-12)
    films = [film_of(wanderers(4, 400, seed)) for seed in range(10)]
    found, chance = flocking.polarisation(films, 2)
    assert found == pytest.approx(chance, abs=0.02)


# ---- how they keep together ----


def test_correlation_length_of_a_known_pattern_of_velocities() -> None:
    # Directions angle = k . x for k in all directions: cos(k . dx), over directions J0(k r).
    k = 2 * np.pi * 2 / SIZE
    random = np.random.default_rng(0)
    films = []
    for _ in range(300):
        where = random.uniform(0, SIZE, (30, 2))
        course = random.uniform(0, 2 * np.pi)
        waves = k * where @ np.array([np.cos(course), np.sin(course)])
        step = np.stack([np.cos(waves), np.sin(waves)], axis=-1)
        # A part of a sheet of twice the size, so that no pair meets across its border.
        films.append(film_of(np.stack([where, where + step]), size=2 * SIZE))
    r = np.linspace(0, jn_zeros(0, 1)[0], 1000)
    exact = trapezoid(j0(r), r) / k
    assert flocking.correlation_length(films, 1, 32) == pytest.approx(exact, rel=0.1)
    together = [film_of(wanderers(9, 1, 5)[0] + np.ones((6, 1, 2)).cumsum(0))]
    assert flocking.correlation_length(together, 1) == pytest.approx(SIZE / 2, rel=0.1)


def test_correlation_length_of_those_that_go_their_own_ways() -> None:
    films = [film_of(wanderers(20, 30, seed)) for seed in range(10)]
    assert flocking.correlation_length(films, 1) < 0.05 * SIZE


@settings(max_examples=5)
@given(st.integers(0, 1000), st.sampled_from([20.0, 32.0]))
def test_points_that_take_no_notice_have_g_1(seed: int, reach: float) -> None:
    random = np.random.default_rng(seed)
    free = [random.uniform(0, SIZE, (40, 2)) for _ in range(150)]
    r, g = flocking.pair_distribution(free, SIZE, reach, 8)
    pairs = 150 * 40 * 39 / 2 * 2 * np.pi * r * (reach / 8) / SIZE**2
    assert (np.abs(g - 1) < 5 / np.sqrt(pairs)).all()


def test_a_lattice_has_its_neighbours_where_they_are() -> None:
    line = np.arange(4) * 16.0
    lattice = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2) + 5
    r, g = flocking.pair_distribution([lattice], SIZE, 20, 20)
    assert set(r[g > 0]) == {16.5}, "four at 16, across the border too; the next at 22.6"
    expected = 4 / (15 / SIZE**2 * np.pi * (17**2 - 16**2))
    assert g.max() == pytest.approx(expected)


def test_attraction_is_above_1_and_repulsion_below() -> None:
    random = np.random.default_rng(3)
    free = [random.uniform(0, SIZE, (8, 2)) for _ in range(300)]
    course = random.uniform(0, 2 * np.pi, (300, 8))
    aside = 15 * np.stack([np.cos(course), np.sin(course)], axis=-1)
    paired = [np.concatenate([a[:4], a[:4] + b[:4]]) % SIZE for a, b in zip(free, aside)]
    # Every partner is within the shell, and of the other 24 of 28 pairs those of chance.
    chance = np.pi * (1.7 * icons.DIAMETER) ** 2 / SIZE**2
    expected = (4 / chance + 24) / 28
    lattice = [np.stack(np.meshgrid([0, 32], [0, 32]), -1).reshape(-1, 2) + a[:1] for a in free]
    for some, near in ((free, 1.0), (paired, expected), (lattice, 0.0)):
        found = flocking.pair_correlation(some, free, SIZE, icons.DIAMETER)
        assert found == pytest.approx(near, abs=0.06)


# ---- bad input ----


def test_bad_input_tracks() -> None:
    still = [film_of(np.zeros((9, 3, 2)))]
    nobody = [film_of(np.zeros((9, 0, 2)))]
    for measure in (travel.speed, flocking.polarisation, travel.persistence):
        for films in ([], nobody, [film_of(wanderers(3, 2, 0))]):
            with pytest.raises(InputError, match=r"tracks hold no creature .* lag = 5 frames"):
                measure(films, 5)
        with pytest.raises(InputError, match="lag is 0; it must be a whole number, at least 1"):
            measure(still, 0)
    with pytest.raises(InputError, match="tracks hold no creature that moves"):
        travel.persistence_time(still)
    with pytest.raises(InputError, match="tracks hold no creature that moves"):
        travel.msd_exponent(still, [1, 2])
    with pytest.raises(InputError, match=r"lags hold 1 different lag\(s\); a slope needs at least"):
        travel.msd_exponent(still, [2, 2])
    with pytest.raises(InputError, match="tracks are shorter than two lags of 5 frames"):
        travel.persistence([film_of(wanderers(3, 7, 0))], 5)
    with pytest.raises(InputError, match="no two creatures in one film"):
        flocking.correlation_length([film_of(wanderers(1, 9, 0))], 1)
    with pytest.raises(InputError, match="number is 0; it must be a whole number"):
        flocking.count_kept(np.ones(3), 1.0, 0)
    with pytest.raises(InputError, match="positions hold no pair of creatures"):
        flocking.pair_distribution([np.zeros((1, 2))], SIZE, 9)


def test_films_of_different_lengths_and_empty_ones_go_together() -> None:
    films = [film_of(wanderers(40, n, n)) for n in (5, 30, 60)] + [film_of(np.zeros((9, 0, 2)))]
    assert travel.msd_exponent(films, [1, 2, 4, 8])[0] == pytest.approx(1, abs=0.3)
    for measure in (travel.speed, travel.persistence, travel.persistence_time):
        assert np.isfinite(measure(films, 3))
    assert np.isfinite(travel.body_drift(films, 2)[0]).all()


# ---- going together with neighbours; a drift that reads the same backwards ----


def test_neighbours_that_go_together_and_those_that_do_not() -> None:
    herd = np.ones((30, 6, 2)).cumsum(0) + wanderers(6, 1, 4)
    near, error = flocking.neighbour_alignment([film_of(herd)] * 3, 2, SIZE)
    assert near == pytest.approx(1)
    assert error == pytest.approx(0, abs=1e-12)
    films = [film_of(wanderers(8, 60, seed)) for seed in range(40)]
    near, error = flocking.neighbour_alignment(films, 1, 25)
    assert abs(near) < 4 * error
    assert 0 < error < 0.02


def test_pairs_that_go_together_are_told_from_those_far_apart() -> None:
    random = np.random.default_rng(0)
    pair = random.normal(size=(200, 1, 2)).cumsum(0)
    other = random.normal(size=(200, 1, 2)).cumsum(0)
    path = np.concatenate(
        [pair, pair + np.array([0, 3.0]), other + 25, other + np.array([28.0, 25.0])], 1
    )
    path -= path.mean((0, 1))
    assert flocking.neighbour_alignment([film_of(path)], 1, 4)[0] > 0.9
    with pytest.raises(InputError, match=r"no two creatures nearer than near = 0\.5"):
        flocking.neighbour_alignment([film_of(path)], 1, 0.5)


def test_turning_about_another_point_is_no_drift() -> None:
    # The body diffuses about a point 3 pixels ahead of the one that is followed.
    random = np.random.default_rng(5)
    angle = 0.3 * random.normal(size=(2000, 40)).cumsum(0)
    place = 3 * np.stack([np.sin(angle), -np.cos(angle)], axis=-1)
    drift, error = travel.body_drift([film_of(place, angle)], 1)
    assert (np.abs(drift) < 4 * error).all()
    assert error.max() < 0.01
