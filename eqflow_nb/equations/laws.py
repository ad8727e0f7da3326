"""A law found: its terms with errors, its verdict, its velocity, and the direction of its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.equations.library import product, same_term
from eqflow_nb.equations.moments import Moments
from eqflow_nb.equations.resampling import bootstrap
from eqflow_nb.equations.verdicts import Decision
from eqflow_nb.inputs import InputError


@dataclass(frozen=True)
class LawTerm:
    """One term: coefficient * text in the equation's right-hand side; the diffusion's is -1."""

    equation: int
    text: str
    exponents: tuple[int, ...]
    coefficient: float
    error: float
    operator: str | None = None
    channel: int | None = None


@dataclass(frozen=True)
class Law:
    """What was found.

    Attributes
    ----------
    verdict : str
        One of `verdicts.VERDICTS`.
    terms : tuple of LawTerm
        The law, empty unless determined.
    candidate : tuple of LawTerm
        The best guess, whatever the verdict.
    null_dimension : int
        How many independent laws of the library keep the snapshots, as far as these can tell.
    basis : tuple of dict
        Those laws, coefficients by (equation, text).
    evidence : str
    arrow : str or None
        What is known of the direction of time.
    names : tuple of str
        Of the coordinates.
    noise : ndarray (d,)
        Observation noise taken out.
    diffusion : (float, float) or None
        The size of D and its error, in units in which `reference` is 1.
    reference : str
        The term whose coefficient is 1.
    seconds : float
    decision : Decision or None
        The fits behind it: paths of elimination, rivals, weights; None once let go by `light`.
    """

    verdict: str
    terms: tuple[LawTerm, ...]
    candidate: tuple[LawTerm, ...]
    null_dimension: int
    basis: tuple[dict[tuple[int, str], float], ...]
    evidence: str
    arrow: str | None
    names: tuple[str, ...]
    noise: np.ndarray
    diffusion: tuple[float, float] | None
    reference: str
    seconds: float
    needed: int | None
    decision: Decision | None = field(repr=False)
    extras: dict[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def dimension(self) -> int:
        """The number of equations."""
        return len(self.names)

    def light(self) -> Law:
        """The same law without the fits behind it, which take megabytes."""
        return replace(self, decision=None)

    def velocity(self, x: np.ndarray | Tensor) -> Any:
        """Velocity (n, d) of the candidate at points (n, d), both in the data's coordinates."""
        array = not isinstance(x, Tensor)
        points = x if isinstance(x, Tensor) else torch.as_tensor(np.asarray(x, float))
        columns: list[Tensor] = [torch.zeros_like(points[:, 0]) for _ in self.names]
        for term in self.candidate:
            if term.equation >= 0:
                value = term.coefficient * self._value(term, points)
                columns[term.equation] = columns[term.equation] + value
        out = torch.stack(columns, dim=1)
        return out.numpy() if array else out

    def _value(self, term: LawTerm, points: Tensor) -> Tensor:
        if own := self.extras.get(term.text):
            return torch.as_tensor(own(points.detach().cpu().numpy())).to(points)
        value = torch.ones_like(points[:, 0])
        for column, power in zip(points.unbind(1), term.exponents, strict=True):
            value = value * column**power if power else value
        return value

    __call__ = velocity

    def equations(self) -> str:
        """The candidate as readable text, a line an equation."""
        lines = []
        for i, name in enumerate(self.names):
            parts = [_written(term) for term in self.candidate if term.equation == i]
            lines.append(f"d{name}/dt = " + (" ".join(parts).removeprefix("+ ") or "0"))
        if self.diffusion is not None:
            size, error = self.diffusion
            lines.append(f"D = {_number(size, error)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        head = f"{self.verdict}: {self.evidence}."
        if self.verdict != "determined":
            return head
        unit = f"Time is in units in which the coefficient of {self.reference} is 1 in size."
        arrow = f"\nDirection of time: {self.arrow}." if self.arrow else ""
        return f"{self.equations()}\n{unit}{arrow}\n{head[0].upper()}{head[1:]}"

    def reversed(self) -> Law:
        """The same law with time the other way round."""
        flip = tuple(replace(t, coefficient=-t.coefficient) for t in self.candidate)
        return replace(self, candidate=flip, terms=flip if self.terms else ())


def _written(term: LawTerm) -> str:
    sign = "-" if term.coefficient < 0 else "+"
    body = "" if term.text == "1" else f" {term.text}"
    return f"{sign} {_number(abs(term.coefficient), term.error)}{body}"


def _number(value: float, error: float) -> str:
    """A number with its error in brackets, in units of the last digit, as in 0.123(4)."""
    if not error > 0 or not np.isfinite(error):
        return f"{value:.4g}"
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 9))
    if error * 10**digits >= 29.5 and digits:
        digits -= 1
    return (
        f"{value:.{digits}f}({round(error * 10**digits)})"
        if digits
        else f"{value:.0f}({error:.0f})"
    )


