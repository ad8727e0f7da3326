# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A large canvas
#
# > Does a flow learned from small snapshots still work on a canvas a thousand times their area?
#
# Gray-Scott waves, and the skew flow that snapshots of 128 by 128 pixels give, on canvases up to
# 4096 by 4096. The flow's kernel is the one of the snapshots, with zeros around it. It is applied
# tile by tile, so memory holds the canvas, its change and one tile.

# %%
import gc
import os
import time

import numpy as np
import psutil
import torch

from eqflow_nb import figures, fourier, scores
from eqflow_nb.course import gray_scott as chemistry
from eqflow_nb.flows import spectral_kernel
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import patterns
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import gray_scott, tiles

figures.style()
torch.set_num_threads(1)

# %% tags=["parameters"]
seed = 100
device = "auto"
budget = "laptop"
sigma = 0.1
tile = 256

# %%
place = pick_device(device)
sizes, stills, settle = {
    "quick": ((1024, 256), 8, 20),
    "laptop": ((4096, 1024), 96, 600),
    "paper": ((8192, 4096, 1024), 256, 2000),
}[choice(budget, BUDGETS, "budget")]
STEPS, HALO, SMALL = 20, 64, (128, 128)
card = Scorecard("large_canvas", seed=seed, budget=budget, tile=tile)
small_sheets = chemistry.datasets(("waves",), stills, 8, seed)["waves"]
world = small_sheets.world

# %% [markdown]
# ## The flow of small snapshots
#
# From snapshots alone, as in chapter 03: the score of a Gaussian field of their spectrum, and the rule
# that turns all wavelengths alike.

# %%
score = scores.fit_gaussian_field(small_sheets.snapshots, sigma)
small = small_sheets.agreement(spectral_kernel.flow(score)).abs()
symbol = (-spectral_kernel.equal_rate_kernel(score) @ score.precision).to(torch.complex128)
near = f">= {float(small.mean() - 2 * small.std()):.3f}"  # two deviations below small snapshots
print(f"similarity on 128 by 128: {small.mean():.3f} ± {small.std():.3f}")


def large_flow():
    """The same kernel on a canvas, tile by tile."""
    grid = (tile, tile)
    wide = fourier.enlarged(symbol, SMALL, grid).to(place, torch.complex64)
    mean = score.mean.to(place, torch.float32)[:, None, None]
    return lambda x: tiles.tiled(lambda y: fourier.filtered(wide, y - mean), x, tile, HALO)


# %% [markdown]
# On a canvas that fits in memory, tiles and the whole must agree.

# %%
x = small_sheets.held[:1].float().tile(1, 1, 5, 5).to(place)  # 640 by 640
mean = score.mean.float()[:, None, None].to(place)
whole = fourier.filtered(fourier.enlarged(symbol, SMALL, x.shape[2:]), x - mean)
apart = float((large_flow()(x) - whole).norm() / whole.norm())
print(f"tiles against the whole: {apart:.1e} of the velocity")

# %% [markdown]
# ## Canvases
#
# Each begins as a mosaic of settled snapshots, turned and shifted at random, and runs on until the
# seams are gone.


# %%
def mosaic(side, rng):
    """A canvas (1, 2, side, side) of settled snapshots, in concentrations."""
    raw = world.raw(torch.cat([small_sheets.snapshots, small_sheets.held])).float()
    canvas = torch.empty(1, 2, side, side)
    for top in range(0, side, 128):
        for left in range(0, side, 128):
            one = raw[rng.integers(len(raw))].rot90(int(rng.integers(4)), (1, 2))
            canvas[0, :, top : top + 128, left : left + 128] = one.roll(int(rng.integers(128)), 1)
    return canvas


def agreement(flow, x, change, rows=128):
    """|cosine| of a flow with the change, in concentrations, some rows at a time; and its seconds."""
    sums, seconds = np.zeros(3), 0.0
    for top in range(0, x.shape[2], rows):
        around = torch.arange(top - HALO, top + rows + HALO).remainder(x.shape[2])
        begun = time.perf_counter()
        v = flow(x[:, :, around].to(place)).cpu()[:, :, HALO:-HALO]
        seconds += time.perf_counter() - begun
        a, b = (z.double() * scale.double() for z in (v, change[:, :, top : top + rows]))
        sums += [float((a * b).sum()), float((a * a).sum()), float((b * b).sum())]
    return abs(sums[0]) / np.sqrt(sums[1] * sums[2]), seconds


def resident():
    return psutil.Process(os.getpid()).memory_info().rss / 2**20


# %%
shown, rng = {}, np.random.default_rng(seed)
centre, scale = (z.float()[:, None, None] for z in (world.centre, world.scale))
for side in sizes:
    name, begun = f"large.{side}", time.perf_counter()
    raw = gray_scott.advance(mosaic(side, rng), "waves", settle, progress=True)
    per_step = (time.perf_counter() - begun) / settle
    change = gray_scott.advance(raw, "waves", STEPS).sub_(raw).div_(scale)
    x = raw.sub_(centre).div_(scale)  # in place: a canvas takes 128 MB
    flow = large_flow()
    alike, seconds = agreement(flow, x, change)
    spread = patterns.spectrum_distance(small_sheets.held, x[..., :1024, :1024])
    card.row(f"{name}.similarity", alike, control=float(small.mean()), target=near)
    card.row(f"{name}.flow_seconds", seconds, nanoseconds_per_pixel=1e9 * seconds / side**2)
    card.row(f"{name}.gray_scott_nanoseconds_per_pixel_step", 1e9 * per_step / side**2)
    card.row(f"{name}.spectrum_distance", spread, aim="mean |log10 ratio| to small photographs")
    card.row(f"{name}.resident_mb", resident(), target="<= 1000", canvas_mb=x.nbytes / 2**20)
    part = x[..., :640, :640]
    shown[side] = [z[0, 1, 64:576, 64:576].clone() for z in (part, flow(part), change)]
    del raw, x, change
    gc.collect()

# %%
side = max(shown)
names = ("pattern", "inferred velocity", "true change")
figures.show(
    figures.images(
        {f"{n}, a corner": z for n, z in zip(names, shown[side], strict=True)}, size=2.6
    ),
    f"A corner of 512 by 512 pixels of the canvas of {side}: waves, the velocity that the flow of "
    "small snapshots gives, and the true change. The two velocities look alike.",
)

# %% [markdown]
# ## Scorecard

# %%
card.row("large.tiles_against_whole", apart, target="<= 1e-4")
card.row("large.similarity_128", small.mean(), sd=small.std())
card.show()

# %% [markdown]
# **What fails.** The flow of a Gaussian field keeps the spectrum, not the fronts: followed for long,
# it blurs a large canvas as it blurs a small one. The halo must be as wide as the kernel: with 64
# pixels nothing of a kernel from 128 by 128 snapshots is cut off.
