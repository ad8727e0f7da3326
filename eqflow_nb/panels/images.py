"""The panel on creatures: a canvas that lives by the K of your choice."""

from collections.abc import Callable
from functools import lru_cache

import torch
from matplotlib.axes import Axes
from torch import Tensor

from eqflow_nb import figures, rollout, scores, snapshots
from eqflow_nb.course import creatures as alife
from eqflow_nb.flows import skew
from eqflow_nb.panels.base import Panel, dropdown, slider
from eqflow_nb.rollout import Path
from eqflow_nb.snapshots import icons

LONGEST = 400


class Particles:
    """States of an integrator's path, followed as far as anybody has asked for.

    `frame` is the time between states kept, and takes `every` steps; `keep` gives what is kept.
    """

    def __init__(
        self, path: Path, frame: float, every: int, keep: Callable[[Tensor], Tensor] = lambda x: x
    ) -> None:
        self.path, self.frame, self.every, self.keep = path, frame, every, keep
        self.states = [keep(next(path)[1])]

    @torch.no_grad()
    def until(self, time: float) -> Tensor:
        """The states (T, n, d) up to a time."""
        wanted = round(time / self.frame) + 1
        while len(self.states) < wanted:
            for _ in range(self.every):
                x = next(self.path)[1]
            self.states.append(self.keep(x))
        return torch.stack(self.states[:wanted])


@lru_cache(maxsize=8)
def _denoiser(icon: str) -> scores.images.ImageScore:
    score = scores.load(icon, 0.5)
    # A step of one canvas takes half the time.
    score.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return score


@lru_cache(maxsize=32)
@torch.no_grad()
def _life(icon: str, entries: tuple[float, ...], eta: float, sigma: float) -> Particles:
    """A life followed no further than is asked for; a frame and the step after it share D(x)."""
    world, score = snapshots.field_world(icon), _denoiser(icon).at(sigma)
    denoise = lru_cache(maxsize=1)(score.denoise)
    x, matrix, every = world.blurred(sigma)(1, 3), skew.from_entries(*entries), alife.EVERY
    path = rollout.exponential(denoise, matrix, x, sigma, alife.STEP, LONGEST, eta)
    return Particles(path, every, every, keep=lambda y: world.raw(denoise(y))[0])


def alife_panel(time: int = 50) -> Panel:
    """The entries of K, diffusion, noise level, icon and time: creatures on a canvas."""

    def draw(
        panes: list[Axes], icon: str, eta: float, sigma: float, time: int, **entries: float
    ) -> str:
        canvases = _life(icon, tuple(entries.values()), eta, sigma).until(time)
        figures.draw_image(panes[0], canvases[-1])
        moved = float((canvases[-1] - canvases[0]).square().mean().sqrt())
        return f"rms change of colour since the start {moved:.3f}"

    controls = {
        "icon": dropdown("creature", "dots", icons.ICONS),
        "red_green": slider("K red, green", 1.0, -1.0, 1.0, 0.1),
        "red_blue": slider("K red, blue", -1.0, -1.0, 1.0, 0.1),
        "green_blue": slider("K green, blue", 0.5, -1.0, 1.0, 0.1),
        "eta": slider("diffusion η", 0.1, 0.0, 0.5, 0.05),
        "sigma": slider("noise level σ", 0.5, 0.2, 0.8, 0.1),
        "time": slider("time in steps", time, 0, LONGEST, alife.EVERY, "d"),
    }
    return Panel(
        draw,
        controls,
        {"time": [0, 100, 200, 400]},
        "The canvas after so many steps, from placed creatures.",
        "Four canvases, after 0, 100, 200 and 400 steps: pairs of dots, moved by a pixel or two.",
        step=alife.EVERY,
    )
