"""Feedback for the exercises: each check tries an answer on fresh inputs, and says what is off.

An answer that is right prints one sentence on what it means.  One that isn't raises `Wrong`, an
AssertionError, in words.  Inputs come from seeds that nobody knows beforehand.
"""

from eqflow_nb.course.check.images import (
    drifts,
    keeps_unit_law,
    long_run,
    makes_skew_kernel,
    moves_one,
    reads_exponent,
    spares_a_colour,
    spectral_score,
    tells_kernels,
    turning_rate,
)
from eqflow_nb.course.check.laws import (
    blurs,
    conserves,
    counts_terms,
    finds_null_vector,
    keeps_the_round_cloud,
    no_orbit,
    phase_currents,
    rate_of_mean,
    removes_noise,
    shuffles,
)
from eqflow_nb.course.check.lorenz import (
    best_constant_rule,
    compares,
    growth_rate,
    lorenz_rates,
    makes_symmetric,
    sum_of_exponents,
)
from eqflow_nb.course.check.plane import (
    crosses_faster,
    gaussian_score,
    makes_skew,
    measures_in_floors,
    one_turn,
    residual_of,
    same_place,
    stream_flow,
    turns_rigidly,
)
from eqflow_nb.course.check.words import Wrong, covariance, number, whole

__all__ = [
    "Wrong",
    "best_constant_rule",
    "blurs",
    "compares",
    "conserves",
    "counts_terms",
    "covariance",
    "crosses_faster",
    "drifts",
    "finds_null_vector",
    "gaussian_score",
    "growth_rate",
    "keeps_the_round_cloud",
    "keeps_unit_law",
    "long_run",
    "lorenz_rates",
    "makes_skew",
    "makes_skew_kernel",
    "makes_symmetric",
    "measures_in_floors",
    "moves_one",
    "no_orbit",
    "number",
    "one_turn",
    "phase_currents",
    "rate_of_mean",
    "reads_exponent",
    "removes_noise",
    "residual_of",
    "same_place",
    "shuffles",
    "spares_a_colour",
    "spectral_score",
    "stream_flow",
    "sum_of_exponents",
    "tells_kernels",
    "turning_rate",
    "turns_rigidly",
    "whole",
]
