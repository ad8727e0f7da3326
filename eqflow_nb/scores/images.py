"""Scores of images from a trained denoiser: training at many noise levels, use at one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from eqflow_nb.fourier import blur
from eqflow_nb.inputs import InputError, as_images, between, count, positive
from eqflow_nb.scores.unet import UNet

Draw = Callable[[int, torch.Generator], Tensor]
LEVELS = (0.1, 1.0)
AVERAGE = 0.999
STAIN = 2.5  # pixels, the radius of what smudges
FAR = 0.25  # of the images, blurred by more than the highest level that is used


class ImageScore(nn.Module):
    """s(x) = (D(x) - x) / sigma^2 of images, with a denoiser run at one noise level (Tweedie).

    Parameters
    ----------
    net : UNet
        The denoiser D of every level.
    sigma : float
        Noise level, in units of a channel's standard deviation.
    levels : (float, float)
        The lowest and highest level it was trained at.

    Raises
    ------
    InputError
        If sigma is not between the two levels.
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
        check_images(x, self.net)
        return self.net(x, x.new_full((1,), self.sigma))


def check_images(x: Tensor, net: UNet) -> None:
    """Refuse what the network can't take; sides must be multiples of its coarsest pixel."""
    if x.ndim != 4 or x.shape[1] != net.channels:  # the whole check looks at every pixel
        as_images(x, "x", channels=net.channels)
    if x.shape[2] % net.multiple or x.shape[3] % net.multiple:
        raise InputError(
            f"x is {x.shape[2]} by {x.shape[3]} pixels; both must be multiples of {net.multiple}"
        )


def train(
    net: UNet,
    draw: Draw,
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
    At its end the network holds a running mean of its weights.  Levels are drawn evenly in log
    sigma.  Vincent, Neural Computation 23, 1661 (2011), eq. 4.3, weighted as in `UNet`.

    Parameters
    ----------
    net : UNet
        Trained in place.
    draw : callable (n, generator) -> Tensor (n, C, H, W)
        Fresh clean images of unit deviation, of the same size at every call.
    steps, batch : int
    rate : float
        Peak learning rate of a one-cycle schedule.
    levels : (float, float) or (float, float, float)
        The lowest and the highest noise level; if there is a third, a quarter of the images are
        blurred by more, up to that.  It takes such levels to come from noise.
    stain_sd : float
        Half of the images blurred by the first two levels also get smooth stains, of a deviation up
        to this many sigma.  White noise hardly ever fades a whole creature, so without them the
        network has not seen how to mend one, and in a long rollout creatures fade little by little.
    seed : int
    state : dict, optional
        Filled at every step with all that is needed to go on from there; given again, it is gone
        on from.

    Yields
    ------
    (step, loss)
        The loss, per number, of the step's batch: 1 is what knowing nothing gives.
    """
    steps, batch, state = (
        count(steps, "steps"),
        count(batch, "batch"),
        {} if state is None else state,
    )
    marks = torch.tensor([positive(level, "levels") for level in levels]).log()
    weights = dict(net.named_parameters())
    done = _resume(state, weights)
    optimiser = torch.optim.Adam(weights.values(), betas=(0.9, 0.99))
    slots = {
        name: {key: state[f"{key}.{name}"] for key in ("exp_avg", "exp_avg_sq")} for name in weights
    }
    for name, weight in weights.items():
        optimiser.state[weight] = {"step": state["step"].clone(), **slots[name]}
    device = next(iter(weights.values())).device
    for step in range(done, steps):
        # A generator a step, so that a resumed training sees what an unbroken one would.
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        for group in optimiser.param_groups:
            group["lr"] = one_cycle(step, steps, positive(rate, "rate"))
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
            said = net.predict(c.sqrt() * noisy, sigma)
        loss = (said.float() - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        state["step"] += 1
        blend = min(AVERAGE, (step + 1) / (step + 10))
        for name, weight in weights.items():
            state[f"mean.{name}"].lerp_(weight.detach(), 1 - blend)
        yield step, float(loss.detach())
    for name, weight in weights.items():
        weight.data.copy_(state[f"mean.{name}"])


def _some_levels(marks: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """Levels (n,), evenly between the first two marks, and a quarter beyond if there is a third."""
    part = torch.rand(n, generator=generator)
    if len(marks) == 2:
        return marks[0] + (marks[1] - marks[0]) * part
    far = torch.rand(n, generator=generator) < FAR
    low, high = torch.where(far, marks[1], marks[0]), torch.where(far, marks[2], marks[1])
    return low + (high - low) * part


def _stains(like: Tensor, stain_sd: Tensor, generator: torch.Generator) -> Tensor:
    """Smooth noise, of a random deviation for each image (n,); none for half of them."""
    white = torch.fft.rfft2(torch.randn(like.shape, generator=generator))
    smooth = torch.fft.irfft2(blur(like.shape[2], like.shape[3], STAIN) * white, s=like.shape[2:])
    sizes = stain_sd * (2 * torch.rand(len(like), generator=generator) - 1).clamp(min=0)
    return (sizes[:, None, None, None] * smooth / smooth.std()).to(like)


def one_cycle(step: int, steps: int, rate: float) -> float:
    """Learning rate: a short rise to `rate`, then a cosine down to almost 0."""
    rise = max(1, steps // 20)
    if step < rise:
        return rate * (step + 1) / rise
    return rate * (0.001 + 0.999 * (1 + math.cos(math.pi * (step - rise) / (steps - rise))) / 2)


def _resume(state: dict[str, Tensor], weights: dict[str, nn.Parameter]) -> int:
    """Set the weights to those of the state, or the state to that of a beginning; the step."""
    for name, weight in weights.items():
        if "step" in state:
            weight.data.copy_(state[f"now.{name}"])
        else:
            state[f"mean.{name}"] = weight.detach().clone()
            state[f"exp_avg.{name}"] = torch.zeros_like(weight)
            state[f"exp_avg_sq.{name}"] = torch.zeros_like(weight)
        state[f"now.{name}"] = weight.data  # the very tensor that is trained
    state.setdefault("step", torch.zeros(()))
    return int(state["step"])
