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
# # An atlas of rules for creatures
#
# > Which skew rules make creatures move, and which make them fade?
#
# Eight random rules for each creature are tried on one set of seeds. The most mobile of those that
# keep the creatures is then measured on another set, beside K = 0 and a symmetric rule of the same
# norm. All three share σ, η and the step; creatures with fine detail live at a lower σ.

# %%
from dataclasses import replace

import torch

from eqflow_nb import alife, figures, rollout, scores
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import flocking
from eqflow_nb.scorecard import Scorecard
from eqflow_nb.snapshots import field_world, icons

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 100
device = "auto"
budget = "laptop"
sigma = 0.5
sigma_detailed = 0.3
eta = 0.1

# %%
place = pick_device(device)
sizes = {
    "quick": dict(steps=40, search=1, canvases=1, lag=20, rules=2),
    "laptop": dict(steps=1000, search=1, canvases=4, lag=640, rules=8),
    "paper": dict(steps=2000, search=8, canvases=16, lag=640, rules=32),
}[choice(budget, BUDGETS, "budget")]
card = Scorecard("alife_atlas", seed=seed, budget=budget, eta=eta)
worlds = {name: field_world(name) for name in icons.ICONS}
levels = {"firefly": sigma_detailed, "taiji": sigma_detailed, "dot": sigma, "dots": sigma}
score = {name: scores.load(name, levels[name], place) for name in icons.ICONS}


def run(name, number, kind, canvases, start, width=1):
    """One life under a rule."""
    matrix = alife.rule(number, kind, width)
    shared = dict(steps=sizes["steps"], canvases=canvases, eta=eta, seed=start)
    life = alife.live(score[name], worlds[name], matrix, **shared)
    return replace(life, frames=life.frames[-1:].clone())  # the films of all would take a gigabyte


# %% [markdown]
# ## The search
#
# Rules of one pixel, 1x1, for all creatures; of 3x3 pixels for pairs of dots.

# %%
tried = [(name, k, 1) for name in icons.ICONS for k in range(sizes["rules"])]
tried += [("dots", k, 3) for k in range(sizes["rules"] // 2)]
jobs = {one: lambda o=one: run(o[0], o[1], "skew", sizes["search"], seed, o[2]) for one in tried}
jobs |= {
    (name, "none", 1): lambda n=name: run(n, 0, "none", sizes["search"], seed)
    for name in icons.ICONS
}
search = rollout.together(jobs)

# %%
best = {}
print("creature rule       kept  mobility (over K = 0)")
for name in icons.ICONS:
    still = search[name, "none", 1].mobility(sizes["lag"])
    print(f"{name:8} none       {search[name, 'none', 1].kept:.2f} {still:9.2f}")
    for key in [key for key in tried if key[0] == name]:
        far = search[key].mobility(sizes["lag"])
        print(
            f"{name:8} {key[2]}x{key[2]} no. {key[1]}  {search[key].kept:.2f} {far:9.2f}  ({far / still:.1f})"
        )
    kept = [k for k in tried if k[0] == name and k[2] == 1 and search[k].kept >= 0.9]
    kept = kept or [max((k for k in tried if k[0] == name), key=lambda k: search[k].kept)]
    best[name] = max(kept, key=lambda key: search[key].mobility(sizes["lag"]))
print("chosen:", {name: key[1] for name, key in best.items()})

# %% [markdown]
# ## The chosen rules, on seeds that were not searched with

# %%
kinds = ("skew", "symmetric", "none")
jobs = {
    (name, kind): lambda n=name, k=kind: run(n, best[n][1], k, sizes["canvases"], seed + 500)
    for name in icons.ICONS
    for kind in kinds
}
held = rollout.together(jobs)
ends = {f"{name}, {kind}": held[name, kind] for kind in ("skew", "none") for name in icons.ICONS}
figures.show(
    figures.sheets({title: (one.frames[-1, 0], one.tracks[:1]) for title, one in ends.items()}),
    "Eight sheets with paths: under the chosen rules creatures wander, without a rule they tremble.",
)

# %%
lags = [n for n in (4, 8, 16, 32, 64) if n <= max(4, sizes["lag"] // alife.EVERY)]
bits = 2 if budget == "quick" else 16
for name in icons.ICONS:
    one, even, still = (held[name, kind] for kind in kinds)
    shared = dict(rule=best[name][1], canvases=sizes["canvases"], steps=sizes["steps"])
    shared |= dict(sigma=levels[name], tau=alife.STEP)
    card.row(f"{name}.held_out.count_kept", one.kept, target=">= .9", control=still.kept, **shared)
    card.row(f"{name}.held_out.count_kept_symmetric", even.kept)
    base = still.mobility(sizes["lag"])
    far = one.mobility(sizes["lag"])
    shared |= dict(lag=sizes["lag"], pixels2=far)
    card.row(f"{name}.mobility_over_control", far / base, target=">= 10", control=1.0, **shared)
    over = [search[k].mobility(sizes["lag"]) for k in tried if k[0] == name and k[2] == 1]
    over = torch.tensor(over) / search[name, "none", 1].mobility(sizes["lag"])
    over = over[over.isfinite()]
    card.row(f"{name}.mobility_over_control_mean", float(over.mean()), sd=float(over.std()))
    card.row(f"{name}.mobility_over_control_sd", float(over.std()))
    faded = sum(search[k].kept < 0.9 for k in tried if k[0] == name and k[2] == 1)
    card.row(f"{name}.rules_that_leave_the_law", faded / sizes["rules"], rules=sizes["rules"])
    if one.tracks and still.tracks and budget != "quick":
        slope, error = flocking.msd_exponent(one.tracks, lags)
        card.row(f"{name}.held_out.msd_exponent", slope, sd=error)
        drift, error = flocking.axis_drift(one.tracks, 4)
        card.row(f"{name}.held_out.axis_drift", drift, sd=error, lag=40)

# %%
if budget != "quick":
    for name in icons.ICONS:
        one, still = held[name, "skew"], held[name, "none"]
        for title, life in (("flocking", one), ("still", still)):
            each = [flocking.polarisation([track], bits)[0] for track in life.tracks]
            chance = flocking.polarisation(life.tracks, bits)[1]
            each = torch.tensor(each)
            card.row(
                f"{name}.{title}.polarisation",
                float(each.mean()),
                sd=float(each.std()),
                control=chance,
            )
            near = flocking.pair_correlation(
                alife.rolled_pairs(life), alife.placed_pairs(name), 64, icons.DIAMETER
            )
            card.row(f"{name}.{title}.pair_correlation", near, control=1.0)
card.show()
