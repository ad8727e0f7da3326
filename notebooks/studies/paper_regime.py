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
# # Constant rules, in the regime of the paper's films
#
# > What do creatures do under the constant rules that the paper's films show?
#
# The films of Zhang & Levin use σ = .235, steps of τ = .9, η = .1 and random skew rules of 3x3 pixels
# on a large sheet. Here are such sheets, of 128 pixels a side, beside the same without a rule. How
# many creatures are whole at the end, how far did they get, and did they go along their own axis?

# %%
import torch

from eqflow_nb import figures, rollout, scores
from eqflow_nb.course import creatures as alife
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import travel
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import field_world, icons

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 100
device = "auto"
budget = "laptop"
sigma = 0.235
tau = 0.9
eta = 0.1

# %%
place = pick_device(device)
steps, canvases = {"quick": (20, 1), "laptop": (500, 1), "paper": (2000, 8)}[
    choice(budget, BUDGETS, "budget")
]
SIZE, AHEAD = 128, min(4, steps // alife.EVERY - 1)  # frames over which a drift is taken
card = Scorecard("paper_regime", seed=seed, budget=budget, sigma=sigma, tau=tau, eta=eta)


def live(name, kind):
    """One sheet of a creature under a random rule of 3x3 pixels, or under none."""
    world, rule = field_world(name, SIZE), alife.rule(0, kind, 3, SIZE)
    return alife.live(scores.load(name, sigma, place), world, rule, steps, canvases, eta, seed, tau)


lives = rollout.together(
    {(n, k): lambda n=n, k=k: live(n, k) for n in icons.ICONS for k in ("skew", "none")}
)

# %%
figures.show(
    figures.images(
        {f"{name}, {kind}": life.frames[-1, 0] for (name, kind), life in lives.items()},
        tracks={
            f"{name}, {kind}": [t.positions for t in life.tracks[:1]]
            for (name, kind), life in lives.items()
        },
        columns=4,
    ),
    "Eight sheets with the ways the creatures went, each kind under a random rule and without: all "
    "ways are short, and lead nowhere.",
)

# %%
for name in icons.ICONS:
    ruled, still = (lives[name, kind] for kind in ("skew", "none"))
    card.row(
        f"{name}.paper_regime.count_kept", ruled.kept, control=still.kept, placed=icons.crowd(SIZE)
    )
    lag = steps // alife.EVERY // 2
    far = [
        float(travel.mean_squared_displacement(life.tracks, lag).mean()) for life in (ruled, still)
    ]
    card.row(
        f"{name}.paper_regime.squared_displacement", far[0], control=far[1],
        lag=lag * alife.EVERY, units="pixels^2",
    )  # fmt: skip
    if name != "dot":  # it has no axis
        drifts = [travel.axis_drift(life.tracks, AHEAD) for life in (ruled, still)]
        card.row(
            f"{name}.paper_regime.axis_drift", drifts[0][0], sd=drifts[0][1],
            control=drifts[1][0], lag=AHEAD * alife.EVERY, units="pixels",
        )  # fmt: skip
card.show()
