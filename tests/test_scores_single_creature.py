"""The exact denoiser of one creature, against poses and slopes that are known."""

import math

import numpy as np
import pytest
import torch

from eqflow_nb.course import creatures as alife
from eqflow_nb.measures import momentum, travel
from eqflow_nb.scores.single_creature import PoseDenoiser
from eqflow_nb.snapshots import icon_shapes as drawings
from eqflow_nb.snapshots import icons

SIZE = 24


def exact(name: str, number: int = 1) -> PoseDenoiser:
    drawn = drawings.draw(name)
    ink = drawn[3:] * (drawn[:3] - torch.tensor(icons.PAPER)[:, None, None])
    return PoseDenoiser(4 * ink, icons.DIAMETER, SIZE, number)


@pytest.mark.parametrize("name", icons.ICONS)
def test_slopes_are_those_of_the_canvas(name):
    known = exact(name)
    poses = torch.tensor([[0.3, -0.2, 0.4], [11.5, 1.0, 2.0]])
    _, slopes = known.draw(poses)
    for i, step in enumerate((0.1, 0.1) if name == "dot" else (0.1, 0.1, 0.02)):
        change = torch.zeros(3)
        change[i] = step
        found = (known.draw(poses + change)[0] - known.draw(poses - change)[0]) / (2 * step)
        off = (found - slopes[:, i]).flatten(1).norm(dim=1)
        scale = found.flatten(1).norm(dim=1).clamp(min=0.2 * float(slopes[:, 0].norm()))
        assert float((off / scale).max()) < 0.06


def test_a_pose_moves_the_picture_and_wraps_around():
    known = exact("dots")
    canvas = known.draw(torch.zeros(1, 3))[0]
    moved = known.draw(torch.tensor([[5.0, -9.0, 0.0]]))[0]
    torch.testing.assert_close(moved, canvas.roll((5, -9), (2, 3)), atol=1e-4, rtol=0)
    around = known.draw(torch.tensor([[0.0, SIZE, 2 * math.pi]]))[0]
    torch.testing.assert_close(around, canvas, atol=1e-3, rtol=0)
    left = canvas.rot90(1, (2, 3))
    turned = known.draw(torch.tensor([[0.0, 0.0, math.pi / 2]]))[0]
    torch.testing.assert_close(turned, left, atol=1e-3, rtol=0)


def test_it_finds_the_pose_under_noise_as_well_as_can_be():
    known, sigma = exact("dots", 300), 0.3
    pose = torch.tensor([0.4, -0.3, 0.1])
    clean, slopes = known.draw(pose.expand(300, 3))
    noise = sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for _ in range(3):
        known(clean + noise)
    off = known.poses - pose
    table = slopes[0].flatten(1)
    least = sigma * torch.linalg.inv(table @ table.T).diagonal().sqrt()  # Cramer and Rao's bound
    torch.testing.assert_close(off.std(0), least, rtol=0.15, atol=0)
    assert float((off.mean(0).abs() / (least / 300**0.5)).max()) < 4


@pytest.mark.parametrize("kind", ["none", "skew"])
def test_lone_creatures_wander_as_the_theory_of_momentum_says(kind):
    rule, lag = alife.rule(0, kind).double(), 30
    tracks = alife.live_exactly("dots", rule, 0.5, steps=600, number=96)
    found = float(travel.mean_squared_displacement([tracks], lag).mean())
    known = alife.lone("dots")
    _, slopes = known.draw(known.poses)
    spread = momentum.diffusion(slopes[0], rule, 0.5)[:2, :2].trace()
    # A place is also known no better than the noise allows, at both ends.
    table = slopes[0].flatten(1)
    blur = 2 * 0.5**2 * torch.linalg.inv(table @ table.T).diagonal()[:2].sum()
    assert found == pytest.approx(2 * lag * alife.EVERY * float(spread) + float(blur), rel=0.2)
    drift, error = travel.body_drift([tracks], 10)
    assert (np.abs(drift) < 4 * error).all(), "a rule drives no creature along its body"
