"""Fields on canvases too large for memory: tile by tile, each with a rim of its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from tqdm.auto import tqdm

from eqflow_nb.inputs import Field, InputError, count, floating


@torch.no_grad()
def tiled(
    field: Field,
    x: Tensor,
    tile: int = 512,
    halo: int = 64,
    out: Tensor | None = None,
    progress: bool = False,
) -> Tensor:
    """A local field on large periodic images (B, C, H, W), a tile at a time.

    Memory beyond `x` and the result is that of one tile with its rim, whatever the canvas.  Where
    the field at a pixel depends on no pixel farther than `halo`, the result is that of the whole.

    Parameters
    ----------
    field : callable (B, C, h, w) -> (B, C, h, w)
        Takes tiles with their rims: h and w are `tile`, or the canvas's side if that is less.
    x : Tensor (B, C, H, W)
    tile : int
        The side of a tile, in pixels, its rim included.
    halo : int
        The width of the rim on each side.
    out : Tensor (B, C, H, W), optional
        Where the result goes; not `x` itself.
    progress : bool

    Raises
    ------
    InputError
        If `x` is no such images, the rim leaves nothing of a tile, or `out` does not fit.
    """
    if floating(x).ndim != 4 or not x.numel():
        raise InputError(f"x has shape {tuple(x.shape)}; it must be images (B, C, H, W)")
    tile, halo = count(tile, "tile"), count(halo, "halo", at_least=0)
    if tile <= 2 * halo:
        raise InputError(f"tile is {tile}; with a rim of {halo} it must be over {2 * halo}")
    out = torch.empty_like(x) if out is None else out
    if out.shape != x.shape or out.data_ptr() == x.data_ptr():
        raise InputError(f"out must be another tensor of shape {tuple(x.shape)}")
    rows, columns = (_spans(side, tile, halo) for side in x.shape[2:])
    for top, height, rim, down in tqdm(list(rows), "Tiles", disable=not progress, leave=False):
        band = x.index_select(
            2, (torch.arange(height) + top - rim).remainder(x.shape[2]).to(x.device)
        )
        for left, width, edge, across in columns:
            around = (torch.arange(width) + left - edge).remainder(x.shape[3]).to(x.device)
            found = field(band.index_select(3, around))
            inner = found[..., rim : rim + down, edge : edge + across]
            out[..., top : top + down, left : left + across] = inner
    return out


def _spans(side: int, tile: int, halo: int) -> list[tuple[int, int, int, int]]:
    """Tiles along a side: (begin of the inner part, length with rim, rim, length of the inner)."""
    if side <= tile:
        return [(0, side, 0, side)]
    inner = tile - 2 * halo
    return [(begin, tile, halo, min(inner, side - begin)) for begin in range(0, side, inner)]


def bands(x: Tensor, rows: int = 256) -> Iterator[Tensor]:
    """Parts of images (B, C, H, W), some rows each: what sums over a large canvas work on."""
    yield from x.split(count(rows, "rows"), dim=2)
