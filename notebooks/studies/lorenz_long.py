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
# # Lorenz flows followed for a long time
#
# > Do flows that need no training keep the Lorenz attractor for a thousand radii of path?
#
# Chapter 02 follows its learned networks to $t = 1000$ and the other flows to $t = 100$. Here those
# run to $t = 1000$ as well. A few minutes on two cores; chapter 02 shows the rows as recorded.

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
sigma = 0.31

# %%
place = pick_device(device)
quick = choice(budget, BUDGETS, "budget") == "quick"
n, cloud, members = (4000, 200, 2) if quick else (20000, 2000, 8)
times = [2.0, 10.0] if quick else [100.0, 300.0, 1000.0]
card = Scorecard("lorenz_long", seed=seed, budget=budget, sigma=sigma)
lorenz = snapshots.world("lorenz")
samples = lorenz.sample(n, seed).to(place)
reserve = iter(lorenz.sample(30 * cloud, 7919 * (seed + 1)).to(place).split(cloud))


@functools.cache
def draw(count, number):
    """Blurred snapshots, new rows for each number."""
    noise = torch.randn(count, 3, generator=torch.Generator().manual_seed(number % 2**31))
    return next(reserve)[:count] + sigma * noise.to(place)


# %%
turn = measures.half_turns(samples, seed=seed)[0]
score = scores.fit_mixture(samples, sigma, seed=seed, signs=turn.signs if turn.holds else None)
test = draw(cloud, 1)
matrices = torch.stack([flows.skew.random(3, seed + i) for i in range(members)])
random = flows.networks.FlowNetworks(members, 3, 48, 80, seed=seed + 500).to(place)
random.requires_grad_(False).set_speed(test)
exact = flows.exact.VectorPotential(flows.exact.Waves(3, 3, seed=seed), score)
runners = {
    "exact": (flows.at_common_speed(exact, test), 0.04),
    "skew": (flows.at_common_speed(flows.skew.constant(matrices, score), test), 0.1),
    "score": (flows.at_common_speed(score, test), 0.2),
    "random": (random, 0.25),
}


def run(field, dt):
    """Follow a cloud; a block of it for each network or matrix."""
    return rollout.follow(rollout.rk4(field, draw(cloud, 2), dt, round(times[-1] / dt)), times)


runs = rollout.together({name: lambda r=r: run(*r) for name, r in runners.items()})

# %%
floor, _ = measures.noise_floor(measures.sliced_wasserstein, draw, n=cloud, seed=seed)
over = {
    name: [measures.preservation(r.at(t), draw, floor, seed=seed) for t in times]
    for name, r in runs.items()
}
figures.show(
    figures.distances(
        {name: (times, values) for name, values in over.items()},
        floor=1.0,
        ylabel="distance over its floor",
        log_time=True,
    ),
    "Distance over its floor against time: exact and skew flows stay near 1, the controls do not.",
)

# %%
for name, (_, dt) in runners.items():
    aim = "<= 1.5" if name == "exact" else None
    shared = dict(floor=floor, dt=dt, points=cloud, t=times[-1])
    card.row(f"lorenz.{name}.preservation_1000", over[name][-1], target=aim, **shared)
    card.row(f"lorenz.{name}.bounded_1000", runs[name].bounded(times[-1]), t=times[-1])
card.show()
