"""Making the weights that come with the package: `eqflow-nb train NAME`."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb import snapshots
from eqflow_nb.inputs import InputError, between, choice, count, pick_device, writable_folder
from eqflow_nb.scores import images, weights
from eqflow_nb.scores.images import UNet

KEEP = 30.0  # seconds between two states on disk from which an interrupted training resumes


class Recipe(NamedTuple):
    """How one file of weights is made; see `images.train` and `UNet` for what is not said here."""

    world: str  # one of `snapshots.FIELDS`
    size: int  # pixels a side
    snapshots: int  # how many are learned from
    steps: int
    batch: int
    levels: tuple[float, ...]
    mirror: bool  # whether mirror images are as likely as the snapshots themselves
    stain_sd: float = 0.0
    widths: tuple[int, ...] = (32, 48, 64)


# Icons: births from noise would take levels up to a creature's ink, about 40, not 4.
ICONS = partial(
    Recipe, size=64, snapshots=3000, batch=16, levels=(0.15, 0.7, 4.0), mirror=False, stain_sd=2.0
)
# Patterns: without stains, since a soft front can't be told from one.
PATTERNS = partial(Recipe, size=128, snapshots=256, batch=4, levels=(0.15, 0.8), mirror=True)
RECIPES = {
    **{name: PATTERNS(name, steps=14000) for name in ("waves", "bursts")},
    "life": PATTERNS("life", steps=12000),
    **{name: ICONS(name, steps=8000) for name in ("dots", "firefly", "taiji")},
    "dot": ICONS("dot", steps=6000),
}


def train_weights(
    name: str, out: Path, seed: int = 0, steps: int | None = None, device: str = "auto"
) -> Path:
    """Train the denoiser called `name` and write OUT/NAME.safetensors."""
    # An interrupted training resumes where it was, given the same settings; its state is kept in
    # OUT meanwhile.  The seed is that of the snapshots, the first weights and the order of
    # everything.
    recipe = RECIPES[choice(name, RECIPES, "weights")]
    steps = count(recipe.steps if steps is None else steps, "steps")
    seed = count(between(seed, "seed", 0, 1e9), "seed", at_least=0)
    writable_folder(out)
    settings = recipe._asdict() | {"steps": steps, "seed": seed}
    settings |= {"levels": list(recipe.levels), "widths": list(recipe.widths)}
    x = snapshots.field_world(recipe.world, recipe.size).sample(recipe.snapshots, seed)
    net = UNet(x.shape[1], recipe.widths, seed).to(pick_device(device))
    unfinished, target = out / f".{name}.training.safetensors", out / f"{name}.safetensors"
    state: dict[str, Tensor] = {}
    with contextlib.suppress(InputError):  # there is none, or half of one
        begun, about = weights.read(unfinished)
        state = begun if about == settings else {}
    kept = time.perf_counter()
    path = images.train(
        net, shuffled(x, recipe.mirror), steps, recipe.batch, levels=recipe.levels,
        stain_sd=recipe.stain_sd, seed=seed, state=state,
    )  # fmt: skip
    done = int(state.get("step", 0))
    bar = tqdm(path, name, total=steps, initial=done, mininterval=1.0)
    try:
        for _ in bar:
            if time.perf_counter() - kept > KEEP:
                kept = time.perf_counter()
                bar.set_postfix(loss=f"{float(state['loss']):.4f}")
                weights.write(unfinished, state, settings)
        weights.save(target, net, settings | {"loss": round(float(state["loss"]), 4)})
    except BaseException:  # an interrupt loses nothing
        if state:
            weights.write(unfinished, state, settings)
        raise
    unfinished.unlink(missing_ok=True)
    return target


def shuffled(x: Tensor, mirror: bool) -> Callable[[int, torch.Generator], Tensor]:
    """A sampler of images (n, C, N, N) that are shifted and turned, and mirrored if asked."""

    def draw(n: int, generator: torch.Generator) -> Tensor:
        chosen, size = [], x.shape[-1]
        # The order of the draws is that in which weights were made before.
        flips, which, turns, downs, rights = (
            torch.randint(high, (n,), generator=generator).tolist()
            for high in (2, len(x), 4, size, size)
        )
        for i, turn, down, right, flip in zip(which, turns, downs, rights, flips):
            one = x[i].rot90(turn, (1, 2)).roll((down, right), (1, 2))
            chosen.append(one.flip(2) if mirror and flip else one)
        return torch.stack(chosen)

    return draw
