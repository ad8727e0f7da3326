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
# # Exercises: rules for images
#
# > Which filters keep the distribution of a pattern?
#
# These go with [chapter 03](../03_gray_scott_training_free.ipynb).

# %%
import torch

from eqflow_nb.course.check import images as check


# %% [markdown]
# ## 1. A skew kernel
#
# A convolution mixes channels at distances: $K_{oi}(\delta)$ is what channel $i$ gives to channel $o$
# at a distance δ. It is skew if $K_{oi}(\delta) = -K_{io}(-\delta)$. Take the skew part of any
# weights.

# %% [markdown]
# <details><summary>A hint</summary>
#
# Which two operations on the weights does the definition ask for, one on channels and one on distances?
#
# <details><summary>A larger one</summary>
#
# Exchange the channels with transpose(0, 1), and turn distances round with flip(2, 3).
#
# </details></details>

# %% tags=["answer"]
def skew_kernel(weights):
    """The skew part of weights (C, C, h, w), whose middle is the distance 0."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.makes_skew_kernel(skew_kernel)


# %% [markdown]
# ## 2. The same, wave by wave
#
# A filter may also be given by a matrix $K(k)$ for each wave: here `K` has shape (8, 2, 2), for the
# waves of a ring of 8 pixels in the order of `torch.fft`. Real images stay real if
# $K(-k) = \overline{K(k)}$. The filter is skew if $K(k)^H = -K(k)$, with the conjugate transpose.
# Which of the two hold?

# %% [markdown]
# <details><summary>A hint</summary>
#
# Write each condition as an equation between arrays. At which place of a ring of 8 is the wave -k?
#
# <details><summary>A larger one</summary>
#
# The wave -k is at place (-k) % 8: K.flip(0).roll(1, 0). K.mH is the conjugate transpose.
#
# </details></details>

# %% tags=["answer"]
def kind(K):
    """Two truth values: is the filter K (8, 2, 2) real, and is it skew?"""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.tells_kernels(kind)


# %% [markdown]
# ## 3. Predict: what the projection gains
#
# A field $v_0$ has the similarity `before` to the truth, and the gradient part takes the `fraction` of
# $E|v_0|^2$. Predict the similarity once that part is taken out. Then look up both numbers for waves in
# the chapter, and see how near the prediction comes to the row `waves.both.similarity_mean`. Why
# isn't it exact there?

# %% [markdown]
# <details><summary>A hint</summary>
#
# Which two vectors are at right angles, and which of the three sides is the hypotenuse?
#
# <details><summary>A larger one</summary>
#
# The truth is orthogonal to gradients, so its product with v_0 stays; only the length of v_0 shrinks.
#
# </details></details>

# %% tags=["answer"]
def similarity_after(before, fraction):
    """The similarity of v_0 less its gradient part, which has this fraction of E |v_0|^2."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.gains_by_projection(similarity_after)


# %% [markdown]
# ## 4. A score from a spectrum
#
# One channel, mean 0, Gaussian and periodic. The power of wave $k$, $P(k) = E|x(k)|^2$ with
# transforms of `norm="ortho"`, is all there is to know. Write the score of the sheet blurred by σ.

# %% [markdown]
# <details><summary>A hint</summary>
#
# In waves a Gaussian is many independent numbers, each with a variance. What does blurring add to it?
#
# <details><summary>A larger one</summary>
#
# s(k) = -x(k) / (P(k) + sigma^2): a transform, a division, a transform back, the real part.
#
# </details></details>

# %% tags=["answer"]
def score(x, power, sigma):
    """The score (H, W) of a sheet x (H, W) with power (H, W), blurred by sigma."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.spectral_score(score)


# %% [markdown]
# ## 5. Open: a sheet that drifts
#
# A pattern without marks at the edge may drift, and no snapshot shows it. For a sheet whose score is
# $s = -x$, find a skew kernel of 3 by 3 pixels under which it drifts in a given direction
# (down, right). The rule is a convolution, $v(y) = \sum_\delta K(\delta)\,s(y-\delta)$. What
# drifts worse, coarse or fine detail, and could a larger kernel mend it?

# %% [markdown]
# <details><summary>A hint</summary>
#
# Which derivative moves a sheet along? How is a derivative written with neighbouring pixels?
#
# <details><summary>A larger one</summary>
#
# Drifting is v = -d . grad x = d . grad s, and (s(y + 1) - s(y - 1)) / 2 is a derivative.
#
# </details></details>

# %% tags=["answer"]
def kernel(direction):
    """A kernel (1, 1, 3, 3) for a direction (2,) of length 1, (down, right)."""
    raise NotImplementedError("your answer goes here")


# %% tags=["check"]
check.drifts(kernel)
