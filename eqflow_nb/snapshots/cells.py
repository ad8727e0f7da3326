"""Cell-cycle scores of 700 blood cells: real snapshots, each cell seen once and then destroyed.

Source, licence and checksum: eqflow_nb/data/README.md.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, as_samples, seeded

PATH = Path(__file__).parents[1] / "data" / "cell_cycle.csv"
PHASES = ("G1", "S", "G2M")  # in the order a cell passes them
AXES = ("S_score", "G2M_score")


@dataclass(frozen=True)
class Cells:
    """Cells in the plane of two scores.

    Attributes
    ----------
    points : Tensor (n, 2)
        S and G2M scores, centred and scaled to unit standard deviation, float32.
    phases : tuple of str
        The annotated phase of each, one of `PHASES`.
    types : tuple of str
        The type of each cell as annotated, such as "CD19+ B"; "" where it has no meaning.
    centre, scale : Tensor (2,)
        raw = centre + scale * points, float64.
    """

    points: Tensor
    phases: tuple[str, ...]
    types: tuple[str, ...]
    centre: Tensor
    scale: Tensor

    def raw(self) -> Tensor:
        """The scores as published (n, 2), float64."""
        return self.centre + self.scale * self.points.double()

    def shuffled(self, seed: int = 0) -> Cells:
        """A control: each score dealt out anew among the cells, and phases annotated from that.

        Each score keeps its own law; what the two have to do with one another is gone.
        """
        generator = seeded(seed)
        columns = [c[torch.randperm(len(c), generator=generator)] for c in self.raw().T]
        raw = torch.stack(columns, 1)
        points = ((raw - self.centre) / self.scale).float()
        return Cells(points, annotate(raw), ("",) * len(raw), self.centre, self.scale)


def cells() -> Cells:
    """Read the cells that come with the package."""
    with PATH.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    raw = torch.tensor([[float(row[axis]) for axis in AXES] for row in rows], dtype=torch.float64)
    centre, scale = raw.mean(0), raw.std(0)
    return Cells(
        points=((raw - centre) / scale).float(),
        phases=tuple(row["phase"] for row in rows),
        types=tuple(row["cell_type"] for row in rows),
        centre=centre,
        scale=scale,
    )


def annotate(raw: Tensor) -> tuple[str, ...]:
    """Phases from raw scores (n, 2), by the rule that made the annotation.

    G1 where both scores are negative, else the phase of the higher score (Tirosh et al., Science
    352, 189, 2016, as in scanpy and Seurat).  So the phases are three sectors that meet at (0, 0),
    and hold nothing that the two scores don't.

    Raises
    ------
    InputError
        If the scores are not finite (n, 2).
    """
    s, g2m = as_samples(raw, "raw", dim=2, at_least=1).T
    place = torch.where((s < 0) & (g2m < 0), 0, torch.where(g2m > s, 2, 1))
    return tuple(PHASES[i] for i in place.tolist())


def codes(phases: tuple[str, ...]) -> np.ndarray:
    """Phases as numbers (n,) in the order of the cycle.

    Raises
    ------
    InputError
        If one is none of `PHASES`.
    """
    unknown = sorted(set(phases) - set(PHASES))
    if unknown:
        raise InputError(f"phases has {unknown[0]!r}; each must be one of {', '.join(PHASES)}")
    return np.array([PHASES.index(phase) for phase in phases])
