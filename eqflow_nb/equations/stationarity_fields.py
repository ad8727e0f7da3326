"""Partial differential equations from unordered photographs, by stationarity."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from eqflow_nb.equations import elimination, verdicts
from eqflow_nb.equations.field_conditions import FieldConditions
from eqflow_nb.equations.field_laws import FieldTerm, FieldVelocity
from eqflow_nb.equations.field_tests import TESTS
from eqflow_nb.equations.laws import Law, LawTerm
from eqflow_nb.equations.library import names_for, same_term
from eqflow_nb.inputs import InputError

SETS = TESTS[1:3]  # 41 and 89 functionals of two channels
DRAWS = 200
CHANNELS = ("u", "v", "w")


@dataclass(frozen=True)
class FieldLaw(Law):
    """A law of images: as `Law`, with channels for coordinates and operators in its terms.

    Attributes
    ----------
    stencil : str
        Of the Laplacian the law was found with.
    step : float
        The step of the simulation that the stills came from, in deviations of a channel, 0 if it
        doesn't show.
    """

    stencil: str = "five"
    step: float = 0.0
    table: dict[FieldTerm, float] = field(default_factory=dict, repr=False)
    fields: bool = True

    def velocity(self, x: Any) -> Any:
        """dx/dt (B, C, H, W) of images in the data's own units, tensors or arrays."""
        return FieldVelocity(self.table, self.stencil)(x)

    __call__ = velocity

    def reversed(self) -> FieldLaw:
        """The same law with time the other way round."""
        raise NotImplementedError("a law of images runs the way in which diffusion smooths")


class Conditions(FieldConditions):
    """Conditions on images that cross-fitting can use as well."""

    def halves(self, c: np.ndarray) -> list[np.ndarray]:
        """Covariances (m, m) over every other one of the groups of `blocks`, and over the rest."""
        bias = self.count * self.tolerance**2 * float(c @ self.gram @ c) * self.slopes
        rows = self.residuals @ c
        return [np.cov(rows[self.part % 2 == half].T, ddof=0) + bias for half in (0, 1)]


