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
# # Exercises: equations
#
# > When do snapshots determine the equations?
#
# These go with [chapter 05](../05_equations_from_snapshots.ipynb).

# %%
import math

import torch

from eqflow_nb.course.check import equations as check


# %% [markdown]
# ## 1. Predict: the size of a library
#
# A system has $d$ equations. Each holds all monomials of $d$ variables up to some degree, the
# constant among them. How many terms are there in all?

# %% [markdown]
# <details><summary>A hint</summary>
#
# Count for one equation first: in how many ways can d exponents add up to at most g?
#
# <details><summary>A larger one</summary>
#
# Monomials of d variables up to degree g are the ways to choose d things out of d + g.
#
# </details></details>

# %% tags=["answer"]
def terms(d, degree):
    """The number of terms in d equations of all monomials up to a degree."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.counts_terms(terms)


# %% [markdown]
# ## 2. One question to the snapshots
#
# Snapshots move with the velocity $v$. How fast does the mean of $\psi(x) = \cos(w\cdot x+b)$ change?
# If $v$ keeps the cloud it doesn't, for any $w$ and $b$: each is one condition on $v$.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Use the chain rule along the motion, then average.
#
# <details><summary>A larger one</summary>
#
# The mean of grad psi . v, and grad psi = -w sin(w . x + b).
#
# </details></details>

# %% tags=["answer"]
def rate(x, v, w, b):
    """The rate of change of E[cos(w . x + b)], for x and v (B, d), w (d,) and a number b."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.rate_of_mean(rate)


# %% [markdown]
# ## 3. The equations are a null vector
#
# Many conditions $Mc = 0$, with scatter in $M$. Find the vector $c$ of length 1 with the least
# $|Mc|$.

# %% [markdown]
# <details><summary>A hint</summary>
#
# The least |M c| for unit c: which decomposition sorts directions by how much a matrix stretches them?
#
# <details><summary>A larger one</summary>
#
# torch.linalg.svd sorts singular values from large to small; c is a row of its last output.
#
# </details></details>

# %% tags=["answer"]
def null_vector(M):
    """The unit vector c (n,) with the least |M c|, for M (m, n)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.finds_null_vector(null_vector)


# %% [markdown]
# ## 4. Means without the noise
#
# You measure $y = x + \sigma\varepsilon$ with Gaussian ε. No point can be cleaned. Yet the means
# $E[x^2]$ and $E[x^4]$ can be had from the $y$ alone.

# %% [markdown]
# <details><summary>A hint</summary>
#
# What do even powers of y hold on average, besides those of x?
#
# <details><summary>A larger one</summary>
#
# Expand E[y^2] and E[y^4], with E[eps^2] = 1 and E[eps^4] = 3, and solve for those of x.
#
# </details></details>

# %% tags=["answer"]
def clean_moments(y, sigma):
    """The means of x^2 and x^4, from y = x + sigma eps (n,)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.removes_noise(clean_moments)


# %% [markdown]
# ## 5. Open: a cloud that several equations keep
#
# The round Gaussian in the plane ($s = -x$) is kept by the turn $(x_2, -x_1)$, of degree 1.
# Find a velocity of degree 2. How many are there that don't come from each other by adding and scaling?
# What would the verdict on such snapshots have to be?

# %% [markdown]
# <details><summary>A hint</summary>
#
# There are as many flows as functions psi. Which ones stay polynomial when s = -x?
#
# <details><summary>A larger one</summary>
#
# Chapter 01 has them all: v = J (grad psi + psi s). Which psi make that of degree 2?
#
# </details></details>

# %% tags=["answer"]
def velocity(x):
    """A velocity (B, 2) at x (B, 2), polynomials of degree 2."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.keeps_the_round_cloud(velocity)
