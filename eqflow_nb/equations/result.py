"""Equations found: their terms with errors, a verdict, the velocity, and what is known of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from eqflow_nb.equations.elimination import Found
from eqflow_nb.equations.resampling import bootstrap
from eqflow_nb.equations.terms import Term, find, velocity
from eqflow_nb.equations.verdicts import Decision
from eqflow_nb.inputs import InputError, as_array

Extras = Mapping[str, Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class FoundTerm:
    """A term of the right-hand sides, as text too, with its coefficient and standard error."""

    term: Term
    text: str
    coefficient: float
    error: float

    def __str__(self) -> str:
        sign = "-" if self.coefficient < 0 else "+"
        body = "" if self.text == "1" else f" {self.text}"
        return f"{sign} {_number(abs(self.coefficient), self.error)}{body}"


@dataclass(frozen=True)
class Equations:
    """What was found.

    Attributes
    ----------
    verdict, evidence : str
        "determined", "undetermined", "not in the library" or "too few snapshots", and why.
    candidate : tuple of FoundTerm
        The best guess, whatever the verdict.
    null_dimension : int
        How many independent equations of the library keep the snapshots, as far as these can tell;
        `basis` has their coefficients.
    arrow : str or None
        What is known of the direction of time.
    noise : ndarray (d,)
        Observation noise taken out.
    diffusion : (float, float) or None
        The size of D and its error.
    reference : str
        The term whose coefficient is 1 in size: it sets the unit of time.
    needed : int or None
        How many snapshots would do, where they are too few.
    decision : Decision or None
        The fits behind it: paths of elimination, rivals, weights; None once let go by `light`.
    """

    verdict: str
    candidate: tuple[FoundTerm, ...]
    null_dimension: int
    basis: tuple[dict[Term, float], ...]
    evidence: str
    arrow: str | None
    names: tuple[str, ...]
    noise: np.ndarray
    diffusion: tuple[float, float] | None
    reference: str
    needed: int | None
    seconds: float
    decision: Decision | None = field(repr=False)
    extras: Extras = field(repr=False)

    @property
    def terms(self) -> tuple[FoundTerm, ...]:
        """The candidate, if it is determined; else nothing."""
        return self.candidate if self.verdict == "determined" else ()

    @property
    def coefficients(self) -> dict[Term, float]:
        """The candidate's coefficients by term."""
        return {each.term: each.coefficient for each in self.candidate}

    def velocity(self, x: Any) -> Any:
        """dx/dt of the candidate at points (n, d) or images (n, C, ...), in the data's own units.

        An array for an array, and a tensor, on its device, for a tensor.
        """
        state = as_array(x, "x")
        if state.ndim < 2 or state.shape[1] != len(self.names):
            raise InputError(
                f"x has shape {state.shape}; the equations are of {len(self.names)} coordinates, "
                f"so give (n, {len(self.names)}, ...)"
            )
        used = {each.term.extra for each in self.candidate if each.term.extra is not None}
        own = {name: np.asarray(self.extras[name](state)) for name in used}
        change = velocity(self.coefficients, state, own)
        return x.new_tensor(change) if hasattr(x, "new_tensor") else change

    __call__ = velocity

    def light(self) -> Equations:
        """The same without the fits behind it, which take megabytes."""
        return replace(self, decision=None)

    def reversed(self) -> Equations:
        """The same with time the other way round."""
        flipped = (replace(each, coefficient=-each.coefficient) for each in self.candidate)
        return replace(self, candidate=tuple(flipped))

    def text(self) -> str:
        """The candidate as readable text, a line an equation."""
        lines = []
        for i, name in enumerate(self.names):
            parts = [str(each) for each in self.candidate if each.term.equation == i]
            lines.append(f"d{name}/dt = " + (" ".join(parts).removeprefix("+ ") or "0"))
        if self.diffusion is not None:
            lines.append(f"D = {_number(*self.diffusion)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        head = f"{self.verdict}: {self.evidence}."
        if self.verdict != "determined":
            return head
        unit = f"Time is in units in which the coefficient of {self.reference} is 1 in size."
        arrow = f"\nDirection of time: {self.arrow}." if self.arrow else ""
        return f"{self.text()}\n{unit}{arrow}\n{head[0].upper()}{head[1:]}"


def _number(value: float, error: float) -> str:
    """A number with its error in brackets, in units of the last digit, as in 0.123(4)."""
    if not error > 0 or not np.isfinite(error):
        return f"{value:.4g}"
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 9))
    if error * 10**digits >= 29.5 and digits:
        digits -= 1
    return f"{value:.{digits}f}({round(error * 10**digits)})"


