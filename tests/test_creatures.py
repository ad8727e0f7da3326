"""Creatures: found, followed, measured and set in motion, where the answers are known exactly."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.special import j0, jn_zeros
from torch import Tensor

from eqflow_nb import rollout
from eqflow_nb.course import creatures as alife
from eqflow_nb.flows import kernels
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import flocking, momentum, travel
from eqflow_nb.measures.tracking import Found, Tracks, follow_creatures, locate
from eqflow_nb.scores.images import ImageScore, UNet
from eqflow_nb.snapshots import icons

SIZE = 64
SIGMA, ETA, TAU = 0.3, 0.1, 0.5
LONG = 24  # pixels of a ring on which a pulse of colour runs


# Finding them


def found_on(canvas: Tensor) -> Found:
    return locate(canvas, icons.PAPER, icons.DIAMETER)


def gaps(a: np.ndarray, b: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Shortest way from every a to every b on a periodic canvas."""
    gap = a[:, None] - b[None]
    return np.linalg.norm(gap - size * np.round(gap / size), axis=-1)


def wanderers(creatures: int, frames: int, seed: int, deviation: float = 1.0) -> np.ndarray:
    """Random walks that begin anywhere on the canvas."""
    random = np.random.default_rng(seed)
    steps = deviation * random.normal(size=(frames, creatures, 2))
    steps[0] = random.uniform(0, SIZE, (creatures, 2))
    return steps.cumsum(0)


def points(path: np.ndarray) -> list[Found]:
    """What is found of a path when only places on the canvas are seen, in any order."""
    random = np.random.default_rng(9)
    seen = []
    for where in path % SIZE:
        order = random.permutation(len(where))
        seen.append(Found(where[order], np.ones(len(where)), order.astype(float)))
    return seen


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("name", icons.ICONS)
def test_every_creature_is_found_once(name, noise):
    canvases, centres, _ = icons.placed(name, 25, seed=31)
    generator = torch.Generator().manual_seed(1)
    canvases = canvases + noise * torch.randn(canvases.shape, generator=generator)
    for canvas, where in zip(canvases, centres.numpy(), strict=True):
        near = gaps(where, found_on(canvas).centres) < 4
        assert near.shape == (8, 8)
        assert (near.sum(0) == 1).all() and (near.sum(1) == 1).all()


@settings(max_examples=20)
@given(st.integers(0, 63), st.integers(0, 63), st.sampled_from(icons.ICONS))
def test_rolling_the_canvas_moves_what_is_found(down, right, name):
    canvas = icons.placed(name, 1, seed=8)[0][0]
    here, there = found_on(canvas), found_on(canvas.roll((down, right), (1, 2)))
    away = gaps(here.centres + np.array([down, right]), there.centres)
    partner = away.argmin(1)
    assert away[np.arange(len(partner)), partner].max() < 1e-6
    np.testing.assert_allclose(there.ink[partner], here.ink, rtol=1e-6)
    turned = np.angle(np.exp(1j * (there.heading[partner] - here.heading)))
    np.testing.assert_allclose(turned, 0, atol=1e-5)


@pytest.mark.parametrize("name", ["firefly", "taiji", "dots"])
def test_headings_turn_with_the_body(name):
    canvases, centres, angles = icons.placed(name, 12, number=3, seed=6)
    turns = []
    for canvas, where, angle in zip(canvases, centres.numpy(), angles.numpy(), strict=True):
        found = found_on(canvas)
        turns.append(found.heading[gaps(where, found.centres).argmin(1)] - angle)
    # The same turn for all: |mean of e^{i turn}| is 1.
    assert abs(np.exp(1j * np.concatenate(turns)).mean()) > 0.98


# Following them


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_tracks_are_the_paths_across_the_border(seed):
    path = wanderers(6, 50, seed, 0.3) + np.array([0, 1.5]) * np.arange(50)[:, None, None]
    apart = min(gaps(where, where)[~np.eye(6, dtype=bool)].min() for where in path)
    if apart < 8:  # who is who is then anyone's guess
        path = path[:, :1]
    tracks = follow_creatures(points(path), SIZE, 4.0)
    assert tracks.positions.shape == path.shape
    who = gaps(path[0], tracks.positions[0]).argmin(1)
    moved = tracks.positions[:, who] - tracks.positions[:1, who]
    np.testing.assert_allclose(moved, path - path[:1], atol=1e-9)
    assert (np.ptp(tracks.heading, axis=0) == 0).all(), "each keeps its own heading"


