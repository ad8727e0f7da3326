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
# # A hundred Lorenz models
#
# > Was one good model luck, or do a hundred of them agree?
#
# Zhang & Levin (2025) train 100 networks on shuffled Lorenz snapshots and find a similarity of .257 to
# the true velocity. Here are as many of ours, each trained and scored from its own seed by
# `eqflow-nb sweep lorenz_model -p seed 0:100 --keep`. This page shows the table that the sweep left.

# %%
import json

import numpy as np
import pandas as pd

from eqflow_nb import figures
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard

figures.style()

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"

# %%
pick_device(device)
choice(budget, BUDGETS, "budget")
place = course.notebooks_folder() / "studies"
table = pd.read_csv(place / "lorenz_model_sweep.csv")
record = json.loads((place / "lorenz_model_sweep.json").read_text(encoding="utf-8"))
print(f"{record['command']}\n{len(table)} models in {record['wall_seconds'] / 60:.1f} minutes")
table.describe().loc[["mean", "std", "min", "max"]].round(4)


# %%
def ensemble(values, xlabel, paper=None):
    """All models above, a dot each (spread upwards, to be seen); most of them, enlarged, below."""
    x = values[np.isfinite(values)]
    low, median, high = x.quantile([0.25, 0.5, 0.75])
    most = x[(x - median).abs() <= 10 * (high - low)]
    figure, (whole, near) = figures.grid(2, 1, (7, 1.7))
    spread = np.random.default_rng(0).uniform(0.15, 0.85, len(x))
    whole.plot(x, spread, "o", markersize=3, alpha=0.5, label=f"ours, {len(x)} models")
    if paper:
        whole.axvspan(paper[0] - paper[1], paper[0] + paper[1], color="#d55e00", alpha=0.5)
        whole.plot([], "s", color="#d55e00", label=f"the paper's, {paper[0]} ± {paper[1]}")
        whole.set_xlim(0, 1)
    whole.set(yticks=[], ylim=(0, 1))
    whole.set_title(f"all: mean {x.mean():.4f}, sd {x.std():.4f}, median {median:.4f}")
    whole.legend(loc="center")
    near.hist(most, bins="auto", alpha=0.3)
    near.plot(most, 0 * most, "|", color=figures.colour("learned"), markersize=12)
    near.axvline(median, color="#333333")
    near.set_title(f"enlarged: {len(most)} models, mean {most.mean():.4f}, sd {most.std():.4f}")
    near.set(xlabel=xlabel, ylabel="models")
    return figure


figures.show(
    ensemble(table["similarity"], "similarity to the true motion", paper=(0.257, 0.012)),
    "Above: similarity to the true velocity of a hundred models, all near 1, and the paper's at .257. "
    "Below: the same values enlarged.",
)

# %%
figures.show(
    ensemble(table["lyapunov"], "largest Lyapunov exponent (1/path)"),
    "Largest Lyapunov exponents of the hundred flows, per unit of path, as snapshots know no time.",
)

# %% [markdown]
# The similarity says how alike two velocities are on the attractor, and mostly it is nearly 1. The
# exponents say what the small difference does over long times.
#
# **Strays.** A few networks in a hundred end in a valley that doesn't keep the cloud. You can tell
# them without the truth: their continuity residual against the score they were taught with, at the
# samples, is ten times everyone else's. They were drawn anew, with other first weights. Are any left?

# %%
again = table[table["draws"] > 1]
print(again[["seed", "draws", "residual_own", "similarity"]].to_string(index=False))
stray = table["residual_own"] > 0.2
print(f"still astray: {stray.sum()}; largest residual: {table['residual_own'].max():.3f}")

# %% [markdown]
# ## Scorecard

# %%
card = Scorecard("lorenz_ensemble", models=len(table), sweep=record["command"])
for name, paper in {"similarity": 0.257, "similarity_smoothed": None, "residual": None}.items():
    values = np.asarray(table[name], float)
    spread = dict(sd=values.std(ddof=1), least=values.min(), most=values.max())
    target = ">= .9" if name == "similarity" else None
    card.row(f"hundred.{name}", values.mean(), paper=paper, target=target, **spread)
told = "residual over .2 of the speed"
card.row("hundred.redrawn", len(again), told_by=told)
card.row("hundred.strays", int(stray.sum()), target="<= 0", told_by=told)
exponents = np.asarray(table["lyapunov"], float)
card.row("hundred.lyapunov", exponents.mean(), sd=exponents.std(ddof=1), unit="1/path")
card.row("hundred.minutes", record["wall_seconds"] / 60, target="<= 15", cores=record["cores"])
card.show()
