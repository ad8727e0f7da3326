"""The score of blurred samples, exactly: that of a kernel density."""

from __future__ import annotations

import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, as_samples, as_states, positive

# Numbers in hand at once: what a processor's cache holds.  Larger blocks take three times as long.
CHUNK = 1_000_000
LEAST = 1e-8  # a noise level, in units of the largest coordinate: the root of double precision


class KernelDensityScore:
    """Score of samples (n, d) blurred by sigma, s(x) = (E[x_0 | x] - x) / sigma^2 (Tweedie)."""

    def __init__(self, samples: Tensor, sigma: float) -> None:
        self.sigma = positive(sigma, "sigma")
        self.centres = as_samples(samples, at_least=1)
        least = LEAST * float(self.centres.abs().max())
        if self.sigma < least:
            raise InputError(
                f"sigma is {self.sigma:.3g}; for samples of this size it must be at least "
                f"{least:.3g}: squared distances are rounded to no less"
            )

    def expect(self, x: Tensor, values: Tensor) -> Tensor:
        """Posterior mean (B, k) of values (n, k) that belong to the samples, E[value | x]."""
        if len(values) != len(self.centres):
            raise InputError(
                f"values has {len(values)} rows; give one for each of {len(self.centres)} samples"
            )
        as_states(x, self.centres.shape[1])
        centres, values = self.centres.to(x), values.to(x)
        half_norm = 0.5 * (centres * centres).sum(1)
        parts = [
            torch.softmax((part @ centres.T - half_norm) / self.sigma**2, dim=1) @ values
            for part in x.split(max(1, CHUNK // len(centres)))
        ]
        return torch.cat(parts)

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = E[x_0 | x], (B, d)."""
        return self.expect(x, self.centres)

    def __call__(self, x: Tensor) -> Tensor:
        """Score (B, d) at states (B, d)."""
        return (self.denoise(x) - x) / self.sigma**2
