"""Pictures of a report on points, in the plane of two coordinates or two principal directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from eqflow_nb import figures, scores
from eqflow_nb.figures import report as figures_report
from eqflow_nb.inputs import Field
from eqflow_nb.rollout import Rollout

LATTICE, ARROWS = 41, 15
RADII = "path in radii of the cloud"
SHOWN = (0.0, 2.5, 10.0)
SAMPLES = 4000  # that a mean flow in the plane is read from


@dataclass(frozen=True)
class Plane:
    """Two orthonormal directions (2, d) that pictures are drawn in, and what to call them."""

    directions: Tensor
    axes: tuple[str, str]

    def __call__(self, x: Tensor) -> Tensor:
        """Where points (n, d) lie in it, (n, 2)."""
        return x @ self.directions.T.to(x)


def plane_of(x: Tensor, names: list[str]) -> Plane:
    """The coordinates themselves, or the two principal directions of more than two."""
    if x.shape[1] <= 2:
        return Plane(torch.eye(x.shape[1]), (names[0], names[-1]))
    _, _, turned = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    return Plane(turned[:2], ("direction 1", "direction 2"))


def flat_density(score: scores.KernelDensityScore, plane: Plane) -> scores.MixtureScore:
    """The marginal law, in a plane, of a kernel density: a kernel density of the shadows."""
    shadow = plane(score.centres)
    spread = score.sigma**2 * torch.eye(2).expand(len(shadow), 2, 2)
    return scores.MixtureScore(torch.ones(len(shadow)), shadow, spread)


def mean_flow(flow: Field, start: Tensor, plane: Plane, sigma: float) -> Field:
    """The flow in the plane, E[P v | P x = y]: it keeps the marginal law if v keeps p.

    In two dimensions it is v itself; in more, a mean over points near y, with weights of width
    sigma.
    """
    if start.shape[1] == 2:
        return flow
    x = start[:SAMPLES]
    weights, v = scores.KernelDensityScore(plane(x), sigma), plane(flow(x))
    return lambda y: weights.expect(y, v)


def plane_pictures(
    score: scores.KernelDensityScore,
    flow: Field,
    runs: Mapping[str, Rollout],
    kept: Mapping[str, Mapping[float, float]],
    plane: Plane,
    train: Tensor,
    start: Tensor,
    data: dict[str, np.ndarray],
) -> dict[str, tuple[Figure, str]]:
    """Score, flow, preservation and clouds; what is drawn in them goes into `data`."""
    law, moving = flat_density(score, plane), mean_flow(flow, start, plane, score.sigma)
    extent = extent_of(plane(train))
    fine, coarse = _lattice(LATTICE, extent), _lattice(ARROWS, extent)
    likely = law.log_density(coarse) > law.log_density(plane(train)).amax() - 5
    at, arrows = coarse[likely], law(coarse[likely])
    data |= {
        "score.directions": plane.directions.numpy(),
        "score.at": at.numpy(),
        "score.score": arrows.numpy(),
        "flow.at": fine.numpy(),
        "flow.log_density": law.log_density(fine).numpy(),
        "flow.velocity": moving(fine).numpy(),
        "preservation.times": np.array(sorted(next(iter(kept.values())))),
    }
    data |= {f"preservation.{kind}": np.array(list(over.values())) for kind, over in kept.items()}
    strips = {kind: {t: plane(run.at(t)) for t in SHOWN} for kind, run in runs.items()}
    for kind, clouds in strips.items():
        data |= {f"clouds.{kind}_t{t:g}": x.numpy() for t, x in clouds.items()}
    about = "" if train.shape[1] == 2 else ", in the plane of the two principal directions"
    shown = figures_report.score_arrows(
        law.log_density, plane(train), at, arrows, plane.axes, extent
    )
    lines = figures_report.flow_lines({"": moving}, law.log_density, plane.axes, extent)
    said = "; ".join(f"{kind} {over[max(over)]:.2g}" for kind, over in kept.items())
    return {
        "score": (
            shown,
            f"Your points on their blurred density{about}; arrows point up its slopes.",
        ),
        "flow": (lines, f"Streamlines of the skew flow over the density{about}: closed currents."),
        "preservation": (
            kept_picture(kept),
            f"Distance to held-out data over its floor against time. At the end: {said}.",
        ),
        "clouds": (
            figures.rollout_strip(strips, plane.axes, extent),
            f"The cloud at the start and the end under the skew flow and the controls{about}.",
        ),
    }


def kept_picture(kept: Mapping[str, Mapping[float, float]], path: str = RADII) -> Figure:
    """Distances over their floor against time."""
    curves = {kind: (list(over), list(over.values())) for kind, over in kept.items()}
    ylabel = "distance to held-out data (floors)"
    return figures.distances(curves, floor=1.0, ylabel=ylabel, xlabel=f"time ({path})")


def extent_of(x: Tensor) -> float:
    """How far a picture of points (n, 2) should reach, so that a few far out don't rule it."""
    return float((2 * x.abs().flatten().quantile(0.9)).clamp(2.1, 3.5))


def _lattice(cells: int, extent: float) -> Tensor:
    line = torch.linspace(-extent, extent, cells)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)
