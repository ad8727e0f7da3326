"""Equations found: their terms with errors, a verdict, the velocity, and what is known of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from eqflow_nb.equations.elimination import Found
from eqflow_nb.equations.origins import Place
from eqflow_nb.equations.terms import Term, find, shift, slopes_of, velocity
from eqflow_nb.equations.verdicts import Decision
from eqflow_nb.inputs import InputError, as_array, as_points, count

Extras = Mapping[str, Callable[[np.ndarray], np.ndarray]]

# Of the roll-outs that propose a direction of time.
POINTS, DIRECTIONS = 250, 200
TIME = 48.0  # of a roll-out, in times a fast point needs for one deviation of the cloud
KEPT, LEFT = 3.0, 6.0  # distances over the floor up to which a cloud is kept, from which it isn't
FAR = 30.0  # deviations of the cloud beyond which a point has left for good


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
    """What was found: a verdict, the evidence for it, and the best guess, the `candidate`.

    The verdict is "determined", "undetermined", "not in the library" or "too few snapshots"; then
    `needed` is how many would do.  `basis` has `null_dimension` independent equations that keep the
    snapshots, as far as these can tell.  The coefficient of the term `reference` is 1 in size: the
    unit of time; `arrow` is what is known of its direction.  `noise` (d,) has been taken out;
    `diffusion` is the size of D and its error, and `decision` has the fits behind it.

    Where equations are shorter about another zero than the file's, `origin` has it and its error
    for each column, and `short` the terms there: functions of x' = x - origin.  The candidate is
    the same equations multiplied out.
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
    origin: dict[str, tuple[float, float]] = field(default_factory=dict)
    short: tuple[FoundTerm, ...] = ()

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
            wanted = f"(n, {len(self.names)}, ...), of {len(self.names)} coordinates"
            raise InputError(f"x has shape {state.shape}; it must be {wanted}")
        used = {each.term.extra for each in self.candidate if each.term.extra is not None}
        own = {name: np.asarray(self.extras[name](state)) for name in used}
        moved = [self.origin.get(name, (0.0, 0.0))[0] for name in self.names]
        about = state - np.reshape(moved, (-1, *[1] * (state.ndim - 2))) if self.origin else state
        parts = {each.term: each.coefficient for each in self.short or self.candidate}
        change = velocity(parts, about, own)
        return x.new_tensor(change) if hasattr(x, "new_tensor") else change

    __call__ = velocity

    def reversed(self) -> Equations:
        """The same with time the other way round."""
        candidate, short = (
            tuple(replace(each, coefficient=-each.coefficient) for each in terms)
            for terms in (self.candidate, self.short)
        )
        return replace(self, candidate=candidate, short=short)

    def text(self) -> str:
        """The candidate as readable text, a line an equation."""
        lines = []
        for i, name in enumerate(self.names):
            written = self.short or self.candidate
            parts = [str(each) for each in written if each.term.equation == i]
            lines.append(f"d{name}/dt = " + (" ".join(parts).removeprefix("+ ") or "0"))
        if self.diffusion is not None:
            lines.append(f"D = {_number(*self.diffusion)}")
        for name, (value, error) in self.origin.items():
            sign = "+" if value < 0 else "-"
            lines.append(f"with {name}' = {name} {sign} {_number(abs(value), error)}")
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
    decision: Decision, sources: Sequence[Found], names: Sequence[str],
    place: Place | None = None, *, started: float, noise: np.ndarray | None = None,
    amount: float | None = None, relative_to: str | None = None, seed: int = 0,
    extras: Extras | None = None,
) -> Equations:  # fmt: skip
    """Write a decision down in the data's own units, with errors, from fits with the same terms.

    Coefficients are those with the fewest tests, whose weights are known best.  Errors are those of
    the bootstrap, which takes weights as known, and how far the sources differ, squared and added.
    The term `relative_to` is made 1, by default D, or `amount` where its size is known, or else the
    term whose coefficient is known best.  Fits about another `place` than the file's zero are
    multiplied out, and their errors hold what moves of its origin do, to first order.
    """
    source = min(sources, key=lambda each: each.weighted.tests)
    terms, units = source.conditions.terms, source.conditions.units
    slopes, origin, free = slopes_of(terms), np.zeros(len(names)), np.zeros(len(names), bool)
    if place is not None:
        origin, free = place.origin, place.free
    out = shift(slopes, -origin)
    inside = np.sort(source.fit.support)
    support = np.flatnonzero((out[:, inside] != 0).any(1))
    kept, c = [terms[k] for k in support], source.fit.c * units
    moves = (slopes[free] @ c).T  # what v changes by along the free axes
    draws = source.bootstrap(seed, along=moves / units[:, None] if free.any() else None) * units
    others = np.array([each.fit.c * units for each in sources])
    c0, draws0, others0 = out @ c, draws @ out.T, others @ out.T
    last = int(support[-1])
    noisy = terms[last].equation < 0
    # The unit's coefficient must be the same about both origins.
    alike = [k for k in support if np.isclose(c0[k], c[k], rtol=1e-9)]
    spread = draws0[:, alike].std(0) / abs(c0[alike])
    unit = last if noisy else int(alike[np.argmin(spread)])
    if relative_to is not None:
        if (at := find(relative_to, kept, names)) is None:
            written = ", ".join(f"{term.equation}:{term.text(names)}" for term in kept)
            asked = f"relative_to {relative_to!r} is no term of the equations"
            raise InputError(f"{asked}; theirs are {written}")
        unit = int(support[at])
    # D > 0 fixes the sign; without any diffusion, the reference is made positive.
    smoothing = _smoothing(dict(zip(kept, c0[support], strict=True)), len(names))
    sign = float(smoothing or np.sign(c0[last if noisy else unit]))
    size = amount if amount and terms[unit].equation < 0 else 1.0
    scale = size * sign / abs(c0[unit])

    def rows(
        at: np.ndarray, labels: Sequence[str], c: np.ndarray, draws: np.ndarray, others: np.ndarray
    ) -> list[FoundTerm]:
        """Terms with their coefficients and errors."""
        units = draws0[:, [unit]]
        relative = draws / (units + (units == 0)) * size  # D may be 0 in some
        apart = others / others0[:, [unit]] * (scale * c0[unit])
        errors = np.hypot(relative.std(0, ddof=1), apart.std(0))
        return [
            FoundTerm(terms[k], terms[k].text(labels), float(scale * c[k]), float(errors[k]))
            for k in at
        ]

    found, short = rows(support, names, c0, draws0, others0), []
    where: dict[str, tuple[float, float]] = {}
    if free.any():
        vectors = np.hstack([np.eye(len(c))[:, inside], moves])
        sizes = np.linalg.norm(vectors, axis=0) + ~vectors.any(0)  # a shift may change nothing
        parts = np.linalg.lstsq(vectors / sizes, draws.T, rcond=1e-12)[0].T / sizes
        own = np.zeros_like(draws)
        own[:, inside] = parts[:, : len(inside)]
        by = (parts[:, len(inside) :] / (draws @ c / (c @ c))[:, None]).std(0, ddof=1)
        marked = [name for name, loose in zip(names, free, strict=True) if loose]
        values = zip(origin[free].tolist(), by.tolist(), strict=True)
        where = dict(zip(marked, values, strict=True))
        labels = [f"{name}'" if name in where else name for name in names]
        short = rows(inside, labels, c, own, others)
    arrow = "fixed by the noise in the dynamics" if noisy else None
    if decision.verdict == "determined" and any(term.operator for term in terms):
        smooths = "this one, in which diffusion smooths"
        arrow = smooths if smoothing else "unknown: nothing diffuses"
    equation, text = terms[unit].equation, terms[unit].text(names)
    return Equations(
        decision.verdict,
        candidate=tuple(found[:-1] if noisy else found),
        null_dimension=decision.nulls.shape[1] + decision.conserved,
        basis=tuple(dict(zip(terms, (out @ (c * units)).tolist())) for c in decision.nulls.T),
        evidence=decision.evidence, arrow=arrow, names=tuple(names),
        noise=np.zeros(len(names)) if noise is None else noise,
        diffusion=(found[-1].coefficient, found[-1].error) if noisy else None,
        reference=text if equation < 0 else f"{text} in equation {equation}",
        needed=decision.needed, seconds=time.perf_counter() - started, decision=decision,
        extras=extras or {}, origin=where, short=tuple(short[: -1 if noisy else None]),
    )  # fmt: skip


