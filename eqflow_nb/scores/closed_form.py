"""Scores in closed form: Gaussians, their mixtures, kernel densities, any smooth density."""

import math

import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from eqflow_nb.inputs import (
    Field,
    InputError,
    as_numbers,
    as_samples,
    as_signs,
    as_states,
    count,
    positive,
    seeded,
)
from eqflow_nb.snapshots.base import blur

# States, or numbers, in hand at once: what a processor's cache holds.  More are slower.
ROWS, CHUNK = 4096, 1_000_000
LEAST = 1e-8  # a noise level, in units of the largest coordinate: the root of double precision
COMPONENTS, EM_ROUNDS, STARTS = (2, 8, 24, 64), 30, 16
CHOOSING = 20000  # the samples, at most, on which the number of components is chosen
LEAST_VARIANCE = 1e-5  # keeps a component on few samples from collapsing; far below any sigma


class MixtureScore:
    """Score of a Gaussian mixture, s(x) = sum_k r_k(x) P_k (mu_k - x), r_k the responsibilities.

    With P_k the inverse covariances, log N_k is a quadratic polynomial of x, so one matrix product
    of (1, x, x x^T) with a table gives all M exponents, and a second one the score.  Weights (M,)
    are positive, and normalised to sum 1; means are (M, d), covariances (M, d, d).
    """

    def __init__(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        means = as_samples(means, "means", at_least=1).double()
        m, d = means.shape
        weights = as_numbers(weights, "weights")
        covariances = as_numbers(covariances, "covariances")
        if covariances.shape != (m, d, d) or weights.shape != (m,):
            found = f"weights {tuple(weights.shape)} and covariances {tuple(covariances.shape)}"
            raise InputError(f"{found} do not fit means {(m, d)}; give ({m},) and ({m}, {d}, {d})")
        weights, covariances = weights.to(means), covariances.to(means)
        if not (weights > 0).all() or not torch.isfinite(weights).all():
            raise InputError(f"weights are {weights.tolist()}; each must be finite and > 0")
        factor, failed = torch.linalg.cholesky_ex(covariances)
        size, excess = (c.abs().amax((1, 2)) for c in (covariances, covariances - covariances.mT))
        bad = (failed != 0) | ~torch.isfinite(size) | (excess > 1e-5 * size)
        if bad.any():
            k = int(bad.nonzero()[0])
            found = f"covariances[{k}] is {covariances[k].tolist()}"
            raise InputError(f"{found}; every one must be symmetric and positive definite")
        self.dim, self.means, self.covariances = d, means, covariances
        self.weights = weights = weights / weights.sum()
        precision = torch.cholesky_inverse(factor)
        pull = torch.einsum("kij,kj->ki", precision, means)
        half_log_det = factor.diagonal(dim1=1, dim2=2).log().sum(1)
        constant = weights.log() - half_log_det - 0.5 * (means * pull).sum(1)
        constant = constant - 0.5 * d * math.log(2 * math.pi)
        flat = precision.reshape(m, d * d)
        exponents = torch.cat([constant[:, None], pull, -0.5 * flat], 1).T.contiguous()
        self._tables = (exponents, torch.cat([pull, flat], 1))

    def __call__(self, x: Tensor) -> Tensor:
        """Score (B, d) at states (B, d)."""
        return _in_parts(self._score, as_states(x, self.dim))

    def _score(self, x: Tensor) -> Tensor:
        mean_pull = self._posterior(x) @ self._tables_for(x)[1]
        precision = mean_pull[:, self.dim :].view(-1, self.dim, self.dim)
        return mean_pull[:, : self.dim] - (precision @ x[:, :, None])[:, :, 0]

    def blurred(self, sigma: float) -> "MixtureScore":
        """Score of the same mixture with more noise, N(0, sigma^2 I), added to its samples."""
        return _blurred(self.weights, self.means, self.covariances, positive(sigma, "sigma"))

    def responsibilities(self, x: Tensor) -> Tensor:
        """Posterior probabilities (B, M) that states (B, d) came from each component."""
        return _in_parts(self._posterior, as_states(x, self.dim))

    def _posterior(self, x: Tensor) -> Tensor:
        return torch.softmax(_polynomials(x) @ self._tables_for(x)[0], dim=1)

    def log_density(self, x: Tensor) -> Tensor:
        """Log p (B,) at states (B, d)."""
        exponents = _polynomials(as_states(x, self.dim)) @ self._tables_for(x)[0]
        return torch.logsumexp(exponents, dim=1)

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, d, d) of the score: E[g g^T - P] - s s^T, g_k = P_k (mu_k - x)."""
        d, share = self.dim, self.responsibilities(x)
        pulls = self._tables_for(x)[1]
        precision = pulls[:, d:].view(-1, d, d)
        g = pulls[:, :d] - torch.einsum("kij,bj->bki", precision, x)
        s = torch.einsum("bk,bki->bi", share, g)
        spread = (g * share[:, :, None]).transpose(1, 2) @ g
        return spread - (share @ pulls[:, d:]).view(-1, d, d) - s[:, :, None] * s[:, None, :]

    def _tables_for(self, x: Tensor) -> list[Tensor]:
        return [table.to(x) for table in self._tables]


def gaussian(mean: Tensor, covariance: Tensor) -> MixtureScore:
    """Score of a Gaussian with mean (d,) and covariance (d, d), s(x) = C^-1 (mean - x)."""
    mean = as_numbers(mean, "mean")
    return MixtureScore(mean.new_ones(1), mean[None], as_numbers(covariance, "covariance")[None])


def of_density(log_density: Field) -> Field:
    """Score of a differentiable log density (B, d) -> (B,), row by row, up to a constant."""
    return torch.func.grad(lambda x: log_density(x).sum())


class KernelDensityScore:
    """Score of samples (n, d) blurred by sigma, s(x) = (E[x_0 | x] - x) / sigma^2 (Tweedie)."""

    def __init__(self, samples: Tensor, sigma: float) -> None:
        self.sigma = positive(sigma, "sigma")
        self.centres = as_samples(samples, at_least=1)
        least = LEAST * float(self.centres.abs().max())
        if self.sigma < least:
            found = f"sigma is {self.sigma:.3g}, lost in rounding for samples of this size"
            raise InputError(f"{found}; it must be at least {least:.3g}")

    def expect(self, x: Tensor, values: Tensor) -> Tensor:
        """Posterior mean (B, k) of values (n, k) that belong to the samples, E[value | x]."""
        if len(values) != len(self.centres):
            n = len(self.centres)
            raise InputError(f"values has {len(values)} rows; give one for each of {n} samples")
        as_states(x, self.centres.shape[1])
        centres, values = self.centres.to(x), values.to(x)
        half_norm = 0.5 * (centres * centres).sum(1)
        parts = x.split(max(1, CHUNK // len(centres)))
        weights = (torch.softmax((y @ centres.T - half_norm) / self.sigma**2, 1) for y in parts)
        return torch.cat([share @ values for share in weights])

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = E[x_0 | x], (B, d)."""
        return self.expect(x, self.centres)

    def __call__(self, x: Tensor) -> Tensor:
        """Score (B, d) at states (B, d)."""
        return (self.denoise(x) - x) / self.sigma**2


