"""Scores that know histograms too: a Gaussian field seen through a warp, exactly."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eqflow_nb import fourier, scores
from eqflow_nb.flows import spectral_kernel
from eqflow_nb.inputs import InputError
from eqflow_nb.scores.gaussian_copula import GaussianCopulaScore, MonotoneMap, fit_gaussian_copula

SIZE = 8


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def skewed(n: int, size: int = 32, seed: int = 0) -> torch.Tensor:
    """A smooth field of two channels whose histograms lean far to one side."""
    low = fourier.blur(size, size, 1.5)[..., None, None].double() * torch.eye(2).double()
    y = fourier.filtered(low, noise(n, 2, size, size, seed=seed))
    return torch.exp(y / y.std())


def some_score(bend: float = 1.0) -> GaussianCopulaScore:
    return fit_gaussian_copula(skewed(30, SIZE), 0.3, bend)


def in_range(score: GaussianCopulaScore, n: int = 2, seed: int = 3) -> torch.Tensor:
    return skewed(n, SIZE, seed) + 0.3 * noise(n, 2, SIZE, SIZE, seed=seed + 1)


def test_its_slopes_are_its_derivatives() -> None:
    warp, x = some_score().transform, (3 * noise(1, 2, SIZE, SIZE)).requires_grad_()
    value, slope, bend = warp.derivatives(x)
    (first,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    torch.testing.assert_close(slope, first)
    (second,) = torch.autograd.grad(slope.sum(), x)
    torch.testing.assert_close(bend, second)
    assert float(slope.detach().min()) > 0, "it rises everywhere"


def test_the_score_is_the_gradient_of_the_log_density() -> None:
    score = some_score()
    x = in_range(score).requires_grad_()
    y, slope, _ = score.transform.derivatives(x)
    away = y - score.gaussian.mean[:, None, None]
    log_density = -(away * fourier.filtered(score.gaussian.precision, away)).sum() / 2
    (expected,) = torch.autograd.grad(log_density + slope.log().sum(), x)
    torch.testing.assert_close(score(x.detach()), expected)


def test_the_warped_flow_has_no_residual_and_the_unwarped_rule_on_it_has() -> None:
    score = some_score()
    symbol = spectral_kernel.equal_rate_kernel(score.gaussian)
    flow = spectral_kernel.CopulaFlow(symbol, score)
    x = in_range(score, 1)

    def residual(field) -> float:
        jacobian = torch.autograd.functional.jacobian(lambda z: field(z[None])[0].flatten(), x[0])
        divergence = jacobian.reshape(2 * SIZE**2, -1).diagonal().sum()
        return float((divergence + (field(x) * score(x)).sum()).abs())

    speed = float(flow(x).norm() * score(x).norm())
    assert residual(flow) < 1e-9 * speed
    other = spectral_kernel.Convolution(symbol, score.gaussian)  # a rule for y, used on x
    assert residual(other) > 1e-3 * speed


def test_without_a_bend_it_is_the_spectral_score() -> None:
    stills = skewed(400, SIZE)
    x = in_range(some_score())
    plain, warped = (
        scores.fit_gaussian_field(stills, 0.3)(x),
        fit_gaussian_copula(stills, 0.3, 0.0)(x),
    )
    assert float((plain - warped).norm() / plain.norm()) < 0.1


def test_bent_it_is_nearer_to_the_score_of_a_skewed_law() -> None:
    # Independent pixels x = exp(y) of known density: the score is that of one number.
    sigma, stills = 0.3, torch.exp(0.5 * noise(3000, 1, SIZE, SIZE))
    grid, z = torch.linspace(-2, 12, 4000).double(), torch.linspace(-6, 6, 2001).double()
    kernel = torch.exp(-((grid[:, None] - torch.exp(0.5 * z)) ** 2) / (2 * sigma**2))
    density = kernel @ torch.exp(-(z**2) / 2)
    truth = torch.gradient(density.log(), spacing=(grid,))[0]
    x = stills[:50] + sigma * noise(50, 1, SIZE, SIZE, seed=9)
    expected = truth[torch.bucketize(x, grid).clamp(0, 3999)]
    errors = [
        float((fit_gaussian_copula(stills, sigma, bend)(x) - expected).norm() / expected.norm())
        for bend in (0.0, 1.0)
    ]
    assert errors[1] < 0.3 * errors[0]


@given(seed=st.integers(0, 99), bend=st.floats(0, 1))
def test_fuzz_warps_rise(seed: int, bend: float) -> None:
    warp = fit_gaussian_copula(skewed(4, SIZE, seed), 0.2, bend).transform
    line = torch.linspace(-20, 20, 500).double().expand(1, 2, 1, 500)
    assert float(warp(line).diff(dim=-1).min()) > 0


def test_bad_input_warps() -> None:
    with pytest.raises(InputError, match="copula_fraction is 2; it must lie between 0 and 1"):
        fit_gaussian_copula(skewed(4, SIZE), 0.3, 2.0)
    with pytest.raises(InputError, match="must be square"):
        fit_gaussian_copula(skewed(4, SIZE)[..., :4], 0.3, symmetrise=True)
    with pytest.raises(InputError, match="x is 4 by 4 pixels"):
        some_score()(noise(1, 2, 4, 4))
    assert isinstance(some_score().transform, MonotoneMap)
