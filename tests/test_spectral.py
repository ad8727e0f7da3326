"""Spectral scores, skew kernels, the nearest law-keeping flow: what must hold exactly."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eqflow_nb import flows, fourier, scores
from eqflow_nb.flows import kernels, projection, spectral_kernel
from eqflow_nb.fourier import filtered
from eqflow_nb.inputs import InputError
from eqflow_nb.measures import patterns

SIZE = 16


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


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


def test_a_fitted_score_tends_to_the_exact_one() -> None:
    x = gaussian_field(20, seed=9)
    truth = exact_score()(x)
    errors = [
        float((scores.fit_gaussian_field(gaussian_field(n), 0.3)(x) - truth).norm() / truth.norm())
        for n in (50, 3200)
    ]
    assert errors[1] < 0.04
    assert errors[1] < errors[0] / 4, "the error falls like one over the root of n"


def test_turning_stills_is_worth_as_many() -> None:
    # An isotropic law: turned estimates from few stills beat unturned ones.
    k = fourier.frequencies(SIZE, SIZE).double()
    a = torch.exp(-((2 * k) ** 2))[..., None, None] * torch.eye(2).double()
    stills = filtered(a, noise(12, 2, SIZE, SIZE))
    fits = [scores.fit_gaussian_field(stills, 0.1, turned).covariance for turned in (False, True)]
    errors = [float((fit - a @ a.mT).norm()) for fit in fits]
    assert errors[1] < 0.75 * errors[0]


def test_the_denoiser_of_a_gaussian_field_is_wiener() -> None:
    score, x = exact_score(), gaussian_field(4)
    kept = score.covariance @ score.precision
    mean = score.mean[:, None, None]
    torch.testing.assert_close(score.denoise(x), filtered(kept, x - mean) + mean)


@given(c=st.integers(1, 4), h=st.integers(0, 3), w=st.integers(0, 3), seed=st.integers(0, 99))
def test_fuzz_the_constructor_makes_only_skew_maps(c: int, h: int, w: int, seed: int) -> None:
    kernel = kernels.skew_kernel(noise(c, c, 2 * h + 1, 2 * w + 1, seed=seed))
    assert torch.equal(kernels.check_skew(kernel), kernel)
    symbol = kernels.symbol(kernel, (SIZE, SIZE))
    torch.testing.assert_close(symbol, -symbol.mH)
    x, y = noise(1, c, SIZE, SIZE, seed=1), noise(1, c, SIZE, SIZE, seed=2)
    move = flows.kernels.Convolution(symbol, lambda z: z)
    assert float((x * move(y) + y * move(x)).sum().abs()) < 1e-9


def test_a_kernel_convolves() -> None:
    kernel = noise(2, 2, 3, 3)
    x = noise(1, 2, SIZE, SIZE, seed=1)
    symbol = kernels.symbol(kernel, (SIZE, SIZE))
    wrapped = torch.nn.functional.pad(x, (1, 1, 1, 1), "circular")
    # conv2d correlates: the kernel is flipped to convolve.
    expected = torch.nn.functional.conv2d(wrapped, kernel.flip(2, 3))
    torch.testing.assert_close(filtered(symbol, x), expected)


def test_a_skew_flow_has_no_residual_and_a_symmetric_one_has() -> None:
    score, x = exact_score(), gaussian_field(3)
    move = kernels.convolution(kernels.skew_kernel(noise(2, 2, 3, 3)), score, (SIZE, SIZE))
    assert float((score(x) * move(x)).sum((1, 2, 3)).abs().max()) < 1e-9
    # The divergence of a linear map is its trace: that of M(k) = -K(k) P(k), summed over all k.
    jacobian = torch.autograd.functional.jacobian(lambda z: move(z[None])[0].flatten(), x[0])
    assert float(jacobian.reshape(2 * SIZE**2, -1).diagonal().sum().abs()) < 1e-8
    bad = kernels.Convolution(
        kernels.symbol(kernels.symmetric_kernel(noise(2, 2, 3, 3)), (SIZE, SIZE)), score
    )
    assert float((score(x) * bad(x)).sum((1, 2, 3)).abs().max()) > 1


def test_the_spectral_rule_turns_every_wavelength_at_one_rate() -> None:
    score = exact_score()
    rates = torch.linalg.eigvals(spectral_kernel.equal_rate_kernel(score) @ score.precision)
    assert float(rates.real.abs().max()) < 1e-12
    torch.testing.assert_close(rates.imag.abs(), rates.imag.abs()[0, 0, 0].expand(rates.shape))
    assert float(spectral_kernel.low_pass(score).max()) == pytest.approx(1)


def test_the_exact_flow_comes_back_after_a_turn_and_keeps_the_law() -> None:
    score, x = exact_score(), gaussian_field(2)
    symbol = spectral_kernel.equal_rate_kernel(score)
    rate = float(torch.linalg.eigvals(symbol @ score.precision)[0, 0, 0].imag.abs())
    states = spectral_kernel.exact_states(score, symbol, x, [0.0, 0.7, 2 * math.pi / rate])
    torch.testing.assert_close(states[0], x)
    torch.testing.assert_close(states[2], x)
    energy = [-(score(s) * (s - score.mean[:, None, None])).sum() for s in states]
    torch.testing.assert_close(energy[1], energy[0])
    assert float((states[1] - x).norm()) > 0.1


def test_the_exact_flow_with_noise_keeps_the_covariance() -> None:
    score = exact_score()
    root = torch.linalg.cholesky(score.covariance + 0.09 * torch.eye(2))
    x = filtered(root, noise(400, 2, SIZE, SIZE)) + score.mean[:, None, None]
    y = spectral_kernel.exact_states(
        score, spectral_kernel.equal_rate_kernel(score), x, [0.5], eta=1.0, seed=3
    )[0]
    before, after = (scores.fit_gaussian_field(z, 0.3).covariance for z in (x, y))
    assert float((after - before).norm() / before.norm()) < 0.12
    assert float((y - x).norm() / x.norm()) > 0.5


def test_a_fitted_rule_recovers_what_made_the_velocity() -> None:
    score, x = exact_score(), gaussian_field(3)
    k = fourier.frequencies(SIZE, SIZE).double()
    truth = (1 + (k > 0.2))[..., None, None] * spectral_kernel.equal_rate_kernel(score)
    v = kernels.Convolution(truth, score)
    fitted = kernels.Convolution(spectral_kernel.fit_radial(x[:1], v(x[:1]), score, bins=40), score)
    c = patterns.cosines(fitted(x[1:]), v(x[1:]))
    assert float(c.min()) > 0.99


# ---- the nearest flow that keeps the law ----


def test_the_gradient_of_a_potential_is_its_gradient() -> None:
    tests = projection.potentials(2, (SIZE, SIZE), degree=3, radii=(0.0, 1.5))
    weights, x = noise(len(tests.pairs)), noise(1, 2, SIZE, SIZE).requires_grad_()
    values, _ = tests._monomials(x)
    symbol = tests.symbol(weights)
    phi = (values * filtered(symbol, values)).sum() / 2
    (expected,) = torch.autograd.grad(phi, x)
    torch.testing.assert_close(tests.gradient(x.detach(), fourier.Filter(symbol)), expected)
    one_by_one = torch.einsum("m,mchw->chw", weights, tests.gradients(x.detach()[0]))
    torch.testing.assert_close(one_by_one, expected[0])


def curl_and_gradient() -> tuple:
    """Stills of a Gaussian field; a flow that keeps it; a gradient among the potentials."""
    score = exact_score(0.3)
    root = torch.linalg.cholesky(score.covariance + 0.09 * torch.eye(2))
    stills = filtered(root, noise(300, 2, SIZE, SIZE)) + score.mean[:, None, None]
    keeps = kernels.Convolution(spectral_kernel.equal_rate_kernel(score), score)
    tests = projection.potentials(2, (SIZE, SIZE), degree=2, radii=(0.0, 2.0))
    weights = noise(len(tests.pairs), seed=5) * 0.5
    gradient = fourier.Filter(tests.symbol(weights))
    return stills, keeps, tests, lambda x: tests.gradient(x, gradient)


def test_what_is_added_by_a_gradient_is_taken_out() -> None:
    stills, keeps, tests, gradient = curl_and_gradient()
    spoilt = lambda x: keeps(x) + gradient(x)  # noqa: E731
    flow = projection.project(spoilt, stills, tests, torch.ones(2).double())
    x = stills[:20]
    before, after = (float((f(x) - keeps(x)).norm() / keeps(x).norm()) for f in (spoilt, flow))
    assert before > 0.5
    assert after < 0.25 * before


def test_the_nearest_flow_is_orthogonal_to_gradients_and_no_less_true() -> None:
    stills, keeps, tests, gradient = curl_and_gradient()
    metric = torch.tensor([1.0, 0.4]).double()
    spoilt = lambda x: keeps(x) + gradient(x) / metric[:, None, None]  # noqa: E731
    flow = projection.project(spoilt, stills, tests, metric)
    v = flow(stills)
    along = torch.stack(
        [(tests.gradients(s) * w).flatten(1).sum(1) for s, w in zip(stills, v, strict=True)]
    ).mean(0)
    size = torch.stack([tests.gradients(s).flatten(1).norm(dim=1) for s in stills[:50]]).mean(0)
    speed = float(v.flatten(1).norm(dim=1).mean())
    assert float((along / size).abs().max()) < 1e-3 * speed
    weight = metric.sqrt()[:, None, None]
    better, worse = (
        float(patterns.cosines(f(stills) * weight, keeps(stills) * weight).mean())
        for f in (flow, spoilt)
    )
    assert better > worse
    assert 0 < flow.gradient_fraction < 1


def test_bad_input_kernels_and_stills() -> None:
    with pytest.raises(
        InputError, match=r"kernel is not skew: kernel\[\d,\d,0,0\] \+ .*skew_kernel"
    ):
        kernels.check_skew(torch.eye(2))
    with pytest.raises(InputError, match="both must be odd"):
        kernels.skew_kernel(torch.zeros(2, 2, 2, 3))
    with pytest.raises(InputError, match="wider than the grid"):
        kernels.symbol(noise(2, 2, 5, 5), (4, 4))
    with pytest.raises(InputError, match="snapshots has one colour all over in channel"):
        scores.fit_gaussian_field(torch.ones(4, 2, 8, 8), 0.1)
    with pytest.raises(InputError, match="must be square"):
        scores.fit_gaussian_field(noise(4, 2, 8, 16), 0.1, symmetrise=True)
    with pytest.raises(InputError, match="snapshots holds 1 image"):
        scores.fit_gaussian_field(noise(1, 2, 8, 8), 0.1)
    with pytest.raises(InputError, match="x is 8 by 8 pixels; it must be 16 by 16"):
        exact_score()(noise(1, 2, 8, 8))
    with pytest.raises(InputError, match="snapshots has 1 value"):
        broken = noise(4, 2, 8, 8)
        broken[1, 0, 2, 3] = math.nan
        scores.fit_gaussian_field(broken, 0.1)
    with pytest.raises(InputError, match="the turn J is of two"):
        spectral_kernel.equal_rate_kernel(scores.fit_gaussian_field(noise(4, 3, 8, 8), 0.1))
