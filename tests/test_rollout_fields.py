"""The exponential integrator for images, and how patterns are compared."""

from __future__ import annotations

import math

import pytest
import torch

from eqflow_nb import fourier, rollout, scores
from eqflow_nb.flows import kernels, skew
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import patterns
from eqflow_nb.rollout.images import _propagators

SIGMA = 0.5


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def last(path):
    *_, (_, state) = path
    return state


def test_a_skew_rule_needs_isotropic_noise() -> None:
    for rule in (skew.from_entries(1.0), kernels.symbol(kernels.random_kernel(2, 3), (8, 8))):
        decay, spread = _propagators(rule, torch.zeros(1, 2, 8, 8), SIGMA, 0.5, 0.1)
        unit = torch.eye(2).to(decay).expand(decay.shape)
        torch.testing.assert_close(decay @ decay.mH, math.exp(-2 * 0.1 * 0.5) * unit)
        size = SIGMA * math.sqrt(-math.expm1(-0.1))
        torch.testing.assert_close(spread, size * unit)


@pytest.mark.parametrize("wide", [False, True])
def test_the_law_of_independent_pixels_is_kept(wide: bool) -> None:
    # Pixels of unit variance: D(x) = x / (1 + sigma^2), the law at sigma has variance 1 + sigma^2.
    # The integrator treats D as constant over a step, so small steps.
    rule = kernels.symbol(kernels.random_kernel(2, 3), (8, 8)) if wide else skew.from_entries(1.0)
    x = math.sqrt(1 + SIGMA**2) * noise(300, 2, 8, 8)
    path = rollout.exponential_images(lambda y: y / (1 + SIGMA**2), rule, x, SIGMA, 0.05, 80, 1.0)
    end = last(path)
    assert float(end.var()) == pytest.approx(1 + SIGMA**2, rel=0.03)
    assert float((end * x).mean()) < 0.9 * float((x * x).mean()), "and the state has moved"


def test_without_noise_a_constant_denoiser_is_followed_exactly() -> None:
    centre, x = noise(1, 2, 4, 4, seed=1), noise(1, 2, 4, 4)
    turn = skew.from_entries(1.0)
    end = last(rollout.exponential_images(lambda y: centre, turn, x, SIGMA, 0.25, 8, 0.0))
    cos, sin = math.cos(2.0), math.sin(2.0)
    turned = torch.tensor([[cos, -sin], [sin, cos]])  # exp(-2 J)
    torch.testing.assert_close(end, centre + torch.einsum("cd,bdhw->bchw", turned, x - centre))


def test_a_further_velocity_is_followed_to_second_order() -> None:
    x, still = noise(2, 2, 4, 4), torch.zeros(2, 2)
    ends = []
    for steps in (10, 20):
        path = rollout.exponential_images(
            lambda y: y, still, x, 1.0, 1 / steps, steps, 0.0, extra=lambda y: -y
        )
        ends.append(float((last(path) - x * math.exp(-1)).norm()))
    assert ends[1] < ends[0] / 3


def test_a_shift_of_the_start_shifts_the_path() -> None:
    rule = kernels.symbol(kernels.random_kernel(2, 3), (8, 8))
    score = scores.fit_spectral(noise(20, 2, 8, 8).double(), SIGMA)
    x = noise(1, 2, 8, 8)
    one, other = (
        last(rollout.exponential_images(score.denoise, rule, y, SIGMA, 0.5, 5, 0.0))
        for y in (x, x.roll((3, 1), (2, 3)))
    )
    torch.testing.assert_close(one.roll((3, 1), (2, 3)), other, atol=1e-5, rtol=1e-4)


def test_bad_input_a_rollout_that_runs_away_is_stopped() -> None:
    x = noise(1, 2, 4, 4)
    with pytest.raises(rollout.Diverged, match=r"at step \d+: the largest \|x\| is .* not skew"):
        last(rollout.exponential_images(lambda y: 0 * y, -torch.eye(2), x, SIGMA, 1.0, 50, 0.0))
    with pytest.raises(rollout.Diverged, match="nan"):
        last(
            rollout.exponential_images(
                lambda y: y * math.nan, torch.zeros(2, 2), x, 1.0, 1.0, 5, 0.1
            )
        )
    with pytest.raises(InputError, match="does not mix the channels"):
        last(rollout.exponential_images(lambda y: y, torch.zeros(3, 3), x, 1.0, 1.0, 5, 0.1))
    other = kernels.symbol(kernels.random_kernel(2, 3), (16, 16))
    with pytest.raises(InputError, match=r"rule is made for another grid.*x is 8 by 8 pixels"):
        last(rollout.exponential_images(lambda y: y, other, noise(1, 2, 8, 8), 1.0, 1.0, 5, 0.1))


# ---- patterns ----


def test_patches_wrap_around_and_are_found_in_the_image() -> None:
    x = torch.arange(36.0).reshape(1, 1, 6, 6)
    some = patterns.patches(x, 3, 500)
    assert some.shape == (500, 9)
    assert len(torch.unique(some[:, 4])) == 36, "every pixel is the middle of a patch"
    row = some[some[:, 0] == 35.0][0].tolist()  # the last corner: the rest comes from other sides
    assert row == [35, 30, 31, 5, 0, 1, 11, 6, 7]


def test_a_shifted_still_is_the_same_pattern_and_a_blurred_one_is_not() -> None:
    x = noise(4, 2, 32, 32)
    x = fourier.filtered(
        torch.exp(-((8 * fourier.frequencies(32, 32)) ** 2))[..., None, None] * torch.eye(2),
        x,
    )
    floor = patterns.patch_floor(lambda i: x[[i % 4]].roll(7 * i, 3), 4)
    assert patterns.patch_distance(x[:1], x[:1].roll((5, 9), (2, 3))) < floor
    assert patterns.patch_distance(x, 2 * x) > 2 * floor
    assert patterns.spectrum_distance(x, x) == 0
    assert patterns.spectrum_distance(x, 10 * x) == pytest.approx(2.0)
    assert patterns.histogram_distance(x, x + 3) == pytest.approx(3.0, rel=1e-5)


def test_a_wave_has_its_power_at_its_wavelength() -> None:
    wave = torch.cos(2 * math.pi * 8 * torch.arange(64) / 64).expand(1, 1, 64, 64)
    k, power = patterns.spectrum(wave, 32)
    assert float(k[power[0].argmax()]) == pytest.approx(8 / 64, abs=0.01)


def test_cosines_share_one_sign() -> None:
    v = noise(3, 2, 4, 4)
    change = torch.stack([-v[0], -v[1], v[2] * 0.1])
    torch.testing.assert_close(patterns.cosines(v, change), torch.tensor([1.0, 1.0, -1.0]).double())
    with pytest.raises(InputError, match="zero on some image"):
        patterns.cosines(v, torch.zeros_like(v))


def test_pairs_of_noise_cancel_in_a_linear_field() -> None:
    x = noise(5, 2, 4, 4)
    torch.testing.assert_close(patterns.smoothed(lambda y: 3 * y, x, 2.0, 1), 3 * x)
