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
# > Why does a drawing move?
#
# These go with [chapter 04](../04_alife_flocking.ipynb).

# %%
import numpy as np
import torch

from eqflow_nb.course.check import images as check

# %% [markdown]
# ## 1. The colour that is spared
#
# In three colours a skew rule is a turn about an axis $a$, a colour: $Ku = a\times u$. Write its
# matrix, for an axis of length 1.


# %% tags=["solution"]
# HINT: What does a linear map do to the unit vectors? They give you its columns.
# MORE: Column j of K is a x e_j.
def rule(axis):
    """The matrix K (3, 3) with K u = axis x u, for an axis (3,)."""
    ### BEGIN SOLUTION
    a, b, c = axis.tolist()
    return torch.tensor([[0, -c, b], [c, 0, -a], [-b, a, 0]], dtype=axis.dtype)
    ### END SOLUTION


# %% tags=["check"]
check.spares_a_colour(rule)

# %% [markdown]
# ## 2. Predict: how much noise a step needs
#
# One step takes $x$ to $Ex + \xi$. Before it $x$ is Gaussian with mean 0 and covariance $I$. Which
# covariance must the noise ξ have, so that this holds after it too? (For the rules of the chapter
# $E = e^{-(\eta I+K)\tau}$; here it is any matrix that shrinks.)


# %% tags=["solution"]
# HINT: How does a covariance change under a linear map, and under adding something independent?
# MORE: E x has the covariance E E^T, and covariances of independent parts add.
def noise(E):
    """The covariance (d, d) of the noise of a step E (d, d)."""
    ### BEGIN SOLUTION
    return torch.eye(len(E)).to(E) - E @ E.T
    ### END SOLUTION


# %% tags=["check"]
check.keeps_unit_covariance(noise)

# %% [markdown]
# ## 3. Predict: how far a creature gets
#
# A creature's velocity fades at the rate η and turns at the rate ω:
# $\dot v = -\begin{pmatrix}\eta&-\omega\\\omega&\eta\end{pmatrix}v + \text{noise}$. Each component
# has the mean square $u$. In the long run each coordinate spreads as $E[\Delta x^2] = 2Dt$. What is
# $D$?


# %% tags=["solution"]
# HINT: The mean square displacement is a double integral of how long the velocity remembers itself.
# MORE: D is the integral over all t > 0 of E[v_x(t) v_x(0)] = u exp(-eta t) cos(omega t).
def diffusion(square, eta, omega):
    """The diffusion D for E[v_x^2] = square, friction eta and turning rate omega."""
    ### BEGIN SOLUTION
    return square * eta / (eta**2 + omega**2)
    ### END SOLUTION


# %% tags=["check"]
check.diffusion_coefficient(diffusion)

# %% [markdown]
# ## 4. Straight or wandering?
#
# Mean squared displacements that grow as lag^α say what kind of motion it is: α = 1 wandering, 2
# straight. Read α off.


# %% tags=["solution"]
# HINT: In which axes is a power law a straight line?
# MORE: In logarithms a power law is a line; fit its slope, with an intercept.
def exponent(lags, squares):
    """The exponent alpha of mean squared displacements (n,) at lags (n,)."""
    ### BEGIN SOLUTION
    return np.polyfit(np.log(lags.numpy()), np.log(squares.numpy()), 1)[0]
    ### END SOLUTION


# %% tags=["check"]
check.reads_exponent(exponent)

# %% [markdown]
# ## 5. Open: one moves, the other stays
#
# The edges of one kind of dots show the colour `moved`, those of another kind the colour `still`.
# Write one rule that carries the first farther than no rule does, and not the second. Its largest
# eigenvalue should have size 1. Can one rule carry two kinds and leave a third? Try it on paper.


# %% tags=["solution"]
# HINT: Which direction of colour does a turn about an axis leave alone?
# MORE: Noise along an edge's colour is a momentum only if the rule turns that colour.
def rule_for(moved, still):
    """A skew rule (3, 3) for two colours of edges (3,), of length 1."""
    ### BEGIN SOLUTION
    return rule(still / still.norm())
    ### END SOLUTION


# %% tags=["check"]
check.moves_one(rule_for)
