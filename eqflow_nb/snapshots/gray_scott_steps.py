"""Steps of the Gray-Scott equations: machine code on a CPU, tile by tile if large, or a GPU's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb.snapshots.tiles import tiled

DU, DV = 0.16, 0.08
LARGE, TILE, RIM = 2**21, 512, 32  # pixels over which a canvas is followed in tiles; their sides
CHUNK = 16_000_000  # pixels updated, about 10 ms of work, between two chances to interrupt


def change(raw: Tensor, feed: float, kill: float) -> Tensor:
    """Change of images (B, 2, H, W), raw, per unit of time."""
    u, v = raw[:, 0], raw[:, 1]
    reaction = u * v * v
    du = DU * laplacian(u) - reaction + feed * (1 - u)
    dv = DV * laplacian(v) + reaction - (feed + kill) * v
    return torch.stack([du, dv], dim=1)


def laplacian(x: Tensor) -> Tensor:
    """Five-point Laplacian over the last two axes, periodic, grid spacing 1."""
    around = sum(x.roll(shift, axis) for axis in (-1, -2) for shift in (-1, 1))
    return around - 4 * x


def follow(raw: Tensor, feed: float, kill: float, steps: int, progress: bool = False) -> Tensor:
    """Images (B, 2, H, W) after some Euler steps of 1; what runs off to infinity is let go."""
    if raw.device.type != "cpu":
        return _on_gpu(raw, feed, kill, steps, progress)
    large = raw.shape[2] * raw.shape[3] > LARGE
    return (_in_tiles if large else _one_by_one)(raw, feed, kill, steps, progress)


def _one_by_one(raw: Tensor, feed: float, kill: float, steps: int, progress: bool) -> Tensor:
    state = raw.to(torch.float32).numpy()
    rates = [np.float32(r) for r in (feed, feed + kill, DU, DV)]
    after = np.empty_like(state, order="C")
    chunk = max(1, CHUNK // (state.shape[2] * state.shape[3]))
    for i in tqdm(range(len(state)), "Gray-Scott", disable=not progress, leave=False):
        padded = np.pad(state[i], ((0, 0), (1, 1), (1, 1)), mode="wrap")
        for first in range(0, steps, chunk):
            padded = _compiled()(padded, *rates, min(chunk, steps - first))
        after[i] = padded[:, 1:-1, 1:-1]
    return torch.from_numpy(after).to(raw.dtype)


def _in_tiles(raw: Tensor, feed: float, kill: float, steps: int, progress: bool) -> Tensor:
    """Some steps of one tile after another, which stays in the processor's cache meanwhile.

    What is wrong at the border of a tile moves inwards by a pixel a step, so it stays in the rim.
    """
    x, spare = raw.float(), None
    for first in tqdm(range(0, steps, RIM), "Gray-Scott", disable=not progress, leave=False):
        now = min(RIM, steps - first)
        after = tiled(
            partial(_one_by_one, feed=feed, kill=kill, steps=now, progress=False),
            x,
            TILE,
            RIM,
            out=spare,
        )
        x, spare = after, x if first else None  # the first x is the caller's own
    return x.to(raw.dtype)


@torch.no_grad()
def _on_gpu(raw: Tensor, feed: float, kill: float, steps: int, progress: bool) -> Tensor:
    for _ in tqdm(range(steps), "Gray-Scott", disable=not progress, leave=False):
        raw = raw + change(raw, feed, kill)
    return raw


@cache
def _compiled() -> Callable[..., Any]:
    """The loop as machine code, made once a process in about half a second.

    It is not kept on disk: that would save the half second, but numba keeps it as a pickle and
    stops at a damaged one.
    """
    import numba

    return numba.njit(fastmath=True, nogil=True)(_loop)


def _loop(
    a: Any, feed: Any, lost: Any, diffuse_u: Any, diffuse_v: Any, steps: int
) -> Any:  # pragma: no cover - run as machine code
    n, m = a.shape[1] - 2, a.shape[2] - 2
    b = np.empty_like(a)
    four, one = np.float32(4), np.float32(1)
    for _ in range(steps):
        for c in range(2):
            for j in range(m + 2):
                a[c, 0, j], a[c, n + 1, j] = a[c, n, j], a[c, 1, j]
            for i in range(n + 2):
                a[c, i, 0], a[c, i, m + 1] = a[c, i, m], a[c, i, 1]
        u, v = a[0], a[1]
        for i in range(1, n + 1):
            for j in range(1, m + 1):
                x, y = u[i, j], v[i, j]
                reaction = x * y * y
                around_u = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - four * x
                around_v = v[i - 1, j] + v[i + 1, j] + v[i, j - 1] + v[i, j + 1] - four * y
                b[0, i, j] = x + diffuse_u * around_u - reaction + feed * (one - x)
                b[1, i, j] = y + diffuse_v * around_v + reaction - lost * y
        a, b = b, a
    return a
