"""Momentum hidden in noise: the theory against exact denoisers, where nothing is learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from eqflow_nb import rollout
from eqflow_nb.course import creatures as alife
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import momentum
from eqflow_nb.snapshots import icons

SIGMA, ETA, TAU = 0.3, 0.1, 0.5
LONG = 24  # pixels of a ring on which a pulse of colour runs


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
    ("axis", "gain"), [((1.0, 0, 0), "none"), ((0, 0, 1.0), "all"), ((0.3, 0, 1.0), "some")]
)
def test_an_exact_denoiser_wanders_as_far_as_the_theory_says(axis: tuple, gain: str) -> None:
    colour = torch.tensor([1.0, 0.0, 0.0])
    rule = momentum.about_axis(torch.tensor(axis))
    spread = float(momentum.diffusion(tangent(colour), rule, SIGMA, TAU, ETA)[0, 0])
    plain = float(momentum.diffusion(tangent(colour), 0 * rule, SIGMA, TAU, ETA)[0, 0])
    keep = math.exp(-ETA * TAU)
    most = 1 + (keep * math.sin(TAU) / (1 - keep * math.cos(TAU))) ** 2  # worked out by hand
    if gain != "some":
        assert spread / plain == pytest.approx({"none": 1, "all": most}[gain], rel=0.01)
    assert wandered(rule, colour) == pytest.approx(2 * spread * 300, rel=0.15)


def test_without_a_rule_a_creature_diffuses_as_langevin() -> None:
    T = icons.tangents("dots")[:2]
    square = torch.einsum("mchw,nchw->mn", T.double(), T.double())
    found = momentum.diffusion(T, torch.zeros(3, 3), SIGMA, 1e-3, ETA)
    expected = SIGMA**2 * 1e-3 * ETA * torch.linalg.inv(square)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(icons.ICONS))
def test_the_gain_is_the_formula_of_one_colour(seed: int, name: str) -> None:
    T = icons.tangents(name)[:2]
    axis = torch.randn(3, generator=torch.Generator().manual_seed(seed)).double()
    axis = axis / axis.norm()
    square = torch.einsum("mchw,mdhw->cd", T.double(), T.double())
    share = float(axis @ square @ axis / square.trace())
    found = momentum.mobility_gain(T, momentum.about_axis(axis), tau=1e-3, eta=ETA)
    # The formula is of creatures that are alike in both directions.
    expected = 1 / (share + (1 - share) * ETA**2 / (1 + ETA**2))
    assert found == pytest.approx(expected, rel=0.25)
    assert 0.99 < found < 1 + 1 / ETA**2 + 1


def test_the_quiet_colour_is_the_best_axis() -> None:
    T = icons.tangents("firefly")
    axis, share = momentum.quiet_colour(T)
    best = momentum.mobility_gain(T, momentum.about_axis(axis))
    others = [momentum.mobility_gain(T, alife.rule(seed)) for seed in range(20)]
    assert best > max(others)
    assert 0 < share < 0.1
    assert momentum.quiet_colour(icons.tangents("dot"))[1] < 1e-6, "one colour spares two others"


def test_rules_about_an_axis_and_in_rings_are_skew() -> None:
    rule = momentum.about_axis(torch.tensor([1.0, 2.0, -2.0]))
    assert torch.equal(rule, -rule.T)
    torch.testing.assert_close(rule @ torch.tensor([1.0, 2.0, -2.0]).double(), 0 * rule[0])
    assert float(torch.linalg.matrix_norm(rule, 2)) == pytest.approx(1)
    flat = momentum.ringed(rule, torch.ones(len(momentum.RINGS)), 32)
    torch.testing.assert_close(flat, rule.expand_as(flat))
    wide = momentum.ringed(rule, torch.linspace(0, 1, len(momentum.RINGS)), 32)
    assert float((wide + wide.mH).abs().max()) == 0
    assert float(wide[0, 0].abs().max()) == 0
    torch.testing.assert_close(wide[0, 8], rule * 6 / 9)  # 8 waves: the seventh of ten rings


def test_creatures_share_noise_only_under_a_wide_rule() -> None:
    T = icons.tangents("dot")[:2]
    centres = torch.tensor([[32.0, 20.0], [32.0, 35.0], [5.0, 60.0]])
    rule = momentum.about_axis(momentum.quiet_colour(T)[0])
    alone = momentum.diffusion(T, rule, SIGMA)
    apart = momentum.herd(T, rule, centres, SIGMA)
    expected = torch.block_diag(alone, alone, alone)
    torch.testing.assert_close(apart, expected, atol=1e-3 * float(alone.max()), rtol=1e-3)
    polar, near = momentum.expected_alignment(apart, centres, 64, 20, draws=20_000)
    assert abs(near) < 0.02
    assert polar == pytest.approx(0.5249, abs=0.01), "of three that go their own ways"
    strengths = torch.tensor([0.1, 0.1, 0.1, 0.1, 1, 1, 1, 1, 1, 1])
    # Long steps leave little of it; at short ones it shows.
    wide = momentum.herd(T, momentum.ringed(rule, strengths, 64), centres, SIGMA, tau=0.02)
    assert float(wide[0, 2] / wide[0, 0]) > 0.2, "neighbours go the same way along their line"
    assert momentum.expected_alignment(wide, centres, 64, 20, draws=20_000)[1] > 0.1


def test_bad_input_momentum() -> None:
    T = icons.tangents("dot")
    with pytest.raises(InputError, match=r"rule has shape \(2, 2\); it does not mix the colours"):
        momentum.diffusion(T, torch.zeros(2, 2), 0.3)
    with pytest.raises(InputError, match="eta is 0"):
        momentum.diffusion(T[:2], torch.zeros(3, 3), 0.3, eta=0)
    with pytest.raises(InputError, match=r"tangents\[1\] changes nothing"):
        momentum.diffusion(
            T[:2] * torch.tensor([1.0, 0.0])[:, None, None, None], 0 * T[0, :, :3, 0], 0.3
        )
    with pytest.raises(InputError, match="strengths are 3; give 10"):
        momentum.ringed(torch.zeros(3, 3), torch.ones(3), 64)
