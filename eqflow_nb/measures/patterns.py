"""How alike two sets of images are: their patches, spectra, histograms, and how they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch.nn import functional as F

from ..fourier import frequencies
from ..inputs import InputError, count
from ..inputs_images import as_images
from .transport import sliced_wasserstein

PATCHES = 2000


def patches(x: Tensor, size: int = 5, number: int = PATCHES, seed: int = 0) -> Tensor:
    """Random patches of periodic images (B, C, H, W), one a row: (number, C * size^2)."""
    x, size = as_images(x, "x"), count(size, "size")
    wrapped = F.pad(x, (0, size - 1, 0, size - 1), mode="circular")
    generator = torch.Generator().manual_seed(seed)
    some = [torch.randint(n, (number, 1, 1), generator=generator) for n in (len(x), *x.shape[2:])]
    reach = torch.arange(size)
    rows, columns = some[1] + reach[:, None], some[2] + reach[None, :]
    return wrapped.permute(0, 2, 3, 1)[some[0], rows, columns].flatten(1)


def patch_distance(x: Tensor, y: Tensor, size: int = 5, seed: int = 0) -> float:
    """Sliced Wasserstein-2 distance between the patches of two sets of images, in their units."""
    return sliced_wasserstein(patches(x, size, seed=seed), patches(y, size, seed=seed + 1))


def preservation(x: Tensor, fresh: Sequence[Tensor], floor: float) -> float:
    """Patch distance of images from fresh ones, in floors: 1 is a law perfectly kept.

    The mean over several sets of fresh images, each of as many as x; see `patch_floor`.
    """
    if not fresh:
        raise InputError("fresh is empty; give at least one set of images")
    return float(np.mean([patch_distance(x, one, seed=9) for one in fresh[:8]])) / floor


def patch_floor(draw: Callable[[int], Tensor], pairs: int = 8) -> float:
    """Mean patch distance between independent sets of stills draw(i), over some pairs."""
    pairs = count(pairs, "pairs")
    return float(np.mean([patch_distance(draw(2 * i), draw(2 * i + 1)) for i in range(pairs)]))


def spectrum(x: Tensor, bins: int = 40) -> tuple[Tensor, Tensor]:
    """Power of each channel against |k|: frequencies (bins,), cycles a pixel, and (C, bins).

    Each is the mean over a ring of coefficients, the average colour left out.
    """
    x = as_images(x, "x").double()
    power = torch.fft.rfft2(x - x.mean((2, 3), keepdim=True), norm="ortho").abs().square().mean(0)
    k = frequencies(*x.shape[2:]).double()
    ring = (k / 0.5 * bins).long().flatten()
    inside = ring < bins
    members = torch.bincount(ring[inside], minlength=bins).clamp(min=1)
    sums = [torch.bincount(ring[inside], c.flatten()[inside], minlength=bins) for c in power]
    middles = (torch.arange(bins, dtype=torch.float64) + 0.5) / bins * 0.5
    return middles, torch.stack(sums) / members


def spectrum_distance(x: Tensor, y: Tensor, bins: int = 20) -> float:
    """Mean |log10 ratio| of two sets' spectra, over the rings that hold 99.9% of the power."""
    px, py = spectrum(x, bins)[1], spectrum(y, bins)[1]
    loud = (px + py) > 1e-3 * (px + py).amax(1, keepdim=True)
    return float((px / py).log10().abs()[loud].mean())


def histogram_distance(x: Tensor, y: Tensor, pixels: int = 20_000) -> float:
    """Wasserstein-1 distance between the histograms of two sets, the worst of the channels."""
    x, y = as_images(x, "x"), as_images(y, "y", channels=x.shape[1])
    some = [z.transpose(0, 1).flatten(1)[:, :: max(1, z[:, 0].numel() // pixels)] for z in (x, y)]
    return max(wasserstein_distance(a.numpy(), b.numpy()) for a, b in zip(*some, strict=True))


def cosines(v: Tensor, change: Tensor) -> Tensor:
    """Signed cosine (B,) of each image's velocity with its true change; one sign for all.

    The sign is that of the pooled cosine, since the arrow of time is free but is one.
    """
    if v.shape != change.shape:
        raise InputError(
            f"change has shape {tuple(change.shape)}; it must be that of v, {tuple(v.shape)}"
        )
    v, change = (z.detach().cpu().double().flatten(1) for z in (v, change))
    norms = v.norm(dim=1) * change.norm(dim=1)
    if not (norms > 0).all():
        raise InputError("v or change is zero on some image; leave out patterns that died")
    inner = (v * change).sum(1)
    return torch.where(inner.sum() < 0, -1.0, 1.0) * inner / norms


def smoothed(
    field: Callable[[Tensor], Tensor], x: Tensor, sigma: float, pairs: int = 4, seed: int = 0
) -> Tensor:
    """E[v(x + sigma eps)] at clean images, from pairs ±eps, whose first-order noise cancels."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros_like(x)
    for _ in range(count(pairs, "pairs")):
        kick = sigma * torch.randn(x.shape, generator=generator).to(x)
        for some in torch.arange(len(x)).split(4):  # a few at a time need little memory
            total[some] += field(x[some] + kick[some]) + field(x[some] - kick[some])
    return total / (2 * pairs)