def test_random_walks_across_the_border():
    true = wanderers(300, 120, 4, 0.8)
    # Each on its own sheet: a walk is wrapped, found, and unwrapped again.
    films = [follow_creatures(points(true[:, [i]]), SIZE, 8.0) for i in range(300)]
    slope, error = travel.msd_exponent(films, [1, 2, 4, 8])
    assert slope == pytest.approx(1, abs=4 * error + 0.01)
    far = travel.mean_squared_displacement(films, 4)
    assert far.mean() / (4 * 4) == pytest.approx(0.8**2 / 2, rel=0.06), "4 D t, D = 0.32"
    assert travel.persistence_time(films, 2) == pytest.approx(1, rel=0.1), "half the lag"


# How they travel


def film_of(path: np.ndarray, heading: np.ndarray | None = None, size: int = SIZE) -> Tracks:
    """Tracks of a path (frames, creatures, 2)."""
    return Tracks(path, np.zeros(path.shape[:2]) if heading is None else heading, size)


def test_going_straight_on():
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 50)
    course = 0.7 * np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
    path = course * np.arange(40)[:, None, None]
    film = [film_of(path, np.tile(angle, (40, 1)))]
    assert travel.msd_exponent(film, [1, 2, 4, 8]) == pytest.approx((2, 0), abs=1e-9)
    assert travel.speed(film, 3) == pytest.approx(0.7)
    assert travel.axis_drift(film, 3)[0] == pytest.approx(0.7 * 3)
    assert travel.persistence_time(film) == pytest.approx(38), "the film's length"
    sideways = [replace(film[0], heading=film[0].heading - np.pi / 2)]
    np.testing.assert_allclose(travel.body_drift(sideways, 2)[0], [0, 1.4], atol=1e-12)


@pytest.mark.parametrize("memory", [3.0, 12.0])
def test_persistence_time_of_a_walk_with_a_memory(memory):
    random = np.random.default_rng(2)
    keep = np.exp(-1 / memory)
    velocity = [random.normal(size=(800, 2))]
    for _ in range(200):
        kick = (1 - keep**2) ** 0.5 * random.normal(size=(800, 2))
        velocity.append(keep * velocity[-1] + kick)
    found = travel.persistence_time([film_of(np.cumsum(velocity, axis=0))])
    # The trapezoid of a geometric series: 1/2 + keep / (1 - keep).
    assert found == pytest.approx(0.5 + keep / (1 - keep), rel=0.1)


# How they keep together


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_polarisation_of_independent_creatures(n):
    angle = np.random.default_rng(n).uniform(0, 2 * np.pi, (40_000, n))
    lengths = np.abs(np.exp(1j * angle).mean(1))
    error = lengths.std() / 200
    assert flocking.polarisation_of_chance(n) == pytest.approx(lengths.mean(), abs=4 * error + 1e-4)


def test_polarisation_of_flocks():
    together = [film_of(np.ones((9, 5, 2)).cumsum(0))]
    assert flocking.polarisation(together, 2)[0] == pytest.approx(1)
    against = np.ones((9, 2, 2)).cumsum(0) * np.array([1, -1])[:, None]
    assert flocking.polarisation([film_of(against)], 2)[0] == pytest.approx(0, abs=1e-12)
    films = [film_of(wanderers(4, 400, seed)) for seed in range(10)]
    found, chance = flocking.polarisation(films, 2)
    assert found == pytest.approx(chance, abs=0.02)


def test_correlation_length_of_a_known_pattern_of_velocities():
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


def test_a_lattice_has_its_neighbours_where_they_are():
    line = np.arange(4) * 16.0
    lattice = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2) + 5
    r, g = flocking.pair_distribution([lattice], SIZE, 20, 20)
    assert set(r[g > 0]) == {16.5}, "four at 16, across the border too; the next at 22.6"
    expected = 4 / (15 / SIZE**2 * np.pi * (17**2 - 16**2))
    assert g.max() == pytest.approx(expected)


def test_attraction_is_above_1_and_repulsion_below():
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


def test_neighbours_that_go_together_and_those_that_do_not():
    herd = np.ones((30, 6, 2)).cumsum(0) + wanderers(6, 1, 4)
    found = flocking.neighbour_alignment([film_of(herd)] * 3, 2, SIZE)
    assert found == pytest.approx((1, 0), abs=1e-12)
    films = [film_of(wanderers(8, 60, seed)) for seed in range(40)]
    near, error = flocking.neighbour_alignment(films, 1, 25)
    assert abs(near) < 4 * error < 0.08


