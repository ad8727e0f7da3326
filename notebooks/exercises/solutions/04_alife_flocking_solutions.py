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


# %% tags=["solution"]
# HINT: Rule (1) turns by minus a times the gradient of log p by the creature's own place.
# MORE: That gradient has the length `slope`, and points away from the neighbour.
def turning(theta, bearing, u, slope):
    """Radians per time, anticlockwise."""
    ### BEGIN SOLUTION
    push = (-slope * math.cos(bearing), -slope * math.sin(bearing))
    return u * (-math.sin(theta) * push[0] + math.cos(theta) * push[1])
    ### END SOLUTION


# %% tags=["check"]
check.turns_away(turning)

# %% [markdown]
# ## 2. Derive: the steering of a pair
#
# For two creatures let $\log p = e^{-r^2/2}\cos(\theta_1-\theta_2)$, with $r$ their distance: they like
# to look the same way when they are near. Work out the whole of rule (1), place and heading, for the
# first of them.


# %% tags=["solution"]
# HINT: You need three derivatives of log p: by x, by y and by the heading of the first.
# MORE: With w = exp(-r^2/2), the one by x_1 is w cos(θ_1 - θ_2) (x_2 - x_1).
def velocity(q, other, u):
    """(dx/dt, dy/dt, dθ/dt), a tensor (3,), for q = (x, y, θ) and the other's pose."""
    ### BEGIN SOLUTION
    gap = other - q
    w, theta = torch.exp(-gap[:2].square().sum() / 2), q[2]
    by_place = w * gap[2].cos() * gap[:2]
    by_heading = w * gap[2].sin()
    e, a = torch.stack([theta.cos(), theta.sin()]), torch.stack([theta.sin(), -theta.cos()])
    return torch.cat([u * e + u * a * by_heading, -u * (a @ by_place)[None]])
    ### END SOLUTION


# %% tags=["check"]
check.steers_a_pair(velocity)

# %% [markdown]
# ## 3. Find the sheets that make a mill
#
# The wish to circle, $\dot r_i = \omega\,J s_{r_i}$ with $J$ a turn by +90°, moves creatures along the
# level lines of log p. Find sheets on which it makes a *mill*: all go around a common centre at one
# rate, anticlockwise, like spots on a wheel. Draw one such sheet of $n$ places for a given rate and
# $\omega < 0$.


# %% tags=["solution"]
# HINT: Which way, and how fast, does a spot on a turning wheel move, seen from the centre?
# MORE: By rate times J x at the place x: so the score is x times a number. Which p has such a one?
def sheet(n, rate, omega):
    """Places (n, 2) of a mill that turns anticlockwise at `rate` radians per time."""
    ### BEGIN SOLUTION
    return math.sqrt(-omega / rate) * torch.randn(n, 2)
    ### END SOLUTION


# %% tags=["check"]
check.makes_a_mill(sheet)

# %% [markdown]
# ## 4. Constant rules
#
# Under $v = Ks$ with a constant matrix $K$, how fast does a quantity $q(x)$ change on average over
# $p$? Work out $E_p[\nabla q\cdot K s]$ for a $q$ whose Hessian $H$ is the same everywhere. Do it for
# *any* $K$, and then look at the skew ones.


# %% tags=["solution"]
# HINT: p s is the gradient of p. Integrate by parts.
# MORE: What is left is minus the mean of the divergence of K^T grad q.
def push(K, H):
    """The mean change of q per time, for K and H (d, d)."""
    ### BEGIN SOLUTION
    return -(K * H).sum()
    ### END SOLUTION


# %% tags=["check"]
check.mean_push(push)

# %% [markdown]
# ## 5. Open: a pursuit of your own
#
# A pursuer (0) and its prey (1) live on an endless plane, at $q$ of shape (B, 2, 2); $s$ is the score,
# of the same shape. Write a wish that keeps *any* distribution, and in which the pursuer goes for its
# prey, and the prey flees, where nothing else matters ($s = 0$). There are many: which looks most
# alive to you? The chapter's `pursue` has a range and kinds; yours needs neither.


# %% tags=["solution"]
# HINT: Choose a block of A between the two places, and add its divergence.
# MORE: With A_01 = w(r) I and A_10 = -w(r) I both go along the gradient of w. Which w do you want?
def wish(q, s):
    """The velocity (B, 2, 2) of a pursuer and its prey."""
    ### BEGIN SOLUTION
    gap = q[:, 1] - q[:, 0]
    w = -torch.exp(-gap.square().sum(1, keepdim=True) / 2)
    slope = -w * gap  # of w, by the place of the prey
    return torch.stack([w * s[:, 1] + slope, -w * s[:, 0] + slope], 1)
    ### END SOLUTION


# %% tags=["check"]
check.pursues(wish)
