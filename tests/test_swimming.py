"""Creatures that swim on canvases: what is read from them, and how each body is moved."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eqflow_nb import rollout
from eqflow_nb.course import swimmers
from eqflow_nb.flows.swimming import Anatomy, Swimming, moved, read_anatomy
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import flocking
from eqflow_nb.scores.images import ImageScore, UNet
from eqflow_nb.snapshots import icons, poses

SIZE = 64
PAPER = torch.tensor(icons.PAPER)
MIDDLE = torch.tensor([[[32.0, 32.0]]])


def told(icon: str | Tensor = "firefly", front: float = 0.0, n: int = 24, seed: int = 3) -> Anatomy:
    canvases, centres, angles = icons.placed(icon, n, SIZE, seed=seed)
    return read_anatomy(canvases, centres, angles + front, PAPER, icons.DIAMETER)


def at(field: Tensor, centres: Tensor) -> Tensor:
    """Values (B, n, ...) of a field (B, ..., H, W) at the pixels nearest to centres (B, n, 2)."""
    down, right = (centres.round().long() % SIZE).unbind(-1)
    sheet = torch.arange(len(field))[:, None].expand_as(down)
    return field.movedim((-2, -1), (1, 2))[sheet, down, right]


def middle(canvas: Tensor) -> Tensor:
    """Mean place (2,) of what is not paper, down and right."""
    ink = (canvas - PAPER[:, None, None]).sum(0).double()
    line = torch.arange(SIZE).double()
    return torch.stack([(ink.sum(1) * line).sum(), (ink.sum(0) * line).sum()]) / ink.sum()


# Reading them


@settings(max_examples=6, deadline=None)
@given(st.floats(-3, 3), st.sampled_from(["firefly", "taiji", "dots"]))
def test_headings_are_read_from_the_colours_wherever_the_front_is(front, name):
    anatomy = told(name, front)
    canvases, centres, angles = icons.placed(name, 6, SIZE, seed=90)
    read = at(anatomy.headings(canvases), centres)
    off = (read * torch.polar(torch.ones(()), -(angles + front))).angle()
    assert off.abs().max() < 0.2
    assert off.abs().mean() < 0.05


@pytest.mark.parametrize("name", ["firefly", "taiji", "dots"])
def test_every_creature_has_one_sharp_peak(name):
    canvases, centres, _ = icons.placed(name, 6, SIZE, seed=91)
    peaks = told(name).peaks(canvases)
    assert torch.allclose(peaks.sum((1, 2)), torch.full((6,), 8.0).double(), rtol=0.04)
    line = torch.arange(-2, 3)
    down, right = (centres.round().long() % SIZE).unbind(-1)
    near = peaks[
        torch.arange(6)[:, None, None, None],
        (down[..., None, None] + line[:, None]) % SIZE,
        (right[..., None, None] + line) % SIZE,
    ].sum((2, 3))
    assert near.min() > 0.8


def test_on_bare_paper_and_of_a_faint_ghost_there_is_no_peak():
    anatomy = told()
    canvas, _, _ = icons.placed("firefly", 1, SIZE, seed=5)
    paper = PAPER[:, None, None].expand(1, 3, SIZE, SIZE)
    ghost = paper + 0.1 * (canvas - paper)
    for faint in (paper, ghost):
        assert anatomy.peaks(faint).sum() < 0.01
        assert Swimming(anatomy, []).motion(faint)[0].isfinite().all()


# Moving them


def pixel_wave(n: int, k: int, shift: float = 0.0) -> Tensor:
    return torch.sin(math.tau * k * (torch.arange(n) - shift) / n)


def test_a_moved_image_is_rolled_and_between_pixels_a_spline():
    x = torch.randn(2, 3, 16, 12, generator=torch.Generator().manual_seed(0))
    way = torch.tensor([3.0, -2.0])[None, :, None, None].expand(2, 2, 16, 12)
    assert torch.allclose(moved(x, way), x.roll((3, -2), (2, 3)), atol=1e-5)
    wave = pixel_wave(32, 3)[:, None] * pixel_wave(32, 2)
    shifted = pixel_wave(32, 3, 0.4)[:, None] * pixel_wave(32, 2, -0.7)
    way = torch.tensor([0.4, -0.7])[None, :, None, None].expand(1, 2, 32, 32)
    assert torch.allclose(moved(wave[None, None], way)[0, 0], shifted, atol=2e-3)


@settings(max_examples=8, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(0.1, 0.5))
def test_a_body_is_moved_by_u_along_its_heading(angle, u):
    canvas, _, true = icons.placed(
        "firefly", 1, SIZE, centres=MIDDLE, angles=torch.tensor([[angle]])
    )
    swim = Swimming(told(), [], u)
    velocity, turning = swim.motion(canvas)
    body = (canvas - PAPER[:, None, None]).abs().sum(1)[0] > 0.1
    e = torch.stack([-true.sin(), true.cos()])[:, 0]
    assert (velocity[0][:, body] - u * e).norm(dim=0).max() < 0.1 * u  # one for the whole body
    assert turning[0][body].abs().max() < 1e-9
    way = middle(swim.carried(canvas, 1.0)[0]) - middle(canvas[0])
    assert torch.allclose(way, (u * e[:, 0]).double(), atol=0.03 * u + 0.005)


def pulled(r: Tensor) -> Tensor:
    return 2 * torch.exp(-((r - 20) ** 2) / 50)


def alike(r: Tensor) -> Tensor:
    return 1.5 * torch.exp(-(r**2) / 300)


def by_hand(q: Tensor, terms: list) -> Tensor:
    """Velocities (n, 3), down, right, heading, of poses (n, 3) by the flow of poses itself."""
    q = q.double().requires_grad_()
    gap = q[:, None, :2] - q[None, :, :2]
    far = ~torch.eye(len(q), dtype=torch.bool)
    r = (gap - SIZE * (gap / SIZE).round())[far].norm(dim=-1)
    turn = (q[:, None, 2] - q[None, :, 2])[far]
    log_p = sum((f(r) * (k * turn).cos()).sum() / 2 for k, f in enumerate(terms))
    (s,) = torch.autograd.grad(log_p, q)
    e = torch.stack([-q[:, 2].sin(), q[:, 2].cos()], 1)
    a = torch.stack([q[:, 2].cos(), q[:, 2].sin()], 1)  # u (sin, -cos) of right and up
    return torch.cat([e + a * s[:, 2:], -(a * s[:, :2]).sum(1, keepdim=True)], 1).detach()


@pytest.mark.parametrize("terms", [[pulled], [pulled, alike]])
def test_the_rule_is_the_flow_of_poses(terms):
    centres = torch.tensor([[[20.0, 20], [36, 25], [60, 8], [30, 46]]])
    angles = torch.tensor([[0.3, 2.0, -1.4, 4.0]])
    canvas, true, angle = icons.placed("firefly", 1, SIZE, centres=centres, angles=angles)
    exact = by_hand(torch.cat([true[0], angle[0, :, None]], 1), terms)
    velocity, turning = Swimming(told(), terms).motion(canvas)
    found = torch.cat([at(velocity, true)[0], at(turning, true)[0, :, None]], 1)
    # A peak is a pixel wide, and the place of a creature is read to a fraction of one.
    assert (found - exact)[:, :2].abs().max() < 0.12
    assert (found - exact)[:, 2].abs().max() < 0.02
    assert exact[:, 2].abs().max() > 0.2


def test_a_body_is_turned_as_a_whole():
    centres = torch.tensor([[[32.0, 32], [48, 32]]])
    canvas, true, _ = icons.placed(
        "firefly", 1, SIZE, centres=centres, angles=torch.tensor([[0.0, math.pi / 2]])
    )
    swim = Swimming(told(), [pulled], 0.2)
    velocity, turning = swim.motion(canvas)
    rate, speed = at(turning, true)[0, 0], at(velocity, true)[0, 0]
    line = torch.arange(SIZE).double()
    down, right = torch.meshgrid(line - true[0, 0, 0], line - true[0, 0, 1], indexing="ij")
    body = (canvas - PAPER[:, None, None]).abs().sum(1)[0] > 0.1
    body &= down**2 + right**2 < (icons.DIAMETER / 2 + 1) ** 2
    rigid = speed[:, None, None] + rate * torch.stack([-right, down])
    assert abs(float(rate)) > 0.02
    assert (velocity[0] - rigid)[:, body].abs().max() < 0.1 * abs(float(rate)) * icons.DIAMETER / 2
    later = swim.carried(swim.carried(canvas, 1.0), 1.0)
    turned = (at(told().headings(later), true) / at(told().headings(canvas), true)).angle()
    assert float(turned[0, 0]) == pytest.approx(2 * float(rate), rel=0.2)


def test_mirrored_canvases_steer_mirrored():
    canvas, _, _ = icons.placed("firefly", 2, SIZE, seed=12)
    anatomy = told()
    anatomy = replace(anatomy, weights=anatomy.weights.real + 0j)
    swim = Swimming(anatomy, [pulled, alike])
    (velocity, turning), (other, turned) = swim.motion(canvas), swim.motion(canvas.flip(3))
    there = anatomy.peaks(canvas) > 0.05
    assert torch.allclose(turning[there], -turned.flip(2)[there], atol=1e-6)
    assert torch.allclose(velocity[:, 0][there], other[:, 0].flip(2)[there], atol=1e-6)
    assert torch.allclose(velocity[:, 1][there], -other[:, 1].flip(2)[there], atol=1e-6)


def test_the_integrator_moves_the_posterior_mean_and_leaves_the_noise():
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    path = rollout.exponential(
        lambda y: y / 2, torch.zeros(1, 1), x, 0.3, 0.5, 1, 0.0, carry=lambda y: y.roll(1, 3)
    )
    assert torch.allclose(list(path)[-1][1], (x / 2).roll(1, 3) + x / 2)


# The course's swimmers


def test_creatures_are_drawn_exactly_where_they_are_to_be():
    where = torch.tensor([[[20.3, 40.7]]])
    canvas, true, _ = icons.placed("dots", 1, centres=where, angles=torch.tensor([[0.7]]))
    assert torch.equal(true, where)
    moved_on, _, _ = icons.placed("dots", 1, centres=where + 0.25, angles=torch.tensor([[0.7]]))
    assert torch.allclose(
        middle(moved_on[0]) - middle(canvas[0]), torch.tensor(0.25).double(), atol=0.01
    )


def test_sheets_keep_their_distance_and_flocks_look_one_way():
    for law, low, high in (("scattered", 0.0, 0.5), ("strong flock", 0.7, 1.0)):
        q = swimmers.sheets(law, 24, seed=1)
        gap = poses.periodic(q[:, :, None, :2] - q[:, None, :, :2], 64.0).norm(dim=-1)
        assert (gap[gap > 0] < icons.DIAMETER).float().mean() < 0.002
        assert low < flocking.polarisation(q) < high


@pytest.fixture(scope="module")
def swimmer():
    return swimmers.swimmer("firefly")


def test_practice_teaches_the_canvas_at_the_poses_that_creatures_should_have(swimmer):
    score = ImageScore(UNet(3, (8, 8, 8)), 0.3)
    before = [each.clone() for each in score.net.parameters()]
    losses = [x for _, x in swimmers.practise(score, swimmer, "firefly", 4, batch=2, pool=3)]
    # Not knowing anything costs 1 a number: the network's targets are of unit size.
    assert losses[0] == pytest.approx(1, abs=0.3)
    assert all(map(math.isfinite, losses))
    assert any((a != b).any() for a, b in zip(before, score.net.parameters(), strict=True))
    assert not any(each.requires_grad for each in score.net.parameters())


def test_a_canvas_that_empties_stops_the_film_and_says_what_was_lost(swimmer):
    world = icons.icons("firefly")
    start, _, _ = icons.placed("firefly", 1, seed=4)
    bare = world.scaled(PAPER[None, :, None, None]).float()

    class Fading(ImageScore):
        share = 1.0

        def denoise(self, x):
            self.share *= 0.8
            return bare + self.share * (world.scaled(start).float() - bare)

    film = swimmers.swim(swimmer, Fading(UNet(3, (8, 8, 8)), 0.3), world, start, 60)
    assert film.kept == 0
    assert "canvas 0 is empty: its 8 creatures were lost by step" in film.lost


# What is refused


def painted(radius: float, front: bool = False) -> Tensor:
    """A black disc, RGBA, of a radius in that of the picture; with a front, half of it is red."""
    line = torch.linspace(-1, 1, 48)
    disc = ((line[:, None] ** 2 + line**2) <= radius**2).float()
    red = disc * (line > 0) * front
    return torch.stack([red, 0 * disc, 0 * disc, disc])


@pytest.mark.parametrize("icon", ["dot", painted(0.9)])
def test_a_disc_without_a_front_is_refused_and_told_how_to_get_one(icon):
    with pytest.raises(InputError, match=r"no front: give it one .* eye or a tail"):
        told(icon)
    assert told(painted(0.9, front=True)).cosine > 0.99


def test_creatures_that_are_too_small_or_too_large_are_refused():
    canvas, centres, angles = icons.placed("firefly", 2, SIZE)
    for diameter in (1.0, 64.0):
        with pytest.raises(InputError, match=r"diameter is .* at least 4.* at most a third"):
            read_anatomy(canvas, centres, angles, PAPER, diameter)


def test_creatures_that_can_not_be_told_apart_are_refused():
    pairs = torch.tensor([[[20.0, 20], [26, 20], [44, 44], [44, 50]]]).expand(12, -1, -1)
    canvas, centres, angles = icons.placed("firefly", 12, SIZE, centres=pairs)
    with pytest.raises(InputError, match=r"can't be (told apart|read)"):
        read_anatomy(canvas, centres, angles, PAPER, icons.DIAMETER)


def test_a_speed_that_outruns_the_step_is_refused_with_the_largest_that_would_do():
    canvas, _, _ = icons.placed("firefly", 1, SIZE)
    swim = Swimming(told(), [], 8.0)
    with pytest.raises(InputError, match="u may be 5 at most"):
        swim.carried(canvas, 0.1)
    assert Swimming(told(), [], 5.0).carried(canvas, 0.1).isfinite().all()
