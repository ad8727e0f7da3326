"""Lives: rules by name, creatures from noise, exact creatures, whole ones counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eqflow_nb import figures
from eqflow_nb.course import creatures as alife
from eqflow_nb.flows import kernels
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import momentum, travel
from eqflow_nb.measures.tracking import Tracks
from eqflow_nb.scores.images import ImageScore
from eqflow_nb.scores.unet import UNet
from eqflow_nb.snapshots import field_world, icons


def test_rules_by_name() -> None:
    assert not alife.named("none", "dots").any()
    torch.testing.assert_close(alife.named("1x1 3", "dots"), alife.rule(3))
    wide = alife.named("3x3 2", "dots", 32)
    assert wide.shape == (32, 17, 3, 3)
    assert float((wide + wide.mH).abs().max()) < 1e-6, "skew"
    even = alife.named("symmetric 1x1 3", "dots")
    torch.testing.assert_close(even, even.T)
    torch.testing.assert_close(alife.named("weak symmetric 1x1 3", "dots"), alife.WEAK * even)
    assert float(torch.linalg.matrix_norm(alife.named("weak symmetric 1x1 3", "dots"), 2)) < 0.1
    quiet = alife.named("quiet", "firefly")
    kernels.check_skew(quiet)
    T = icons.tangents("firefly")
    gains = [momentum.mobility_gain(T, alife.named(f"1x1 {k}", "firefly")) for k in range(8)]
    assert momentum.mobility_gain(T, quiet) > max(gains)


@pytest.mark.parametrize("name", ["", "loud", "1x3 2", "weak 1x1 3", "3x3", "symmetric quiet"])
def test_bad_input_a_rule_of_no_known_name(name: str) -> None:
    with pytest.raises(InputError, match="is unknown; give one such as 'quiet', '1x1 3'"):
        alife.named(name, "dots")


def test_from_noise_is_exact_for_white_data() -> None:
    # A network that says 0 denoises data of unit deviation that are white: D = x / (1 + sigma^2).
    score = ImageScore(UNet(3), 0.5, (0.1, 3.0))
    x = alife.from_noise(score, 4, 32, seed=2, steps=200)
    assert x.shape == (4, 3, 32, 32)
    assert float(x.var()) == pytest.approx(1 + 0.5**2, rel=0.05), "the blurred law"
    assert torch.equal(x, alife.from_noise(score, 4, 32, seed=2, steps=200))
    assert not torch.equal(x, alife.from_noise(score, 4, 32, seed=3, steps=200))


def test_whole_creatures_are_counted_on_each_canvas() -> None:
    world = field_world("dots")
    canvases = world.raw(world.sample(3, 4))
    canvases[1] = torch.tensor(icons.PAPER)[:, None, None]
    canvases[1, :, :20, :20] = canvases[0, :, :20, :20]
    life = alife.measured(canvases.expand(2, 3, 3, 64, 64), alife.placed_ink(world))
    number = alife.whole_ones(life, world)
    assert number.tolist()[::2] == [8, 8]
    assert number[1] < 3


def test_exact_lives_are_tracks_and_repeat() -> None:
    shared = dict(sigma=0.3, steps=40, number=3)
    one = alife.live_exactly("firefly", alife.rule(0), **shared)
    assert one.positions.shape == (5, 3, 2)
    assert np.array_equal(
        one.positions, alife.live_exactly("firefly", alife.rule(0), **shared).positions
    )
    other = alife.live_exactly("firefly", alife.rule(0), **shared, seed=1)
    assert not np.array_equal(one.positions, other.positions)


def test_turning_is_measured() -> None:
    angle = 0.2 * np.arange(50)[:, None] * np.ones(6)
    place = np.zeros((50, 6, 2))
    found, error = travel.turning([Tracks(place, np.angle(np.exp(1j * angle)), 64)], 2)
    assert found == pytest.approx(0.4)
    assert error < 1e-9
    with pytest.raises(InputError, match="fewer than two displacements"):
        travel.turning([Tracks(place[:1], angle[:1], 64)], 2)


def test_pictures_of_lives() -> None:
    found = figures.expected_and_found({"a": [(1, 2), (3, 5)], "b": [(2, 2)]}, "said", "seen")
    (pane,) = found.axes
    points = np.concatenate([line.get_xydata() for line in pane.lines[1:]])
    assert points.tolist() == [[1, 2], [3, 5], [2, 2]]
    assert pane.get_xscale() == pane.get_yscale() == "log"
    low, high = pane.get_xlim()
    assert low < 1
    assert high > 5
    canvases = torch.rand(3, 3, 16, 16)
    path = np.linspace(2, 9, 3)[:, None, None] * np.ones((1, 2, 2))
    strips = list(figures.track_frames(canvases, path, ["a", "b", "c"]))
    assert [len(f.axes[0].lines) for f in strips] == [2, 2, 2]
    assert [len(f.axes[0].lines[0].get_xdata()) for f in strips] == [1, 2, 3], "the path so far"
    assert not next(figures.track_frames(canvases, None, ["a"])).axes[0].lines
