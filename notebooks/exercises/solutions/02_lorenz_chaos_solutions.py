# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercises: chaos from shuffled points
#
# > What can be said about a chaotic motion, and how is it compared with another?
#
# These go with [chapter 02](../02_lorenz_chaos.ipynb).

# %%
import torch

from eqflow_nb import measures, scores, snapshots
from eqflow_nb.course.check import lorenz as check

# %% [markdown]
# ## 1. Predict: how fast volumes shrink
#
# $\dot x = s(y-x)$, $\dot y = x(r-z)-y$, $\dot z = xy-bz$, with the rates drawn here. What do the
# three Lyapunov exponents add up to? Write an expression of `s`, `r` and `b`. The check follows the
# system and measures them.

# %%
s, r, b = rates = check.fresh_rates()
print(f"s = {s:.2f}, r = {r:.2f}, b = {b:.2f}")

# %% tags=["solution"]
# HINT: What happens to a small ball of states as it moves? Which operation on a field says how its volume grows?
# MORE: A small volume grows at the rate div v, the trace of the Jacobian.
# Fill in your answer, and delete what raises.
total = ...
### BEGIN SOLUTION
total = -(s + 1 + b)
### END SOLUTION

# %% tags=["check"]
check.sum_of_exponents(total, rates)

# %% [markdown]
# ## 2. A symmetry for good
#
# The cloud is unchanged by $x \to Sx$ with $S = \mathrm{diag}(-1,-1,1)$. A flow has that symmetry if
# $v(Sx) = S\,v(x)$. Make it so for any field, and leave fields that have it as they are.


# %% tags=["solution"]
# HINT: A quantity becomes symmetric if you average it over the symmetry. Which two fields do you average?
# MORE: Average v with S v(S x): S twice is nothing, so the average is symmetric.
def symmetric(v, signs, x):
    """The symmetric part (B, 3) of a field v at x (B, 3); signs (3,) is the diagonal of S."""
    ### BEGIN SOLUTION
    return (v(x) + signs * v(x * signs)) / 2
    ### END SOLUTION


# %% tags=["check"]
check.makes_symmetric(symmetric)

# %% [markdown]
# ## 3. How alike are two fields?
#
# Speed and direction of time aren't in snapshots. So compare fields, given at the same states, by the
# |cosine| of all their components together.


# %% tags=["solution"]
# HINT: Think of each field as one long vector. When are two such vectors alike, whatever their lengths and signs?
# MORE: Sum over states and components at once: |sum u v| / sqrt(sum u^2 sum v^2).
def similarity(u, v):
    """The similarity, a number in [0, 1], of two fields (B, d)."""
    ### BEGIN SOLUTION
    return (u * v).sum().abs() / (u.norm() * v.norm())
    ### END SOLUTION


# %% tags=["check"]
check.compares(similarity)

# %% [markdown]
# ## 4. Neighbours part
#
# Follow two states that start $10^{-6}$ apart. After each step note the logarithm of the stretching
# and bring the neighbour back to $10^{-6}$, in the direction it has taken. The mean rate is the
# largest Lyapunov exponent. An Euler step $x + v(x)\,dt$ will do.


# %% tags=["solution"]
# HINT: Keep the gap between the two paths, not the second path. What do you add up each time you shrink it again?
# MORE: total += log(|gap| / 1e-6), then gap *= 1e-6 / |gap|; in the end divide by steps * dt.
def growth(v, x, dt, steps):
    """The largest Lyapunov exponent of a field v along the path from x (1, d)."""
    ### BEGIN SOLUTION
    gap = torch.zeros_like(x)
    gap[0, 0] = small = 1e-6
    total = 0.0
    for _ in range(steps):
        gap = x + gap + v(x + gap) * dt - (x + v(x) * dt)
        x = x + v(x) * dt
        total += float(torch.log(gap.norm() / small))
        gap = gap * small / gap.norm()
    return total / (steps * dt)
    ### END SOLUTION


# %% tags=["check"]
check.growth_rate(growth)

# %% [markdown]
# ## 5. Open: how good can a constant rule be?
#
# Suppose you did know the velocity $v$ at the snapshots. Which constant skew $K$ makes $Ks$ most
# like it? There is more than one way. Then see how well it does for Lorenz (the last cell), and
# say why no constant rule can do much better than that, whoever chooses it.


# %% tags=["solution"]
# HINT: How many free numbers has a skew matrix in space? K s depends on them in the simplest way there is.
# MORE: K s is linear in three entries of K: three fields. Fit their sum to v by least squares.
def best_rule(s, v):
    """The skew K (3, 3) whose flow K s is most like v; s and v are (B, 3)."""
    ### BEGIN SOLUTION
    places = [(0, 1), (0, 2), (1, 2)]
    basis = torch.zeros(3, 3, 3).to(s)
    for one, (i, j) in zip(basis, places):
        one[i, j], one[j, i] = 1.0, -1.0
    fields = torch.stack([(s @ one.T).flatten() for one in basis], 1)
    entries = torch.linalg.lstsq(fields, v.flatten()[:, None]).solution[:, 0]
    return (entries[:, None, None] * basis).sum(0)
    ### END SOLUTION


# %% tags=["check"]
check.best_constant_rule(best_rule)

# %%
lorenz = snapshots.world("lorenz")
points = lorenz.blurred(0.3)(2000, 1)
score = scores.fit_mixture(lorenz.sample(4000, 0), 0.3)(points)
truth = lorenz.velocity(points)
best = score @ best_rule(score, truth).T
print(f"the best constant rule for Lorenz: similarity {measures.similarity(best, truth):.2f}")
