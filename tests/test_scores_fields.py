"""Gaussian fields and copulas of images, filters, and the skew flows that know their spectrum."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mixtures import normal as noise

from eqflow_nb import fourier, scores
from eqflow_nb.flows import kernels, projection, spectral_kernel
from eqflow_nb.fourier import filtered
from eqflow_nb.scores import fit_gaussian_copula, fit_gaussian_field

SIZE, SMALL = 16, 8


def mixing(size: int = SIZE) -> torch.Tensor:
    """A smooth filter (H, W//2+1, 2, 2) that makes white noise a field with a known spectrum."""
    k = fourier.frequencies(size, size).double()
    low, mid = torch.exp(-((6 * k) ** 2)), torch.exp(-((8 * (k - 0.15)) ** 2))
    rows = [torch.stack([low, 0.4 * mid], -1), torch.stack([0.3 * low, mid], -1)]
    return torch.stack(rows, -2)


def gaussian_field(n: int, seed: int = 0) -> torch.Tensor:
    mean = torch.tensor([0.3, -0.2]).double()[:, None, None]
    return filtered(mixing(), noise(n, 2, SIZE, SIZE, seed=seed)) + mean


def exact_score(sigma: float = 0.3) -> scores.GaussianFieldScore:
    a = mixing()
    return scores.GaussianFieldScore(torch.tensor([0.3, -0.2]).double(), a @ a.mT, sigma)


def blurred_field(n: int) -> torch.Tensor:
    score = exact_score()
    root = torch.linalg.cholesky(score.covariance + 0.09 * torch.eye(2))
    return filtered(root, noise(n, 2, SIZE, SIZE)) + score.mean[:, None, None]


# ---- Gaussian fields ----


def test_a_fitted_score_tends_to_the_exact_one():
    x = gaussian_field(20, seed=9)
    truth = exact_score()(x)
    errors = [
        float((fit_gaussian_field(gaussian_field(n), 0.3)(x) - truth).norm() / truth.norm())
        for n in (50, 3200)
    ]
    assert errors[1] < 0.04
    assert errors[1] < errors[0] / 4, "the error falls like one over the root of n"


def test_symmetrising_snapshots_is_worth_as_many():
    k = fourier.frequencies(SIZE, SIZE).double()
    a = torch.exp(-((2 * k) ** 2))[..., None, None] * torch.eye(2).double()
    x = filtered(a, noise(12, 2, SIZE, SIZE))  # isotropic
    fits = [fit_gaussian_field(x, 0.1, symmetrise).covariance for symmetrise in (False, True)]
    errors = [float((fit - a @ a.mT).norm()) for fit in fits]
    assert errors[1] < 0.75 * errors[0]


def test_the_denoiser_of_a_gaussian_field_is_wiener_also_at_odd_widths():
    for score, x in (
        (exact_score(), gaussian_field(4)),
        (fit_gaussian_field(noise(9, 2, 8, 7), 0.3), noise(3, 2, 8, 7, seed=1)),
    ):
        kept = score.covariance @ score.precision
        mean = score.mean[:, None, None]
        torch.testing.assert_close(score.denoise(x), filtered(kept, x - mean) + mean)


# ---- Gaussian copulas ----


def skewed(n: int, seed: int = 0) -> torch.Tensor:
    """A smooth field of two channels whose histograms lean far to one side."""
    low = fourier.blur(SMALL, SMALL, 1.5)[..., None, None].double() * torch.eye(2).double()
    y = filtered(low, noise(n, 2, SMALL, SMALL, seed=seed))
    return torch.exp(y / y.std())


def some_copula() -> scores.GaussianCopulaScore:
    return fit_gaussian_copula(skewed(30), 0.3)


def in_range(n: int = 2) -> torch.Tensor:
    return skewed(n, 3) + 0.3 * noise(n, 2, SMALL, SMALL, seed=4)


def test_the_derivatives_of_a_monotone_map_are_its_derivatives():
    g, x = some_copula().transform, (3 * noise(1, 2, SMALL, SMALL)).requires_grad_()
    value, slope, curvature = g.derivatives(x)
    (first,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    torch.testing.assert_close(slope, first)
    (second,) = torch.autograd.grad(slope.sum(), x)
    torch.testing.assert_close(curvature, second)
    assert float(slope.detach().min()) > 0, "it rises everywhere"


def test_the_score_of_a_copula_is_the_gradient_of_its_log_density():
    score, x = some_copula(), in_range().requires_grad_()
    y, slope, _ = score.transform.derivatives(x)
    away = y - score.gaussian.mean[:, None, None]
    log_density = -(away * filtered(score.gaussian.precision, away)).sum() / 2
    (expected,) = torch.autograd.grad(log_density + slope.log().sum(), x)
    torch.testing.assert_close(score(x.detach()), expected)


def test_a_copula_is_nearer_to_the_score_of_a_skewed_distribution():
    # Independent pixels x = exp(y) of known density: the score is that of one number.
    sigma, snapshots = 0.3, torch.exp(0.5 * noise(3000, 1, SMALL, SMALL))
    grid, z = torch.linspace(-2, 12, 4000).double(), torch.linspace(-6, 6, 2001).double()
    kernel = torch.exp(-((grid[:, None] - torch.exp(0.5 * z)) ** 2) / (2 * sigma**2))
    density = kernel @ torch.exp(-(z**2) / 2)
    truth = torch.gradient(density.log(), spacing=(grid,))[0]
    x = snapshots[:50] + sigma * noise(50, 1, SMALL, SMALL, seed=9)
    expected = truth[torch.bucketize(x, grid).clamp(0, 3999)]
    fits = [fit_gaussian_copula(snapshots, sigma, fraction)(x) for fraction in (0.0, 1.0)]
    errors = [float((found - expected).norm() / expected.norm()) for found in fits]
    assert errors[1] < 0.3 * errors[0]


# ---- skew kernels ----


@given(c=st.integers(1, 4), h=st.integers(0, 3), w=st.integers(0, 3), seed=st.integers(0, 99))
def test_fuzz_the_constructor_makes_only_skew_maps(c, h, w, seed):
    kernel = kernels.skew_kernel(noise(c, c, 2 * h + 1, 2 * w + 1, seed=seed))
    symbol = kernels.symbol(kernel, (SIZE, SIZE))
    torch.testing.assert_close(symbol, -symbol.mH)
    x, y = noise(1, c, SIZE, SIZE, seed=1), noise(1, c, SIZE, SIZE, seed=2)
    move = kernels.convolution(symbol, lambda z: z)
    assert float((x * move(y) + y * move(x)).sum().abs()) < 1e-9


def test_a_kernel_convolves():
    kernel, x = noise(2, 2, 3, 3), noise(1, 2, SIZE, SIZE, seed=1)
    symbol = kernels.symbol(kernel, (SIZE, SIZE))
    wrapped = torch.nn.functional.pad(x, (1, 1, 1, 1), "circular")
    # conv2d correlates: the kernel is flipped to convolve.
    expected = torch.nn.functional.conv2d(wrapped, kernel.flip(2, 3))
    torch.testing.assert_close(filtered(symbol, x), expected)


def divergence(field, x: torch.Tensor) -> torch.Tensor:
    jacobian = torch.autograd.functional.jacobian(lambda z: field(z[None])[0].flatten(), x[0])
    return jacobian.reshape(x[0].numel(), -1).diagonal().sum()


def test_a_skew_flow_has_no_residual_and_a_symmetric_one_has():
    score, x = exact_score(), gaussian_field(3)
    kernel = kernels.skew_kernel(noise(2, 2, 3, 3))
    move = kernels.convolution(kernels.symbol(kernel, (SIZE, SIZE)), score)
    assert float((score(x) * move(x)).sum((1, 2, 3)).abs().max()) < 1e-9
    # The divergence of a linear map is its trace: that of M(k) = -K(k) P(k), summed over all k.
    assert float(divergence(move, x).abs()) < 1e-8
    symmetric = kernels.random_kernel(2, 3, kind="symmetric").double()
    bad = kernels.convolution(kernels.symbol(symmetric, (SIZE, SIZE)), score)
    assert float((score(x) * bad(x)).sum((1, 2, 3)).abs().max()) > 1


def test_the_flow_of_a_copula_has_no_residual_and_the_plain_rule_on_it_has():
    score, x = some_copula(), in_range(1)
    symbol = spectral_kernel.equal_rate_kernel(score.gaussian)
    flow = spectral_kernel.flow(score, symbol)
    other = kernels.convolution(symbol, score.gaussian)  # a rule for y, used on x
    speed = float(flow(x).norm() * score(x).norm())
    residuals = [float((divergence(f, x) + (f(x) * score(x)).sum()).abs()) for f in (flow, other)]
    assert residuals[0] < 1e-9 * speed
    assert residuals[1] > 1e-3 * speed


# ---- spectral kernels ----


def test_the_spectral_rule_turns_every_wavelength_at_one_rate():
    score = exact_score()
    rates = torch.linalg.eigvals(spectral_kernel.equal_rate_kernel(score) @ score.precision)
    assert float(rates.real.abs().max()) < 1e-12
    torch.testing.assert_close(rates.imag.abs(), rates.imag.abs()[0, 0, 0].expand(rates.shape))
    assert float(spectral_kernel.low_pass(score).max()) == pytest.approx(1)


def test_the_exact_flow_comes_back_after_a_turn_and_keeps_the_density():
    score, x = exact_score(), gaussian_field(2)
    symbol = spectral_kernel.equal_rate_kernel(score)
    rate = float(torch.linalg.eigvals(symbol @ score.precision)[0, 0, 0].imag.abs())
    times = (0.0, 0.7, 2 * math.pi / rate)
    states = [spectral_kernel.exact_state(score, symbol, x, t) for t in times]
    torch.testing.assert_close(states[0], x)
    torch.testing.assert_close(states[2], x)
    energy = [-(score(s) * (s - score.mean[:, None, None])).sum() for s in states]
    torch.testing.assert_close(energy[1], energy[0])
    assert float((states[1] - x).norm()) > 0.1


def test_the_exact_flow_with_noise_keeps_the_covariance():
    score, x = exact_score(), blurred_field(400)
    symbol = spectral_kernel.equal_rate_kernel(score)
    y = spectral_kernel.exact_state(score, symbol, x, 0.5, eta=1.0, seed=3)
    before, after = (fit_gaussian_field(z, 0.3).covariance for z in (x, y))
    assert float((after - before).norm() / before.norm()) < 0.12
    assert float((y - x).norm() / x.norm()) > 0.5


# ---- the projection on flows that keep the distribution ----


def test_the_gradient_of_a_potential_is_its_gradient():
    tests = projection.potentials(2, (SIZE, SIZE), degree=3, radii=(0.0, 1.5))
    weights, x = noise(len(tests.pairs)), noise(1, 2, SIZE, SIZE).requires_grad_()
    mix, (values, _) = fourier.Filter(tests.symbol(weights)), tests._monomials(x)
    (expected,) = torch.autograd.grad((values * mix(values)).sum() / 2, x)
    torch.testing.assert_close(tests.gradient(x.detach(), mix), expected)


def test_what_is_added_by_a_gradient_is_taken_out():
    """The projection is orthogonal to gradients, and no less true than what it began with."""
    score, x, metric = exact_score(), blurred_field(300), torch.tensor([1.0, 0.4]).double()
    keeps = kernels.convolution(spectral_kernel.equal_rate_kernel(score), score)
    tests = projection.potentials(2, (SIZE, SIZE), degree=2, radii=(0.0, 2.0))
    mix = fourier.Filter(tests.symbol(noise(len(tests.pairs), seed=5) * 0.5))
    spoilt = lambda y: keeps(y) + tests.gradient(y, mix) / metric[:, None, None]  # noqa: E731
    flow = projection.project(spoilt, x, tests, metric)
    v, truth = flow(x), keeps(x)
    before, after = (float((w - truth).norm() / truth.norm()) for w in (spoilt(x), v))
    assert before > 0.5
    assert after < 0.25 * before
    table = [tests.gradients(one) for one in x]
    along = sum((t * w).flatten(1).sum(1) for t, w in zip(table, v, strict=True)) / len(x)
    size = sum(t.flatten(1).norm(dim=1) for t in table) / len(x)
    assert float((along / size).abs().max()) < 1e-3 * float(v.flatten(1).norm(dim=1).mean())
    assert 0 < flow.gradient_fraction < 1
