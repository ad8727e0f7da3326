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
# # Exercises: your own snapshots
#
# > What must be checked before a flow of real data is believed?
#
# These go with [chapter 06](../06_your_own_snapshots.ipynb).

# %%
import torch

from eqflow_nb.course.check import equations as check


# %% [markdown]
# ## 1. Predict: the record read backwards
#
# The chapter's second picture says that 82% of the sunspots' steps go with the flow. What would it say
# if the record were read from its last year to its first? Predict it. Then write the share yourself,
# by equation (1) of the chapter, from the states in their order and the velocities at them. The arrow
# is free, once for all steps.

# %% [markdown]
# <details><summary>A hint</summary>
#
# A step has two ends and one sense. What does a free arrow do to a share below one half?
#
# <details><summary>A larger one</summary>
#
# Multiply each step with the velocities at both its ends, added; either the positive ones count or the others.
#
# </details></details>

# %% tags=["answer"]
def share(v, x):
    """The share of the steps between states x (n, 2) that go with the velocities v (n, 2) there."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.follows(share)


# %% [markdown]
# ## 2. A control
#
# Would you have found the same if the columns of your table had nothing to do with each other?
# Make such a table: each column keeps its numbers, in an order of its own. Use
# `torch.randperm(n, generator=generator)`.

# %% [markdown]
# <details><summary>A hint</summary>
#
# A fair control keeps what each column is, and destroys only how columns go together.
#
# <details><summary>A larger one</summary>
#
# One randperm for each column; a single one for all would only move whole rows.
#
# </details></details>

# %% tags=["answer"]
def shuffled(x, generator):
    """The table x (n, d) with its columns shuffled, each in its own way."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.shuffles(shuffled)


# %% [markdown]
# ## 3. From phase to phase
#
# At each point a cell is in phase $a$ with the chance $l_a$, and along the flow these chances change
# at the rates $\dot l_a = v\cdot\nabla l_a$. Phase $a$ gives to $b$ the net current
# $F_{ab} = E[l_a\dot l_b - l_b\dot l_a]$. Write it for all pairs at once.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Write the mean of l_a times the rate of l_b as a matrix first, then look at what the definition does with a and b.
#
# <details><summary>A larger one</summary>
#
# share.T @ change / n is the matrix of the means E[l_a dl_b]. Which other matrix does the definition take off it?
#
# </details></details>

# %% tags=["answer"]
def currents(share, change):
    """Net currents F (k, k) from chances (n, k) and their rates of change (n, k)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.phase_currents(currents)


# %% [markdown]
# ## 4. What no star changes
#
# Stars move in the potential $\Phi = -1/\sqrt{1+r^2}$ (in units of the cluster's own). Four numbers
# stay the same along each orbit: the energy $\frac12 v^2 + \Phi$ and the angular momentum
# $x\times v$.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Write one row by hand; then find the functions that do it for all rows.
#
# <details><summary>A larger one</summary>
#
# torch.linalg.cross works row by row; torch.cat glues columns, [:, None] makes one.
#
# </details></details>

# %% tags=["answer"]
def conserved(stars):
    """Energy and angular momentum (n, 4) of stars (n, 6): x, y, z, vx, vy, vz."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.conserves(conserved)


# %% [markdown]
# ## 5. Open: a motion that is no orbit
#
# The distribution of the cluster depends on the energy alone. So any motion in these six dimensions
# that keeps each star's energy, and crowds stars nowhere (divergence 0), keeps the cluster. The
# orbits are one. Find another. Which measurement, besides positions and velocities, would tell them
# apart?

# %% [markdown]
# <details><summary>A hint</summary>
#
# Which changes of a position and of a velocity leave their lengths alone?
#
# <details><summary>A larger one</summary>
#
# Energy knows only the lengths of position and velocity. What leaves both lengths alone?
#
# </details></details>

# %% tags=["answer"]
def motion(stars):
    """The rates of change (n, 6) of stars (n, 6): x, y, z, vx, vy, vz."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.no_orbit(motion)
