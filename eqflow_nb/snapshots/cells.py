"""Cell-cycle scores of 700 blood cells: real snapshots, each cell seen once and then destroyed.

Source, licence and checksum: eqflow_nb/data/README.md.
"""

from pathlib import Path
from typing import NamedTuple

import pandas
import torch
from torch import Tensor

from eqflow_nb.inputs import as_samples, seeded

PATH = Path(__file__).parents[1] / "data" / "cell_cycle.csv"
PHASES = ("G1", "S", "G2M")  # in the order a cell passes them
AXES = ("S_score", "G2M_score")


class Cells(NamedTuple):
    """Cells in the plane of two scores, S and G2M.

    `points` (n, 2) are the scores centred and scaled to unit deviation, float32; `raw` (n, 2) as
    published, float64; `phases` the annotated phase of each, one of `PHASES`.
    """

    points: Tensor
    phases: tuple[str, ...]
    raw: Tensor

    def shuffled(self, seed: int = 0) -> "Cells":
        """A control: each score dealt out anew among the cells, and phases annotated from that."""
        generator = seeded(seed)
        orders = [torch.randperm(len(self.raw), generator=generator) for _ in AXES]
        points, raw = (
            torch.stack([x[orders[0], 0], x[orders[1], 1]], 1) for x in (self.points, self.raw)
        )
        return Cells(points, annotate(raw), raw)


def cells() -> Cells:
    """Read the cells that come with the package."""
    table = pandas.read_csv(PATH)
    raw = torch.from_numpy(table[list(AXES)].to_numpy())
    return Cells(((raw - raw.mean(0)) / raw.std(0)).float(), tuple(table["phase"]), raw)


def annotate(raw: Tensor) -> tuple[str, ...]:
    """Phases from raw scores (n, 2), by the rule that made the annotation."""
    # G1 where both scores are negative, else the phase of the higher score (Tirosh et al., Science
    # 352, 189, 2016, as in scanpy and Seurat).  So the phases are three sectors that meet at (0,
    # 0), and hold nothing that the two scores don't.
    s, g2m = as_samples(raw, "raw", dim=2, at_least=1).T
    place = torch.where((s < 0) & (g2m < 0), 0, torch.where(g2m > s, 2, 1))
    return tuple(PHASES[i] for i in place.tolist())