def fit_mixture(
    samples: Tensor,
    sigma: float,
    components: int | None = None,
    seed: int = 0,
    signs: Tensor | None = None,
) -> MixtureScore:
    """Fit a Gaussian mixture to snapshots, then blur it exactly: C_k + sigma^2 I.

    Expectation maximisation sees the clean samples; the blur is added in closed form, so no noise
    is drawn.  Samples are points (n, d), and sigma is in their units.

    There are at most n / 5 components; by default the smallest of 2, 8, 24 and 64 whose likelihood
    on blurred, held-out samples is within one standard error of the best.  A symmetry of the
    distribution, x -> signs * x with signs (d,), is imposed if given, by twice as many components.
    """
    sigma = positive(sigma, "sigma")
    components = None if components is None else count(components, "components")
    x = as_samples(samples, at_least=5 * (components or 2), vary=True).detach().double()
    if signs is not None:
        signs = as_signs(signs, x.shape[1]).to(x)
    components = components or _choose_components(x, sigma, seed)
    weights, means, covariances = _maximise(x, components, seed)
    if signs is not None:
        flip = torch.diag(signs)
        weights, means = torch.cat([weights, weights]), torch.cat([means, means @ flip])
        covariances = torch.cat([covariances, flip @ covariances @ flip])
    return _blurred(weights, means, covariances, sigma)


