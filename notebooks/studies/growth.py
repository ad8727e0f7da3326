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
from math import comb, log2

import numpy as np
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

# %% [markdown]
# ## What the machine can do

# %%
a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
x, y = torch.zeros(2**25), torch.ones(2**25)
flops = 2 * 1024**3 / growth.seconds_of(lambda: a @ b)
bandwidth = 8 * 2**25 / growth.seconds_of(lambda: x.copy_(y))
card.row("machine.gigaflops", flops / 1e9, threads=1)
card.row("machine.gigabytes_per_second", bandwidth / 1e9, threads=1)
x = y = None  # a quarter of the memory that this study may have
print(f"{flops / 1e9:.0f} GFLOP/s, {bandwidth / 1e9:.1f} GB/s")

# %% [markdown]
# ## What each core must do
#
# Operations and bytes, from the formulas: transforms of $n$ numbers as $5 n \log_2 n$, sorts as
# $n \log_2 n$ comparisons, and each array that has to be read or written once.

# %%
parts, probes, lines = growth.COMPONENTS, growth.PROBES, growth.PROJECTIONS
monomials = comb(3 + 9, 3)  # of the tests and terms of a quadratic library, about


def score(n, d):
    """A mixture's score at n states: [operations, bytes]."""
    features = 1 + d + d * d
    return np.array([n * parts * (4.0 * features + 12), 4.0 * n * (2 * d + features + 2 * parts)])


work = {
    "score, states": lambda n: score(n, 3),
    "score, dimensions": lambda d: score(1024, d),
    # A mixture knows its Jacobian: at each state, outer products and as many weighted matrices.
    "exact divergence": lambda d: score(256, d) + 1024.0 * parts * np.array([d * d, 2 * d]),
    # Each probe is a product with the Jacobian, about twice the work of the field itself.
    "Hutchinson divergence": lambda d: (1 + 2 * probes) * score(256, d),
    "skew convolution": lambda n: n * n * np.array([10 * log2(n * n) + 16, 64.0]),
    "step of the SDE": lambda n: 2 * score(n, 3) + [60.0 * n, 0],
    "identification": lambda n: n * monomials * np.array([2.0, 8.0]),
    "transport": lambda n: lines * n * np.array([2 * (6 + 2 * log2(n)) + 3, 32.0]),
}


# %%
def measure(name):
    """Sizes, seconds, the exponent over the upper half of the sizes, the share of the limit."""
    sizes = np.array(cores[name].sizes, float)
    seconds = np.array([growth.seconds_of(cores[name].job(n)) for n in cores[name].sizes])
    upper = len(sizes) // 2
    exponent = np.polyfit(np.log(sizes[upper:]), np.log(seconds[upper:]), 1)[0]
    least = np.array([max(work[name](n) / [flops, bandwidth]) for n in cores[name].sizes])
    return sizes, seconds, exponent, least / seconds


grown = {name: measure(name) for name in cores}

# %%
times = {name: (sizes, 1e3 * seconds) for name, (sizes, seconds, *_) in grown.items()}
figures.show(
    figures.curves(
        times, marker="o", xlabel="size", ylabel="time (ms)", xscale="log", yscale="log"
    ),
    "Time against size on two log scales, a line for each core. All rise as straight lines at large "
    "sizes; small ones cost a fixed time.",
)

# %%
shares = {name: (sizes, 100 * share) for name, (sizes, *_, share) in grown.items()}
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
for name, (sizes, seconds, exponent, share) in grown.items():
    row = name.replace(", ", ".").replace(" ", "_")
    about = dict(grows=cores[name].grows, largest=int(sizes[-1]))
    card.row(f"{row}.exponent", exponent, **about)
    card.row(f"{row}.milliseconds", 1e3 * seconds[-1], **about)
    card.row(f"{row}.share_of_limit", share[-1], **about)
least = min(grown, key=lambda name: grown[name][-1][-1])
print(f"farthest from its limit at its largest size: {least}, {grown[least][-1][-1]:.1%}")
decades = sum(float(np.log10(sizes[-1] / sizes[0])) for sizes, *_ in grown.values())
card.row("growth.decades", decades, target=">= 3")
card.show()
