"""Fields on canvases too large for memory: tile by tile, each with a rim of its neighbours."""

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, InputError, count, floating


@torch.no_grad()
def tiled(field: Field, x: Tensor, tile: int = 512, halo: int = 64) -> Tensor:
    """A local field on large periodic images (B, C, H, W), a tile at a time.

    A tile has at most `tile` pixels a side, with a rim of `halo` on each.  Where the field at a
    pixel depends on no pixel farther than `halo`, the result is that of the whole.
    """
    if floating(x).ndim != 4 or not x.numel():
        raise InputError(f"x has shape {tuple(x.shape)}; it must be images (B, C, H, W)")
    tile, halo = count(tile, "tile"), count(halo, "halo", at_least=0)
    if tile <= 2 * halo:
        raise InputError(f"tile is {tile}; with a rim of {halo} it must be over {2 * halo}")
    out = torch.empty_like(x)
    rows, columns = (_spans(side, tile, halo, x.device) for side in x.shape[2:])
    for across, down, top in rows:
        band = x.index_select(2, across)
        for around, right, left in columns:
            found = field(band.index_select(3, around))
            out[..., top, left] = found[..., down, right]
    return out


def _spans(
    side: int, tile: int, halo: int, device: torch.device
) -> list[tuple[Tensor, slice, slice]]:
    """Tiles along a side: the pixels of each with its rim, its inner part in these, and in all."""
    if side <= tile:
        return [(torch.arange(side, device=device), slice(side), slice(side))]
    inner, pixels = tile - 2 * halo, torch.arange(tile, device=device) - halo
    begins = range(0, side, inner)
    ends = [min(begin + inner, side) for begin in begins]
    return [
        ((pixels + begin).remainder(side), slice(halo, halo + end - begin), slice(begin, end))
        for begin, end in zip(begins, ends)
    ]