def test_films_without_what_is_measured_are_refused():
    with pytest.raises(InputError, match=r"tracks hold no creature .* lag = 5 frames"):
        travel.speed([film_of(wanderers(3, 2, 0))], 5)
    with pytest.raises(InputError, match="tracks hold no creature that moves"):
        travel.persistence_time([film_of(np.zeros((9, 3, 2)))])
    with pytest.raises(InputError, match="no two creatures in one film"):
        flocking.correlation_length([film_of(wanderers(1, 9, 0))], 1)


# Momentum hidden in noise: the theory against exact denoisers, where nothing is learned


def pulses(places: Tensor, colour: Tensor) -> Tensor:
    """Smooth pulses (n, C, 1, LONG) at places on a ring, which all have the same square."""
    gap = torch.arange(LONG) - places[:, None]
    gap = gap - LONG * (gap / LONG).round()
    return colour[:, None, None] * 3 * torch.exp(-(gap**2) / (2 * 2.0**2))[:, None, None]


def exact_denoiser(colour: Tensor):
    """E[x_0 | x] for a pulse that may be anywhere: a weighted mean over a fine grid of places."""
    grid = pulses(torch.arange(0, LONG, 0.05), colour)

    def denoise(x: Tensor) -> Tensor:
        weights = torch.einsum("ncxy,bcxy->bn", grid, x) / SIGMA**2
        return torch.einsum("bn,ncxy->bcxy", weights.softmax(1), grid)

    return denoise


def tangent(colour: Tensor) -> Tensor:
    ahead, behind = (pulses(torch.tensor([LONG / 2 + d]), colour) for d in (0.1, -0.1))
    return (ahead - behind) / 0.2


def wandered(rule: Tensor, colour: Tensor, steps: int = 600, lag: int = 300) -> float:
    """Measured mean squared displacement at a lag, of 400 pulses."""
    start = pulses(torch.full((400,), LONG / 2), colour)
    x = start + SIGMA * torch.randn(start.shape, generator=torch.Generator().manual_seed(1))
    denoise, turn = exact_denoiser(colour), torch.exp(2j * math.pi * torch.arange(LONG) / LONG)
    angles = []
    for _, state in rollout.exponential(denoise, rule, x, SIGMA, TAU, steps, ETA, 3):
        angles.append((denoise(state).sum((1, 2)) * turn).sum(-1).angle().numpy())
    path = np.unwrap(np.array(angles), axis=0) * LONG / (2 * math.pi)
    return float(((path[lag:] - path[:-lag]) ** 2).mean())


@pytest.mark.parametrize(
    ("axis", "gain"),
    [((0, 0, 1.0), "all"), pytest.param((0.3, 0, 1.0), "some", marks=pytest.mark.slow)],
)
def test_an_exact_denoiser_wanders_as_far_as_the_theory_says(axis, gain):
    colour = torch.tensor([1.0, 0.0, 0.0])
    rule = momentum.about_axis(torch.tensor(axis))
    spread = float(momentum.diffusion(tangent(colour), rule, SIGMA, TAU, ETA)[0, 0])
    plain = float(momentum.diffusion(tangent(colour), 0 * rule, SIGMA, TAU, ETA)[0, 0])
    keep = math.exp(-ETA * TAU)
    most = 1 + (keep * math.sin(TAU) / (1 - keep * math.cos(TAU))) ** 2  # worked out by hand
    if gain == "all":
        assert spread / plain == pytest.approx(most, rel=0.01)
    assert wandered(rule, colour) == pytest.approx(2 * spread * 300, rel=0.15)


def test_without_a_rule_a_creature_diffuses_as_langevin():
    T = icons.tangents("dots")[:2]
    square = torch.einsum("mchw,nchw->mn", T.double(), T.double())
    found = momentum.diffusion(T, torch.zeros(3, 3), SIGMA, 1e-3, ETA)
    expected = SIGMA**2 * 1e-3 * ETA * torch.linalg.inv(square)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-12)


def test_the_min_edge_colour_is_the_best_axis():
    T = icons.tangents("firefly")
    axis, share = momentum.min_edge_colour(T)
    best = momentum.mobility_gain(T, momentum.about_axis(axis))
    others = [momentum.mobility_gain(T, alife.rule(seed)) for seed in range(20)]
    assert best > max(others)
    assert 0 < share < 0.1
    assert momentum.min_edge_colour(icons.tangents("dot"))[1] < 1e-6, "one colour spares two others"


