"""Scores of images from a denoiser, a U-Net: trained at many noise levels, used at one."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from eqflow_nb.fourier import blur
from eqflow_nb.inputs import InputError, as_images, between

FEATURES = 8  # of a noise level
LEVELS = (0.1, 1.0)
AVERAGE = 0.999
STAIN_RADIUS = 2.5  # pixels
FAR = 0.25  # of the images, blurred by more than the highest level that is used


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
        h = self.enter(F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last))
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


class ImageScore(nn.Module):
    """s(x) = (D(x) - x) / sigma^2 of images, with a denoiser run at one noise level (Tweedie).

    The level sigma, in units of a channel's standard deviation, lies between the lowest and the
    highest that the denoiser was trained at.
    """

    def __init__(self, net: UNet, sigma: float, levels: tuple[float, float] = LEVELS) -> None:
        super().__init__()
        self.net, self.levels = net, levels
        self.sigma = between(sigma, "sigma", *levels)

    def forward(self, x: Tensor) -> Tensor:
        """Score (B, C, H, W) at images (B, C, H, W)."""
        return (self.denoise(x) - x) / self.sigma**2

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = E[x_0 | x], (B, C, H, W)."""
        if x.ndim != 4 or x.shape[1] != self.net.channels:  # the whole check looks at every pixel
            as_images(x, "x", channels=self.net.channels)
        (h, w), n = x.shape[2:], self.net.multiple
        if h % n or w % n:
            raise InputError(f"x is {h} by {w} pixels; both must be multiples of {n}")
        return self.net(x, x.new_full((1,), self.sigma))


def train(
    net: UNet, draw: Callable[[int, torch.Generator], Tensor], steps: int, batch: int = 16,
    rate: float = 2e-3, levels: Sequence[float] = LEVELS, stain_sd: float = 0.0, seed: int = 0,
    state: dict[str, Tensor] | None = None,
) -> Iterator[tuple[int, float]]:  # fmt: skip
    """Train a denoiser at all levels by minimising E |f - target|^2, its error over sigma sqrt(c).

    It yields (step, loss), the loss of the step's batch, per number: 1 is what knowing nothing
    gives.  At the end the network holds a running mean of its weights.  Levels are drawn evenly in
    log sigma.  Vincent, Neural Computation 23, 1661 (2011), eq. 4.3, weighted as in `UNet`.

    `draw(n, generator)` gives fresh clean images (n, C, H, W) of unit deviation.  Levels are the
    lowest and the highest; if there is a third, a quarter of the images are blurred by more, up to
    that, as it takes to come from noise.  Half of the others also get smooth stains, of a deviation
    up to `stain_sd` sigma: white noise hardly ever fades a whole creature, so without them the
    network has not seen how to mend one, and in a long rollout creatures fade little by little.
    The rate is the peak of a one-cycle schedule.  `state` is filled at every step with copies of
    all that training needs, and its smoothed loss; pass it back to resume training.
    """
    marks, device = torch.tensor(levels).log(), next(net.parameters()).device
    mean = AveragedModel(net, multi_avg_fn=_running_mean)
    mean.n_averaged.fill_(1)  # the first weights count as one model
    optimiser = torch.optim.Adam(net.parameters(), betas=(0.9, 0.99))
    done, smoothed = 0, 1.0
    if state:
        done, smoothed = int(state["step"]), float(state["loss"])
        _resume(state, net, mean, optimiser)
    for step in range(done, steps):
        # A generator a step, so that a resumed training sees what an unbroken one would.
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        clean = draw(batch, generator).to(device)
        sigma = _some_levels(marks, batch, generator).exp()
        stained = stain_sd * (sigma <= marks[1].exp())
        sigma = sigma.to(device)
        eps = torch.randn(clean.shape, generator=generator).to(device)
        level = sigma[:, None, None, None]
        c = 1 / (1 + level**2)
        noisy = clean + level * (eps + _stains(eps, stained, generator) if stain_sd else eps)
        target = (clean - c * noisy) / (level * c.sqrt())
        with torch.autocast(device.type, torch.bfloat16):
            predicted = net.predict(c.sqrt() * noisy, sigma)
        loss = (predicted.float() - target).square().mean()
        optimiser.param_groups[0]["lr"] = _one_cycle(step, steps, rate)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        mean.update_parameters(net)
        value = float(loss.detach())
        smoothed += 0.01 * (value - smoothed)
        if state is not None:
            so_far = _state(net, mean, optimiser) | {"step": torch.tensor(step + 1)}
            # At once, since an interrupt may come in the middle of a step.
            state.update(so_far | {"loss": torch.tensor(smoothed, dtype=torch.double)})
        yield step, value
    net.load_state_dict(mean.module.state_dict())


def _running_mean(mean: Sequence[Tensor], now: Sequence[Tensor], models: Tensor | int) -> None:
    keep = min(AVERAGE, int(models) / (int(models) + 9))
    for average, weight in zip(mean, now, strict=True):
        average.lerp_(weight, 1 - keep)


def _one_cycle(step: int, steps: int, rate: float) -> float:
    """Learning rate: a short rise to `rate`, then a cosine down to almost 0."""
    rise = max(1, steps // 20)
    if step < rise:
        return rate * (step + 1) / rise
    angle = math.pi * (step - rise) / max(1, steps - rise)
    return rate * (0.001 + 0.999 * (1 + math.cos(angle)) / 2)


def _state(net: nn.Module, mean: nn.Module, optimiser: torch.optim.Adam) -> dict[str, Tensor]:
    """Copies of all that training needs, as tensors with names."""
    parts = {"net": net.state_dict(), "mean": mean.state_dict()}
    parts |= {f"adam {i}": slot for i, slot in optimiser.state_dict()["state"].items()}
    return {f"{part}/{key}": v.clone() for part, of in parts.items() for key, v in of.items()}


def _resume(
    state: dict[str, Tensor], net: nn.Module, mean: nn.Module, optimiser: torch.optim.Adam
) -> None:
    parts: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, value in state.items():
        part, _, key = name.partition("/")
        parts[part][key] = value
    net.load_state_dict(parts["net"])
    mean.load_state_dict(parts["mean"])
    slots = {i: parts[f"adam {i}"] for i in range(len(list(net.parameters())))}
    optimiser.load_state_dict({**optimiser.state_dict(), "state": slots})


def _some_levels(marks: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Levels (n,), evenly between the first two marks, and a quarter beyond if there is a third."""
    part, low, high = torch.rand(n, generator=generator), marks[0], marks[1]
    if len(marks) > 2:
        far = torch.rand(n, generator=generator) < FAR
        low, high = torch.where(far, marks[1], low), torch.where(far, marks[2], high)
    return low + (high - low) * part


def _stains(like: Tensor, sd: Tensor, generator: torch.Generator) -> Tensor:
    """Smooth noise, of a random deviation up to `sd` (n,) for each image; none for half of them."""
    white, (h, w) = torch.fft.rfft2(torch.randn(like.shape, generator=generator)), like.shape[2:]
    smooth = torch.fft.irfft2(blur(h, w, STAIN_RADIUS) * white, s=(h, w))
    sizes = sd * (2 * torch.rand(len(like), generator=generator) - 1).clamp(min=0)
    return (sizes[:, None, None, None] * smooth / smooth.std()).to(like)
