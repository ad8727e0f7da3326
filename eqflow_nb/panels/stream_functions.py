"""The stream functions of the panels, with their gradients."""

from typing import Any

import torch
from torch import Tensor

from eqflow_nb.flows import exact


class Quadratic:
    """The stream function c + b . x + x . A x / 2, with the gradient b + A x; A has rows."""

    def __init__(self, c: float = 0.0, b: Any = (0.0, 0.0), a: Any = ((0.0, 0.0),) * 2) -> None:
        self.c, self.b, self.a = c, torch.tensor(b), torch.tensor(a)

    def with_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Value (B, 1) and gradient (B, 1, 2) at states (B, 2)."""
        b, slope = self.b.to(x), x @ self.a.to(x)
        value = self.c + ((b + slope / 2) * x).sum(1, keepdim=True)
        return value, (b + slope)[:, None]


PSI: dict[str, Any] = {
    "constant": Quadratic(c=1.0),
    "x": Quadratic(b=(1.0, 0.0)),
    "y": Quadratic(b=(0.0, 1.0)),
    "x y": Quadratic(a=((0.0, 1.0), (1.0, 0.0))),
    "saddle": Quadratic(a=((2.0, 0.0), (0.0, -2.0))),
    **{f"waves {seed}": exact.Waves(2, seed=seed) for seed in (1, 2, 3)},
}
