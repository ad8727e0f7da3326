"""What flows are measured by, all with noise floors where they are distances.

Transport (how well a flow keeps its distribution), agreement of velocity fields, chaos, symmetry,
sampling; `patterns` for images, and for creatures `tracking`, `travel`, `flocking`.
"""

from eqflow_nb.measures import flocking, patterns, tracking, travel
from eqflow_nb.measures.agreement import embed, signed_similarity, similarity, similarity_matrix
from eqflow_nb.measures.chaos import kaplan_yorke, lyapunov_spectrum, mean_speed
from eqflow_nb.measures.transport import (
    assess,
    half_turns,
    mean_distance,
    mmd,
    noise_floor,
    preservation,
    random_halves,
    sinkhorn,
    sliced_wasserstein,
)
