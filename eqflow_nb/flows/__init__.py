"""Velocity fields that keep a distribution, made from its score: v with div v + v . s = 0.

Every flow is a callable from states (B, ...) to velocities of the same shape.  `skew` and `kernels`
need nothing but a score; `exact` writes down all flows that keep p in two and three dimensions;
`learned` trains networks; `spectral_kernel` knows the spectrum of images; `projection` takes the
gradient part out of any field; `poses` is for creatures.  `continuity` measures how exact they are.
"""

from eqflow_nb.flows import (
    continuity,
    exact,
    kernels,
    learned,
    networks,
    projection,
    skew,
    spectral_kernel,
)
from eqflow_nb.flows.continuity import Scaled, at_common_speed
