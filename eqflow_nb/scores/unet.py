"""A compact periodic U-Net that takes the noise level as an input: a denoiser for images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEATURES = 8


class UNet(nn.Module):
    """D(x, sigma) = E[x_0 | x_0 + sigma eps = x] on a periodic grid, for every sigma at once.

    Convolutions wrap around, so the network commutes with shifts by `2 ** len(widths)` pixels, and
    takes grids of any size those divide.  With c = 1 / (1 + sigma^2), D = c x + sigma sqrt(c) f,
    where f(sqrt(c) x, sigma) is the network: then f has inputs and targets of unit size at every
    level (Karras et al., NeurIPS 2022, eq. 7, for data of unit deviation).  Widths are the channels
    at 1/2, 1/4, 1/8, ... of the resolution.
    """

    def __init__(self, channels: int, widths: Sequence[int] = (32, 48, 64), seed: int = 0) -> None:
        super().__init__()
        self.channels, self.widths = channels, tuple(widths)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            pairs = list(zip(self.widths[:-1], self.widths[1:]))
            self.enter = _conv(4 * channels, self.widths[0])
            self.down = nn.ModuleList(Block(width) for width in self.widths)
            self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
            self.grow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
            self.up = nn.ModuleList(Block(width) for width in self.widths[:-1])
            self.leave = _conv(self.widths[0], 4 * channels)
            nn.init.zeros_(self.leave.weight)
            nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    @property
    def multiple(self) -> int:
        """What the sides of an image must be a multiple of."""
        return 2 ** len(self.widths)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Denoised images (B, C, H, W) of images at noise levels (B,) or (1,)."""
        c = (1 / (1 + sigma**2))[:, None, None, None]
        level = sigma[:, None, None, None]
        return c * x + level * c.sqrt() * self.predict(c.sqrt() * x, sigma)

    def predict(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The network f (B, C, H, W), of images scaled to unit size."""
        # Smooth features of log sigma, (B, FEATURES): bumps from sigma = .03 to 3.
        centres = torch.linspace(-3.5, 1.1, FEATURES, device=sigma.device, dtype=sigma.dtype)
        level = torch.exp(-((sigma.log()[:, None] - centres) ** 2) / 0.5)
        h = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        h = self.enter(h)
        kept = []
        for depth, block in enumerate(self.down):
            h = block(h, level)
            if depth < len(self.shrink):
                kept.append(h)
                h = self.shrink[depth](h)
        for grow, block, skip in zip(self.grow[::-1], self.up[::-1], kept[::-1], strict=True):
            h = block(skip + F.interpolate(grow(h), scale_factor=2.0), level)
        return F.pixel_shuffle(self.leave(F.silu(h)), 2)


class Block(nn.Module):
    """Two periodic convolutions around a gain and a shift that depend on the noise level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)
        self.tune = nn.Linear(FEATURES, 2 * width)
        nn.init.zeros_(self.second.weight)

    def forward(self, h: Tensor, level: Tensor) -> Tensor:
        """Features (B, width, H, W) from the same, and those of the noise level (B, FEATURES)."""
        gain, shift = self.tune(level)[:, :, None, None].chunk(2, dim=1)
        return h + self.second(F.silu(self.first(F.silu(h)) * (1 + gain) + shift))


def _conv(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1, padding_mode="circular")
