"""The panels of the chapters.  A cell's last line may name one, such as `toy_panel()`."""

from eqflow_nb.panels.chemistry import chemistry_panel
from eqflow_nb.panels.clouds import draw_panel, own_panel, start_panel, stream_panel, toy_panel
from eqflow_nb.panels.creatures import creatures_panel, stamps_panel
from eqflow_nb.panels.lorenz import lorenz_panel
