"""Canvases of icons: their mean and spread, the room between creatures, places and angles."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eqflow_nb.snapshots import icons, poses

SIZE = 64
PAPER = torch.tensor(icons.PAPER)[:, None, None]


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
    assert 0 <= centres.min() <= centres.max() < size
    gap = poses.periodic(centres[:, :, None] - centres[:, None], size).norm(dim=-1)
    assert float(gap[gap > 0].min()) >= diameter


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
