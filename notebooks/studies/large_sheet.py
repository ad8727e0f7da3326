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
# # A large sheet
#
# > Does the rule of swimming, made for eight creatures, still work for five hundred?
#
# Fireflies that swim, as in the study `swimming`, by the same rule and the same denoiser, on a canvas of
# 64 times the area. The rule is made of convolutions, so it costs as much for each pixel; but all take
# smaller steps while one turns fast, and of so many there is always one.

# %%
import ctypes
import os
import sys
from typing import Any

import psutil
import torch

from eqflow_nb import figures, scores
from eqflow_nb.course import swimmers
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import field_world, icons

figures.style()
torch.set_num_threads(1)

# %% tags=["parameters"]
seed = 100
device = "auto"
budget = "laptop"

# %%
place = pick_device(device)
side, steps = {"quick": (128, 20), "laptop": (512, 200), "paper": (512, 2000)}[
    choice(budget, BUDGETS, "budget")
]
card = Scorecard("large_sheet", seed=seed, budget=budget)
begun = swimmers.canvases("firefly", swimmers.sheets("scattered", 1, side, 4_900 + seed), side)[0]
score = scores.load("swimming/firefly", 0.3, place)


def give_back(*_: Any) -> None:
    """Return freed memory to the system, after each step of the denoiser."""
    if sys.platform == "linux":  # glibc keeps it, in gaps between what is in use
        getattr(ctypes.CDLL(None), "malloc_trim", int)(0)


score.net.register_forward_hook(give_back)

# %%
life = swimmers.swim(
    swimmers.swimmer("firefly"), score, field_world("firefly", side), begun, steps, seed=seed
)
resident = psutil.Process(os.getpid()).memory_info().rss / 2**20
print(f"{life.kept:.1%} of {icons.crowd(side)} kept, {life.milliseconds:.0f} ms a step")

# %%
figures.show(
    figures.images(
        {f"step {steps}": life.frames[-1, 0]},
        size=6.0,
        tracks={f"step {steps}": [track.positions for track in life.tracks]},
    ),
    f"A canvas of {side} pixels a side, full of fireflies, with the ways they went: all swim on, bent "
    "where they met others.",
)

# %% [markdown]
# ## Scorecard

# %%
about = dict(side=side, creatures=icons.crowd(side), steps=steps)
card.row("large.creatures.count_kept", life.kept, target=">= .9", **about)
card.row("large.creatures.step_milliseconds", life.milliseconds, threads=1, **about)
card.row("large.creatures.resident_mb", resident, target="<= 1000", **about)
card.show()
