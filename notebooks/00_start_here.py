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
# Every point in this film moves, and the cloud stays as it is. Nobody told the program how the
# points move: it has seen one still cloud.

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"

# %% jupyter={"source_hidden": true} tags=["hide-input"]
import torch
from IPython.display import Markdown

from eqflow_nb import figures, flows, measures, panels, rollout, scores, snapshots
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running import catalogue as course
from eqflow_nb.running import doctor
from eqflow_nb.running.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)  # steps are too short to split
place = pick_device(device)
count = 300 if choice(budget, BUDGETS, "budget") == "quick" else 2000
card = Scorecard("00_start_here", seed=seed, budget=budget)

# %% jupyter={"source_hidden": true} tags=["hero", "readme-film", "hide-input"]
sigma = 0.15
moons = snapshots.world("two_moons")
samples = moons.sample(20000, seed).to(place)  # the still cloud
score = scores.fit_mixture(samples, sigma, seed=seed)  # which way it gets denser
draw = moons.blurred(sigma, place)  # fresh points of the cloud, blurred a little
start, cloud = draw(count, seed + 1), draw(20000, seed + 2)
clock = [0.1 * frame for frame in range(33)]
flow = flows.skew.constant(flows.skew.from_entries(1.0), score)
opening = rollout.race({"": (flows.at_common_speed(flow, start), 0.05, clock)}, start)[""]
figures.points_film(
    {"every point moves, the cloud stays": [opening.at(t) for t in clock]},
    "A looping film of two interleaved crescents. Points, coloured from left to right at the start, "
    "stream along both crescents until the colours are mixed; the outline stays filled.",
    cloud=cloud,
    times=clock,
    extent=2.5,
)

# %% [markdown]
# ## Play with it
#
# The same cloud, alive. Guess first, then move a slider.
#
# 1. Set the strength γ of the flow to zero. What still moves? And with some noise η?
# 2. Make γ negative. Can you tell from the cloud alone which sign nature chose?

# %%
panels.start_panel()

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. Nothing moves without flow and noise. With noise, points wander at random while a pull towards
#    the dense parts makes up for it: the cloud stays again.
# 2. You can't. Played backwards, or three times as fast, the film shows the same cloud. A snapshot
#    never holds the speed or the direction of time.
# </details>
#
# ## Why care
#
# Much of science has snapshots only. Measuring a cell's genes kills it. Stars live too long to be
# watched. Many chemical patterns were imaged once. All of these move, and what moved them is gone
# from the data. Or is it? This course asks what can be read from snapshots without time, and what
# can't. This chapter takes under 20 s to run and 3 minutes to read; nothing is trained.
#
# The course follows Zhang & Levin (2025), *Equilibrium flow: From Snapshots to Dynamics*,
# arXiv:2509.17990, and in places goes further.
#
# ## How it works
#
# Two ingredients are enough.
#
# 1. The **score** $s = \nabla\log p$: at every place, the direction in which points get denser. It
#    can be learned from snapshots.
# 2. A **turn**: move at right angles to the score, $v = J s$. Then you never climb and never fall,
#    and go round and round along lines of equal density.

# %% tags=["thumbnail"] part=[0.5, 0, 1, 1]
J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], device=place)  # a quarter turn


def sideways(x):
    """The whole idea: at each point, look where the cloud gets denser, and go at right angles."""
    return score(x) @ J.T


figures.show(
    figures.flow_on_density(
        {"the score s: uphill": score, "turned, v = J s: along the level lines": sideways},
        lambda x: moons.log_density(x, sigma),
        extent=2.6,
    ),
    "Arrows over two moons. Left, the score: from all sides they point to the crescents' middle "
    "lines. Right, turned by a quarter: they run along the crescents, round each of them.",
)

# %% [markdown]
# Does it have to be a right angle? Let the same points go uphill instead.

