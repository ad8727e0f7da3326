"""Making the weights that come with the package: `eqflow-nb train NAME`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb import snapshots
from eqflow_nb.inputs import InputError, between, choice, count, pick_device, replace_text
from eqflow_nb.scores import images, weights
from eqflow_nb.scores.unet import UNet

KEEP = 30.0  # seconds between two states on disk that an interrupted training goes on from


@dataclass(frozen=True)
class Recipe:
    """How one file of weights is made.

    Attributes
    ----------
    world : str
        The world of fields, one of `snapshots.FIELDS`.
    size : int
        Pixels a side of the stills.
    stills : int
        How many stills are learned from.
    steps, batch : int
    levels : (float, float) or (float, float, float)
        Lowest and highest noise level, and the farthest, see `images.train`.
    mirror : bool
        Whether mirror images are as likely as the stills themselves.
    stain_sd : float
        See `images.train`.
    widths : tuple of int
        Channels of the network at each resolution.
    """

    world: str
    size: int
    stills: int
    steps: int
    batch: int
    levels: tuple[float, ...]
    mirror: bool
    stain_sd: float = 0.0
    widths: tuple[int, ...] = (32, 48, 64)


def _icons(world: str, steps: int, levels: tuple[float, ...] = (0.08, 0.8)) -> Recipe:
    return Recipe(world, 64, 3000, steps, 16, levels, mirror=False, stain_sd=2.0)


def _patterns(world: str, steps: int) -> Recipe:
    # Without stains, since a soft front can't be told from one.
    return Recipe(world, 128, 256, steps, 4, (0.15, 0.8), mirror=True)


# Levels up to 4 are not enough for births from noise: that takes about a creature's ink, 40.
FAR_LEVELS = (0.15, 0.7, 4.0)
RECIPES = {
    "waves": _patterns("waves", 14000),
    "spirals": _patterns("spirals", 14000),
    "life": _patterns("life", 12000),
    "dots": _icons("dots", 8000, FAR_LEVELS),
    "firefly": _icons("firefly", 8000, FAR_LEVELS),
    "taiji": _icons("taiji", 8000, FAR_LEVELS),
    "dot": _icons("dot", 6000, FAR_LEVELS),
}


def train_weights(
    name: str,
    out: Path,
    seed: int = 0,
    steps: int | None = None,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Train the denoiser called `name` and write DIR/NAME.safetensors.

    An interrupted training goes on from where it was, given the same settings.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    out : Path
        Folder of the result, and of the state while it is being made.
    seed : int
        Of the stills, the first weights and the order of everything.
    steps : int, optional
        Other than the recipe's.
    device : str
        auto, cpu or cuda.
    progress : bool
        Show a progress bar.

    Raises
    ------
    InputError
        If there is no such recipe or device, steps or seed can't be used, or nothing can be
        written to the folder.
    """
    recipe = RECIPES[choice(name, RECIPES, "weights")]
    place = pick_device(device)
    steps = count(recipe.steps if steps is None else steps, "steps")
    seed = count(between(seed, "seed", 0, 1e9), "seed", at_least=0)
    _check_writable(out)
    settings = {**vars(recipe), "steps": steps, "seed": seed, "levels": list(recipe.levels)}
    settings["widths"] = list(recipe.widths)
    stills = snapshots.field_world(recipe.world, recipe.size).sample(recipe.stills, seed)
    net = UNet(stills.shape[1], recipe.widths, seed).to(place)
    unfinished, target = out / f".{name}.training.safetensors", out / f"{name}.safetensors"
    last = _begun(unfinished, settings)
    state = {key: value.clone().to(place) for key, value in last.state.items()}
    before, start = last.seconds, time.perf_counter()
    kept = start
    asked: dict[str, Any] = {"levels": recipe.levels, "stain_sd": recipe.stain_sd, "seed": seed}
    draw = shuffled(stills, recipe.mirror)
    path = images.train(net, draw, steps, recipe.batch, state=state, **asked)
    done = int(state.get("step", torch.zeros(())))
    bar = tqdm(path, name, total=steps, initial=done, disable=not progress, mininterval=1.0)
    try:
        for _, now in bar:
            clock, loss = time.perf_counter(), last.loss + 0.01 * (now - last.loss)
            # A copy, since an interrupt may come in the middle of a step.
            copy = {key: value.clone() for key, value in state.items()}
            last = _Moment(copy, before + clock - start, loss)
            if clock - kept > KEEP:
                kept = clock
                bar.set_postfix(loss=f"{loss:.4f}")
                last.write(unfinished, settings)
        figures = {"seconds": round(last.seconds), "loss": round(last.loss, 4)}
        weights.save(target, net, {**settings, **figures})
    except BaseException:  # an interrupt loses nothing
        last.write(unfinished, settings)
        raise
    unfinished.unlink(missing_ok=True)
    return target


def shuffled(stills: Tensor, mirror: bool) -> Callable[[int, torch.Generator], Tensor]:
    """A sampler of stills (n, C, N, N) that are shifted and turned, and mirrored if asked."""

    def draw(n: int, generator: torch.Generator) -> Tensor:
        def some(high: int) -> list[int]:
            return torch.randint(high, (n,), generator=generator).tolist()

        size, flips = stills.shape[-1], some(2)
        chosen = []
        for i, turn, down, right, flip in zip(
            some(len(stills)), some(4), some(size), some(size), flips
        ):
            still = stills[i].rot90(turn, (1, 2)).roll((down, right), (1, 2))
            chosen.append(still.flip(2) if mirror and flip else still)
        return torch.stack(chosen)

    return draw


@dataclass(frozen=True)
class _Moment:
    """A training between two steps: its state, its seconds so far, its running loss."""

    state: dict[str, Tensor]
    seconds: float = 0.0
    loss: float = 1.0

    def write(self, path: Path, settings: dict[str, Any]) -> None:
        """Keep it on disk, unless nothing has been done yet."""
        if self.state:
            figures = {"seconds": self.seconds, "loss": self.loss}
            weights.write(path, self.state, {**settings, **figures})


def _begun(unfinished: Path, settings: dict[str, Any]) -> _Moment:
    """Where a training with the same settings stopped, or the beginning if there is none."""
    if not unfinished.is_file():
        return _Moment({})
    try:
        state, said = weights.read(unfinished)
        seconds, loss = float(said.pop("seconds", 0.0)), float(said.pop("loss", 1.0))
    except (InputError, AttributeError, TypeError, ValueError):
        return _Moment({})
    return _Moment(state, seconds, loss) if said == settings else _Moment({})


def _check_writable(out: Path) -> None:
    """Refuse a folder that can't be written to, before hours go into what is to lie there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        replace_text(out / ".writable", "")
        (out / ".writable").unlink()
    except OSError as error:
        raise InputError(
            f"out is {str(out)!r}, where nothing can be written ({error.strerror or error}); "
            "give another folder"
        ) from error
