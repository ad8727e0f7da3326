"""A zoo of chaotic systems with polynomial laws, from each of which snapshots can be drawn.

The laws themselves are in `zoo_systems`.  Everything here is in the raw coordinates and the time
unit of the source.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eqflow_nb.inputs import as_samples, between, choice, count
from eqflow_nb.snapshots.zoo_systems import LETTERS, TABLE, Exponents, Polynomial

BATCH = 500  # trajectories of one sample
BLOCK = 100  # trajectories advanced together: their states and monomials fit the nearest cache
SPREAD = 0.001
REACH = (0.0, 0.5, 0.5, 1.0)  # of the stages of RK4
WEIGHT = (1.0, 2.0, 2.0, 1.0)


@dataclass(frozen=True, eq=False)  # hashed by identity: terms are dicts
class System:
    """A deterministic chaotic system dx/dt = v(x) with polynomial v, in raw coordinates.

    Attributes
    ----------
    name : str
    terms : tuple of dict
        For each equation the coefficient of every monomial, by its exponents: x y of three
        coordinates is (1, 1, 0).
    start : tuple of float
        A point next to the attractor.
    period : float
        Mean time of an oscillation of the coordinate that crosses its mean most often.
    step : float
        Step of the integrator.  RK4's error in it, per unit time, is less than 1e-5 of the velocity
        (both rms over the attractor, in coordinates of unit deviation).
    spacing : float
        Mean time between two readings of a trajectory, between which the coordinates and their
        squares are correlated by less than .1.
    lyapunov : float
        Largest Lyapunov exponent per unit time, measured here to about 2%.
    source : str
        Where the system is from.
    fast_slow : bool
        Whether it moves on two widely separated time scales.
    """

    name: str
    terms: tuple[Polynomial, ...]
    start: tuple[float, ...]
    period: float
    step: float
    spacing: float
    lyapunov: float
    source: str
    fast_slow: bool = False

    @property
    def dim(self) -> int:
        """The dimension d."""
        return len(self.terms)

    @property
    def axes(self) -> tuple[str, ...]:
        """The name of each coordinate."""
        return tuple(LETTERS[: self.dim])

    @property
    def degree(self) -> int:
        """The largest degree of a term."""
        return max(sum(exponents) for law in self.terms for exponents in law)

    @property
    def transient(self) -> float:
        """Time in which trajectories that start together become independent.

        Chaos blows up the difference of their starts by e^20 in it, at least.
        """
        return max(50 * self.period, 10 * self.spacing, 20 / self.lyapunov)

    def velocity(self, x: Any) -> Any:
        """Velocity (n, d) at states (n, d), a Tensor for a Tensor and else an array, float64."""
        return evaluate(self.terms, x)

    def jacobian(self, x: Any) -> Any:
        """Jacobian (n, d, d) of the velocity at states (n, d); entry (i, j) is dv_i/dx_j."""
        columns = range(self.dim)
        rows = [tuple(_derivative(law, j) for j in columns) for law in self.terms]
        return _stack([evaluate(row, x) for row in rows])

    def __call__(self, x: Tensor) -> Tensor:
        """Velocity: a system is itself a field."""
        return self.velocity(x)

    def sample(self, n: int, seed: int, spread: float = SPREAD) -> np.ndarray:
        """Draw n decorrelated snapshots (n, d) on the attractor, float64.

        Up to `BATCH` trajectories, each coordinate of whose starts is `start`'s times
        1 + spread * N(0, 1), become independent in a transient.  Each is then read again and again,
        after `spacing` on average.  Transients and times between readings differ among the
        trajectories, by a factor of up to 2 and 3: many systems keep their phase for long.

        Raises
        ------
        InputError
            If n is not a whole number above 0, or spread not between 0 and 1.
        RuntimeError
            If a trajectory leaves to infinity.
        """
        n, rng = count(n, "n"), np.random.default_rng(seed)
        batch = min(n, BATCH)
        disturbance = between(spread, "spread", 0, 1) * rng.standard_normal((batch, self.dim))
        state = np.array(self.start) * (1 + disturbance)
        state = self.advance(state, self.transient * rng.uniform(1, 2, batch))
        snapshots = [state]
        for _ in range(math.ceil(n / batch) - 1):
            state = self.advance(state, self.spacing * rng.uniform(0.5, 1.5, batch))
            snapshots.append(state)
        return np.concatenate(snapshots)[:n]

    def advance(self, state: np.ndarray, time: float | np.ndarray) -> np.ndarray:
        """Follow states (n, d) for a time, or a time each (n,), by RK4: the states (n, d) there.

        Raises
        ------
        InputError
            If the states are not finite (n, d).
        RuntimeError
            If a trajectory leaves to infinity.
        """
        as_samples(state, "state", dim=self.dim, at_least=1)
        times = np.broadcast_to(np.asarray(time, dtype=float), len(state))
        steps = max(1, math.ceil(np.abs(times).max() / self.step - 1e-9))
        ends = []
        for first in range(0, len(state), BLOCK):
            rows = slice(first, first + BLOCK)
            x = np.array(state[rows].T, order="C", dtype=float)
            self.rk4(x, times[rows] / steps, steps)
            ends.append(x.T)
        end = np.concatenate(ends)
        if not np.isfinite(end).all():
            raise RuntimeError(
                f"{self.name}: a trajectory left to infinity; start closer to the attractor "
                "(a smaller spread)"
            )
        return end

    def rk4(self, x: np.ndarray, dt: np.ndarray, steps: int) -> None:
        """Take RK4 steps of lengths dt (b,) from states x (d, b), in place, float64."""
        table = np.ones((self.dim + 1 + len(self._program[0]), x.shape[1]))
        _compiled()(x, dt, steps, *self._program, table, np.zeros_like(x), np.zeros_like(x))

    @cached_property
    def _program(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return _program(self.terms)


def evaluate(terms: tuple[Polynomial, ...], x: Any) -> Any:
    """Polynomials (n, len(terms)) at states (n, d), a Tensor for a Tensor, else an array."""
    x = x.double() if isinstance(x, Tensor) else np.asarray(x, dtype=float)
    return _stack([_evaluate(law, x) for law in terms])


def system(name: str) -> System:
    """Return the system called `name`, one of `SYSTEMS`.

    Raises
    ------
    InputError
        If there is no such system; the message lists those there are.
    """
    return SYSTEMS[choice(name, SYSTEMS, "system")]


def _evaluate(law: Polynomial, x: Any) -> Any:
    """A polynomial (n,) at states (n, d)."""
    total = 0 * x[:, 0]
    for exponents, coefficient in law.items():
        product: Any = coefficient
        for j, power in enumerate(exponents):
            if power:
                product = product * x[:, j] ** power
        total = total + product
    return total


def _derivative(law: Polynomial, j: int) -> Polynomial:
    """Derivative of a polynomial along coordinate j."""
    return {
        (*e[:j], e[j] - 1, *e[j + 1 :]): coefficient * e[j]
        for e, coefficient in law.items()
        if e[j]
    }


def _stack(columns: list[Any]) -> Any:
    """Stack arrays or tensors along a new axis 1."""
    return torch.stack(columns, 1) if isinstance(columns[0], Tensor) else np.stack(columns, 1)


def _program(laws: tuple[Polynomial, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The laws as a list of products and of sums, for `_loop`.

    Returns
    -------
    products : array (P, 2)
        Row d + 1 + p of the loop's table is the product of two rows above it.
    terms : array (T, 2)
        Row of the velocity, row of the table.
    coefficients : array (T,)
    """
    d = len(laws)
    unit = [tuple(int(i == j) for j in range(d)) for i in range(d)]
    rows = {e: i for i, e in enumerate([*unit, (0,) * d])}
    products = []

    def row(e: Exponents) -> int:
        if e not in rows:
            j = next(i for i, power in enumerate(e) if power)
            products.append((row((*e[:j], e[j] - 1, *e[j + 1 :])), j))
            rows[e] = d + len(products)
        return rows[e]

    terms = [(i, row(e)) for i, law in enumerate(laws) for e in law]
    coefficients = [c for law in laws for c in law.values()]
    pairs = np.array(products, dtype=np.int64).reshape(-1, 2)
    return pairs, np.array(terms), np.array(coefficients)