# %%
fields = {"skew": sideways, "score": score}
fields = {kind: flows.at_common_speed(v, start) for kind, v in fields.items()}
runs = rollout.race({kind: (v, 0.05, [*clock, 8.0]) for kind, v in fields.items()}, start)
figures.points_film(
    {
        "at right angles to the score": [runs["skew"].at(t) for t in clock],
        "along the score": [runs["score"].at(t) for t in clock],
    },
    "Two films side by side. Moved at right angles to the score the points stream and the moons "
    "stay; moved along it they collapse to two thin arcs and then to dots.",
    cloud=cloud,
    times=clock,
    extent=2.5,
)

# %% [markdown]
# How far did the points go, and how far did the *cloud* go? Even two fresh samples of one cloud
# differ a little, by chance. That distance is the **noise floor**; we measure in floors, and 1 is
# perfect.

# %%
floor, _ = measures.noise_floor(measures.sliced_wasserstein, draw, n=count, seed=seed)
ends = {kind: run.at(8.0) for kind, run in runs.items()}
travelled = {kind: float((end - start).norm(dim=1).mean()) for kind, end in ends.items()}
changed = {kind: measures.preservation(end, draw, floor, seed=seed) for kind, end in ends.items()}
for kind, words in {"skew": "at right angles", "score": "along the score"}.items():
    print(f"{words:16s} points {travelled[kind]:.1f} sd away, the cloud {changed[kind]:.1f} floors")

# %% [markdown]
# A matrix such as $J$, with $J^\top = -J$, is called **skew-symmetric**. Every chapter uses one, or
# something that grew out of one. So one flow that keeps a cloud is found in a line. But many others
# keep it too. Which is the true one? That is the rest of the course.
#
# ## The map

# %%
lines = [
    f"| {chapter.stem[:2]} | **{chapter.title}** | {chapter.question} | {chapter.minutes or 0:.1f} |"
    for chapter in course.chapters()
]
head = "| | chapter | its question | minutes to run |\n|---|---|---|---|\n"
Markdown(head + "\n".join(lines))

# %% [markdown]
# Times were measured on two cores of a laptop-sized machine.
#
# ## Is your machine ready?

# %%
wrong = [f"{subject}: {found}. {mend}" for subject, found, mend in doctor.examine() if mend]
print("\n".join(wrong) or "ready")

# %% [markdown]
# ## How to use these notebooks
#
# - **Parameters** are in one cell near the top. `budget` is `"quick"` (seconds), `"laptop"` (minutes)
#   or `"paper"` (the paper's size, for a GPU). Change one and run all cells.
# - **Panels** move without waiting for Python. Guess before you move a slider.
# - **Scorecards** end each chapter: its claims in colour, with floors, controls and what the paper
#   reports. A claim that misses its target says so.
# - **Exercises** have hints and checks of their own; the link is at the end of each chapter.
# - **Without a browser**: `eqflow-nb run 01 -p seed 3 --budget quick` runs a chapter.
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
card.show(
    {
        "start.skew.preservation": "the cloud is kept (in floors; control: along the score)",
        "start.skew.travelled": "and its points have moved (in sd)",
    }
)

# %% tags=["hidden-test"] jupyter={"source_hidden": true, "outputs_hidden": true}
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %% tags=["hidden-test"] jupyter={"source_hidden": true, "outputs_hidden": true}
# NBVAL_CHECK_OUTPUT
print(
    "the cloud is kept by skew:", changed["skew"] <= 1.5, "- by the score:", changed["score"] <= 1.5
)

# %% [markdown]
# ## Exercises
#
# With hints and checks: [exercises of chapter 00](exercises/00_start_here_exercises.ipynb). And to
# try right here:
#
# 1. *Predict a figure*: put `-J` in place of `J`. What does the second film show now, and which of the
#    printed numbers change? Then run it.
# 2. Put `sigma = 0.4`. Which points circle both moons now, and why?
# 3. For which cloud does the flow turn like a rigid wheel?
#
# Go on with chapter 01.
