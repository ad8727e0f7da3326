"""How well a flow keeps its law (transport), whether it is chaotic, and whether it is the truth."""

from __future__ import annotations

from eqflow_nb.measures import flocking, momentum, patterns, tracking, travel
from eqflow_nb.measures.agreement import (
    embed,
    rms,
    signed_similarity,
    similarity,
    similarity_matrix,
)
from eqflow_nb.measures.chaos import LyapunovResult, kaplan_yorke, lyapunov_spectrum, mean_speed
from eqflow_nb.measures.sampling import Sampling, assess, largest_step
from eqflow_nb.measures.symmetry import HalfTurn, half_turns
from eqflow_nb.measures.transport import (
    bounded,
    mmd,
    noise_floor,
    preservation,
    sinkhorn,
    sliced_wasserstein,
)

__all__ = [
    "HalfTurn",
    "LyapunovResult",
    "Sampling",
    "assess",
    "bounded",
    "embed",
    "flocking",
    "half_turns",
    "kaplan_yorke",
    "largest_step",
    "lyapunov_spectrum",
    "mean_speed",
    "mmd",
    "momentum",
    "noise_floor",
    "patterns",
    "preservation",
    "rms",
    "signed_similarity",
    "similarity",
    "similarity_matrix",
    "sinkhorn",
    "sliced_wasserstein",
    "tracking",
    "travel",
]
