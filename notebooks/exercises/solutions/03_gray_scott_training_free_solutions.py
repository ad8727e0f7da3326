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


# %% tags=["solution"]
# HINT: Which two operations on the weights does the definition ask for, one on channels and one on distances?
# MORE: Exchange the channels with transpose(0, 1), and turn distances round with flip(2, 3).
def skew_kernel(weights):
    """The skew part of weights (C, C, h, w), whose middle is the distance 0."""
    ### BEGIN SOLUTION
    return (weights - weights.transpose(0, 1).flip(2, 3)) / 2
    ### END SOLUTION


# %% tags=["check"]
check.makes_skew_kernel(skew_kernel)

# %% [markdown]
# ## 2. The same, wave by wave
#
# A filter may also be given by a matrix $K(k)$ for each wave: here `K` has shape (8, 2, 2), for the
# waves of a ring of 8 pixels in the order of `torch.fft`. Real images stay real if
# $K(-k) = \overline{K(k)}$. The filter is skew if $K(k)^H = -K(k)$, with the conjugate transpose.
# Which of the two hold?


# %% tags=["solution"]
# HINT: Write each condition as an equation between arrays. At which place of a ring of 8 is the wave -k?
# MORE: The wave -k is at place (-k) % 8: K.flip(0).roll(1, 0). K.mH is the conjugate transpose.
def kind(K):
    """Two truth values: is the filter K (8, 2, 2) real, and is it skew?"""
    ### BEGIN SOLUTION
    opposite = K.flip(0).roll(1, 0)
    return torch.allclose(opposite, K.conj()), torch.allclose(K.mH, -K)
    ### END SOLUTION


# %% tags=["check"]
check.tells_kernels(kind)

# %% [markdown]
# ## 3. Predict: what the projection gains
#
# A field $v_0$ has the similarity `before` to the truth, and the gradient part takes the `fraction` of
# $E|v_0|^2$. Predict the similarity once that part is taken out. Then look up both numbers for waves in
# the chapter, and see how near the prediction comes to the row `waves.both.similarity_mean`. Why
# isn't it exact there?


# %% tags=["solution"]
# HINT: Which two vectors are at right angles, and which of the three sides is the hypotenuse?
# MORE: The truth is orthogonal to gradients, so its product with v_0 stays; only the length of v_0 shrinks.
def similarity_after(before, fraction):
    """The similarity of v_0 less its gradient part, which has this fraction of E |v_0|^2."""
    ### BEGIN SOLUTION
    return before / (1 - fraction) ** 0.5
    ### END SOLUTION


# %% tags=["check"]
check.gains_by_projection(similarity_after)

# %% [markdown]
# ## 4. A score from a spectrum
#
# One channel, mean 0, Gaussian and periodic. The power of wave $k$, $P(k) = E|x(k)|^2$ with
# transforms of `norm="ortho"`, is all there is to know. Write the score of the sheet blurred by σ.


# %% tags=["solution"]
# HINT: In waves a Gaussian is many independent numbers, each with a variance. What does blurring add to it?
# MORE: s(k) = -x(k) / (P(k) + sigma^2): a transform, a division, a transform back, the real part.
def score(x, power, sigma):
    """The score (H, W) of a sheet x (H, W) with power (H, W), blurred by sigma."""
    ### BEGIN SOLUTION
    waves = torch.fft.fft2(x, norm="ortho")
    return -torch.fft.ifft2(waves / (power + sigma**2), norm="ortho").real
    ### END SOLUTION


# %% tags=["check"]
check.spectral_score(score)

# %% [markdown]
# ## 5. Open: a sheet that drifts
#
# A pattern without marks at the edge may drift, and no snapshot shows it. For a sheet whose score is
# $s = -x$, find a skew kernel of 3 by 3 pixels under which it drifts in a given direction
# (down, right). The rule is a convolution, $v(y) = \sum_\delta K(\delta)\,s(y-\delta)$. What
# drifts worse, coarse or fine detail, and could a larger kernel mend it?


# %% tags=["solution"]
# HINT: Which derivative moves a sheet along? How is a derivative written with neighbouring pixels?
# MORE: Drifting is v = -d . grad x = d . grad s, and (s(y + 1) - s(y - 1)) / 2 is a derivative.
def kernel(direction):
    """A kernel (1, 1, 3, 3) for a direction (2,) of length 1, (down, right)."""
    ### BEGIN SOLUTION
    K = torch.zeros(1, 1, 3, 3).to(direction)
    down, right = direction / 2
    K[0, 0, 0, 1], K[0, 0, 2, 1] = down, -down
    K[0, 0, 1, 0], K[0, 0, 1, 2] = right, -right
    return K
    ### END SOLUTION


# %% tags=["check"]
check.drifts(kernel)
