"""The exact denoiser of one creature on a canvas: nothing is learned, and nothing is guessed.

While noise leaves no doubt about where a creature is (sigma small beside the length of its
tangents), the posterior mean is the drawing at the likeliest pose: D(x) = c(q) with the q that
makes |x - c(q)| least.  What a rule does to it is what the rule does, without a network's error.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

ITERATIONS = 2  # of Gauss-Newton; from one step to the next a creature hardly moves


class PoseDenoiser:
    """D(x) = c(q) for canvases of one creature each, found from where it was at the last call.

    The picture (C, S, S), looking right, is what the creature adds to the background inside a
    circle, of a diameter in pixels of the `number` periodic canvases of `size` pixels a side.
    Poses are pixels down and right of the middle, and radians anticlockwise, never wrapped.
    """

    def __init__(self, picture: Tensor, diameter: float, size: int, number: int = 1) -> None:
        self.size = size
        smooth = _smooth(picture, diameter)
        self.channels, self.radius = picture.shape[0], diameter / 2
        self.radius *= smooth.shape[-1] / picture.shape[-1]  # what the smooth picture reaches to
        self.layers = _with_slopes(smooth, self.radius)
        self.poses = torch.zeros(number, 3)

    def draw(self, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Canvases c(q) (B, C, N, N) at poses (B, 3), and their slopes (B, 3, C, N, N)."""
        line = torch.arange(self.size) + 0.5 - self.size / 2
        down, right = (line - poses[:, i, None] for i in (0, 1))
        down, right = (z - self.size * (z / self.size).round() for z in (down, right))
        cos, sin = (f(poses[:, 2])[:, None, None] for f in (torch.cos, torch.sin))
        down, right = down[:, :, None], right[:, None, :]
        # In the body's frame: forwards is to the right of the picture, left is up.
        places = torch.stack([cos * right - sin * down, sin * right + cos * down], -1)
        layers = self.layers.expand(len(poses), -1, -1, -1)
        seen = F.grid_sample(layers, places / self.radius, "bilinear", "zeros", align_corners=False)
        canvas, forwards, back, turn = seen.split(self.channels, 1)
        # By the pose: a creature moved down is seen as the picture moved down.
        slopes = [cos[..., None] * back - sin[..., None] * forwards]
        slopes += [cos[..., None] * forwards + sin[..., None] * back, turn]
        return canvas, torch.stack(slopes, 1)

    def __call__(self, x: Tensor) -> Tensor:
        """Posterior mean (B, C, N, N) of noisy canvases (B, C, N, N); remembers their poses."""
        for _ in range(ITERATIONS):
            canvas, slopes = self.draw(self.poses)
            table = slopes.flatten(2)
            square = table @ table.mT
            # A disc has no heading: what can't be told is left as it is.
            loaded = square + 1e-4 * torch.diag_embed(square.diagonal(dim1=1, dim2=2) + 1e-3)
            push = torch.linalg.solve(loaded, table @ (x - canvas).flatten(1)[:, :, None])
            self.poses = self.poses + push[..., 0]
        return self.draw(self.poses)[0]


def _smooth(picture: Tensor, diameter: float) -> Tensor:
    """The picture as pixels see it, with the circle's outside left blank and a margin around."""
    side = picture.shape[-1]
    line = (torch.arange(side) + 0.5) / side * 2 - 1
    inside = (line[:, None] ** 2 + line**2 <= 1).float()
    pixel = max(1, round(side / diameter)) | 1
    box = torch.ones(1, 1, pixel, pixel) / pixel**2
    # Averaged twice, which leaves the slopes without jumps.
    blurred = F.conv2d((picture * inside)[:, None], box, padding=pixel)
    return F.conv2d(blurred, box, padding=pixel // 2)[:, 0]


def _with_slopes(picture: Tensor, radius: float) -> Tensor:
    """The picture and how it changes as its creature moves forwards, down its body, and turns."""
    side = picture.shape[-1]
    step = 2 * radius / side
    line = ((torch.arange(side) + 0.5) / side * 2 - 1) * radius
    by_down, by_right = torch.gradient(picture, spacing=step, dim=(1, 2))
    turn = by_down * line - by_right * line[:, None]
    return torch.cat([picture, -by_right, -by_down, turn])[None]
