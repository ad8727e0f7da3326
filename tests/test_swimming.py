"""Creatures that swim on canvases: what is read from them, and how each body is moved."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eqflow_nb import rollout
from eqflow_nb.course import swimmers
from eqflow_nb.flows import poses as ways
from eqflow_nb.flows.swimming import Anatomy, Swimming, moved, read_anatomy
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import flocking
from eqflow_nb.scores.images import ImageScore, UNet
from eqflow_nb.snapshots import icons, poses

SIZE = 64
PAPER = torch.tensor(icons.PAPER)


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
    wide = torch.nn.functional.pad(peaks[:, None], (2, 2, 2, 2), "circular")
    near = torch.nn.functional.avg_pool2d(wide, 5, stride=1)[:, 0] * 25
    assert at(near, centres).min() > 0.8


def test_on_bare_paper_and_of_a_faint_ghost_there_is_no_peak():
    anatomy = told()
    canvas, _, _ = icons.placed("firefly", 1, SIZE, seed=5)
    paper = PAPER[:, None, None].expand(1, 3, SIZE, SIZE)
    ghost = paper + 0.1 * (canvas - paper)
    for faint in (paper, ghost):
        assert anatomy.peaks(faint).sum() < 0.01
        assert Swimming(anatomy, []).motion(faint)[0].isfinite().all()


# Moving them


def test_a_moved_image_is_rolled_and_between_pixels_a_spline():
    x = torch.randn(2, 3, 16, 12, generator=torch.Generator().manual_seed(0))
    way = torch.tensor([3.0, -2.0])[None, :, None, None].expand(2, 2, 16, 12)
    assert torch.allclose(moved(x, way), x.roll((3, -2), (2, 3)), atol=1e-5)
    wave = lambda shift: torch.sin(math.tau * 3 * (torch.arange(32) - shift) / 32)  # noqa: E731
    still, shifted = wave(0)[:, None] * wave(0), wave(0.4)[:, None] * wave(-0.7)
    way = torch.tensor([0.4, -0.7])[None, :, None, None].expand(1, 2, 32, 32)
    assert torch.allclose(moved(still[None, None], way)[0, 0], shifted, atol=2e-3)


@settings(max_examples=8, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(0.1, 0.5))
def test_a_body_is_moved_by_u_along_its_heading(angle, u):
    canvas, _, true = swimmers.canvases("firefly", torch.tensor([[[32.0, 32, angle]]]))
    swim = Swimming(told(), [], u)
    velocity, turning, _ = swim.motion(canvas)
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


def by_poses(q: Tensor, terms: list) -> Tensor:
    """Velocities (1, n, 3) of poses by the flow of poses itself, with its score by autograd."""
    q = q.double().requires_grad_()
    far = ~torch.eye(q.shape[1], dtype=torch.bool)
    r = poses.periodic(q[0, :, None, :2] - q[0, None, :, :2], SIZE)[far].norm(dim=-1)
    turn = (q[0, :, None, 2] - q[0, None, :, 2])[far]
    log_p = sum((f(r) * (k * turn).cos()).sum() / 2 for k, f in enumerate(terms))
    return ways.swim(1.0)(q, *torch.autograd.grad(log_p, q)).detach()


@pytest.mark.parametrize("terms", [[pulled], [pulled, alike]])
def test_the_rule_is_the_flow_of_poses(terms):
    q = torch.tensor([[[20, -20, 0.3], [25, -36, 2], [8, -60, -1.4], [46, -30, 4]]])
    canvas, true, _ = swimmers.canvases("firefly", q)
    exact = by_poses(q, terms)
    velocity, turning, _ = Swimming(told(), terms).motion(canvas)
    (down, right), rate = at(velocity, true)[0].T, at(turning, true)[0]
    found = torch.stack([right, -down, rate], -1)
    # A peak is a pixel wide, and the place of a creature is read to a fraction of one.
    assert (found - exact[0])[:, :2].abs().max() < 0.12
    assert (found - exact[0])[:, 2].abs().max() < 0.02
    assert exact[..., 2].abs().max() > 0.2


def test_a_body_is_turned_as_a_whole():
    q = torch.tensor([[[32, -32, 0], [32, -48, math.pi / 2]]])
    canvas, true, _ = swimmers.canvases("firefly", q)
    swim = Swimming(told(), [pulled], 0.2)
    velocity, turning, _ = swim.motion(canvas)
    rate, speed = at(turning, true)[0, 0], at(velocity, true)[0, 0]
    body = (canvas - PAPER[:, None, None]).abs().sum(1)[0] > 0.1
    away = torch.cartesian_prod(*[torch.arange(SIZE).double()] * 2).T.view(2, SIZE, SIZE)
    away = away - true[0, 0][:, None, None]  # down and right
    body &= away.norm(dim=0) < icons.DIAMETER / 2 + 1
    rigid = speed[:, None, None] + rate * torch.stack([-away[1], away[0]])
    assert abs(float(rate)) > 0.02
    assert (velocity[0] - rigid)[:, body].abs().max() < 0.1 * abs(float(rate)) * icons.DIAMETER / 2
    later = swim.carried(swim.carried(canvas, 1.0), 1.0)
    turned = (at(told().headings(later), true) / at(told().headings(canvas), true)).angle()
    assert float(turned[0, 0]) == pytest.approx(2 * float(rate), rel=0.2)


def test_the_integrator_moves_the_posterior_mean_and_leaves_the_noise():
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    path = rollout.exponential(
        lambda y: y / 2, torch.zeros(1, 1), x, 0.3, 0.5, 1, 0.0, carry=lambda y: y.roll(1, 3)
    )
    assert torch.allclose(list(path)[-1][1], (x / 2).roll(1, 3) + x / 2)


# The course's swimmers


def test_creatures_are_drawn_exactly_where_they_are_to_be():
    q = torch.tensor([[[40.7, -20.3, 0.7]], [[40.95, -20.55, 0.7]]])
    canvases, true, _ = swimmers.canvases("dots", q)
    assert torch.allclose(true[..., 0], -q[..., 1]) and torch.equal(true[..., 1], q[..., 0])
    assert (middle(canvases[1]) - middle(canvases[0]) - 0.25).abs().max() < 0.01


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


LINE = torch.linspace(-1, 1, 48)
DISC = ((LINE[:, None] ** 2 + LINE**2) <= 0.8).float() * torch.eye(4)[3][:, None, None]


def test_a_disc_gets_a_front_by_a_colour_off_its_middle():
    assert told(DISC + DISC[3] * (LINE > 0) * torch.eye(4)[0][:, None, None]).cosine > 0.99


PAIRS = torch.tensor([[[20.0, 20], [26, 20], [44, 44], [44, 50]]]).expand(12, -1, -1)


@pytest.mark.parametrize(
    ("diameter", "change", "says"),
    [
        (13.0, lambda *_: icons.placed("dot", 12), "no front: give it one .* eye or a tail"),
        (13.0, lambda *_: icons.placed(DISC, 12), "no front: give it one .* eye or a tail"),
        (1.0, lambda x, r, t: (x, r, t), "diameter is 1 .* at least 4.* at most a third"),
        (64.0, lambda x, r, t: (x, r, t), "diameter is 64 .* at most a third"),
        (13.0, lambda x, r, t: (x, r, t.rad2deg()), "degrees, which torch.deg2rad"),
        (13.0, lambda x, r, t: (x[:5], r, t), r"5 canvases need \(5, n, 2\) and \(5, n\)"),
        (13.0, lambda *_: icons.placed("firefly", 12, centres=PAIRS), "48 were told and .* apart"),
    ],
)
def test_creatures_that_can_not_be_read_are_refused(diameter, change, says):
    with pytest.raises(InputError, match=says):
        read_anatomy(*change(*icons.placed("firefly", 12, SIZE)), PAPER, diameter)


def test_a_speed_that_outruns_the_step_is_refused_with_the_largest_that_would_do():
    canvas, _, _ = icons.placed("firefly", 1, SIZE)
    swim = Swimming(told(), [], 8.0)
    with pytest.raises(InputError, match="u may be 5 at most"):
        swim.carried(canvas, 0.1)
    assert Swimming(told(), [], 5.0).carried(canvas, 0.1).isfinite().all()
