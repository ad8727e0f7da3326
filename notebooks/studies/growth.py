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
# # How it grows
#
# > What does each core cost as its size grows, and how far is it from what the machine can do?
#
# Each core is timed on one thread while one size grows by factors of two: states, dimensions, pixels,
# members of an ensemble, snapshots. The exponent is fitted over the upper half of the sizes. The
# *share* is the least time over the measured one. The least time is that of the arithmetic at the
# machine's peak, or of the traffic at its bandwidth, whichever is larger. Both limits are measured
# here: by a product of matrices, and by a copy.

# %%
import ot
import torch

from eqflow_nb import figures, measures
from eqflow_nb.course import growth
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"

# %%
pick_device(device)
cores = growth.cores(large=choice(budget, BUDGETS, "budget") != "quick")
card = Scorecard("growth", seed=seed, budget=budget)
limits = growth.machine()
card.row("machine.gigaflops", limits.flops / 1e9, threads=1)
card.row("machine.gigabytes_per_second", limits.bandwidth / 1e9, threads=1)
print(f"{limits.flops / 1e9:.0f} GFLOP/s, {limits.bandwidth / 1e9:.1f} GB/s")

# %%
grown = {name: growth.measure(core, limits) for name, core in cores.items()}

# %%
times = {name: (g.sizes, 1e3 * g.seconds) for name, g in grown.items()}
figures.show(
    figures.curves(
        times, marker="o", xlabel="size", ylabel="time (ms)", xscale="log", yscale="log"
    ),
    "Time against size on two log scales, a line for each core. All rise as straight lines at large "
    "sizes; small ones cost a fixed time.",
)

# %%
shares = {name: (g.sizes, 100 * g.share) for name, g in grown.items()}
figures.show(
    figures.curves(
        shares,
        marker="o",
        xlabel="size",
        ylabel="share of the limit (%)",
        xscale="log",
        yscale="log",
    ),
    "Share of the machine's limit against size: small at small sizes, where calls cost more than work, "
    "and levelling off at large ones.",
)

# %% [markdown]
# Transport is farthest from its limit: it is all sorting. It was farther still. The general plan of
# optimal transport on a line, for clouds of any sizes and weights, takes this many times as long as
# sorting two clouds of one size:

# %%
x, y = torch.randn(4096, 3).double(), torch.randn(4096, 3).double()
sides = {
    "general plan": lambda: ot.sliced_wasserstein_distance(x, y, n_projections=200, seed=0),
    "sorted": lambda: measures.sliced_wasserstein(x, y, 200),
}
took = {name: growth.seconds_of(job) for name, job in sides.items()}
faster = took["general plan"] / took["sorted"]
card.row("transport.times_as_fast_as_general_plan", faster, points=4096, projections=200)
print(f"{faster:.0f} times")

# %% [markdown]
# ## Scorecard

# %%
for name, g in grown.items():
    row = name.replace(", ", ".").replace(" ", "_")
    about = dict(grows=cores[name].grows, largest=int(g.sizes[-1]))
    card.row(f"{row}.exponent", g.exponent, **about)
    card.row(f"{row}.milliseconds", 1e3 * g.seconds[-1], **about)
    card.row(f"{row}.share_of_limit", g.share[-1], **about)
least = min(grown, key=lambda name: grown[name].share[-1])
print(f"farthest from its limit at its largest size: {least}, {grown[least].share[-1]:.1%}")
decades = sum(float(torch.log10(torch.tensor(g.sizes[-1] / g.sizes[0]))) for g in grown.values())
card.row("growth.decades", decades, target=">= 3")
card.show()
