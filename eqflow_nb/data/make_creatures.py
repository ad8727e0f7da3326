"""Fit the pair laws of the panel on creatures, and draw the sheets that it begins with.

Each law is read from 192 sheets of 16 creatures.  What it is compared with are larger sheets, drawn
in the same way, and so are the two that the panel begins with.  It takes some ten minutes.

    python eqflow_nb/data/make_creatures.py
"""

from typing import Any

import torch
from torch import Tensor

from eqflow_nb.measures.flocking import neighbour_alignment, pair_distribution
from eqflow_nb.panels.creatures import FILE, KINDS, NEAR, NUMBERS, halves, side_of
from eqflow_nb.scores import weights
from eqflow_nb.scores.pair_law import fit_pair_law
from eqflow_nb.snapshots import poses

SHEETS, LARGER, SEED = 192, 40, 0
BINS = 24  # of g(r), a pixel each


def main() -> None:
    """Fit, draw and write."""
    torch.set_num_threads(1)
    tensors: dict[str, Tensor] = {}
    about: dict[str, Any] = {}
    few, many = NUMBERS
    size = side_of(few)
    for name in KINDS:
        kinds = halves(poses.NUMBER) if name == "two kinds" else None
        fit = fit_pair_law(poses.sample(name, SHEETS, SEED), mirror=True, kinds=kinds)
        for part in ("values", "slopes", "harmonics"):
            tensors[f"{name}/{part}"] = getattr(fit.law, part).float()
        fresh = poses.blurred(poses.sample(name, LARGER, SEED + 1, few, size), SEED)
        g = pair_distribution([*fresh[..., :2].numpy()], int(size), BINS, BINS)[1]
        tensors[f"{name}/g"] = torch.from_numpy(g).float()
        tensors[f"{name}/{few}"] = fresh[0]
        large = poses.sample(name, 1, SEED + 2, many, side_of(many))
        tensors[f"{name}/{many}"] = poses.blurred(large, SEED)[0]
        aligned = round(neighbour_alignment(fresh, NEAR, size), 3)
        about[name] = {"spacing": fit.law.spacing, "gain": round(fit.gain, 4), "aligned": aligned}
        print(name, about[name], flush=True)
    weights.write(FILE, tensors, about)


if __name__ == "__main__":
    main()