def identify_fields(
    stills: Any,
    degree: int = 3,
    *,
    library: str = "local",
    stencil: str = "five",
    relative_to: str | None = None,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> FieldLaw:
    """Find the partial differential equation that unordered photographs were taken of.

    Parameters
    ----------
    stills : array (N, C, H, W) or (N, C, L)
        Periodic images or lines, in their own units, as exact as single precision at least.
    degree : int
        Of the library's monomials of the channels.
    library : str
        "local": monomials and Laplacians; "gradients": squared gradients too; "rich": both times
        monomials as well.
    stencil : str
        Of the Laplacian: "five", "nine" or "spectral".
    relative_to : str, optional
        The term whose coefficient is made 1 in size, such as "lap(u)" or "1:v"; by default the one
        known best.
    names : sequence of str, optional
        Of the channels; u, v, w by default.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If an argument can't be used: which, what it got, and what would do.
    """
    started = time.perf_counter()
    conditions = [Conditions(stills, tests, degree, library, stencil) for tests in SETS]
    channels = len(conditions[0].scale)
    default = CHANNELS[:channels] if channels <= len(CHANNELS) else None
    labels = names_for(names or default, channels)
    if len(conditions[0].stills) < 2 * channels:
        raise InputError(
            f"stills has {len(conditions[0].stills)}; at least {2 * channels} are needed"
        )
    found = [
        verdicts.Found(c, *elimination.search(c), tests=len(c.functionals)) for c in conditions
    ]
    number, still = conditions[-1].vanishing()
    decision = _static(found[-1], number, still) if number else verdicts.decide(found)
    if _coarse(conditions[0].stills) and decision.verdict != "determined":
        text = f"{decision.evidence}; the images have only 256 shades, and rounding hides a law"
        decision = replace(decision, evidence=text)
    law = _written(decision, labels, relative_to, seed, stencil)
    return replace(law, seconds=time.perf_counter() - started)


def _coarse(stills: Any) -> bool:
    """Whether some channel has no more shades than a byte."""
    few = stills[:: -(-len(stills) // 8)].transpose(0, 1).flatten(1)
    return any(len(channel.unique()) <= 256 for channel in few)


def _static(found: verdicts.Found, number: int, still: np.ndarray) -> verdicts.Decision:
    text = (
        f"{number} combinations of the library's terms are zero at every pixel of every image: the "
        "patterns stand still, and any mixture of these laws keeps them"
    )
    return verdicts.Decision("undetermined", found, still, text)


def _written(
    decision: verdicts.Decision,
    names: Sequence[str],
    relative_to: str | None,
    seed: int,
    stencil: str,
) -> FieldLaw:
    """The decision in the data's own units, with the coefficients estimated anew on its terms."""
    conditions, fit = decision.found.conditions, decision.found.fit
    exact, step = conditions, 0.0
    if decision.verdict == "determined":
        fit = conditions.refit(fit)
        exact, step = conditions.stepped(fit.c)
        fit = exact.refit(fit) if step else fit
    support = np.sort(fit.support)
    draws = np.array([exact.own(c) for c in _resampled(exact, fit, support, seed)])
    c, texts = exact.own(fit.c), [term.text(names) for term in exact.terms]
    unit = _unit(exact.terms, texts, support, c, draws, relative_to)
    smoothing = FieldVelocity({exact.terms[k]: c[k] for k in support}).arrow()
    sign = float(smoothing or np.sign(c[unit]))
    errors = (draws / draws[:, [unit]]).std(0, ddof=1)
    c = sign * c / abs(c[unit])
    terms = tuple(
        LawTerm(
            exact.terms[k].equation, texts[k], exact.terms[k].powers, float(c[k]),
            float(errors[k]), exact.terms[k].operator, exact.terms[k].channel,
        )
        for k in support
    )  # fmt: skip
    arrow = "this one, in which diffusion smooths" if smoothing else "unknown: nothing diffuses"
    basis = tuple(
        {
            (t.equation, text): float(v)
            for t, text, v in zip(exact.terms, texts, exact.own(law), strict=True)
        }
        for law in decision.nulls.T
    )
    sure = decision.verdict == "determined"
    return FieldLaw(
        verdict=decision.verdict, terms=terms if sure else (), candidate=terms,
        null_dimension=decision.nulls.shape[1], basis=basis, evidence=decision.evidence,
        arrow=arrow if sure else None, names=tuple(names), noise=np.zeros(len(names)),
        diffusion=None, reference=f"{texts[unit]} in equation {exact.terms[unit].equation}",
        seconds=0.0, needed=decision.needed, decision=decision, stencil=stencil,
        step=abs(step), table={exact.terms[k]: float(c[k]) for k in support},
    )  # fmt: skip


def _resampled(
    conditions: Conditions, fit: elimination.Fit, support: np.ndarray, seed: int
) -> list[np.ndarray]:
    """Laws (K,) fitted to groups of stills drawn again."""
    root = elimination.root_of_inverse(conditions.covariance(fit.c))
    blocks = np.einsum("rm,bmk->brk", root, conditions.blocks(support))
    gram = conditions.gram[np.ix_(support, support)]
    rng, laws = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        drawn = rng.integers(len(blocks), size=len(blocks))
        share = conditions.weights[drawn] / conditions.weights[drawn].sum()
        _, found = elimination.smallest(np.tensordot(share, blocks[drawn], axes=1), gram)
        c = np.zeros(len(fit.c))
        c[support] = found[:, 0] * np.sign(found[:, 0] @ gram @ fit.c[support])
        laws.append(c)
    return laws


def _unit(
    terms: Sequence[FieldTerm], texts: Sequence[str], support: np.ndarray, c: np.ndarray,
    draws: np.ndarray, asked: str | None,
) -> int:  # fmt: skip
    """The term whose coefficient is made 1: the one asked for, or the one known best."""
    if asked is None:
        return int(support[np.argmin(draws[:, support].std(0) / np.abs(c[support]))])
    where, _, name = asked.rpartition(":")
    for k in support:
        if same_term(name, texts[k]) and where in ("", str(terms[k].equation)):
            return int(k)
    written = ", ".join(f"{terms[k].equation}:{texts[k]}" for k in support)
    raise InputError(f"relative_to {asked!r} is no term of the law; its terms are {written}")
