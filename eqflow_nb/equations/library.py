"""Libraries of terms: their names, and checks of what a reader asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from eqflow_nb.equations.moments import Moments
from eqflow_nb.inputs import InputError, as_numbers, as_samples, between

LETTERS = ("x", "y", "z", "w")


def names_for(names: Sequence[str] | None, dim: int) -> tuple[str, ...]:
    """The reader's names of the columns, or x, y, z, w, or x1 to x6."""
    if names is None:
        return LETTERS[:dim] if dim <= len(LETTERS) else tuple(f"x{i + 1}" for i in range(dim))
    if len(names) != dim or len(set(names)) != dim:
        raise InputError(f"names are {list(names)}; there must be {dim}, all different")
    return tuple(names)


def product(names: Sequence[str], powers: Sequence[int]) -> str:
    """A monomial as text, such as "x*y^2"; "1" for the constant."""
    factors = [
        name if power == 1 else f"{name}^{power}"
        for name, power in zip(names, powers, strict=True)
        if power
    ]
    return "*".join(factors) or "1"


def same_term(asked: str, term: str) -> bool:
    """Whether two texts name the same product, whatever the order of its factors."""

    def factors(text: str) -> list[str]:
        return sorted(re.sub(r"\s|\*\*", lambda m: "^" if m[0] == "**" else "", text).split("*"))

    return factors(asked) == factors(term)


def checked_columns(x: Any, least: int = 20) -> np.ndarray:
    """Points (N, d) as float64: finite, 1 to 6 columns, none constant, none a sum of the others."""
    rows = as_samples(x, "x", at_least=least, vary=True).detach().cpu().numpy().astype(np.float64)
    if rows.shape[1] > 6:
        raise InputError(
            f"x has {rows.shape[1]} columns; give 1 to 6, such as the first principal components"
        )
    unique = np.unique(rows, axis=0)
    if len(unique) < len(rows):
        # Copies say nothing new, and would make every error too small.
        _, first = np.unique(rows, axis=0, return_index=True)
        rows = rows[np.sort(first)]
    if len(rows) < least:
        raise InputError(f"x has {len(rows)} different row(s); at least {least} are needed")
    z = (rows - rows.mean(0)) / rows.std(0)
    values, vectors = np.linalg.eigh(z.T @ z / len(z))
    if values[0] < 1e-9:
        involved = np.nonzero(abs(vectors[:, 0]) > 1e-4)[0].tolist()
        raise InputError(
            f"x has columns that are sums of each other: {', '.join(map(str, involved))}; "
            "leave one of them out"
        )
    return rows


def checked_extras(
    extras: Mapping[str, Callable[[np.ndarray], np.ndarray]] | None, x: np.ndarray
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """The reader's own terms: callables (n, d) -> (n,) that are finite on the data."""
    known = dict(extras or {})
    for name, function in known.items():
        values = np.asarray(function(x[:100]))
        if values.shape != (min(len(x), 100),):
            raise InputError(
                f"extras[{name!r}] gives shape {values.shape} for {min(len(x), 100)} points; "
                "it must give one number a point, shape (n,)"
            )
        if not np.isfinite(np.asarray(function(x))).all():
            raise InputError(f"extras[{name!r}] is NaN or infinite on some rows of x")
    return known


def checked_diffusion(diffusion: Any, dim: int) -> tuple[np.ndarray | None, float | None]:
    """The form (d, d) of D, and its size where it is known; (None, None) without noise."""
    if diffusion is None:
        return None, None
    if isinstance(diffusion, str):
        if diffusion != "fit":
            raise InputError(f"diffusion is {diffusion!r}; give 'fit', a number or a matrix")
        return np.eye(dim), None
    tensor = _array(diffusion, "diffusion")
    if tensor.ndim == 0:
        tensor = float(tensor) * np.eye(dim)
    if tensor.ndim == 1 and len(tensor) == dim:
        tensor = np.diag(tensor)
    if tensor.shape != (dim, dim) or not np.isfinite(tensor).all():
        raise InputError(
            f"diffusion has shape {tensor.shape}; it must be one number, ({dim},) or ({dim}, {dim})"
        )
    if not np.allclose(tensor, tensor.T) or np.linalg.eigvalsh(tensor)[0] < 0 or not tensor.any():
        raise InputError("diffusion must be a symmetric matrix without negative eigenvalues, not 0")
    return tensor, 1.0


def checked_noise(noise: Any, known: Moments, extras: Sequence[str] = ()) -> np.ndarray | None:
    """The size (d,) of the observation noise; None if it is to be estimated."""
    if isinstance(noise, str):
        if noise != "auto":
            raise InputError(f"noise is {noise!r}; give a size, one a column, or 'auto'")
        sizes = None
    else:
        sizes = _array(noise, "noise")
        if sizes.ndim > 1 or (sizes.ndim == 1 and len(sizes) != known.dim):
            raise InputError(f"noise has shape {sizes.shape}; give one size, or {known.dim}")
        sizes = np.array(
            [between(s, "noise", 0, math.inf) for s in np.broadcast_to(sizes, known.dim)]
        )
        if (sizes >= known.scale).any():
            column = int(np.argmax(sizes >= known.scale))
            raise InputError(
                f"noise is {sizes[column]:g} in column {column}, whose standard deviation is only "
                f"{known.scale[column]:g}; nothing would be left"
            )
    if extras and (sizes is None or sizes.any()):
        raise InputError(
            f"noise can't be removed from terms such as {extras[0]!r}; use a library of monomials"
        )
    return sizes


def _array(value: Any, name: str) -> np.ndarray:
    """Numbers in float64, of whatever holds them, a tensor on any device included."""
    return as_numbers(value, name).detach().cpu().double().numpy()
