"""Fit the pair laws of the panel on creatures, and draw the sheets that it begins with.

Each law is read from 192 sheets of 16 creatures.  What it is compared with are larger sheets, drawn
in the same way.  The largest sheet is put together of four, and moves by Metropolis et al. in the
law that was fitted mend its seams.

    python eqflow_nb/data/make_creatures.py
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from eqflow_nb.inputs import seeded
from eqflow_nb.measures.flocking import neighbour_alignment, pair_distribution
from eqflow_nb.panels.creatures import FILE, KINDS, NEAR, NUMBERS, halves, side_of
from eqflow_nb.scores import weights
from eqflow_nb.scores.pair_law import PairLaw, fit_pair_law
from eqflow_nb.snapshots import poses

SHEETS, LARGER, SEED = 192, 40, 0
BINS = 24  # of g(r), a pixel each
NEWTON, MENDING = 4, 40  # steps towards the likeliest law; sweeps


def tiled(q: Tensor, law: PairLaw, size: float) -> Tensor:
    """Four sheets (4, N, 3) as one (4 N, 3), of twice the size; kinds stay in their order."""
    corners = size * torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    start = (q + corners[:, None]).transpose(0, 1).reshape(1, -1, 3)
    wide = replace(law, size=2 * size, kinds=law.kinds and halves(start.shape[1]))
    return poses.metropolis(start, wide.log_p, MENDING, seeded(SEED), 2 * size)[0]


if __name__ == "__main__":
    torch.set_num_threads(1)
    tensors: dict[str, Tensor] = {}
    about: dict[str, Any] = {}
    few, many = NUMBERS
    size = side_of(few)
    for name in KINDS:
        kinds = halves(poses.NUMBER) if name == "two kinds" else None
        q = poses.sample(name, SHEETS, SEED)
        fit = fit_pair_law(q, mirror=True, kinds=kinds, newton=NEWTON)
        for part in ("values", "slopes", "harmonics"):
            tensors[f"{name}/{part}"] = getattr(fit.law, part).float()
        fresh = poses.blurred(poses.sample(name, LARGER, SEED + 1, few, size), SEED)
        g = pair_distribution([*fresh[..., :2].numpy()], int(size), BINS, BINS)[1]
        tensors[f"{name}/g"] = torch.from_numpy(g).float()
        tensors[f"{name}/{few}"] = fresh[0]
        quarters = poses.sample(name, 4, SEED + 2, many // 4, side_of(many // 4))
        tensors[f"{name}/{many}"] = tiled(poses.blurred(quarters), fit.law, side_of(many // 4))
        aligned = round(neighbour_alignment(fresh, NEAR, size), 3)
        about[name] = {"spacing": fit.law.spacing, "gain": round(fit.gain, 4), "aligned": aligned}
        print(name, about[name], flush=True)
    weights.write(FILE, tensors, about)
