"""Figures in one style; they draw what they are given and measure nothing.

A function whose name begins with `draw` fills one pair of axes (`grid` makes them); panels use the
same ones.  The others return a matplotlib Figure, which `show(figure, alt)` displays together with
its description in words; `film` does the same for many.
"""

from eqflow_nb.figures.axes import (
    PATTERN,
    VELOCITY,
    cube,
    draw_cloud,
    draw_density,
    draw_image,
    draw_streamlines,
    draw_trajectory,
    square,
)
from eqflow_nb.figures.equations import draw_elimination, gallery, recovery_rates, verdicts
from eqflow_nb.figures.images import frames, images
from eqflow_nb.figures.measures import FLOOR, curves, draw_curves, grouped_bars, scatter
from eqflow_nb.figures.points import clouds, flow_on_density, points_film
from eqflow_nb.figures.poses import draw_poses, neighbourhoods, poses_film
from eqflow_nb.figures.style import PALETTE, colour, film, grid, png, show, style
