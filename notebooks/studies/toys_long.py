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
# # Toys followed for a long time
#
# > Do the flows of chapter 01 still keep their clouds after a thousand radii of path?
#
# Chapter 01 follows its flows to $t = 100$. Here the same flows, made in the same way, run to
# $t = 1000$. It takes about a quarter of an hour on two cores; the scorecard is kept beside the
# notebook, and chapter 01 shows it as recorded.

# %%
import functools

import torch

from eqflow_nb import figures, flows, measures, rollout, scores, snapshots
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)  # steps are too short to split; whole rollouts run side by side

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.15

# %%
place = pick_device(device)
quick = choice(budget, BUDGETS, "budget") == "quick"
n, cloud, members, last, steps = (4000, 200, 2, 48, 30) if quick else (50000, 2000, 8, 128, 300)
times = [2.0, 10.0] if quick else [100.0, 300.0, 1000.0]
dt = {"two_peaks": 0.1, "ring": 0.1, "two_moons": 0.05}
worlds = {name: snapshots.world(name) for name in dt}
card = Scorecard("toys_long", seed=seed, budget=budget, sigma=sigma)


@functools.cache
def draw(name, count, number):
    """Fresh blurred points of a world."""
    eps = torch.randn(count, 2, generator=torch.Generator().manual_seed(number % 2**31))
    return worlds[name].sample(count, number).to(place) + sigma * eps.to(place)


# %% [markdown]
# ## The flows, as in chapter 01


# %%
def runners(name):
    """Fields of one world at the common speed."""
    samples = worlds[name].sample(n, seed).to(place)
    turn = measures.half_turns(samples[:20000], seed=seed)[0]
    signs = turn.signs.to(place) if turn.holds else None
    score, x = (
        scores.fit_mixture(samples, sigma, seed=seed, signs=signs),
        draw(name, 4096, seed + 1),
    )
    kept = dict(octaves=2, signs=signs, steps=steps, smoothness=(0.003, 1e-5), seed=seed)
    tails = dict(share=0.2, temper=1.0, stay=1e-4)
    learned, _ = flows.learned.learn(
        samples, score, sigma, members, width=48, last=last, progress=False, **kept, **tails
    )
    random = flows.networks.FlowNetworks(members, 2, 48, last, seed=seed + 5).to(place)
    random.requires_grad_(False).set_speed(x)
    plain = {
        "skew": flows.skew.constant(flows.skew.from_entries(1.0), score),
        "exact": flows.exact.StreamFunction(flows.exact.Waves(2, seed=seed), score),
        "score": score,
    }
    plain = {kind: flows.at_common_speed(field, x) for kind, field in plain.items()}
    return {"learned": learned, "random": random, **plain}


# %%
made = rollout.together({name: lambda n=name: runners(n) for name in worlds})


# %%
def run(name, kind, field):
    """Follow a cloud to the last time; a block of it for each network."""
    step = 0.5 if kind == "random" else dt[name]  # random networks are smooth
    path = rollout.rk4(field, draw(name, cloud, seed + 1234), step, round(times[-1] / step))
    return rollout.follow(path, times)


jobs = {(name, kind): field for name in worlds for kind, field in made[name].items()}
runs = rollout.together({key: lambda key=key: run(*key, jobs[key]) for key in jobs})

# %% [markdown]
# ## What became of the clouds

# %%
floors = {
    name: measures.noise_floor(
        measures.sliced_wasserstein, lambda k, s, name=name: draw(name, k, s), n=cloud, seed=seed
    )[0]
    for name in worlds
}


def over(key, time):
    """Distance to a fresh sample over its floor."""
    fresh = functools.partial(draw, key[0])
    return measures.preservation(runs[key].at(time), fresh, floors[key[0]], seed=seed)


for name in worlds:
    curves = {kind: (times, [over((name, kind), t) for t in times]) for kind in made[name]}
    picture = figures.distances(
        curves, floor=1.0, ylabel=f"{name}: distance over its floor", log_time=True
    )
    figures.show(picture, f"Distances over their floor against time for {name}, log axes.")

# %%
aims = {"exact": "<= 1.5", "skew": "<= 1.5", "learned": "<= 2"}
for name, kind in jobs:
    step = 0.5 if kind == "random" else dt[name]
    shared = dict(floor=floors[name], dt=step, points=cloud, t=times[-1])
    value = over((name, kind), times[-1])
    card.row(f"{name}.{kind}.preservation_1000", value, target=aims.get(kind), **shared)
card.show()
