"""Every flow that keeps p in the plane and in space, written down: v = A s + div A, A(x) skew."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from eqflow_nb.flows.continuity import jacobian
from eqflow_nb.inputs import Field, as_states, count, positive, seeded


class Waves:
    """A smooth random potential, sum over k of a_k cos(w_k . x + phase_k), with its gradient.

    It has one output for a stream function, 3 for a vector potential.  The waves are `terms`, with
    wavelengths of about `wavelength`, in the units of x (B, dim).
    """

    def __init__(
        self, dim: int, outputs: int = 1, terms: int = 8, wavelength: float = 6.0, seed: int = 0
    ) -> None:
        generator, shape = seeded(seed), (count(dim, "dim"), count(terms, "terms"))
        outputs, length = count(outputs, "outputs"), positive(wavelength, "wavelength")
        self.waves = torch.randn(shape, generator=generator) * 2 * math.pi / length
        self.phases = torch.rand(shape[1], generator=generator) * 2 * math.pi
        self.weights = torch.randn(shape[1], outputs, generator=generator)

    def __call__(self, x: Tensor) -> Tensor:
        """Potential (B,), or (B, outputs) if there are several, at states (B, d)."""
        value = self.with_gradient(x)[0]
        return value[:, 0] if value.shape[1] == 1 else value

    def with_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Value (B, outputs) and gradient (B, outputs, d) at states (B, d)."""
        as_states(x, len(self.waves))
        waves, weights = self.waves.to(x), self.weights.to(x)
        angle = x @ waves + self.phases.to(x)
        steep = (weights.T[:, :, None] * waves.T).permute(1, 0, 2).flatten(1)
        gradient = (-torch.sin(angle) @ steep).view(len(x), weights.shape[1], -1)
        return torch.cos(angle) @ weights, gradient


def _with_gradient(potential: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Value (B, outputs) and gradient (B, outputs, d); a potential that knows them is asked."""
    if hasattr(potential, "with_gradient"):
        return potential.with_gradient(x)

    def wide(y: Tensor) -> Tensor:
        value = potential(y)
        return value[:, None] if value.ndim == 1 else value

    return wide(x), jacobian(wide, x)


class StreamFunction:
    """All flows in the plane that keep p: v = J (grad psi + psi s), J = [[0, 1], [-1, 0]].

    p v = J grad(p psi) is a curl, so its divergence vanishes for any smooth psi, (B, 2) -> (B,).
    """

    def __init__(self, psi: Callable[[Tensor], Tensor], score: Field) -> None:
        self.psi, self.score = psi, score

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, 2) at states (B, 2)."""
        as_states(x, 2)
        value, gradient = _with_gradient(self.psi, x)
        slope = gradient[:, 0] + value * self.score(x)
        return torch.stack([slope[:, 1], -slope[:, 0]], dim=1)


class VectorPotential:
    """All flows in space that keep p: v = curl a + s x a for any a, since p v = curl(p a)."""

    def __init__(self, potential: Callable[[Tensor], Tensor], score: Field) -> None:
        self.potential, self.score = potential, score

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity (B, 3) at states (B, 3)."""
        as_states(x, 3)
        a, da = _with_gradient(self.potential, x)
        curl = torch.stack([da[:, i, j] - da[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], dim=1)
        return curl + torch.linalg.cross(self.score(x), a)
