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
# $t = 1000$. It takes about ten minutes on two cores; the scorecard is kept beside the
# notebook, and chapter 01 shows it as recorded.

# %%
import torch

from eqflow_nb import figures, flows, measures, rollout, scores, snapshots
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running.scorecard import Scorecard

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
dt = {"two_peaks": 0.1, "ring": 0.1, "two_moons": 0.0625}
other = {"random": 0.5, "score": 0.2, "exact": 0.05}  # controls can take longer steps
worlds = {name: snapshots.world(name) for name in dt}
draw = {name: w.blurred(sigma, place) for name, w in worlds.items()}
card = Scorecard("toys_long", seed=seed, budget=budget, sigma=sigma)

# %% [markdown]
# ## The flows, as in chapter 01


# %%
recipe = dict(width=48, last=last, octaves=2, steps=steps, smoothness=(0.003, 1e-5))
tails = {name: dict(wide_fraction=0.2, residual_weight_power=1.0) for name in worlds}
tails["two_peaks"] = dict(widest=1.5, wide_fraction=0.4)


def trained(name, samples, score, signs):
    """The networks of one world, by chapter 01's recipe."""
    settings = flows.learned.Settings(signs=signs, inverse_iterations=1, **recipe, **tails[name])
    return flows.learned.learn(samples, score, sigma, settings, members, seed=seed, progress=False)[
        0
    ]


# %%
def runners(name):
    """Fields of one world at the common speed."""
    samples, x = worlds[name].sample(n, seed).to(place), draw[name](4096, seed + 1)
    turn = measures.half_turns(samples[:20000], seed=seed)[0]
    signs = turn.signs.to(place) if turn.holds else None
    score = scores.fit_mixture(samples, sigma, seed=seed, signs=signs)
    random = flows.networks.FlowNetworks(members, 2, 48, last, seed=seed + 5).to(place)
    random.requires_grad_(False).set_speed(x)
    plain = {
        "skew": flows.skew.constant(flows.skew.from_entries(1.0), score),
        "exact": flows.exact.StreamFunction(flows.exact.Waves(2, seed=seed), score),
        "score": score,
    }
    plain = {kind: flows.at_common_speed(field, x) for kind, field in plain.items()}
    learned = trained(name, samples, score, signs)
    return {"learned": learned, "random": random, **plain}


# %%
made = rollout.together({name: lambda n=name: runners(n) for name in worlds})
runs = {}
for name, fields in made.items():
    flown = {kind: (field, other.get(kind, dt[name]), times) for kind, field in fields.items()}
    runs |= {
        (name, kind): path
        for kind, path in rollout.race(flown, draw[name](cloud, seed + 1234)).items()
    }

# %% [markdown]
# ## What became of the clouds

# %%
floors = {
    name: measures.noise_floor(measures.sliced_wasserstein, draw[name], n=cloud, seed=seed)[0]
    for name in worlds
}


def over(key, time):
    """Distance to a fresh sample over its floor."""
    return measures.preservation(runs[key].at(time), draw[key[0]], floors[key[0]], seed=seed)


for name in worlds:
    curves = {kind: (times, [over((name, kind), t) for t in times]) for kind in made[name]}
    picture = figures.curves(
        curves,
        levels=figures.FLOOR,
        xlabel="time (path in radii of the cloud)",
        ylabel=f"{name}: distance over its floor",
        xscale="log",
        yscale="log",
    )
    figures.show(picture, f"Distances over their floor against time for {name}, log axes.")

# %%
aims = {"exact": "<= 1.5", "skew": "<= 1.5", "learned": "<= 2"}
for name, kind in runs:
    step = other.get(kind, dt[name])
    shared = dict(floor=floors[name], dt=step, points=cloud, t=times[-1])
    value = over((name, kind), times[-1])
    card.row(f"{name}.{kind}.preservation_1000", value, target=aims.get(kind), **shared)
card.show()
