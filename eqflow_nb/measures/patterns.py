"""How alike two sets of images are: their patches, spectra, and how they change."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from eqflow_nb.fourier import frequencies
from eqflow_nb.inputs import InputError, as_images, count, seeded
from eqflow_nb.measures.transport import mean_distance, sliced_wasserstein

PATCHES = 2000


def patches(x: Tensor, size: int = 5, seed: int = 0) -> Tensor:
    """2,000 random patches of periodic images (B, C, H, W), one a row: (2000, C * size^2)."""
    x, size = as_images(x, "x"), count(size, "size")
    if size > min(x.shape[2:]):
        raise InputError(f"size is {size}; the images are {x.shape[2]} by {x.shape[3]} pixels")
    wrapped = F.pad(x, (0, size - 1, 0, size - 1), mode="circular")
    rng, shape, reach = seeded(seed), (PATCHES, 1, 1), torch.arange(size)
    some = [torch.randint(n, shape, generator=rng) for n in (len(x), *x.shape[2:])]
    rows, columns = some[1] + reach[:, None], some[2] + reach[None, :]
    return wrapped.permute(0, 2, 3, 1)[some[0], rows, columns].flatten(1)


def patch_distance(x: Tensor, y: Tensor, size: int = 5, seed: int = 0) -> float:
    """Sliced Wasserstein-2 distance between the patches of two sets of images, in their units."""
    return sliced_wasserstein(patches(x, size, seed=seed), patches(y, size, seed=seed + 1))


class ReferenceSets(NamedTuple):
    """Sets of fresh images (n, C, H, W) to measure others by, and the distance of two of them."""

    sets: tuple[Tensor, ...]
    floor: float

    def distances(self, x: Tensor) -> list[float]:
        """Mean patch distance to 8 fresh sets, in floors, of each set of n that the images make."""
        distance, parts = partial(patch_distance, seed=9), x.cpu().split(len(self.sets[0]))
        pairs = [[(part, fresh) for fresh in self.sets[:8]] for part in parts]
        return [mean_distance(distance, some)[0] / self.floor for some in pairs]


def reference_sets(fresh: Tensor, n: int) -> ReferenceSets:
    """Split independent images, treated like those to be measured, into pairs of sets of n."""
    if len(fresh) < 2 * n or len(fresh) % (2 * n):
        raise InputError(f"fresh holds {len(fresh)} images; it must be a multiple of {2 * n}")
    sets = fresh.cpu().split(n)
    pairs = zip(sets[::2], sets[1::2], strict=True)
    return ReferenceSets(sets, mean_distance(patch_distance, pairs)[0])


def spectrum(x: Tensor, bins: int = 40) -> tuple[Tensor, Tensor]:
    """Middles of rings of |k| (bins,), cycles a pixel, and each channel's mean power (C, bins)."""
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


def cosines(v: Tensor, change: Tensor) -> Tensor:
    """Cosine (B,) of each image's velocity (C, H, W) with its true change; one sign for all."""
    v, change = (z.detach().cpu().double().flatten(1) for z in (v, change))
    norms = v.norm(dim=1) * change.norm(dim=1)
    if not (norms > 0).all():
        raise InputError("v or change is zero on some image; leave out patterns that died")
    inner = (v * change).sum(1)
    return torch.where(inner.sum() < 0, -1.0, 1.0) * inner / norms


def smoothed(field: Callable[[Tensor], Tensor], x: Tensor, sigma: float, pairs: int = 4) -> Tensor:
    """E[v(x + sigma eps)] at clean images, from pairs ±eps, whose first-order noise cancels."""
    generator, total = seeded(0), torch.zeros_like(x)
    for _ in range(pairs):
        kick = sigma * torch.randn(x.shape, generator=generator).to(x)
        for some in torch.arange(len(x)).split(4):  # a few at a time need little memory
            total[some] += field(x[some] + kick[some]) + field(x[some] - kick[some])
    return total / (2 * pairs)
