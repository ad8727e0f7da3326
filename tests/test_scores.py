"""The score of points is the gradient of the log density, however it is written or learned."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures import covariances, mixture, normal, relative_error

from eqflow_nb.scores import (
    DenoiserScore,
    KernelDensityScore,
    MixtureScore,
    denoiser,
    fit_mixture,
    of_density,
)
from eqflow_nb.snapshots import world

seeds = st.integers(0, 10_000)
few = settings(max_examples=20, deadline=None)


def log_density_by_torch(weights, means, covariance, x):
    """The mixture's log density from torch's own Gaussian."""
    parts = torch.distributions.MultivariateNormal(means, covariance).log_prob(x[:, None])
    return torch.logsumexp(parts + (weights / weights.sum()).log(), dim=1)


@few
@given(seeds, st.integers(1, 5), st.integers(1, 4))
def test_a_mixture_has_its_density_its_gradient_and_its_hessian(seed, m, d):
    parts = mixture(m, d, seed)
    score, x = MixtureScore(*parts), normal(5, d, seed=seed + 3)
    truth = of_density(lambda y: log_density_by_torch(*parts, y))
    torch.testing.assert_close(score.log_density(x), log_density_by_torch(*parts, x))
    torch.testing.assert_close(score(x), truth(x))
    torch.testing.assert_close(score.responsibilities(x).sum(1), torch.ones(5).double())
    hessian = torch.func.vmap(torch.func.jacrev(lambda y: truth(y[None])[0]))(x)
    torch.testing.assert_close(score.jacobian(x), hessian, atol=1e-9, rtol=1e-7)


def test_single_precision_is_enough_also_where_trajectories_stray():
    w = world("lorenz")
    score = fit_mixture(w.sample(1000, 0), 0.31, components=8)
    x = torch.cat([w.sample(500, 1), 4 * w.sample(500, 2)])
    assert relative_error(score(x).double(), score(x.double())) < 1e-4


@few
@given(seeds, st.floats(0.1, 2.0))
def test_a_kernel_density_is_the_mixture_at_its_centres(seed, sigma):
    centres, x = normal(20, 3, seed=seed), normal(9, 3, seed=seed + 1)
    blur = sigma**2 * torch.eye(3, dtype=torch.float64).expand(20, 3, 3)
    expected = MixtureScore(torch.ones(20), centres, blur)
    found = KernelDensityScore(centres, sigma)
    torch.testing.assert_close(found(x), expected(x), atol=1e-9, rtol=1e-7)
    values = normal(20, 2, seed=seed + 2)
    torch.testing.assert_close(found.expect(x, values), expected.responsibilities(x) @ values)


@pytest.mark.parametrize("make", ["kernel", "network"])
def test_a_denoiser_and_its_score_are_tied_by_tweedie(make):
    sigma, x = 0.4, torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    score = KernelDensityScore(x + 1, sigma) if make == "kernel" else DenoiserScore(2, sigma)
    torch.testing.assert_close(score.denoise(x), x + sigma**2 * score(x), atol=1e-5, rtol=1e-5)


def three_gaussians(n, seed):
    """Samples of a known mixture of three well-separated Gaussians, and the mixture."""
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    means = torch.tensor([[-3.0, 0.0], [3.0, 1.0], [0.0, 4.0]], dtype=torch.float64)
    covariance = covariances(3, 2, seed=5) / 4
    rng = torch.Generator().manual_seed(seed)
    pick = torch.multinomial(weights, n, replacement=True, generator=rng)
    noise = torch.randn(n, 2, 1, generator=rng, dtype=torch.float64)
    samples = means[pick] + (torch.linalg.cholesky(covariance)[pick] @ noise)[:, :, 0]
    return samples, (weights, means, covariance)


def test_fitting_recovers_a_known_mixture_and_blurs_it_exactly():
    sigma = 0.5
    samples, (weights, means, covariance) = three_gaussians(20_000, seed=0)
    truth = MixtureScore(weights, means, covariance + sigma**2 * torch.eye(2))
    found = fit_mixture(samples, sigma, components=3)
    x = samples[:2000] + sigma * normal(2000, 2, seed=1)
    assert relative_error(found(x), truth(x)) < 0.03
    # Forgetting the blur is an error far above that bound.
    assert relative_error(MixtureScore(weights, means, covariance)(x), truth(x)) > 0.2
    gap = truth.log_density(x).mean() - found.log_density(x).mean()
    assert abs(float(gap)) < 2e-3


def test_held_out_samples_choose_few_components_for_a_gaussian_and_many_for_a_ring():
    plain = fit_mixture(normal(1500, 2), 0.15)
    ring = fit_mixture(world("ring").sample(3000, 0), 0.15)
    origin = torch.zeros(1, 2)
    assert plain.responsibilities(origin).shape[1] == 2
    assert ring.responsibilities(origin).shape[1] >= 8


@pytest.mark.parametrize("name, bound", [("two_peaks", 0.25), ("two_moons", 0.95)])
def test_a_fitted_mixture_beats_the_kernel_density_of_the_same_samples(name, bound):
    w, sigma = world(name), 0.15
    samples = w.sample(3000, 0)
    x = w.sample(1000, 1) + sigma * normal(1000, 2, seed=2).float()
    truth = of_density(lambda y: w.log_density(y, sigma))(x)
    fitted = relative_error(fit_mixture(samples, sigma)(x), truth)
    assert fitted < 0.18
    assert fitted < bound * relative_error(KernelDensityScore(samples, sigma)(x), truth)


def test_a_symmetry_given_by_signs_is_exact():
    signs = torch.tensor([-1.0, -1.0, 1.0])
    samples, x = world("lorenz").sample(1500, 0), normal(50, 3, seed=1)
    score = fit_mixture(samples, 0.31, components=8, signs=signs)
    torch.testing.assert_close(score(signs * x), signs * score(x))
    free = fit_mixture(samples, 0.31, components=8)
    assert relative_error(free(signs * x), signs * free(x)) > 1e-3


def test_fitting_is_reproducible_and_copes_with_ten_samples():
    samples, x = normal(200, 2), normal(5, 2, seed=1)
    assert torch.equal(fit_mixture(samples, 0.3)(x), fit_mixture(samples, 0.3)(x))
    for n in (10, 11, 12):
        assert torch.isfinite(fit_mixture(samples[:n], 0.3)(x)).all()


def test_a_trained_denoiser_approaches_the_exact_score_and_a_random_one_does_not():
    w, sigma = world("two_peaks"), 0.4
    truth = of_density(lambda y: w.log_density(y, sigma))
    x = w.sample(2000, 1) + sigma * normal(2000, 2, seed=2).float()
    score = DenoiserScore(2, sigma)
    losses = [loss for _, loss in denoiser.train(score, w.sample(10_000, 0), steps=500)]
    with torch.no_grad():
        assert relative_error(score(x), truth(x)) < 0.15
        assert relative_error(DenoiserScore(2, sigma)(x), truth(x)) > 0.5
    # The least loss possible is d - sigma^2 E |s|^2 (Tweedie); predicting no noise costs d.
    least = 2 - sigma**2 * float(truth(x).square().sum(1).mean())
    late = sum(losses[-100:]) / 100
    assert least - 0.1 < late < least + 0.1 < losses[0]


@pytest.mark.gpu
def test_scores_work_on_the_gpu_as_on_the_cpu():
    samples = world("ring").sample(2000, 0)
    x = samples[:300] + 0.1
    for make in (
        lambda data: fit_mixture(data, 0.15, components=24),
        lambda data: KernelDensityScore(data, 0.15),
    ):
        on_cpu = make(samples)(x)
        for data in (samples, samples.cuda()):
            found = make(data)(x.cuda())
            assert found.is_cuda
            torch.testing.assert_close(found.cpu(), on_cpu, atol=1e-2, rtol=1e-3)
    score = DenoiserScore(2, 0.15).cuda()
    losses = [loss for _, loss in denoiser.train(score, samples, steps=50)]
    assert losses[-1] < losses[0]
    assert score(x.cuda()).is_cuda


def test_a_score_of_many_states_is_that_of_each():
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(10_007, 2, generator=rng, dtype=torch.float64)
    score = fit_mixture(x[:500], 0.3, components=8)
    few = torch.randperm(len(x), generator=rng)[:50]
    torch.testing.assert_close(score(x)[few], score(x[few]))
    torch.testing.assert_close(score.responsibilities(x)[few], score.responsibilities(x[few]))
