"""Creatures found and followed, where places and paths are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eqflow_nb.measures import flocking, travel
from eqflow_nb.measures.tracking import Found, follow_creatures, locate, whole
from eqflow_nb.snapshots import icons

SIZE = 64
PAPER = torch.tensor(icons.PAPER)[:, None, None]


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


# ---- finding ----


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("name", icons.ICONS)
def test_every_creature_is_found_once(name: str, noise: float) -> None:
    canvases, centres, _ = icons.placed(name, 25, seed=31)
    generator = torch.Generator().manual_seed(1)
    canvases = canvases + noise * torch.randn(canvases.shape, generator=generator)
    for canvas, where in zip(canvases, centres.numpy(), strict=True):
        near = gaps(where, found_on(canvas).centres) < 4
        assert near.shape == (8, 8)
        assert (near.sum(0) == 1).all()
        assert (near.sum(1) == 1).all()


def test_a_dot_between_two_pixels_is_one() -> None:
    line = torch.arange(SIZE) - 31.5
    disc = (line[:, None] ** 2 + line**2 < 30).float()
    found = found_on(PAPER * (1 - disc))
    np.testing.assert_allclose(found.centres, [[31.5, 31.5]], atol=1e-6)


@settings(max_examples=20)
@given(st.integers(0, 63), st.integers(0, 63), st.sampled_from(icons.ICONS))
def test_rolling_the_canvas_moves_what_is_found(down: int, right: int, name: str) -> None:
    canvas = icons.placed(name, 1, seed=8)[0][0]
    here, there = found_on(canvas), found_on(canvas.roll((down, right), (1, 2)))
    away = gaps(here.centres + np.array([down, right]), there.centres)
    partner = away.argmin(1)
    assert away[np.arange(len(partner)), partner].max() < 1e-6
    np.testing.assert_allclose(there.ink[partner], here.ink, rtol=1e-6)
    turned = np.angle(np.exp(1j * (there.heading[partner] - here.heading)))
    np.testing.assert_allclose(turned, 0, atol=1e-5)


@pytest.mark.parametrize("name", ["firefly", "taiji", "dots"])
def test_headings_turn_with_the_body(name: str) -> None:
    canvases, centres, angles = icons.placed(name, 12, number=3, seed=6)
    turns = []
    for canvas, where, angle in zip(canvases, centres.numpy(), angles.numpy(), strict=True):
        found = found_on(canvas)
        turns.append(found.heading[gaps(where, found.centres).argmin(1)] - angle)
    # The same turn for all: |mean of e^{i turn}| is 1.
    assert abs(np.exp(1j * np.concatenate(turns)).mean()) > 0.98


def test_on_a_canvas_that_is_not_square() -> None:
    canvas = PAPER.repeat(1, 48, 96)
    drawn = icons.placed("dot", 1, 32, 1, centres=torch.full((1, 1, 2), 16.0))
    canvas[:, :32, 60:92] = drawn[0][0]
    expected = drawn[1][0].numpy() + np.array([[0, 60]])
    np.testing.assert_allclose(found_on(canvas).centres, expected, atol=0.1)


# ---- merged or faded ----


def placed_ink(name: str) -> float:
    canvases = icons.placed(name, 10, seed=3)[0]
    return float(np.concatenate([found_on(canvas).ink for canvas in canvases]).mean())


@pytest.mark.parametrize("name", icons.ICONS)
def test_two_on_top_of_each_other_are_at_most_one(name: str) -> None:
    for seed in range(8):
        together = torch.tensor([[[30.0, 30.0], [30.0, 34.0]]])
        found = found_on(icons.placed(name, 1, seed=seed, centres=together)[0][0])
        assert flocking.count_kept(found.ink, placed_ink(name), 2) <= 0.5


def test_a_dot_of_twice_the_area_is_lost() -> None:
    double = icons.placed("dot", 1, number=1, seed=0, diameter=2**0.5 * icons.DIAMETER)[0][0]
    found = found_on(double)
    assert len(found.ink) == 1
    assert not whole(found.ink, placed_ink("dot")).any()


def test_kept_counts_whole_ones() -> None:
    ink = np.array([1.0, 1.1, 0.7, 1.4, 0.3, 2.0])
    assert flocking.count_kept(10 * ink, 10, 8) == 0.5
    assert flocking.count_kept(np.empty(0), 10, 8) == 0
    assert flocking.count_kept(np.ones(9), 1, 8) == 1
    canvases = icons.placed("firefly", 1, seed=2)[0]
    faded = found_on((PAPER + 0.4 * (canvases - PAPER))[0])
    assert flocking.count_kept(faded.ink, placed_ink("firefly"), 8) == 0


# ---- following ----


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_tracks_are_the_paths_across_the_border(seed: int) -> None:
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


def test_drawn_creatures_are_followed_where_they_go() -> None:
    start = torch.tensor([[20.0, 10.0], [50.0, 40.0]])
    velocity = torch.tensor([[1.0, -2.0], [-1.0, 2.0]])
    asked = torch.stack([start + i * velocity for i in range(40)])  # around the canvas and more
    canvases, centres, _ = icons.placed("firefly", 40, seed=1, centres=asked % SIZE)
    tracks = follow_creatures([found_on(canvas) for canvas in canvases], SIZE, 6.0)
    assert tracks.positions.shape == (40, 2, 2)
    who = gaps(centres[0].numpy(), tracks.positions[0]).argmin(1)
    moved = tracks.positions[-1, who] - tracks.positions[0, who]
    np.testing.assert_allclose(moved, 39 * velocity, atol=2)
    true = centres[:, :, None].numpy()
    off = [gaps(true[t, :, 0], tracks.positions[t, who]).diagonal() for t in range(40)]
    assert np.max(off) < 1


def test_who_is_not_seen_throughout_is_left_out() -> None:
    path = np.array([[[10.0, 10.0], [40.0, 40.0]]]).repeat(5, 0)
    seen = points(path)
    one = seen[3].centres[:, 0] < 20
    seen[3] = Found(seen[3].centres[one], seen[3].ink[one], seen[3].heading[one])
    tracks = follow_creatures(seen, SIZE, 4.0)
    np.testing.assert_allclose(tracks.positions, path[:, :1], atol=1e-12)


def test_random_walks_across_the_border() -> None:
    true = wanderers(300, 120, 4, 0.8)
    # Each on its own sheet: a walk is wrapped, found, and unwrapped again.
    films = [follow_creatures(points(true[:, [i]]), SIZE, 8.0) for i in range(300)]
    slope, error = travel.msd_exponent(films, [1, 2, 4, 8])
    assert slope == pytest.approx(1, abs=4 * error + 0.01)
    far = travel.mean_squared_displacement(films, 4)
    assert far.mean() / (4 * 4) == pytest.approx(0.8**2 / 2, rel=0.06), "4 D t, D = 0.32"
    assert travel.persistence(films, 2) == pytest.approx(0, abs=0.03)
    assert travel.persistence_time(films, 2) == pytest.approx(1, rel=0.1), "half the lag"