def write(
    decision: Decision, sources: Sequence[Found], names: Sequence[str], *, started: float,
    noise: np.ndarray | None = None, amount: float | None = None, relative_to: str | None = None,
    seed: int = 0, extras: Extras | None = None,
) -> Equations:  # fmt: skip
    """Write a decision down in the data's own units, with errors.

    The sources are fits with the same terms.  Coefficients are those with the fewest tests, whose
    weights are known best.  Errors are those of the bootstrap, which takes weights as known, and
    how far the sources differ, squared and added.  The term `relative_to` is made 1, by default D,
    whose size may be known to be `amount`, or else the term whose coefficient is known best.
    """
    source = min(sources, key=lambda each: each.weighted.tests)
    terms, units = source.conditions.terms, source.conditions.units
    support = np.sort(source.fit.support)
    c, draws = source.fit.c * units, bootstrap(source, seed) * units
    last = int(support[-1])
    noisy = terms[last].equation < 0
    unit = last if noisy else int(support[np.argmin(draws[:, support].std(0) / abs(c[support]))])
    if relative_to is not None:
        kept = [terms[k] for k in support]
        if (at := find(relative_to, kept, names)) is None:
            written = ", ".join(f"{term.equation}:{term.text(names)}" for term in kept)
            raise InputError(
                f"relative_to {relative_to!r} is no term of the equations; theirs are {written}"
            )
        unit = int(support[at])
    # D > 0 fixes the sign; without any diffusion, the reference is made positive.
    smoothing = _smoothing({terms[k]: c[k] for k in support}, len(names))
    sign = float(smoothing or np.sign(c[last if noisy else unit]))
    size = amount if amount and terms[unit].equation < 0 else 1.0
    relative = size * draws / draws[:, [unit]]
    c = c * (size * sign / abs(c[unit]))
    others = np.array([each.fit.c * units for each in sources])
    apart = (others / others[:, [unit]] * c[unit]).std(0)
    errors = np.hypot(relative.std(0, ddof=1), apart)
    found = [
        FoundTerm(terms[k], terms[k].text(names), float(c[k]), float(errors[k])) for k in support
    ]
    arrow = "fixed by the noise in the dynamics" if noisy else None
    if decision.verdict == "determined" and any(term.operator for term in terms):
        smooths = "this one, in which diffusion smooths"
        arrow = smooths if smoothing else "unknown: nothing diffuses"
    where, text = terms[unit].equation, terms[unit].text(names)
    return Equations(
        decision.verdict,
        candidate=tuple(found[:-1] if noisy else found),
        null_dimension=decision.nulls.shape[1] + decision.conserved,
        basis=tuple(dict(zip(terms, (null * units).tolist())) for null in decision.nulls.T),
        evidence=decision.evidence, arrow=arrow, names=tuple(names),
        noise=np.zeros(len(names)) if noise is None else noise,
        diffusion=(found[-1].coefficient, found[-1].error) if noisy else None,
        reference=text if where < 0 else f"{text} in equation {where}", needed=decision.needed,
        seconds=time.perf_counter() - started, decision=decision, extras=extras or {},
    )  # fmt: skip


def _smoothing(coefficients: Mapping[Term, float], channels: int) -> int:
    """The sign of time in which no wavelength is amplified without bound: 1, -1, or 0 if none.

    Diffusion smooths: run backwards, the shortest waves grow fastest.  That decides the arrow where
    stationarity cannot.
    """
    matrix = np.zeros((channels, channels))
    for term, c in coefficients.items():
        if term.operator == "lap" and not any(term.powers):
            matrix[term.equation, term.channel] = c
    rates = np.linalg.eigvals(matrix).real
    return int(rates.max() > 0 and rates.min() >= 0) - int(rates.min() < 0 and rates.max() <= 0)
