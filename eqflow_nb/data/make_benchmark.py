"""Make eqflow_nb/data/benchmark_systems.toml: the autonomous polynomial systems of dysts.

Run it where dysts is installed beside this package:

    pip install dysts==0.96
    python eqflow_nb/data/make_benchmark.py

Of dysts come the coefficients, from values of the right-hand sides, and its estimates of Lyapunov
exponents; periods, steps and spacings are measured here.  See eqflow_nb/data/README.md for the
source and its licence.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from eqflow_nb.equations.terms import exponents, monomials
from eqflow_nb.snapshots.zoo import LETTERS, System, evaluate

DEGREE, LARGEST = 4, 6  # of the polynomials; of the dimensions
ROUNDING = 1e-10  # of the largest coefficient of an equation: less is none
DIGITS, MISS = 12, 1e-9  # of a coefficient; by how much of the velocity they may miss it
TARGET = Path(__file__).parent / "benchmark_systems.toml"


def polynomial(name: str, entry: dict[str, Any]) -> System | None:
    """The system if its right-hand side is a polynomial that doesn't depend on time, else None."""
    from dysts import flows

    field = getattr(flows, name)()
    start = np.array(entry["initial_conditions"], dtype=float)
    powers = exponents(len(start), DEGREE)
    scale = np.abs(start) + np.abs(entry.get("std") or np.ones(len(start)))
    rng = np.random.default_rng(0)
    z = rng.standard_normal((4 * len(powers), len(start)))
    times = rng.uniform(0, 10, len(z))
    v = np.array([field.rhs(row, t) for row, t in zip(scale * z, times, strict=True)], dtype=float)
    c = np.linalg.lstsq(monomials(z, DEGREE), v, rcond=None)[0]
    c[abs(c) < ROUNDING * abs(c).max(0)] = 0
    sizes = np.prod(scale ** np.array(powers), axis=1)
    terms = tuple(
        {
            e: float(f"{k / s:.{DIGITS}g}")
            for e, k, s in zip(powers, column, sizes, strict=True)
            if k
        }
        for column in c.T
    )
    if not (abs(evaluate(terms, scale * z) - v) <= MISS * abs(v).max(0)).all():  # NaN isn't either
        return None
    period, exponent = entry["period"], max(entry["maximum_lyapunov_estimated"], 1e-9)
    return System(
        name, terms, tuple(start), period=period, step=period / 400, spacing=2 * period,
        lyapunov=max(exponent, 0.1 / period), source=entry["citation"],
    )  # fmt: skip


def measured(one: System) -> System:
    """The system with a period, a step and a spacing as chaotic_systems.toml has them."""
    x = one.sample(100, 0)
    path = np.array([x] + [x := one.advance(x, one.period / 50) for _ in range(2000)])
    above = path > path.mean((0, 1))
    period = 40 * one.period / (above[1:] & ~above[:-1]).sum(0).mean(0).max()
    spread, speed, step = x.std(0), one(x), period / 80

    def error(h: float) -> float:
        off = replace(one, step=h).advance(x, h) - replace(one, step=h / 16).advance(x, h)
        return float(np.sqrt(np.mean((off / h / spread) ** 2) / np.mean((speed / spread) ** 2)))

    while error(step) > 1e-5:
        step /= 1.25
    one, x = replace(one, step=step, period=period), path[-1]
    path = np.array([x] + [x := one.advance(x, period / 10) for _ in range(900)])
    both = np.concatenate([path, (path - path.mean((0, 1))) ** 2], axis=2)
    both = (both - both.mean((0, 1))) / (both.std((0, 1)) + 1e-300)
    lags = np.array([(both[:300] * both[lag : lag + 300]).mean((0, 1)) for lag in range(600)])
    means = ((s, abs(lags[s // 2 : 3 * s // 2].mean(0)).max()) for s in range(10, 400))
    spacing = next((s for s, most in means if most < 0.1), 400) * period / 10
    return replace(one, spacing=spacing)


def entry_of(one: System) -> str:
    """The system as a table of the file."""

    def product(e: tuple[int, ...]) -> str:
        return " ".join(f"{a}^{n}" if n > 1 else a for a, n in zip(LETTERS, e, strict=False) if n)

    def term(e: tuple[int, ...], c: float) -> str:
        size = np.format_float_positional(abs(c), trim="-")
        factors = [size] * (size != "1" or not any(e)) + [product(e)] * any(e)
        return f"{'-' if c < 0 else '+'} {' '.join(factors)}"

    rows = [" ".join(term(*each) for each in row.items()) for row in one.terms]
    lines = [f"[{one.name}]", f"equations = {json.dumps([row.removeprefix('+ ') for row in rows])}"]
    lines += [f"start = {json.dumps(list(one.start))}"]
    values = {key: getattr(one, key) for key in ("period", "step", "spacing", "lyapunov")}
    lines += [f"{key} = {value:.3g}" for key, value in values.items()]
    return "\n".join([*lines, f"source = {json.dumps(one.source)}", ""])


def main() -> None:
    """Write the table, and print which systems aren't in it."""
    text = resources.files("dysts").joinpath("data/chaotic_attractors.json").read_text()
    known = {name: one for name, one in json.loads(text).items() if not one["delay"]}
    small = {name: one for name, one in known.items() if one["embedding_dimension"] <= LARGEST}
    tables = ["# Made by make_benchmark.py; what entries mean is said in chaotic_systems.toml\n"]
    for name, entry in small.items():
        found = polynomial(name, entry)
        if found is None:
            print(f"{name}: {'driven' if entry['nonautonomous'] else 'not a polynomial'}")
            continue
        try:
            tables.append(entry_of(measured(found)))
        except RuntimeError as error:  # no attractor at these parameters: chaos was a transient
            tables.append(f"# left out: {error}\n")
        print(tables[-1], flush=True)
    TARGET.write_text("\n".join(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
