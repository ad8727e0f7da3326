"""Random Gaussian mixtures and errors, for the tests of scores, flows and rollouts."""

import torch

from eqflow_nb.scores import MixtureScore


def normal(*shape, seed=0):
    """Standard normal numbers, float64."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=rng, dtype=torch.float64)


def noise(*shape, seed=0):
    """Standard normal numbers, float32."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def covariances(m, d, seed=0):
    """Random covariances (m, d, d), none of them thin."""
    factor = normal(m, d, d, seed=seed)
    return factor @ factor.mT + 0.3 * torch.eye(d, dtype=torch.float64)


def mixture(m=3, d=3, seed=0):
    """Weights, means and covariances of a random Gaussian mixture."""
    return normal(m, seed=seed).exp(), normal(m, d, seed=seed + 1), covariances(m, d, seed + 2)


def lopsided(d, seed=0):
    """Score of a random Gaussian mixture, float64, without any symmetry."""
    return MixtureScore(*mixture(3, d, seed))


def rms(v):
    """Root mean square speed of velocities (B, ...)."""
    return float(v.detach().square().sum().div(len(v)).sqrt())


def relative_error(found, truth):
    """Root mean square error over the root mean square of the truth."""
    return float((found - truth).norm().detach() / truth.norm().detach())


class Mixed:
    """The stream function (1 - share) + share * psi: constant skew at 0, psi alone at 1."""

    def __init__(self, psi, share):
        self.psi, self.share = psi, share

    def with_gradient(self, x):
        """Value (B, 1) and gradient (B, 1, 2) at states (B, 2)."""
        value, slope = self.psi.with_gradient(x)
        return 1 - self.share + self.share * value, self.share * slope

    def __call__(self, x):
        """Value (B,) at states (B, 2)."""
        return self.with_gradient(x)[0][:, 0]
