"""How alike two sets of images are: their patches, spectra, histograms, and how they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch.nn import functional as F

from eqflow_nb.fourier import frequencies
from eqflow_nb.inputs import InputError, as_images, count, seeded
from eqflow_nb.measures.transport import sliced_wasserstein

PATCHES = 2000


def patches(x: Tensor, size: int = 5, number: int = PATCHES, seed: int = 0) -> Tensor:
    """Random patches of periodic images (B, C, H, W), one a row: (number, C * size^2)."""
    x, size, number = as_images(x, "x"), count(size, "size"), count(number, "number")
    if size > min(x.shape[2:]):
        raise InputError(f"size is {size}; the images are {x.shape[2]} by {x.shape[3]} pixels")
    wrapped = F.pad(x, (0, size - 1, 0, size - 1), mode="circular")
    generator = seeded(seed)
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


@dataclass(frozen=True)
class Yardstick:
    """Sets of fresh images to measure others by; see `yardstick`.

    Attributes
    ----------
    sets : tuple of Tensor (canvases, C, H, W)
    floor : float
        Mean patch distance between two of them.
    """

    sets: tuple[Tensor, ...]
    floor: float

    def floors(self, x: Tensor) -> float:
        """Patch distance of images from the fresh ones, in floors; see `preservation`.

        The mean over the sets of the same size that the images make, since one set's distance
        wobbles by a third, however many images it holds.
        """
        return float(np.mean(self.each(x)))

    def each(self, x: Tensor) -> list[float]:
        """The distance of each set that the images make."""
        size = len(self.sets[0])
        if len(x) % size:
            raise InputError(f"x holds {len(x)} images; it must be a multiple of {size}")
        return [preservation(part, self.sets, self.floor) for part in x.cpu().split(size)]


def yardstick(fresh: Tensor, canvases: int) -> Yardstick:
    """Split fresh images into sets of as many as will be measured, and find their own distance.

    Parameters
    ----------
    fresh : Tensor (n, C, H, W)
        Independent images of the law, treated as those to be measured will be: 2 * pairs *
        canvases of them make as many pairs.
    canvases : int
        Images a set.

    Raises
    ------
    InputError
        If the images do not make at least one pair of whole sets.
    """
    canvases = count(canvases, "canvases")
    if len(fresh) < 2 * canvases or len(fresh) % (2 * canvases):
        raise InputError(
            f"fresh holds {len(fresh)} images; it must be a multiple of {2 * canvases}: pairs of "
            f"sets of {canvases}"
        )
    sets = fresh.cpu().split(canvases)
    return Yardstick(sets, patch_floor(lambda i: sets[i], len(sets) // 2))


def alike(x: Tensor, y: Tensor) -> float:
    """Cosine similarity of two sets of images as they lie: 1 for the same, 0 for unrelated."""
    return float(F.cosine_similarity(x.cpu().flatten(), y.cpu().flatten(), 0))


def spectrum(x: Tensor, bins: int = 40) -> tuple[Tensor, Tensor]:
    """Power of each channel against |k|: frequencies (bins,), cycles a pixel, and (C, bins).

    Each is the mean over a ring of coefficients, the average colour left out.
    """
    x, bins = as_images(x, "x"), count(bins, "bins")
    power = torch.zeros(x.shape[1], x.shape[2], x.shape[3] // 2 + 1).double()
    for part in x.split(8):  # a few at a time need little memory
        away = part.double() - part.double().mean((2, 3), keepdim=True)
        power = power + torch.fft.rfft2(away, norm="ortho").abs().square().sum(0) / len(x)
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


def cosines(v: Tensor, change: Tensor, units: Tensor | None = None) -> Tensor:
    """Signed cosine (B,) of each image's velocity with its true change; one sign for all.

    The sign is that of the pooled cosine, since the arrow of time is free but is one.

    Parameters
    ----------
    v, change : Tensor (B, C, H, W)
    units : Tensor (C,), optional
        What both are multiplied by first, channel by channel, such as a world's `scale`.
    """
    if units is not None:
        v, change = (z * units.to(z)[:, None, None] for z in (v, change))
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


def pace(v: Tensor, change: Tensor) -> float:
    """The factor c, sign and speed, with the least |c v - change|^2: what no still contains."""
    return float((v * change).sum() / v.square().sum())


def smoothed(
    field: Callable[[Tensor], Tensor], x: Tensor, sigma: float, pairs: int = 4, seed: int = 0
) -> Tensor:
    """E[v(x + sigma eps)] at clean images, from pairs ±eps, whose first-order noise cancels."""
    generator = seeded(seed)
    total = torch.zeros_like(x)
    for _ in range(count(pairs, "pairs")):
        kick = sigma * torch.randn(x.shape, generator=generator).to(x)
        for some in torch.arange(len(x)).split(4):  # a few at a time need little memory
            total[some] += field(x[some] + kick[some]) + field(x[some] - kick[some])
    return total / (2 * pairs)
