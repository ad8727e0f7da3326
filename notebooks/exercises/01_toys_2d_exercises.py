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
# # Exercises: toys in the plane
#
# > Can you write the flows that keep a cloud?
#
# These go with [chapter 01](../01_toys_2d.ipynb). States are rows, so that `x` has shape (B, 2).
# `J`, below, turns a velocity by a quarter.

# %%
import math

import torch
from torch.func import jvp

from eqflow_nb.course.check import plane as check

J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)


# %% [markdown]
# ## 1. Predict: one turn
#
# A Gaussian cloud with covariance $C$ moves with $v = \gamma J s$. All its points go round ellipses.
# How long does one turn take?

# %% [markdown]
# <details><summary>A hint</summary>
#
# On an ellipse of constant density the velocity is linear in x. Which numbers say how fast a linear velocity turns?
#
# <details><summary>A larger one</summary>
#
# The eigenvalues of J C^-1 are +-i / sqrt(det C); a turn is 2 pi.
#
# </details></details>

# %% tags=["answer"]
def period(C, strength):
    """The time of one turn, for a covariance C (2, 2) and a strength above 0."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.one_turn(period)


# %% [markdown]
# ## 2. The score of a Gaussian
#
# $\log p(x) = -\frac12 (x-m)^\top C^{-1} (x-m) + \text{const}$. Take the gradient.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Write the exponent out in components, or recall the gradient of a quadratic form. Then mind that x comes in rows.
#
# <details><summary>A larger one</summary>
#
# The gradient of a quadratic form is linear; rows of x want C^-1 on their right.
#
# </details></details>

# %% tags=["answer"]
def score(x, mean, C):
    """The score (B, d) at x (B, d) of a Gaussian with mean (d,) and covariance C (d, d)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.gaussian_score(score)


# %% [markdown]
# ## 3. The residual
#
# $r = \nabla\cdot v + v\cdot s$, at each point. `jvp(v, (x,), (e,))[1]` is the derivative of `v` in
# the directions `e` (B, 2).

# %% [markdown]
# <details><summary>A hint</summary>
#
# Which entries of the matrix of derivatives does a divergence add up?
#
# <details><summary>A larger one</summary>
#
# The divergence is the sum over i of the i-th component of the derivative along axis i.
#
# </details></details>

# %% tags=["answer"]
def residual(v, s, x):
    """The residual (B,) of a field v against the score s, at x (B, 2)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.residual_of(residual)


# %% [markdown]
# ## 4. All of them
#
# Show on paper that $v = J(\nabla\psi + \psi s)$ has no residual, whatever ψ is. Then write it.
# `torch.autograd.grad(psi(x).sum(), x)` is the gradient of `psi` at each row of an `x` that requires
# gradients.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Bring x to a leaf that requires gradients, then write the formula from left to right; mind the shapes.
#
# <details><summary>A larger one</summary>
#
# A row times J.T is J applied to it. psi(x) has shape (B,), and wants [:, None].
#
# </details></details>

# %% tags=["answer"]
def flow(psi, s, x):
    """The flow (B, 2) at x (B, 2) of a stream function psi, for a score s."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.stream_flow(flow)


# %% [markdown]
# ## 5. Open: a faster crossing
#
# Two round peaks lie at `one` and `other`, wherever these are, with a saddle half way. Find a ψ whose
# flow crosses the saddle at least 2.5 times as fast as the constant skew flow, when both have the same rms
# speed. The check draws new places. There are many such ψ: how fast can you make it?

# %% [markdown]
# <details><summary>A hint</summary>
#
# Where is the density low between the peaks? The current there grows with psi, and psi may depend on place.
#
# <details><summary>A larger one</summary>
#
# Measure how far along the line between the peaks a point is, and let psi be large half way.
#
# </details></details>

# %% tags=["answer"]
def psi(x, one, other):
    """A stream function (B,) at x (B, 2), for peaks at one (2,) and other (2,)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.crosses_faster(psi)
