"""Equations found from unordered snapshots, by stationarity: no score, no velocities, no order.

A distribution that keeps its shape puts a linear condition on dx/dt = v(x) for every test function.
`identify` solves them for points, `identify_fields` for periodic images.  Both give `Equations`
with standard errors and a verdict, since a distribution need not determine its equations.
Everything is NumPy and SciPy; tensors are converted where they come in.
"""

from eqflow_nb.equations.images import identify_fields
from eqflow_nb.equations.points import identify, moments_of, names_for
from eqflow_nb.equations.result import Equations, FoundTerm, with_arrow
from eqflow_nb.equations.terms import Term
