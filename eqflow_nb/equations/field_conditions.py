"""Stationarity of images, written as linear conditions on the coefficients of their law.

If p is stationary under dx/dt = v(x), every smooth functional psi of an image x_c(r) has
E[sum_c int dpsi/dx_c(r) v_c(r) dr] = 0.  With v = sum_k c_k phi_k that is M c = 0, as for points.
Functionals of one pixel say what values occur, those of two, through blurs, at which distances.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.linalg
import torch
from torch import Tensor

from eqflow_nb.equations.elimination import Fit, Weighted, root_of_inverse, smallest
from eqflow_nb.equations.field_laws import STENCILS, FieldTerm, FieldVelocity, functions_of, library
from eqflow_nb.equations.field_tests import (
    SHIFTS,
    TESTS,
    FieldTests,
    channel_moments,
    checked_stills,
    derivatives,
    torn,
    values,
)
from eqflow_nb.equations.moments import BLOCKS
from eqflow_nb.inputs import InputError, choice, count

MEMORY = 1.5e7  # bytes of functional derivatives worked on at a time
TOLERANCE = 3e-3  # of the velocity: less is asked of a law than that it hold more exactly
STILL = 4e-6  # of the mean square of the terms when torn apart: a combination that is zero
NOTICED = 4.0  # of misfit, 2 standard deviations: steps that stills show
REACH = 0.05  # of a velocity of mean square 1, along which a functional's bending is measured


class FieldConditions:
    """Conditions on the law of images: what `elimination.Conditions` asks for.

    Terms are functions of x / scale, so that they are zero where the reader's own terms are, and
    are divided by their rms.  Tests are functionals of the centred z = (x - centre) / scale.

    Parameters
    ----------
    stills : Tensor or array (N, C, H, W) or (N, C, L)
        Independent images or lines, periodic, in the reader's units.
    tests : FieldTests
    degree : int
        Of the library's monomials.
    kind : str
        Of the library; see `field_laws.library`.
    stencil : str
        Of the Laplacian; see `field_laws.laplacian`.
    tolerance : float
        What part of the velocity the true law may differ by from every law of the library, as a
        simulation in steps differs from its equations.  Without it the best weights find
        combinations of conditions so quiet that such a difference outweighs everything else.
    tiles : int
        Into how many parts each axis is cut.  By translation invariance the conditions hold in each
        part by itself, so that few stills still give a covariance of full rank.

    Attributes
    ----------
    terms : list of FieldTerm (K,)
    count : int
        Stills, or parts of them, N.
    residuals : ndarray (N, m, K)
        Of each: the pixel mean of sum_c dpsi_m/dz_c phi_k.
    gram : ndarray (K, K)
        E[phi_k . phi_l]: c' gram c is the mean square of v, in scaled coordinates.
    slopes : ndarray (m, m)
        E[dpsi_m . dpsi_n].
    weights : ndarray (B,)
        The share of the stills in each of `blocks`.
    """

    def __init__(
        self,
        stills: Any,
        tests: FieldTests = TESTS[1],
        degree: int = 3,
        kind: str = "local",
        stencil: str = "five",
        tolerance: float = TOLERANCE,
        tiles: int = 1,
    ) -> None:
        self.stills, self.tests, self.tolerance = checked_stills(stills), tests, tolerance
        self.stencil, self.tiles = choice(stencil, STENCILS, "stencil"), count(tiles, "tiles")
        channels = self.stills.shape[1]
        sides = self.stills.shape[2:]
        if any(side % self.tiles for side in sides):
            raise InputError(f"tiles is {tiles}, which does not divide the sides {tuple(sides)}")
        self.terms = library(channels, degree, kind)
        self.functions = [t.function for t in self.terms if t.equation == 0]
        self.functionals = tests.functionals(channels)
        self.centre, self.scale = channel_moments(self.stills)
        self.shape = (-1, *[1] * len(sides))
        self._measure()
        still = np.arange(self.count) * len(self.stills) // self.count
        self.part = still * min(BLOCKS, len(self.stills)) // len(self.stills)
        self.weights = np.bincount(self.part) / self.count

    def _measure(self) -> None:
        """One pass over the stills: residuals of each, and the two Gram matrices."""
        per, many, channels = len(self.functions), len(self.functionals), self.stills.shape[1]
        pairs, slopes, done = np.zeros((per, per)), np.zeros((many, many)), 0
        self.count = len(self.stills) * self.tiles ** (self.stills.ndim - 2)
        residuals = np.empty((self.count, many, channels * per))
        for x in self._chunks():
            phi = self._cut(functions_of(self._divided(x), self.functions, self.stencil))
            part, pixels = slice(done, done + len(phi)), phi.shape[-1]
            pairs += _product(phi, phi)
            for c, slope in enumerate(derivatives(self._centred(x), self.tests)):
                cut = self._cut(slope)
                slopes += _product(cut, cut)
                residuals[part, :, c * per : (c + 1) * per] = (cut @ phi.mT / pixels).numpy()
            done += len(phi)
        pairs, self.slopes = pairs / (self.count * pixels), slopes / (self.count * pixels)
        rms = np.sqrt(np.diag(pairs))
        self.rms = np.where(rms > 0, rms, 1.0)
        self.pairs = pairs / np.outer(self.rms, self.rms)
        self.gram = np.kron(np.eye(len(self.scale)), self.pairs)
        self.residuals = residuals / np.tile(self.rms, len(self.scale))

    def _chunks(self) -> Iterator[Tensor]:
        """A few stills at a time, in double precision."""
        each = 8.0 * self.stills[0].numel() * len(self.functionals)
        size = max(1, int(MEMORY / each))
        for start in range(0, len(self.stills), size):
            yield self.stills[start : start + size].double()

    def _divided(self, x: Tensor) -> Tensor:
        return x / torch.as_tensor(self.scale).reshape(self.shape)

    def _centred(self, x: Tensor) -> Tensor:
        return self._divided(x - torch.as_tensor(self.centre).reshape(self.shape))

    def _cut(self, x: Tensor) -> Tensor:
        """The parts (n tiles^axes, F, pixels) of values x (n, F, ...)."""
        if self.tiles == 1:
            return x.flatten(2)
        sides, t = x.shape[2:], self.tiles
        split = x.reshape(len(x), x.shape[1], *(s for side in sides for s in (t, side // t)))
        outer = [2 + 2 * k for k in range(len(sides))]
        moved = split.permute(0, *outer, 1, *(a + 1 for a in outer))
        return moved.reshape(len(x) * t ** len(sides), x.shape[1], -1)

    @functools.cached_property
    def matrix(self) -> np.ndarray:
        """M (m, K)."""
        return self.residuals.mean(0)

    def blocks(self, support: Sequence[int] | np.ndarray) -> np.ndarray:
        """M over each group of stills, (B, m, |support|), for the columns in `support`."""
        chosen = self.residuals[:, :, np.asarray(support)]
        starts = np.searchsorted(self.part, np.arange(len(self.weights)))
        sizes = self.weights * self.count
        return np.add.reduceat(chosen, starts, axis=0) / sizes[:, None, None]

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """The covariance (m, m), over stills, of the residuals of the law of coefficients c.

        The tolerance enters as an error of the mean, in all directions alike, so times N here.
        """
        rows = self.residuals @ c
        rows = rows - rows.mean(0)
        bias = self.count * self.tolerance**2 * float(c @ self.gram @ c)
        return rows.T @ rows / self.count + bias * self.slopes

    def refit(self, fit: Fit, rounds: int = 2) -> Fit:
        """The coefficients on a support that has been found, under a tolerance 6 times smaller.

        Which terms there are is safest asked with a tolerance over the stills' noise; how large
        they are, with one below it.
        """
        sharper = self._sharper()
        for _ in range(rounds):
            weighted = Weighted(sharper, root_of_inverse(sharper.covariance(fit.c)))
            fit = weighted.fit(fit.support)
        return fit

    def _sharper(self) -> FieldConditions:
        new = copy.copy(self)
        new.tolerance = self.tolerance / 6
        return new

    def stepped(self, c: np.ndarray, reach: float = 0.1) -> tuple[FieldConditions, float]:
        """Conditions for the law of a simulation that moves by explicit steps, x -> x + tau v.

        Such a simulation keeps E[psi(x + tau v)], which adds tau / 2 v . psi'' v to the residual:
        found from a law c that nearly fits, with the step tau under which it fits best.

        Parameters
        ----------
        c : ndarray (K,)
            A law of mean square velocity 1.
        reach : float
            The largest step tried, in deviations of a channel.

        Returns
        -------
        FieldConditions
            The same with the residuals of steps tau; linear in laws near c.
        float
            tau: the root mean square of a step, in deviations of a channel; its sign is the arrow
            of time of c, and 0 if the stills show no steps.
        """
        bent = self._bending(c) / 2
        support = np.flatnonzero(c)
        root = root_of_inverse(self._sharper().covariance(c))
        along = (self.gram @ c)[support]

        def misfit(tau: float) -> float:
            triangle = root @ (self.matrix[:, support] + tau * np.outer(bent.mean(0), along))
            gram = self.gram[np.ix_(support, support)]
            return self.count * float(smallest(triangle, gram)[0][0])

        taus = np.linspace(-reach, reach, 9)
        curve = np.polyfit(taus, [misfit(tau) for tau in taus], 2)
        tau = float(np.clip(-curve[1] / (2 * curve[0]), -reach, reach)) if curve[0] > 0 else 0.0
        if misfit(0.0) - misfit(tau) < NOTICED * max(1.0, misfit(tau) / len(root)):
            tau = 0.0
        new = copy.copy(self)
        new.__dict__.pop("matrix", None)
        new.residuals = self.residuals + tau * bent[:, :, None] * (self.gram @ c)
        return new, tau

    def _bending(self, c: np.ndarray) -> np.ndarray:
        """v . psi'' v (N, m) of each still for the law c: psi along v, bent twice."""
        velocity, found = FieldVelocity(self.law(c), self.stencil), []
        for x in self._chunks():
            z = self._centred(x)
            ahead = REACH * self._divided(velocity(x))
            at = [self._cut(values(y, self.tests)).mean(2) for y in (z + ahead, z - ahead, z)]
            found.append(((at[0] + at[1] - 2 * at[2]) / REACH**2).numpy())
        return np.concatenate(found)

    def vanishing(self, threshold: float = STILL) -> tuple[int, np.ndarray]:
        """Combinations of terms that are zero at every pixel: nothing can tell their size.

        Zero is judged against the same combination of images whose channels, and what the
        operators are taken of, are shifted apart: monomials that are alike by themselves don't
        count, only relations between what the images show.

        Parameters
        ----------
        threshold : float
            On the ratio of mean squares.

        Returns
        -------
        int
            The number of such combinations, over all equations.
        ndarray (K, that number)
            Coefficients, as `own` takes them, of a basis.
        """
        ratios, vectors = self.quietest()
        kept = vectors[:, ratios < threshold]
        return kept.shape[1] * len(self.scale), np.kron(np.eye(len(self.scale)), kept)

    def quietest(self) -> tuple[np.ndarray, np.ndarray]:
        """Ratios (F,) of mean squares, least first, and the combinations (F, F) they belong to."""
        apart = np.zeros_like(self.pairs)
        for x in self._chunks():
            x = self._divided(x)
            for k in range(len(SHIFTS)):
                other = torn(x, k, x.shape[1])
                phi = functions_of(torn(x, k), self.functions, self.stencil, other).flatten(2)
                apart += _product(phi, phi) / phi.shape[-1]
        apart /= len(self.stills) * len(SHIFTS) * np.outer(self.rms, self.rms)
        apart += 1e-13 * np.diag(np.diag(apart))
        return scipy.linalg.eigh(self.pairs, apart)

    def own(self, c: np.ndarray) -> np.ndarray:
        """Coefficients (K,) of the terms as the reader writes them, in the data's own units."""
        out = np.array(c, float)
        for k, term in enumerate(self.terms):
            out[k] *= self.scale[term.equation] / self.rms[k % len(self.rms)]
            out[k] /= np.prod(self.scale ** np.array(term.powers))
            if term.operator is not None:
                out[k] /= self.scale[term.channel] ** {"lap": 1, "grad2": 2}[term.operator]
        return out

    def law(self, c: np.ndarray) -> dict[FieldTerm, float]:
        """The terms of a law c (K,), each with its coefficient in the data's own units."""
        own = self.own(c)
        return {t: float(a) for t, a in zip(self.terms, own, strict=True) if a}


def _product(a: Tensor, b: Tensor) -> np.ndarray:
    """Sum over stills and pixels of a (n, F, P) times b (n, G, P), (F, G)."""
    return (a @ b.mT).sum(0).numpy()
