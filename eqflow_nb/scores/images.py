"""Scores of images from a trained denoiser: training at many noise levels, use at one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from eqflow_nb.fourier import blur
from eqflow_nb.inputs import InputError, as_images, between, count, positive
from eqflow_nb.scores.unet import UNet

LEVELS = (0.1, 1.0)
AVERAGE = 0.999
STAIN_RADIUS = 2.5  # pixels
FAR = 0.25  # of the images, blurred by more than the highest level that is used


class ImageScore(nn.Module):
    """s(x) = (D(x) - x) / sigma^2 of images, with a denoiser run at one noise level (Tweedie).

    The level sigma, in units of a channel's standard deviation, lies between the lowest and the
    highest that the denoiser was trained at.
    """

    def __init__(self, net: UNet, sigma: float, levels: tuple[float, float] = LEVELS) -> None:
        super().__init__()
        self.net, self.levels = net, levels
        self.sigma = between(sigma, "sigma", *levels)

    def at(self, sigma: float) -> ImageScore:
        """The same network at another noise level."""
        return ImageScore(self.net, sigma, self.levels)

    def forward(self, x: Tensor) -> Tensor:
        """Score (B, C, H, W) at images (B, C, H, W)."""
        return (self.denoise(x) - x) / self.sigma**2

    def denoise(self, x: Tensor) -> Tensor:
        """Posterior mean D(x) = E[x_0 | x], (B, C, H, W)."""
        multiple = self.net.multiple
        if x.ndim != 4 or x.shape[1] != self.net.channels:  # the whole check looks at every pixel
            as_images(x, "x", channels=self.net.channels)
        if x.shape[2] % multiple or x.shape[3] % multiple:
            raise InputError(
                f"x is {x.shape[2]} by {x.shape[3]} pixels; both must be multiples of {multiple}"
            )
        return self.net(x, x.new_full((1,), self.sigma))


def train(
    net: UNet,
    draw: Callable[[int, torch.Generator], Tensor],
    steps: int,
    batch: int = 16,
    rate: float = 2e-3,
    levels: Sequence[float] = LEVELS,
    stain_sd: float = 0.0,
    seed: int = 0,
    state: dict[str, Tensor] | None = None,
) -> Iterator[tuple[int, float]]:
    """Train a denoiser at all levels by minimising E |f - target|^2, its error over sigma sqrt(c).

    A generator: it yields (step, loss) so that the caller owns progress bars and early stopping.
    The loss is that of the step's batch, per number: 1 is what knowing nothing gives.  At the end
    the network holds a running mean of its weights.  Levels are drawn evenly in log sigma.
    Vincent, Neural Computation 23, 1661 (2011), eq. 4.3, weighted as in `UNet`.

    Parameters
    ----------
    draw : callable (n, generator) -> Tensor (n, C, H, W)
        Fresh clean images of unit deviation, of the same size at every call.
    rate : float
        Peak learning rate of a one-cycle schedule.
    levels : (float, float) or (float, float, float)
        The lowest and the highest noise level; if there is a third, a quarter of the images are
        blurred by more, up to that.  It takes such levels to come from noise.
    stain_sd : float
        Half of the images blurred by the first two levels also get smooth stains, of a deviation up
        to this many sigma.  White noise hardly ever fades a whole creature, so without them the
        network has not seen how to mend one, and in a long rollout creatures fade little by little.
    state : dict, optional
        Filled at every step with copies of all that training needs, and its smoothed loss.  Pass it
        back to resume training.
    """
    steps, batch = count(steps, "steps"), count(batch, "batch")
    marks = torch.tensor([positive(level, "levels") for level in levels]).log()
    rate, device = positive(rate, "rate"), next(net.parameters()).device
    mean = AveragedModel(net, multi_avg_fn=_running_mean)
    mean.n_averaged.fill_(1)  # the first weights count as one model
    optimiser = torch.optim.Adam(net.parameters(), lr=1.0, betas=(0.9, 0.99))
    optimiser.param_groups[0]["initial_lr"] = 1.0  # the schedule gives the rate itself
    done, smoothed = 0, 1.0
    if state:
        done, smoothed = int(state["step"]), float(state["loss"])
        _resume(state, net, mean, optimiser)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: one_cycle(step, steps, rate), last_epoch=done - 1
    )
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
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        mean.update_parameters(net)
        value = float(loss.detach())
        smoothed += 0.01 * (value - smoothed)
        if state is not None:
            so_far = {
                "step": torch.tensor(step + 1),
                "loss": torch.tensor(smoothed, dtype=torch.double),
            }
            # At once, since an interrupt may come in the middle of a step.
            state.update(_state(net, mean, optimiser) | so_far)
        yield step, value
    net.load_state_dict(mean.module.state_dict())


def _running_mean(mean: Sequence[Tensor], now: Sequence[Tensor], models: Tensor | int) -> None:
    keep = min(AVERAGE, int(models) / (int(models) + 9))
    for average, weight in zip(mean, now, strict=True):
        average.lerp_(weight, 1 - keep)


def one_cycle(step: int, steps: int, rate: float) -> float:
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
    part = torch.rand(n, generator=generator)
    if len(marks) == 2:
        return marks[0] + (marks[1] - marks[0]) * part
    far = torch.rand(n, generator=generator) < FAR
    low, high = torch.where(far, marks[1], marks[0]), torch.where(far, marks[2], marks[1])
    return low + (high - low) * part


def _stains(like: Tensor, sd: Tensor, generator: torch.Generator) -> Tensor:
    """Smooth noise, of a random deviation up to `sd` (n,) for each image; none for half of them."""
    white = torch.fft.rfft2(torch.randn(like.shape, generator=generator))
    filtered = blur(like.shape[2], like.shape[3], STAIN_RADIUS) * white
    smooth = torch.fft.irfft2(filtered, s=like.shape[2:])
    sizes = sd * (2 * torch.rand(len(like), generator=generator) - 1).clamp(min=0)
    return (sizes[:, None, None, None] * smooth / smooth.std()).to(like)
