"""Creatures: found, followed, and measured, where the answers are known exactly."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eqflow_nb.course import creatures as alife
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import flocking, travel
from eqflow_nb.measures.tracking import Found, Tracks, follow_creatures, locate
from eqflow_nb.scores.pair_law import fit_pair_law
from eqflow_nb.snapshots import icons, poses

SIZE = 64

# Finding them


def found_on(canvas: Tensor) -> Found:
    return locate(canvas, icons.PAPER, icons.DIAMETER)


def gaps(a: np.ndarray, b: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Shortest way from every a to every b on a periodic canvas."""
    gap = a[:, None] - b[None]
    return np.linalg.norm(gap - size * np.round(gap / size), axis=-1)


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
        away = gaps(where, found_on(canvas).centres)
        assert away.shape == (8, 8)
        assert ((away < 4).sum(0) == 1).all() and ((away < 4).sum(1) == 1).all()
        # Of a dot the ink's centre is where it is said to be, to a part of a pixel.
        assert away.min(1).max() < (0.1 if (name, noise) == ("dot", 0.0) else 4)


@settings(max_examples=20)
@given(st.integers(0, 63), st.integers(0, 63), st.sampled_from(icons.ICONS))
def test_creatures_put_elsewhere_are_found_there(down, right, name):
    centres, way = torch.tensor([[[30.0, 20.0], [12.0, 44.0]]]), torch.tensor([down, right])
    first, moved = (icons.placed(name, 1, seed=5, centres=(centres + s) % SIZE) for s in (0, way))
    assert (first[1] - centres).abs().max() <= 0.5, "half a pixel and rounding"
    torch.testing.assert_close(moved[0], first[0].roll((down, right), (2, 3)), atol=1e-6, rtol=0)
    here, there = found_on(first[0][0]), found_on(moved[0][0])
    away = gaps(here.centres + way.numpy(), there.centres)
    partner = away.argmin(1)
    assert away[np.arange(len(partner)), partner].max() < 1e-4
    np.testing.assert_allclose(there.ink[partner], here.ink, rtol=1e-5)
    turned = np.angle(np.exp(1j * (there.heading[partner] - here.heading)))
    np.testing.assert_allclose(turned, 0, atol=2e-3 if name == "dot" else 1e-4)


@pytest.mark.parametrize(("name", "front"), [("firefly", np.pi), ("dots", 0.0), ("taiji", None)])
def test_headings_turn_with_the_body(name, front):
    """The red dot and the firefly's tail lie where the angle says, of taiji somewhere on it."""
    canvases, centres, angles = icons.placed(name, 12, number=3, seed=6)
    turns = []
    for canvas, where, angle in zip(canvases, centres.numpy(), angles.numpy(), strict=True):
        found = found_on(canvas)
        turns.append(found.heading[gaps(where, found.centres).argmin(1)] - angle)
    mean = np.exp(1j * np.concatenate(turns)).mean()
    assert abs(mean) > 0.98  # the same turn for all
    assert front is None or abs(np.angle(mean * np.exp(-1j * front))) < 0.06
    assert len(np.unique(angles)) > 20


# Following them


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_tracks_are_the_paths_across_the_border(seed):
    random = np.random.default_rng(seed)
    steps = 0.3 * random.normal(size=(50, 6, 2)) + np.array([0, 1.5])
    steps[0] = random.uniform(0, SIZE, (6, 2))
    path = steps.cumsum(0)
    apart = min(gaps(where, where)[~np.eye(6, dtype=bool)].min() for where in path)
    if apart < 8:  # who is who is then anyone's guess
        path = path[:, :1]
    tracks = follow_creatures(points(path), SIZE, 4.0)
    assert tracks.positions.shape == path.shape
    who = gaps(path[0], tracks.positions[0]).argmin(1)
    moved = tracks.positions[:, who] - tracks.positions[:1, who]
    np.testing.assert_allclose(moved, path - path[:1], atol=1e-9)
    assert (np.ptp(tracks.heading, axis=0) == 0).all(), "each keeps its own heading"


# How they travel


def test_going_straight_on():
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 50)
    course = 0.7 * np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
    path = course * np.arange(40)[:, None, None]
    film = [Tracks(path, np.tile(angle, (40, 1)))]
    assert travel.mean_squared_displacement(film, 3) == pytest.approx(np.full(50, 2.1**2))
    assert travel.axis_drift(film, 3)[0] == pytest.approx(0.7 * 3)
    sideways = [film[0]._replace(heading=film[0].heading - np.pi / 2)]
    np.testing.assert_allclose(travel.body_drift(sideways, 2)[0], [0, 1.4], atol=1e-12)


# Where they stand


def test_a_lattice_has_its_neighbours_where_they_are():
    line = np.arange(4) * 16.0
    lattice = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2) + 5
    r, g = flocking.pair_distribution([lattice], SIZE, 22, 8)
    assert set(r[g > 0]) == {15.125}, "four at 16, across the border too; the next at 22.6"
    expected = 4 / (15 / SIZE**2 * np.pi * (16.5**2 - 13.75**2))
    assert g.max() == pytest.approx(expected)


# Stamped ones


def test_a_mirrored_stamp_is_fitted_with_its_mirror_image():
    """One looks at another on its left: with `mirror` as often on its right, and as likely."""
    stamp = [(0, 0, 0), (0, 9, 180)]
    for mirror in (False, True):
        q = alife.stamped(stamp, 200, copies=3, seed=1, mirror=mirror)
        pairs = q.view(600, 2, 3)
        way = poses.periodic(pairs[:, 1, :2] - pairs[:, 0, :2], 64)
        left = (torch.atan2(way[:, 1], way[:, 0]) - pairs[:, 0, 2]).sin()
        assert abs(float(left.mean()) - (0.0 if mirror else 0.98)) < 0.15
        law = fit_pair_law(q, mirror=mirror).law
        reflected = q[:20].double() * torch.tensor([1, -1, -1])
        apart = (law.log_p(reflected) - law.log_p(q[:20].double())).abs().mean()
        assert (apart < 1e-6) == mirror


def test_stamped_sheets_show_the_stamp_at_any_place_and_angle():
    q = alife.stamped([(0, 6, 90), (0, -6, 90)], 400, copies=3, seed=2)
    assert q.shape == (400, 6, 3)
    pairs = q.view(400, 3, 2, 3)
    way = poses.periodic(pairs[..., 1, :2] - pairs[..., 0, :2], 64)
    assert float(way.norm(dim=-1).mean()) == pytest.approx(12, abs=0.2)
    # The second is straight behind the first: both look against the way from one to the other.
    seen = torch.atan2(way[..., 1], way[..., 0]) - pairs[..., 0, 2]
    assert float(torch.exp(1j * seen).mean().real) < -0.98
    for angle in (pairs[..., 0, 2], math.tau * pairs[..., 0, 0] / 64):
        assert abs(complex(torch.exp(1j * angle).mean())) < 4 / 1200**0.5, "all are as likely"
    assert torch.equal(q, alife.stamped([(0, 6, 90), (0, -6, 90)], 400, copies=3, seed=2))
    with pytest.raises(InputError, match=r"\(right, up, degrees\)"):
        alife.stamped([(0, 6)], 1)
    with pytest.raises(InputError, match="find no room; give fewer"):
        alife.stamped([(0, 6, 0), (0, -6, 0)], 1, copies=40)