def test_rules_about_an_axis_and_in_rings_are_skew():
    rule = momentum.about_axis(torch.tensor([1.0, 2.0, -2.0]))
    assert torch.equal(rule, -rule.T)
    torch.testing.assert_close(rule @ torch.tensor([1.0, 2.0, -2.0]).double(), 0 * rule[0])
    assert float(torch.linalg.matrix_norm(rule, 2)) == pytest.approx(1)
    wide = momentum.ringed(rule, torch.linspace(0, 1, len(momentum.RINGS)), 32)
    assert float((wide + wide.mH).abs().max()) == 0


def test_creatures_share_noise_only_under_a_wide_rule():
    T = icons.tangents("dot")[:2]
    centres = torch.tensor([[32.0, 20.0], [32.0, 35.0], [5.0, 60.0]])
    rule = momentum.about_axis(momentum.min_edge_colour(T)[0])
    alone = momentum.diffusion(T, rule, SIGMA)
    apart = momentum.joint_diffusion(T, rule, centres, SIGMA)
    expected = torch.block_diag(alone, alone, alone)
    torch.testing.assert_close(apart, expected, atol=1e-3 * float(alone.max()), rtol=1e-3)
    polar, near = momentum.expected_alignment(apart, centres, 64, 20, draws=20_000)
    assert abs(near) < 0.02
    assert polar == pytest.approx(0.5249, abs=0.01), "of three that go their own ways"
    strengths = torch.tensor([0.1, 0.1, 0.1, 0.1, 1, 1, 1, 1, 1, 1])
    # Long steps leave little of it; at short ones it shows.
    wide = momentum.joint_diffusion(
        T, momentum.ringed(rule, strengths, 64), centres, SIGMA, tau=0.02
    )
    assert float(wide[0, 2] / wide[0, 0]) > 0.2, "neighbours go the same way along their line"
    assert momentum.expected_alignment(wide, centres, 64, 20, draws=20_000)[1] > 0.1


# Their lives


def test_rules_by_name():
    even = alife.named("symmetric 1x1 3", "dots")
    torch.testing.assert_close(even, even.T)
    quiet, T = alife.named("quiet", "firefly"), icons.tangents("firefly")
    kernels.check_skew(quiet)
    gains = [momentum.mobility_gain(T, alife.named(f"1x1 {k}", "firefly")) for k in range(8)]
    assert momentum.mobility_gain(T, quiet) > max(gains)
    with pytest.raises(InputError, match="is unknown; give one such as 'quiet', '1x1 3'"):
        alife.named("loud", "dots")


def test_from_noise_is_exact_for_white_data():
    # A network that says 0 denoises data of unit deviation that are white: D = x / (1 + sigma^2).
    score = ImageScore(UNet(3), 0.5, (0.1, 3.0))
    x = alife.from_noise(score, 4, 32, seed=2, steps=200)
    assert x.shape == (4, 3, 32, 32)
    assert float(x.var()) == pytest.approx(1 + 0.5**2, rel=0.05), "the blurred law"


def test_tangents_are_what_a_moved_creature_adds():
    T, scale = icons.tangents("dots", 40), icons.icons("dots", 40).scale.float()
    rgba, zero = icons.draw("dots"), torch.zeros(1, 2)
    here = icons.rendered(rgba, torch.zeros(1), zero)[0]
    turned = icons.rendered(rgba, torch.tensor([0.05]), zero)[0]
    right = icons.rendered(rgba, torch.zeros(1), torch.tensor([[0.0, 0.3]]))[0]
    up = icons.rendered(rgba, torch.zeros(1), torch.tensor([[-0.3, 0.0]]))[0]
    side = here.shape[-1]
    corner = (40 - side) // 2
    window = slice(corner, corner + side)
    for index, (moved, by) in enumerate(((right, 0.3), (up, 0.3), (turned, 0.05))):
        slope = (moved - here) / by / scale[:, None, None]
        off = (T[index, :, window, window] - slope).norm() / slope.norm()
        assert float(off) < 0.25, "a one-sided difference, over a pixel's edge"
        outside = T[index].square().sum() - T[index, :, window, window].square().sum()
        assert abs(float(outside)) < 1e-3
