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
# # Start here
#
# > What can a snapshot say about motion?
#
# Below is a still cloud of points. In half a minute every point will move, yet
# the cloud keeps its shape. The rest of the course asks how much of the *true* motion can be read from
# snapshots.
#
# **You will**
# - see the idea of the course on one page,
# - check that your machine is ready,
# - learn how panels, parameters and exercises work here.
#
# **You should know** nothing yet. **Time** under 20 s to run, 3 minutes to read; nothing is trained.

# %%
import torch

from eqflow_nb import figures, flows, measures, panels, rollout, scores, snapshots
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import doctor
from eqflow_nb.running.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)  # steps are too short to split; whole rollouts run side by side

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"

# %%
place = pick_device(device)
count = 300 if choice(budget, BUDGETS, "budget") == "quick" else 2000
card = Scorecard("00_start_here", seed=seed, budget=budget)

# %% [markdown]
# ## A still cloud
#
# These are unordered snapshots: 20,000 points $x$ from two moons, blurred a little. Which way do
# they go? The snapshots don't say.

# %%
sigma = 0.15
moons = snapshots.world("two_moons")
samples = moons.sample(20000, seed).to(place)


def draw(n, number):
    """Fresh blurred points."""
    eps = torch.randn(n, 2, generator=torch.Generator().manual_seed(number % 2**31))
    return moons.sample(n, number).to(place) + sigma * eps.to(place)


start = draw(count, seed + 1)
figures.show(
    figures.clouds({"a still cloud": start}),
    "A still cloud of points in the shape of two interleaved crescents.",
)

# %% [markdown]
# ## Set in motion
#
# Two ingredients are enough.
#
# 1. The **score** $s = \nabla\log p$: the direction in which points get denser. It can be learned
#    from snapshots.
# 2. A **skew-symmetric rule**: move at right angles to it, $v = K s$ with $K = -K^\top$.
#
# Then every point moves, and the cloud doesn't.

# %% tags=["thumbnail"]
score = scores.fit_mixture(samples, sigma, seed=seed)
flow = flows.at_common_speed(flows.skew.constant(flows.skew.from_entries(1.0), score), start)
times = [0.0, 0.5, 2.0, 8.0]
ascent = flows.at_common_speed(score, start)
moved = {
    name: rollout.record(rollout.rk4(field, start, 0.02, 400), times)
    for name, field in {"skew": flow, "score": ascent}.items()
}
figures.show(
    figures.rollout_strip({name: {t: run.at(t) for t in times} for name, run in moved.items()}),
    "Two rows of four clouds. Moved at right angles to the score the moons stay as they are; moved "
    "along it they collapse to dots.",
)

# %% [markdown]
# The first row moves at right angles to the score, the second along it. How far did the points go,
# and how far did the *cloud* go? The distance between clouds is given in noise floors: two fresh
# samples of the same cloud are one floor apart.

# %%
floor, _ = measures.noise_floor(measures.sliced_wasserstein, draw, n=count, seed=seed)
travelled = {k: float((r.at(8.0) - start).norm(dim=1).mean()) for k, r in moved.items()}
changed = {k: measures.preservation(r.at(8.0), draw, floor, seed=seed) for k, r in moved.items()}
for kind in moved:
    print(f"{kind}: points moved {travelled[kind]:.1f} sd, the cloud {changed[kind]:.1f} floors")

# %% [markdown]
# ## Your turn
#
# Every panel has sliders, and a static picture of it above for pages that can't run code.
# 1. Set the skew strength to zero. What moves now?
# 2. Make it negative. Can you tell from the cloud alone which sign nature chose?

# %%
panels.toy_panel("two_moons")

# %% [markdown]
# You can't tell. Snapshots never hold the speed or the direction of time: if $v$ keeps a cloud, so
# does $-3v$. What else do they not hold, and what *do* they hold? That is the course.
#
# ## The map

# %%
for chapter in course.chapters():
    minutes = "" if chapter.minutes is None else f"{chapter.minutes:.1f} min"
    print(f"{chapter.stem:28s}{minutes:>8s}  {chapter.question}")

# %% [markdown]
# Times were measured on two cores of a laptop-sized machine.
#
# ## Is your machine ready?

# %%
for subject, found, mend in doctor.examine():
    print(f"{subject:>10}: {found} {mend}")

# %% [markdown]
# ## How to use these notebooks
#
# - **Parameters** are in one cell near the top. `budget` is `"quick"` (seconds), `"laptop"` (minutes)
#   or `"paper"` (the paper's size, for a GPU). Change one and run all cells.
# - **Headless**: `eqflow-nb run 01 -p seed 3 --budget quick` runs a chapter from the command line.
# - **Panels** ask you something. Guess before you move a slider.
# - **Scorecards** end each chapter: its claims as a table, with floors, controls and what the paper
#   reports. A claim that misses its target says so.
# - **Exercises** are at the end of each chapter.
#
# ## Scorecard

# %%
card.row(
    "start.skew.preservation",
    changed["skew"],
    floor=floor,
    control=changed["score"],
    target="<= 1.5",
    t=8.0,
)
card.row("start.skew.travelled", travelled["skew"], target="> .5")
card.show()

# %%
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %%
# NBVAL_CHECK_OUTPUT
print(
    "the cloud is kept by skew:", changed["skew"] <= 1.5, "- by the score:", changed["score"] <= 1.5
)

# %% [markdown]
# ## Read on
#
# The question and the idea: Zhang & Levin (2025), *Equilibrium flow: From Snapshots to Dynamics*,
# arXiv:2509.17990. Go on with chapter 01.
#
# **Exercises** [with hints and checks](exercises/00_start_here_exercises.ipynb); and some to try here:
# 1. Replace `from_entries(1.0)` by `from_entries(-1.0)`: predict what changes.
# 2. Run with `sigma = 0.4`. 3. Find a cloud for which the skew flow is a rigid rotation.
