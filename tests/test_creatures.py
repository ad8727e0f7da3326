"""Icons, pictures, tracking and flocking: places, angles and motions that are known exactly."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from eqflow_nb.course import creatures as alife
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import flocking, tracking, travel
from eqflow_nb.measures.tracking import Found, Tracks
from eqflow_nb.snapshots import icons
from eqflow_nb.user_data.pictures import read_picture

SIZE = 64


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    gap = np.abs(a[:, None] - b[None, :]) % SIZE
    return np.sqrt((np.minimum(gap, SIZE - gap) ** 2).sum(-1))


# ---- icons ----


@pytest.mark.parametrize("name", icons.ICONS)
def test_canvases_have_mean_0_and_deviation_1(name: str) -> None:
    x = icons.icons(name).sample(200, 1)
    assert float(x.mean((0, 2, 3)).abs().max()) < 0.01
    assert float(x.square().mean().sqrt()) == pytest.approx(1, rel=0.01)


def test_creatures_do_not_overlap_and_wrap_around() -> None:
    canvases, centres, _ = icons.placed("dot", 40)
    assert canvases.min() >= 0
    assert canvases.max() <= 1
    for where in centres.numpy():
        gaps = apart(where, where) + 99 * np.eye(len(where))
        assert gaps.min() > icons.DIAMETER
    # Ink is never lost at a border: all canvases hold as much.
    ink = (canvases - torch.tensor(icons.PAPER)[:, None, None]).sum((1, 2, 3))
    assert float(ink.std() / ink.mean().abs()) < 0.005


def test_creatures_are_where_they_are_said_to_be_and_turned_so() -> None:
    centre = torch.tensor([[[20.0, 62.0]]])
    for seed in range(5):
        canvases, centres, angles = icons.placed("dots", 1, seed=seed, centres=centre)
        found = tracking.locate(canvases[0], icons.PAPER, icons.DIAMETER)
        assert apart(found.centres, centres[0].numpy()).max() < 0.2
        off = np.angle(np.exp(1j * (found.heading[0] - float(angles[0, 0]))))
        assert abs(off) < 0.1, "red is where the icon's right side has turned to"


def test_the_same_seed_gives_the_same_canvases() -> None:
    one, other, third = (icons.placed("taiji", 2, seed=s)[0] for s in (3, 3, 4))
    assert torch.equal(one, other)
    assert not torch.equal(one, third)


def test_bad_input_icons() -> None:
    with pytest.raises(InputError, match="icon 'cat' is unknown"):
        icons.icons("cat")
    with pytest.raises(InputError, match="do not fit on 64 by 64 pixels"):
        icons.placed("dot", 1, number=40)
    with pytest.raises(InputError, match=r"icon has shape \(3, 8, 8\); it must be RGBA"):
        icons.icons(torch.zeros(3, 8, 8))
    with pytest.raises(InputError, match="transparent all over"):
        icons.icons(torch.zeros(4, 8, 8))
    with pytest.raises(InputError, match="divide bytes by 255"):
        icons.icons(255 * torch.ones(4, 8, 8))
    paper = torch.ones(4, 8, 8)
    paper[:3] = torch.tensor(icons.PAPER)[:, None, None]
    with pytest.raises(InputError, match="icon has the paper's colour"):
        icons.icons(paper)
    nearly = torch.zeros(4, 32, 32)
    nearly[:, 4:28, 4:28] = torch.tensor([237, 232, 219, 255])[:, None, None] / 255
    with pytest.raises(InputError, match="icon has the paper's colour"):
        icons.icons(nearly)


def test_tangents_are_what_a_moved_creature_adds() -> None:
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


# ---- pictures ----


def painted(size: tuple[int, int] = (80, 50), mode: str = "RGBA", background=None) -> Image.Image:
    picture = Image.new(mode, size, background)
    ImageDraw.Draw(picture).ellipse((20, 10, 59, 49), fill="#d62820")
    return picture


def as_png(picture: Image.Image) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, "png")
    return kept.getvalue()


@pytest.mark.parametrize("kind", ["bytes", "path", "array", "opaque", "huge"])
def test_a_drawn_disc_fills_the_circle_of_an_icon(kind: str, tmp_path: Path) -> None:
    source: object = as_png(painted())
    if kind == "path":
        (tmp_path / "a.png").write_bytes(source)
        source = tmp_path / "a.png"
    elif kind == "array":
        source = np.asarray(painted())
    elif kind == "opaque":
        source = as_png(painted(mode="RGB", background="white"))
    elif kind == "huge":
        source = as_png(painted().resize((1600, 1000)))
    rgba = read_picture(source, 64)
    line = torch.arange(64) - 31.5
    disc = (line[:, None] ** 2 + line**2).sqrt() < 30
    assert float(rgba[3][disc].mean()) > 0.97
    corners = (line[:, None] ** 2 + line**2).sqrt() > 32.5
    assert float(rgba[3][corners].mean()) < 0.01
    red = rgba[:3, 32, 32]
    assert torch.allclose(red, torch.tensor([0xD6, 0x28, 0x20]) / 255, atol=0.02)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (as_png(Image.new("RGBA", (9, 9))), "transparent all over"),
        (as_png(Image.new("RGB", (9, 9), "blue")), "one colour all over"),
        (b"no picture", "no image that can be read"),
        (as_png(painted())[:90], "no image that can be read"),
        (as_png(Image.new("1", (5000, 4000))), "at most 16 million"),
        (as_png(Image.new("1", (20000, 20000))), "more pixels than are read|16 million"),
        (b"0" * 20_000_001, "over 20 MB"),
        (np.zeros((4, 4, 3), np.uint8), r"it must be bytes \(uint8\) of shape"),
        ("nowhere.png", "is not there"),
    ],
)
def test_bad_input_pictures(source: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_picture(source)


# ---- finding and following ----


@pytest.mark.parametrize("name", icons.ICONS)
def test_noisy_creatures_are_found(name: str) -> None:
    canvases, centres, _ = icons.placed(name, 20, seed=5)
    generator = torch.Generator().manual_seed(1)
    noisy = canvases + 0.03 * torch.randn(canvases.shape, generator=generator)
    found = [tracking.locate(canvas, icons.PAPER, icons.DIAMETER) for canvas in noisy]
    assert sum(len(one.centres) for one in found) == 160
    near = [apart(c.numpy(), one.centres).min(1) for c, one in zip(centres, found, strict=True)]
    assert np.mean(np.concatenate(near) < 3) > 0.97


def test_creatures_are_followed_across_the_border() -> None:
    start = torch.tensor([[[10.0, 60.0], [40.0, 20.0]]])
    step = torch.tensor([1.0, 2.0])
    frames = [icons.placed("dot", 1, centres=start + i * step, seed=0) for i in range(20)]
    found = [tracking.locate(c[0], icons.PAPER, icons.DIAMETER) for c, _, _ in frames]
    tracks = tracking.follow_creatures(found, SIZE, 5.0)
    moved = tracks.positions[-1] - tracks.positions[0]
    assert moved.shape == (2, 2)
    np.testing.assert_allclose(moved, np.tile([19.0, 38.0], (2, 1)), atol=1.1)


def test_merged_and_faded_creatures_are_not_kept() -> None:
    canvases, _, _ = icons.placed("dot", 1, number=4, seed=2)
    paper = torch.tensor(icons.PAPER)[:, None, None]
    faded = torch.stack([canvases[0], paper + 0.4 * (canvases[0] - paper)])[:, None]
    ink = tracking.locate(canvases[0], icons.PAPER, icons.DIAMETER).ink.mean()
    assert alife.measured(faded, float(ink)).kept == 0
    assert alife.measured(torch.stack([canvases, canvases]), float(ink)).kept == 1


# ---- do they flock? ----


def walks(kind: str, creatures: int = 400, frames: int = 60, seed: int = 0) -> list[Tracks]:
    random = np.random.default_rng(seed)
    angle = random.uniform(0, 2 * np.pi, creatures)
    if kind == "brownian":
        steps = random.normal(size=(frames, creatures, 2))
    elif kind == "ballistic":
        steps = np.stack([np.sin(angle), np.cos(angle)], -1)[None].repeat(frames, 0)
    else:  # a flock
        steps = np.ones((frames, creatures, 2))
    positions = steps.cumsum(0)
    return [Tracks(positions, angle[None].repeat(frames, 0), SIZE)]


@pytest.mark.parametrize(("kind", "exponent"), [("brownian", 1.0), ("ballistic", 2.0)])
def test_exponents_of_known_walks(kind: str, exponent: float) -> None:
    found, error = travel.msd_exponent(walks(kind), [1, 2, 4, 8])
    assert found == pytest.approx(exponent, abs=max(0.03, 3 * error))
    expected = {"brownian": 2 * 4, "ballistic": 16}[kind]
    far = travel.mean_squared_displacement(walks(kind), 4).mean()
    assert far == pytest.approx(expected, rel=0.05)


def test_polarisation_persistence_and_drift_of_known_walks() -> None:
    assert flocking.polarisation(walks("flock"), 2)[0] == pytest.approx(1)
    found, chance = flocking.polarisation(walks("brownian", 50), 2)
    assert found == pytest.approx(chance, rel=0.15)
    assert travel.persistence(walks("ballistic"), 3) == pytest.approx(1)
    assert travel.persistence(walks("brownian"), 3) == pytest.approx(0, abs=0.03)
    positions = walks("ballistic")[0].positions * np.array([-1, 1])  # headings count anticlockwise
    drift, error = travel.axis_drift([Tracks(positions, walks("ballistic")[0].heading, SIZE)], 4)
    assert drift == pytest.approx(4)
    drift, error = travel.axis_drift(walks("brownian"), 4)
    assert abs(drift) < 4 * error


def test_points_that_take_no_notice_have_g_1_and_placed_ones_a_hole() -> None:
    random = np.random.default_rng(0)
    free = [random.uniform(0, SIZE, (30, 2)) for _ in range(200)]
    _, g = flocking.pair_distribution(free, SIZE, 30, 10)
    np.testing.assert_allclose(g[1:], 1, atol=0.06)
    placed = alife.placed_pairs("dot")
    r, g = flocking.pair_distribution(placed, SIZE, 30, 15)
    assert g[r < 0.9 * icons.DIAMETER].max() == 0
    assert flocking.pair_correlation(placed, placed, SIZE, icons.DIAMETER) == pytest.approx(1)
    assert flocking.pair_correlation(free, placed, SIZE, icons.DIAMETER) > 1.1


def test_bad_input_tracks() -> None:
    empty = Found(np.empty((0, 2)), np.empty(0), np.empty(0))
    one = Found(np.ones((1, 2)), np.ones(1), np.ones(1))
    with pytest.raises(InputError, match=r"found\[1\] has no creature; the canvas has faded"):
        tracking.follow_creatures([one, empty], SIZE, 3)
    with pytest.raises(InputError, match="a track needs at least 2"):
        tracking.follow_creatures([one], SIZE, 3)
    with pytest.raises(InputError, match="followed for more than lag = 99 frames"):
        travel.mean_squared_displacement(walks("flock"), 99)
    with pytest.raises(InputError, match="nothing can align"):
        flocking.polarisation(walks("flock", 1), 2)
    with pytest.raises(InputError, match="reach is 50; it must be at most half"):
        flocking.pair_distribution([np.zeros((2, 2))], SIZE, 50)
    with pytest.raises(InputError, match="diameter is 40; it must be below half"):
        tracking.locate(torch.zeros(3, SIZE, SIZE), icons.PAPER, 40)
