"""Symmetries that still snapshots show: which half turns leave the cloud as it is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import as_samples, count, seeded
from eqflow_nb.measures.transport import sliced_wasserstein


@dataclass(frozen=True)
class HalfTurn:
    """A half turn x -> signs * x and how far it moves the cloud.

    Attributes
    ----------
    signs : Tensor (d,)
        Entries 1 and -1, an even number of them -1, so that it is a rotation.
    over_floor : float
        Sliced Wasserstein distance between turned and unturned snapshots, over its noise floor.
        About 1 if the law has the symmetry.
    sd : float
        Standard deviation of that ratio over pairs of subsamples.
    """

    signs: Tensor
    over_floor: float
    sd: float

    @property
    def holds(self) -> bool:
        """Whether the cloud looks the same: less than half a floor over it."""
        return self.over_floor < 1.5


def half_turns(samples: Tensor, pairs: int = 4, seed: int = 0) -> list[HalfTurn]:
    """Compare a cloud with itself after every half turn about the origin, best first.

    Reflections are left out: a law may be mirror-symmetric while its motion turns one way, but a
    half turn maps a motion onto one that turns the same way.

    Parameters
    ----------
    samples : Tensor (n, d)
        Centred; d from 2 to 6.
    pairs : int
        Pairs of disjoint subsamples that are compared.
    seed : int
    """
    pairs = count(pairs, "pairs", at_least=2)
    samples = as_samples(samples, at_least=20 * pairs, vary=True)
    generator = seeded(seed)
    order = torch.randperm(len(samples), generator=generator).to(samples.device)
    parts = samples[order].tensor_split(2 * pairs)
    couples = list(zip(parts[::2], parts[1::2], strict=True))
    floor = np.mean([sliced_wasserstein(a, b) for a, b in couples])
    found = []
    for flips in itertools.product([1.0, -1.0], repeat=samples.shape[1]):
        signs = torch.tensor(flips)
        if signs.prod() < 0 or (signs > 0).all():
            continue
        ratios = [sliced_wasserstein(a * signs.to(a), b) / floor for a, b in couples]
        found.append(HalfTurn(signs, float(np.mean(ratios)), float(np.std(ratios, ddof=1))))
    return sorted(found, key=lambda turn: turn.over_floor)