def _choose_components(x: Tensor, sigma: float, seed: int) -> int:
    """Smallest size within one standard error of the best on held-out, blurred samples."""
    generator = seeded(seed)
    x = x[torch.randperm(len(x), generator=generator).to(x.device)][:CHOOSING]
    held_out, rest = blur(x[: len(x) // 4], sigma, generator), x[len(x) // 4 :]
    sizes = [m for m in COMPONENTS if 5 * m <= len(rest)] or [1]
    logs = [_blurred(*_maximise(rest, m, seed), sigma).log_density(held_out) for m in sizes]
    best = max(logs, key=lambda log: float(log.mean()))
    for m, log in zip(sizes, logs, strict=True):
        behind = best - log
        if float(behind.mean()) <= float(behind.std()) / len(behind) ** 0.5:
            return m
    return sizes[-1]


def _blurred(weights: Tensor, means: Tensor, covariances: Tensor, sigma: float) -> MixtureScore:
    eye = torch.eye(means.shape[1]).to(means)
    return MixtureScore(weights, means, covariances + sigma**2 * eye)


def _maximise(x: Tensor, components: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Expectation maximisation from a k-means start: weights, means and covariances, float64."""
    # Dempster, Laird & Rubin, J. R. Stat. Soc. B 39, 1 (1977).
    few = x[:: max(1, len(x) // (100 * components))]
    starts = []
    for start in range(max(1, STARTS // components)):
        labels = kmeans2(few.cpu().numpy(), components, minit="++", seed=seed + start)[1]
        share = torch.nn.functional.one_hot(torch.from_numpy(labels).long(), components).to(x)
        starts.append(_rounds(few, share))
    # Few components easily end in a poor split, and cost little: the best start is kept.
    best = max(starts, key=lambda fit: float(MixtureScore(*fit).log_density(few).mean()))
    return _rounds(x, MixtureScore(*best).responsibilities(x))


def _rounds(x: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rounds of expectation maximisation on x (n, d), from responsibilities (n, M)."""
    d, features = x.shape[1], _polynomials(x)
    least = LEAST_VARIANCE * torch.eye(d).to(x)
    for _ in range(EM_ROUNDS):
        sums = share.T @ features
        sums = sums[sums[:, 0] > 1e-3]
        means = sums[:, 1 : d + 1] / sums[:, :1]
        second = (sums[:, d + 1 :] / sums[:, :1]).view(-1, d, d)
        covariances = second - means[:, :, None] * means[:, None, :] + least
        share = MixtureScore(sums[:, 0], means, covariances).responsibilities(x)
    return sums[:, 0] / len(x), means, covariances


def _polynomials(x: Tensor) -> Tensor:
    """(1, x, x x^T), (B, 1 + d + d^2), of states (B, d)."""
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
    return torch.cat([torch.ones_like(x[:, :1]), x, products], 1)


def _in_parts(f: Field, x: Tensor) -> Tensor:
    """A function's values (B, ...) at states (B, d), a part of them at a time."""
    if len(x) <= ROWS or x.is_cuda:
        return f(x)
    return torch.cat([f(part) for part in x.split(ROWS)])
