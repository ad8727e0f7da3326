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


# %% tags=["solution"]
# HINT: Count for one equation first: in how many ways can d exponents add up to at most g?
# MORE: Monomials of d variables up to degree g are the ways to choose d things out of d + g.
def terms(d, degree):
    """The number of terms in d equations of all monomials up to a degree."""
    ### BEGIN SOLUTION
    return d * math.comb(d + degree, degree)
    ### END SOLUTION


# %% tags=["check"]
check.counts_terms(terms)

# %% [markdown]
# ## 2. One question to the snapshots
#
# Snapshots move with the velocity $v$. How fast does the mean of $\psi(x) = \cos(w\cdot x+b)$ change?
# If $v$ keeps the cloud it doesn't, for any $w$ and $b$: each is one condition on $v$.


# %% tags=["solution"]
# HINT: Use the chain rule along the motion, then average.
# MORE: The mean of grad psi . v, and grad psi = -w sin(w . x + b).
def rate(x, v, w, b):
    """The rate of change of E[cos(w . x + b)], for x and v (B, d), w (d,) and a number b."""
    ### BEGIN SOLUTION
    return -(torch.sin(x @ w + b) * (v @ w)).mean()
    ### END SOLUTION


# %% tags=["check"]
check.rate_of_mean(rate)

# %% [markdown]
# ## 3. The equations are a null vector
#
# Many conditions $Mc = 0$, with scatter in $M$. Find the vector $c$ of length 1 with the least
# $|Mc|$.


# %% tags=["solution"]
# HINT: The least |M c| for unit c: which decomposition sorts directions by how much a matrix stretches them?
# MORE: torch.linalg.svd sorts singular values from large to small; c is a row of its last output.
def null_vector(M):
    """The unit vector c (n,) with the least |M c|, for M (m, n)."""
    ### BEGIN SOLUTION
    return torch.linalg.svd(M)[2][-1]
    ### END SOLUTION


# %% tags=["check"]
check.finds_null_vector(null_vector)

# %% [markdown]
# ## 4. Means without the noise
#
# You measure $y = x + \sigma\varepsilon$ with Gaussian ε. No point can be cleaned. Yet the means
# $E[x^2]$ and $E[x^4]$ can be had from the $y$ alone.


# %% tags=["solution"]
# HINT: What do even powers of y hold on average, besides those of x?
# MORE: Expand E[y^2] and E[y^4], with E[eps^2] = 1 and E[eps^4] = 3, and solve for those of x.
def clean_moments(y, sigma):
    """The means of x^2 and x^4, from y = x + sigma eps (n,)."""
    ### BEGIN SOLUTION
    square, fourth = y.square().mean(), y.pow(4).mean()
    return square - sigma**2, fourth - 6 * sigma**2 * square + 3 * sigma**4
    ### END SOLUTION


# %% tags=["check"]
check.removes_noise(clean_moments)

# %% [markdown]
# ## 5. Open: a cloud that several equations keep
#
# The round Gaussian in the plane ($s = -x$) is kept by the turn $(x_2, -x_1)$, of degree 1.
# Find a velocity of degree 2. How many are there that don't come from each other by adding and scaling?
# What would the verdict on such snapshots have to be?


# %% tags=["solution"]
# HINT: There are as many flows as functions psi. Which ones stay polynomial when s = -x?
# MORE: Chapter 01 has them all: v = J (grad psi + psi s). Which psi make that of degree 2?
def velocity(x):
    """A velocity (B, 2) at x (B, 2), polynomials of degree 2."""
    ### BEGIN SOLUTION
    first, second = x.unbind(1)
    # psi = x_1: grad psi + psi s = (1 - x_1^2, -x_1 x_2), then turned by J.
    return torch.stack([-first * second, first**2 - 1], 1)
    ### END SOLUTION


# %% tags=["check"]
check.keeps_the_round_cloud(velocity)
