"""Canvases of icons: their mean and spread, the room between creatures, places and angles."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eqflow_nb.snapshots import icons

SIZE = 64
PAPER = torch.tensor(icons.PAPER)[:, None, None]


def circular_mean(weights: Tensor, axis: int) -> float:
    """Centre of mass of (H, W) on a circle, along an axis, in pixels."""
    line = weights.sum(1 - axis).double()
    turn = torch.exp(2j * torch.pi * torch.arange(len(line)) / len(line))
    return float((line * turn).sum().angle() * len(line) / (2 * torch.pi)) % len(line)


def around(a: float, b: float, period: float = SIZE) -> float:
    """Signed difference on a circle."""
    return (a - b + period / 2) % period - period / 2


@pytest.mark.parametrize("name", icons.ICONS)
def test_centre_and_scale_are_those_of_the_canvases(name):
    world = icons.icons(name)
    raw = icons.placed(name, 300, seed=21)[0].double()
    means = raw.mean((2, 3))
    # Canvases are independent: their means tell how far off the mean of all may be.
    error = means.std(0) / len(raw) ** 0.5
    assert ((means.mean(0) - world.centre.double()).abs() < 5 * error + 1e-6).all()
    square = (raw - world.centre.double()[:, None, None]).square().mean((1, 2, 3))
    off = abs(float(square.mean() - world.scale.double().square().mean()))
    assert off < 5 * float(square.std()) / len(raw) ** 0.5 + 1e-6


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([48, 64, 96]), st.sampled_from([9.0, 13.0]))
def test_creatures_keep_their_distance_across_the_border(seed, size, diameter):
    _, centres, angles = icons.placed("dot", 3, size, seed=seed, diameter=diameter)
    assert centres.shape == (3, icons.crowd(size), 2)
    assert angles.shape == centres.shape[:2]
    assert centres.min() >= 0
    assert centres.max() < size
    gap = (centres[:, :, None] - centres[:, None]).abs()
    gap = torch.minimum(gap, size - gap).square().sum(-1).sqrt()
    gap += 2 * size * torch.eye(gap.shape[-1])
    assert float(gap.min()) >= diameter


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 63), st.integers(0, 63))
def test_a_dot_has_its_centre_of_mass_where_it_is_said_to_be(seed, down, right):
    asked = torch.tensor([[[float(down), float(right)]]])
    canvases, centres, _ = icons.placed("dot", 1, seed=seed, centres=asked)
    ink = (PAPER - canvases[0]).sum(0)
    for axis in (0, 1):
        found = circular_mean(ink, axis)
        assert abs(around(found, float(centres[0, 0, axis]))) < 0.05
        assert abs(around(found, float(asked[0, 0, axis]))) < 0.6, "half a pixel and rounding"


def test_red_lies_from_blue_where_the_angle_says():
    asked = torch.full((1, 1, 2), 32.0)
    seen = []
    for seed in range(12):
        canvases, _, angles = icons.placed("dots", 1, seed=seed, centres=asked)
        away = (canvases - PAPER)[0]
        contrast = away[0] - away[2]  # the blue dot's is negative, the red one's is positive
        line = torch.arange(SIZE) - 32.0
        up = -float((contrast * line[:, None]).sum())
        right = float((contrast * line[None]).sum())
        seen.append(float(angles[0, 0]))
        assert abs(around(np.arctan2(up, right), seen[-1], 2 * np.pi)) < 0.06
    assert np.ptp(seen) > 1, "or the angles were all alike"


@pytest.mark.parametrize("name", icons.ICONS)
def test_moving_the_centres_rolls_the_canvas(name):
    centres = torch.tensor([[[30.0, 20.0], [12.0, 44.0]]])
    middle = icons.placed(name, 1, seed=5, centres=centres)
    for shift in ((34, 0), (0, 44), (33, 45)):  # onto the border, one side and the corner
        moved = icons.placed(name, 1, seed=5, centres=(centres + torch.tensor(shift)) % SIZE)
        torch.testing.assert_close(moved[0], middle[0].roll(shift, (2, 3)), atol=1e-6, rtol=0)
        expected = (middle[1] + torch.tensor(shift)) % SIZE
        torch.testing.assert_close(moved[1], expected, atol=1e-4, rtol=0)


def test_all_angles_are_as_likely():
    angles = icons.placed("dot", 400, number=4, seed=2)[2].double()
    for fold in (1, 2, 4):  # |mean of e^{i fold angle}| of n draws is about 1 / sqrt(n)
        assert abs(torch.exp(1j * fold * angles).mean()) < 4 / angles.numel() ** 0.5


def test_a_picture_is_put_down_in_its_own_colours():
    green = torch.zeros(4, 32, 32)
    green[1], green[3] = 0.6, 1.0
    canvases, centres, _ = icons.placed(green, 1, number=1, seed=0)
    down, right = (int(c) for c in centres[0, 0].round())
    torch.testing.assert_close(canvases[0, :, down % SIZE, right % SIZE], green[:3, 0, 0])
    # What is seen is the inscribed circle, of the diameter asked for.
    share = ((canvases[0] - PAPER) / (green[:3, :1, :1] - PAPER)).mean(0)
    assert float(share.sum()) == pytest.approx(np.pi / 4 * icons.DIAMETER**2, rel=0.02)
