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
# # Exercises: start here
#
# > Which parts of a motion can't be in a snapshot?
#
# These go with [chapter 00](../00_start_here.ipynb). Write each answer in place of the line that
# raises an error, and run the check below it: it tries your answer on numbers that nobody knows
# beforehand, and says in words what is off.

# %%
import torch

from eqflow_nb import measures
from eqflow_nb.course.check import plane as check

# %% [markdown]
# ## 1. Predict: another strength
#
# Under the flow of strength 1 a point reaches some place at time 1. Now replace `from_entries(1.0)`
# by `from_entries(strength)`, with the strength drawn here. When is the point at that place? Write
# an expression of `strength`, not a number: the next run draws another one.

# %%
strength = check.fresh_strength()
print(f"strength {strength:.2f}")

# %% [markdown]
# <details><summary>A hint</summary>
#
# How does the velocity change with the strength, and what does a negative one do to the way?
#
# <details><summary>A larger one</summary>
#
# The velocity is strength times as large, and a negative one runs the film backwards.
#
# </details></details>

# %% tags=["answer"]
# Fill in your answer, and delete what raises.
when = ...
raise NotImplementedError("your answer goes here")

# %% tags=["check"]
check.same_place(when, strength)


# %% [markdown]
# ## 2. The part that keeps a distribution
#
# Only skew matrices will do, $K = -K^\top$. Write the function that takes the skew part out of any
# square matrix. A matrix that is skew already should come out as it is.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Transpose a symmetric matrix, then a skew one. What happens to each?
#
# <details><summary>A larger one</summary>
#
# Every matrix is a sum of a skew and a symmetric one; what does transposing do to each?
#
# </details></details>

# %% tags=["answer"]
def skew_part(W):
    """The skew part (d, d) of a matrix W (d, d)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.makes_skew(skew_part)


# %% [markdown]
# ## 3. A wheel
#
# Find the Gaussian cloud that $v = Js$ turns as a rigid wheel, once in a time $T$. (The score of a
# Gaussian with covariance $C$ is $-C^{-1}x$.)

# %% [markdown]
# <details><summary>A hint</summary>
#
# What shape must a cloud have, so that a rigid turn leaves it as it is?
#
# <details><summary>A larger one</summary>
#
# A wheel is round: C = c I. Then v = J s turns at the rate 1 / c.
#
# </details></details>

# %% tags=["answer"]
def covariance_for(T):
    """The covariance (2, 2) of a cloud that turns rigidly once in a time T."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.turns_rigidly(covariance_for)


# %% [markdown]
# ## 4. Has the cloud changed?
#
# Two fresh samples of one distribution are not at distance zero. Give the distance of a cloud `x`
# to a fresh sample in units of that floor. `draw(n, number)` gives n fresh points, other ones for
# each number; `measures.sliced_wasserstein(x, y)` is a distance of clouds. Take the floor as a mean
# over some pairs, since one pair alone scatters.

# %% [markdown]
# <details><summary>A hint</summary>
#
# How far apart are two clouds that differ by chance alone? Take many such pairs.
#
# <details><summary>A larger one</summary>
#
# Compare draw(n, 0) with draw(n, 1), draw(n, 2) with draw(n, 3), ..., with n = len(x).
#
# </details></details>

# %% tags=["answer"]
def in_floors(x, draw):
    """The distance of the cloud x (n, 2) to a fresh one, over that of two fresh ones."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.measures_in_floors(in_floors)