def _smoothing(coefficients: Mapping[Term, float], channels: int) -> int:
    """The sign of time, 1 or -1, in which diffusion smooths the shortest waves; 0 if neither."""
    matrix = np.zeros((channels, channels))
    for term, c in coefficients.items():
        if term.operator == "lap" and not any(term.powers):
            matrix[term.equation, term.channel] = c
    rates = np.linalg.eigvals(matrix).real
    return int(rates.max() > 0 and rates.min() >= 0) - int(rates.min() < 0 and rates.max() <= 0)


def with_arrow(equations: Equations, x: Any, seed: int = 0) -> Equations:
    """Determined equations, turned so that time runs the way that keeps the snapshots, if one does.

    Perturbed snapshots are rolled out with the equations and with their reverse, and compared with
    others.  Where p is an attractor of v, -v throws trajectories out; where both keep the cloud
    (conservative systems) or neither does (equations that aren't exact enough), stability says
    nothing.  Of the snapshots x (N, d) at least 100 are needed.
    """
    if equations.verdict != "determined" or equations.diffusion is not None:
        return equations
    rows = as_points(x, "x", at_least=100).astype(np.float64)
    rng = np.random.default_rng(count(seed, "seed", at_least=0))
    centre, scale = rows.mean(0), rows.std(0)
    start, fresh = np.split(rng.permutation(rows)[: 2 * min(POINTS, len(rows) // 2)], 2)
    moved = start + 1e-3 * scale * rng.standard_normal(start.shape)
    speed = np.linalg.norm(equations.velocity(start) / scale, axis=1)
    horizon = TIME / float(np.quantile(speed, 0.99))
    directions = rng.standard_normal((len(centre), DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0) * scale[:, None]

    def distance(a: np.ndarray) -> float:  # sliced Wasserstein, to the others
        apart = np.sort(a @ directions, axis=0) - np.sort(fresh @ directions, axis=0)
        return float(np.sqrt((apart**2).mean()))

    ends = [_end(sign, equations, moved, horizon) for sign in (1.0, -1.0)]
    floor = distance(start)
    far = [np.inf if end is None else distance(end) / floor for end in ends]
    kept, left = [each <= KEPT for each in far], [each >= LEFT for each in far]
    if (kept[0] and left[1]) or (left[0] and kept[1]):
        text = "this one, proposed by stability: reversed, the equations leave the snapshots"
        return replace(equations if kept[0] else equations.reversed(), arrow=text)
    text = "unknown: the roll-outs don't tell the equations from their reverse"
    if all(kept):
        text = "free: the equations and their reverse both keep the snapshots when rolled out"
    elif all(left):
        text = "unknown: neither the equations nor their reverse keep the snapshots rolled out"
    return replace(equations, arrow=text)


def _end(sign: float, equations: Equations, x: np.ndarray, horizon: float) -> np.ndarray | None:
    """Where the points are after a roll-out; None if any has left for good."""
    centre, scale = x.mean(0), x.std(0)

    def change(_: float, y: np.ndarray) -> np.ndarray:
        return sign * (equations.velocity(y.reshape(x.shape) * scale + centre) / scale).ravel()

    def room(_: float, y: np.ndarray) -> float:
        return FAR - float(np.abs(y).max())

    room.terminal = True  # type: ignore[attr-defined]
    with np.errstate(all="ignore"):  # a point on its way to infinity
        start = ((x - centre) / scale).ravel()
        run = solve_ivp(change, (0, horizon), start, events=room, rtol=1e-6, atol=1e-6)
    return run.y[:, -1].reshape(x.shape) * scale + centre if run.status == 0 else None