def law_of(
    decision: Decision,
    known: Moments,
    names: Sequence[str],
    extras: dict[str, Callable[[np.ndarray], np.ndarray]],
    noise: np.ndarray,
    amount: float | None,
    relative_to: str | None,
    seed: int,
) -> Law:
    """Write a decision down in the data's own coordinates, with errors.

    Of the sets of tests that agree the smallest is used: its weights are known best.  Errors are
    those of the bootstrap, which takes weights as known, and how far the sets differ, squared and
    added.
    """
    source = min(decision.agree or (decision.found,), key=lambda each: each.weighted.tests)
    conditions, fit = source.conditions, source.fit
    texts = [_text(term, names, list(extras)) for term in conditions.terms]
    base = getattr(conditions, "base", conditions)
    support = np.sort(fit.support)
    c = base.own(fit.c)
    draws = np.array([base.own(each) for each in bootstrap(conditions, source.weighted, fit, seed)])
    unit = _reference(conditions.terms, texts, support, c, draws, relative_to)
    # With noise in the dynamics D > 0 fixes the sign; without, the reference is made positive.
    known_size = amount if amount and conditions.terms[unit].equation < 0 else 1.0
    last = conditions.terms[int(support[-1])]
    noisy = last.equation < 0
    sign = np.sign(c[support[-1]] if noisy else c[unit])
    spread = draws * (known_size * np.sign(c[unit]) * sign) / draws[:, [unit]]
    c = c * (known_size * sign / abs(c[unit]))
    others = np.array([base.own(each.fit.c) for each in decision.agree or (source,)])
    apart = (others / others[:, [unit]] * c[unit]).std(0)
    errors = np.hypot(spread.std(0, ddof=1), apart)
    terms = tuple(
        LawTerm(
            conditions.terms[k].equation,
            texts[k],
            conditions.terms[k].powers,
            float(c[k]),
            float(errors[k]),
        )
        for k in support
        if conditions.terms[k].equation >= 0
    )
    size = (float(c[support[-1]]), float(errors[support[-1]])) if noisy else None
    basis = tuple(
        {
            (t.equation, text): float(v)
            for t, text, v in zip(conditions.terms, texts, base.own(law), strict=True)
        }
        for law in decision.nulls.T
    )
    where = conditions.terms[unit].equation
    reference = "D" if where < 0 else f"{texts[unit]} in equation {where}"
    return Law(
        verdict=decision.verdict, terms=terms if decision.verdict == "determined" else (),
        candidate=terms, null_dimension=decision.nulls.shape[1], basis=basis,
        evidence=decision.evidence, arrow="fixed by the noise in the dynamics" if noisy else None,
        names=tuple(names), noise=noise, diffusion=size, reference=reference, seconds=0.0,
        needed=decision.needed, decision=decision, extras=extras,
    )  # fmt: skip


def _text(term: Any, names: Sequence[str], extras: Sequence[str]) -> str:
    if term.equation < 0:
        return "D"
    return extras[term.extra - 1] if term.extra else product(names, term.powers)


def _reference(
    terms: Sequence[Any], texts: Sequence[str], support: np.ndarray, c: np.ndarray,
    draws: np.ndarray, asked: str | None,
) -> int:  # fmt: skip
    """The term to be made 1: the one asked for, D, or the one whose coefficient is known best."""
    if asked is None:
        if terms[int(support[-1])].equation < 0:
            return int(support[-1])
        relative = draws[:, support].std(0) / np.abs(c[support])
        return int(support[np.argmin(relative)])
    where, _, name = asked.rpartition(":")
    for k in support:
        if same_term(name, texts[k]) and where in ("", str(terms[k].equation)):
            return int(k)
    written = ", ".join(f"{terms[k].equation}:{texts[k]}" for k in support)
    raise InputError(f"relative_to {asked!r} is no term of the law; its terms are {written}")