def _loop(
    x: np.ndarray,
    dt: np.ndarray,
    steps: int,
    products: np.ndarray,
    terms: np.ndarray,
    coefficients: np.ndarray,
    table: np.ndarray,
    k: np.ndarray,
    total: np.ndarray,
) -> None:
    """Take RK4 steps of lengths dt (b,) from states x (d, b), in place.

    Scratch: `table` holds the point's coordinates, a row of ones and the products; `k`, its
    velocity, and `total`, the weighted sum of the stages, are zero at the start.
    """
    d, b = x.shape
    for _ in range(steps):
        for stage in range(4):
            for i in range(d):
                for s in range(b):
                    table[i, s] = x[i, s] + REACH[stage] * dt[s] * k[i, s]
                    k[i, s] = 0.0
            for p in range(len(products)):
                left, right = products[p, 0], products[p, 1]
                for s in range(b):
                    table[d + 1 + p, s] = table[left, s] * table[right, s]
            for t in range(len(terms)):
                i, row = terms[t, 0], terms[t, 1]
                for s in range(b):
                    k[i, s] += coefficients[t] * table[row, s]
            for i in range(d):
                for s in range(b):
                    total[i, s] += WEIGHT[stage] * k[i, s]
        for i in range(d):
            for s in range(b):
                x[i, s] += dt[s] / 6 * total[i, s]
                total[i, s] = 0.0


@cache
def _compiled() -> Callable[..., Any]:
    """The loop as machine code, made once a process in about a second."""
    import numba

    # Not fastmath: it would take a state that is infinite for a number.
    return numba.njit(error_model="numpy", nogil=True)(_loop)


SYSTEMS = {name: System(name, entry.terms(), *entry[1:]) for name, entry in TABLE.items()}
