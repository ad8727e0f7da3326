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
# # Exercises: creatures
#
# > Who turns where, and why?
#
# These go with [chapter 04](../04_alife_flocking.ipynb).

# %%
import math

import torch

from eqflow_nb.course.check import images as check


# %% [markdown]
# ## 1. Predict: who turns where
#
# A creature swims by rule (1) at speed $u$, with heading θ (radians, anticlockwise). One neighbour is
# near, in the direction `bearing` as the creature sees it, and log p rises by `slope` a pixel as their
# distance grows: the sheets say "keep apart". How fast does the creature turn? Say first, for
# yourself: which way, if the neighbour is ahead on the left? And if it is exactly ahead?

# %% [markdown]
# <details><summary>A hint</summary>
#
# Rule (1) turns by minus a times the gradient of log p by the creature's own place.
#
# <details><summary>A larger one</summary>
#
# That gradient has the length `slope`, and points away from the neighbour.
#
# </details></details>

# %% tags=["answer"]
def turning(theta, bearing, u, slope):
    """Radians per time, anticlockwise."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.turns_away(turning)


# %% [markdown]
# ## 2. Derive: the steering of a pair
#
# For two creatures let $\log p = e^{-r^2/2}\cos(\theta_1-\theta_2)$, with $r$ their distance: they like
# to look the same way when they are near. Work out the whole of rule (1), place and heading, for the
# first of them.

# %% [markdown]
# <details><summary>A hint</summary>
#
# You need three derivatives of log p: by x, by y and by the heading of the first.
#
# <details><summary>A larger one</summary>
#
# With w = exp(-r^2/2), the one by x_1 is w cos(θ_1 - θ_2) (x_2 - x_1).
#
# </details></details>

# %% tags=["answer"]
def velocity(q, other, u):
    """(dx/dt, dy/dt, dθ/dt), a tensor (3,), for q = (x, y, θ) and the other's pose."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.steers_a_pair(velocity)


# %% [markdown]
# ## 3. Find the sheets that make a mill
#
# The wish to circle, $\dot r_i = \omega\,J s_{r_i}$ with $J$ a turn by +90°, moves creatures along the
# level lines of log p. Find sheets on which it makes a *mill*: all go around a common centre at one
# rate, anticlockwise, like spots on a wheel. Draw one such sheet of $n$ places for a given rate and
# $\omega < 0$.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Which way, and how fast, does a spot on a turning wheel move, seen from the centre?
#
# <details><summary>A larger one</summary>
#
# By rate times J x at the place x: so the score is x times a number. Which p has such a one?
#
# </details></details>

# %% tags=["answer"]
def sheet(n, rate, omega):
    """Places (n, 2) of a mill that turns anticlockwise at `rate` radians per time."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.makes_a_mill(sheet)


# %% [markdown]
# ## 4. Constant rules
#
# Under $v = Ks$ with a constant matrix $K$, how fast does a quantity $q(x)$ change on average over
# $p$? Work out $E_p[\nabla q\cdot K s]$ for a $q$ whose Hessian $H$ is the same everywhere. Do it for
# *any* $K$, and then look at the skew ones.

# %% [markdown]
# <details><summary>A hint</summary>
#
# p s is the gradient of p. Integrate by parts.
#
# <details><summary>A larger one</summary>
#
# What is left is minus the mean of the divergence of K^T grad q.
#
# </details></details>

# %% tags=["answer"]
def push(K, H):
    """The mean change of q per time, for K and H (d, d)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.mean_push(push)


# %% [markdown]
# ## 5. Open: a pursuit of your own
#
# A pursuer (0) and its prey (1) live on an endless plane, at $q$ of shape (B, 2, 2); $s$ is the score,
# of the same shape. Write a wish that keeps *any* distribution, and in which the pursuer goes for its
# prey, and the prey flees, where nothing else matters ($s = 0$). There are many: which looks most
# alive to you? The chapter's `pursue` has a range and kinds; yours needs neither.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Choose a block of A between the two places, and add its divergence.
#
# <details><summary>A larger one</summary>
#
# With A_01 = w(r) I and A_10 = -w(r) I both go along the gradient of w. Which w do you want?
#
# </details></details>

# %% tags=["answer"]
def wish(q, s):
    """The velocity (B, 2, 2) of a pursuer and its prey."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.pursues(wish)
