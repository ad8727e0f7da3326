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
from functools import partial
from itertools import islice
from math import comb, log2

import numpy as np
import ot
import torch
from torch.utils import benchmark

from eqflow_nb import figures, measures
from eqflow_nb.equations import moments_of
from eqflow_nb.flows import kernels, skew
from eqflow_nb.flows.continuity import divergence
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.rollout import heun
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.scores import MixtureScore
from eqflow_nb.snapshots.zoo import system

figures.style()
torch.set_num_threads(1)

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"

# %%
pick_device(device)
large = choice(budget, BUDGETS, "budget") != "quick"
card = Scorecard("growth", seed=seed, budget=budget)


def seconds_of(job):
    """The median time of one call, on one thread."""
    timer = benchmark.Timer("job()", globals={"job": job})
    return timer.blocked_autorange(min_run_time=0.1).median


# %% [markdown]
# ## What the machine can do

# %%
a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
x, y = torch.zeros(2**25), torch.ones(2**25)
flops = 2 * 1024**3 / seconds_of(lambda: a @ b)
bandwidth = 8 * 2**25 / seconds_of(lambda: x.copy_(y))
card.row("machine.gigaflops", flops / 1e9, threads=1)
card.row("machine.gigabytes_per_second", bandwidth / 1e9, threads=1)
x = y = None  # a quarter of the memory that this study may have
print(f"{flops / 1e9:.0f} GFLOP/s, {bandwidth / 1e9:.1f} GB/s")

# %% [markdown]
# ## What each core does
#
# What is timed, as a function of the size that grows.

# %%
PARTS, PROBES, LINES = 64, 4, 200  # of a mixture, a divergence, a transport distance


def states(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + 1))


def mixture(d):
    return MixtureScore(torch.ones(PARTS), states(PARTS, d), torch.eye(d).expand(PARTS, d, d))


# %%
def of_divergence(d, probes):
    return partial(divergence, skew.constant(skew.random(d), mixture(d)), states(256, d), probes)


def of_convolution(side):
    symbol = kernels.symbol(kernels.random_kernel(2, 3), (side, side))
    flow = kernels.convolution(symbol, lambda y: y)
    return partial(flow, states(1, 2, side, side))


def of_step(n):
    score, x = mixture(3), states(n, 3)
    return lambda: list(islice(heun(score, x, 0.01, 1, 1.0), 2))


def of_identification(n):
    x = np.resize(system("lorenz").sample(min(n, 2**16), 0), (n, 3))
    return lambda: moments_of([x], n, 2)


def of_transport(n):
    return partial(measures.sliced_wasserstein, states(n, 3), states(n, 3) + 0.1, LINES)


# %%
# What grows, from which to which power of two, and the job of a size.
cores = {
    "score, states": ("states", 6, 16, lambda n: partial(mixture(3), states(n, 3))),
    "score, dimensions": ("dimensions", 1, 6, lambda d: partial(mixture(d), states(1024, d))),
    "exact divergence": ("dimensions", 1, 6, partial(of_divergence, probes=None)),
    "Hutchinson divergence": ("dimensions", 1, 6, partial(of_divergence, probes=PROBES)),
    "skew convolution": ("pixels a side", 4, 11, of_convolution),
    "step of the SDE": ("members", 6, 16, of_step),
    "identification": ("snapshots", 9, 18, of_identification),
    "transport": ("points", 7, 16, of_transport),
}

# %% [markdown]
# And what it must do: operations and bytes, from the formulas. Transforms of $n$ numbers take
# $5 n \log_2 n$, sorts $n \log_2 n$ comparisons, and each array has to be read or written once.

# %%
monomials = comb(3 + 9, 3)  # of the tests and terms of a quadratic library, about


def score(n, d):
    """A mixture's score at n states: [operations, bytes]."""
    features = 1 + d + d * d
    return np.array([n * PARTS * (4.0 * features + 12), 4.0 * n * (2 * d + features + 2 * PARTS)])


work = {
    "score, states": lambda n: score(n, 3),
    "score, dimensions": lambda d: score(1024, d),
    # A mixture knows its Jacobian: at each state, outer products and as many weighted matrices.
    "exact divergence": lambda d: score(256, d) + 1024.0 * PARTS * np.array([d * d, 2 * d]),
    # Each probe is a product with the Jacobian, about twice the work of the field itself.
    "Hutchinson divergence": lambda d: (1 + 2 * PROBES) * score(256, d),
    "skew convolution": lambda n: n * n * np.array([10 * log2(n * n) + 16, 64.0]),
    "step of the SDE": lambda n: 2 * score(n, 3) + [60.0 * n, 0],
    "identification": lambda n: n * monomials * np.array([2.0, 8.0]),
    "transport": lambda n: LINES * n * np.array([2 * (6 + 2 * log2(n)) + 3, 32.0]),
}


# %%
def measure(name):
    """Sizes, seconds, the exponent over the upper half of the sizes, the share of the limit."""
    _, low, high, job = cores[name]
    sizes = 2 ** np.arange(low, (high if large else (low + high) // 2) + 1)
    seconds = np.array([seconds_of(job(n)) for n in sizes.tolist()])
    upper = len(sizes) // 2
    exponent = np.polyfit(np.log(sizes[upper:]), np.log(seconds[upper:]), 1)[0]
    least = np.array([max(work[name](n) / [flops, bandwidth]) for n in sizes.tolist()])
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
    "and for most levelling off at large ones.",
)

# %% [markdown]
# Transport is far from its limit: it is all sorting. It was farther still. The general plan of
# optimal transport on a line, for clouds of any sizes and weights, takes this many times as long as
# sorting two clouds of one size:

# %%
x, y = torch.randn(4096, 3).double(), torch.randn(4096, 3).double()
sides = {
    "general plan": lambda: ot.sliced_wasserstein_distance(x, y, n_projections=200, seed=0),
    "sorted": lambda: measures.sliced_wasserstein(x, y, 200),
}
took = {name: seconds_of(job) for name, job in sides.items()}
faster = took["general plan"] / took["sorted"]
card.row("transport.times_as_fast_as_general_plan", faster, points=4096, projections=200)
print(f"{faster:.0f} times")

# %% [markdown]
# ## Scorecard

# %%
for name, (sizes, seconds, exponent, share) in grown.items():
    row = name.replace(", ", ".").replace(" ", "_")
    about = dict(grows=cores[name][0], largest=int(sizes[-1]))
    card.row(f"{row}.exponent", exponent, **about)
    card.row(f"{row}.milliseconds", 1e3 * seconds[-1], **about)
    card.row(f"{row}.share_of_limit", share[-1], **about)
least = min(grown, key=lambda name: grown[name][-1][-1])
print(f"farthest from its limit at its largest size: {least}, {grown[least][-1][-1]:.1%}")
decades = sum(float(np.log10(sizes[-1] / sizes[0])) for sizes, *_ in grown.values())
card.row("growth.decades", decades, target=">= 3")
card.show()
