"""Flows learned from the residual: networks v(x) trained until div v + v . s = 0.

Zhang & Levin 2025 train one multilayer perceptron on E (div v + v . s)^2.  Here several are trained
side by side as one batch, with an exact divergence by hand-written forward mode, on more of the
space than the samples fill, and with two principles that choose among the many flows that keep p:
be smooth, and have the symmetry of the snapshots.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..inputs import InputError, as_samples, between, count, positive
from .continuity import Field


class FlowNetworks(nn.Module):
    """Several independent networks R^d -> R^d with two hidden layers, evaluated as one batch.

    Parameters
    ----------
    members : int
        The number m of networks.
    dim : int
        The dimension d.
    width : int
        Units in each hidden layer.
    octaves : int
        Add sin and cos of 2^k x for k = 0 ... octaves - 1 to the inputs, as the paper does (4).
    signs : Tensor (d,), optional
        A symmetry S x = signs * x.  The networks are then averaged to (f(x) + S f(S x)) / 2, so
        that v(S x) = S v(x).
    seed : int

    Raises
    ------
    InputError
        If a number is not a whole number in its range, or signs are not d numbers 1 or -1.
    """

    signs: Tensor | None
    speed: Tensor

    def __init__(
        self,
        members: int,
        dim: int,
        width: int = 64,
        octaves: int = 0,
        signs: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.members, self.dim = count(members, "members"), count(dim, "dim")
        self.octaves = count(octaves, "octaves", at_least=0)
        generator = torch.Generator().manual_seed(seed)
        sizes = [dim * (1 + 2 * self.octaves), count(width, "width"), width, dim]

        def draw(*shape: int) -> Tensor:
            return torch.randn(self.members, *shape, generator=generator)

        self.weights = nn.ParameterList(
            [draw(a, b) / math.sqrt(a) for a, b in pairwise(sizes)]
        )
        # Biases that differ let the first layer bend in different places.
        self.biases = nn.ParameterList(
            [draw(1, width) / 2, draw(1, width) / 2, torch.zeros(self.members, 1, dim)]
        )
        if signs is not None:
            signs = torch.as_tensor(signs).float()
            if signs.shape != (self.dim,) or not (signs.abs() == 1).all():
                raise InputError(f"signs are {signs.tolist()}; give 1 or -1 for each of {dim} axes")
        self.register_buffer("signs", signs)
        self.register_buffer("speed", torch.ones(self.members, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Velocities of states (members, B, d), or (B, d): a block of rows for each member."""
        if x.ndim == 2:
            return self(self._blocks(x)).reshape(x.shape)
        hidden = self._both_sides(x)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = torch.tanh(torch.baddbmm(bias, self._inputs(hidden, weight), weight))
        return self.speed * self._average(
            torch.baddbmm(self.biases[-1], hidden, self.weights[-1])
        )

    def with_jacobian(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Velocities (m, B, d) and Jacobians (m, d, B, d) of states (m, B, d).

        Entry (m, i, b, j) is dv_j/dx_i.  Forward mode by hand: the d tangents go through the
        layers as d more rows, some ten times as fast as Hutchinson probes by reverse mode.
        """
        hidden, tangents = self._last_hidden(x)
        out = torch.baddbmm(self.biases[-1], hidden, self.weights[-1])
        slope = torch.bmm(tangents.flatten(1, 2), self.weights[-1])
        slope = slope.view(*tangents.shape[:3], self.dim)
        if self.signs is not None:
            near, far = slope.chunk(2, dim=2)
            slope = (near + far * self.signs[:, None, None] * self.signs) / 2
        return self.speed * self._average(out), self.speed[:, None] * slope

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, d, d), entry (i, j) dv_i/dx_j, of states (B, d) as in `forward`."""
        slope = self.with_jacobian(self._blocks(x))[1]
        return slope.permute(0, 2, 3, 1).reshape(len(x), self.dim, self.dim)

    @torch.no_grad()
    def set_speed(self, x: Tensor) -> None:
        """Rescale every member to rms speed sqrt(d) over states (B, d); see `at_common_speed`."""
        self.speed.fill_(1)
        rms = self(x.expand(self.members, *x.shape)).square().sum(2).mean(1).sqrt()
        self.speed.copy_((math.sqrt(self.dim) / rms)[:, None, None])

    def each(self, x: Tensor) -> Tensor:
        """Velocities (members, B, d) of every member at the same states (B, d)."""
        return self(x.expand(self.members, *x.shape))

    def _blocks(self, x: Tensor) -> Tensor:
        if x.ndim != 2 or x.shape[1] != self.dim:
            as_samples(x, "x", dim=self.dim, at_least=1)
        if len(x) % self.members:
            raise InputError(
                f"x has {len(x)} rows, which do not divide among {self.members} members"
            )
        return x.reshape(self.members, -1, self.dim)

    def _both_sides(self, x: Tensor) -> Tensor:
        return x if self.signs is None else torch.cat([x, x * self.signs], 1)

    def _average(self, out: Tensor) -> Tensor:
        if self.signs is None:
            return out
        near, far = out.chunk(2, dim=1)
        return (near + far * self.signs) / 2

    def _inputs(self, x: Tensor, weight: Tensor) -> Tensor:
        """Add the octaves, if x is still the state itself."""
        if x.shape[-1] == weight.shape[1]:
            return x
        angles = [2.0**k * x for k in range(self.octaves)]
        return torch.cat([x, *(f(a) for a in angles for f in (torch.sin, torch.cos))], -1)

    def _input_tangents(self, x: Tensor) -> Tensor:
        """Tangents (m, d, B, inputs) of the inputs."""
        eye = torch.eye(self.dim, dtype=x.dtype, device=x.device)[:, None, :]
        parts = [eye.expand(len(x), self.dim, x.shape[1], self.dim)]
        for k in range(self.octaves):
            angle = 2.0**k * x
            parts += [2.0**k * torch.cos(angle)[:, None] * eye]
            parts += [-(2.0**k) * torch.sin(angle)[:, None] * eye]
        return torch.cat(parts, -1)

    def _last_hidden(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Last hidden layer (m, B', H) and its tangents (m, d, B', H), B' both sides."""
        x = self._both_sides(x)
        hidden, tangents = self._inputs(x, self.weights[0]), self._input_tangents(x)
        shape = tangents.shape[:3]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = torch.tanh(torch.baddbmm(bias, hidden, weight))
            tangents = torch.bmm(tangents.flatten(1, 2), weight).view(*shape, -1)
            tangents = tangents * (1 - hidden * hidden)[:, None]
        return hidden, tangents


@dataclass(frozen=True)
class Lesson:
    """What the networks are trained on: points and the score there.

    Attributes
    ----------
    points, scores : Tensor (n, d)
    weights : Tensor (n,)
        What a squared residual counts there.
    """

    points: Tensor
    scores: Tensor
    weights: Tensor


def lesson(
    samples: Tensor,
    score: Field,
    sigma: float,
    n: int = 32768,
    widest: float = 1.0,
    share: float = 0.4,
    seed: int = 0,
) -> Lesson:
    """Blur samples into training points, some of them wider than the law itself.

    The continuity equation holds wherever p > 0, also where samples are rare; a long rollout goes
    there, and a flow that was never taught the tails leaks out of them.

    Parameters
    ----------
    samples : Tensor (N, d)
    score : callable (B, d) -> (B, d)
        The score at level sigma.  It is evaluated once.
    sigma : float
        Noise level, in the units of the samples.
    n : int
        The number of points.
    widest : float
        The widest level, in the units of the samples (1 is the cloud's own standard deviation).
    share : float
        The share of points blurred at levels drawn uniformly between sigma and the widest.
    seed : int
    """
    samples = as_samples(samples, vary=True)
    sigma, share = positive(sigma, "sigma"), between(share, "share", 0, 1)
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(samples), (count(n, "n"),), generator=generator)
    level = torch.full((n, 1), sigma)
    wide = int(n * share)
    widest = max(sigma, positive(widest, "widest"))
    level[:wide] += (widest - sigma) * torch.rand(wide, 1, generator=generator)
    noise = level * torch.randn(n, samples.shape[1], generator=generator)
    points = samples[rows.to(samples.device)] + noise.to(samples)
    with torch.no_grad():
        scores = score(points)
    weights = 1 / (1 + sigma**2 * scores.square().mean(1))
    return Lesson(points, scores, weights / weights.mean())


def train(
    flow: FlowNetworks,
    taught: Lesson,
    steps: int = 800,
    batch: int = 256,
    rate: float = 1e-2,
    smoothness: tuple[float, float] = (0.1, 0.001),
    seed: int = 0,
) -> Iterator[tuple[int, Tensor]]:
    """Train on E r^2 / E |v|^2 + lambda E |grad v|^2 / E |v|^2, with r = div v + v . s.

    The first term is the paper's residual, divided by the speed so that v = 0 is no answer.  The
    second, whose weight lambda falls geometrically from first to last step, decides early on which
    of the many flows that keep p is approached: a smooth one.

    Parameters
    ----------
    flow : FlowNetworks
        Trained in place.
    taught : Lesson
    steps, batch : int
        Adam steps; points a member and step (each member draws its own).
    rate : float
        Peak learning rate of a one-cycle schedule.
    smoothness : (float, float)
        The weight lambda at the start and at the end.
    seed : int

    Yields
    ------
    (step, residual)
        The members' relative residuals (m,) on the step's batch.
    """
    steps = count(steps, "steps")
    first, last = (positive(weight, "smoothness") for weight in smoothness)
    device = flow.speed.device
    points, scores, weights = (
        t.to(device) for t in (taught.points, taught.scores, taught.weights)
    )
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(flow.parameters(), betas=(0.9, 0.99))
    # A tenth of ten steps would leave the schedule a warm-up of no length, and fail.
    warm_up = 0.1 if steps != 10 else 0.2
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, positive(rate, "rate"), steps, pct_start=warm_up, cycle_momentum=False
    )
    for step in range(steps):
        rows = torch.randint(len(points), (flow.members, batch), generator=generator).to(device)
        v, slope = flow.with_jacobian(points[rows])
        r = slope.diagonal(dim1=1, dim2=3).sum(-1) + (v * scores[rows]).sum(-1)
        power = v.square().sum(-1).mean(1)
        misfit = (weights[rows] * r.square()).mean(1) / power
        roughness = slope.square().sum((1, 3)).mean(1) / power
        weight = first * (last / first) ** (step / steps)
        # The last term only keeps the speed, which nothing else fixes, near 1.
        loss = misfit + weight * roughness + 0.1 * power.log().square()
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
        yield step, misfit.detach().sqrt()


@torch.no_grad()
def polish(flow: FlowNetworks, taught: Lesson, stay: float = 0.03) -> None:
    """Solve the last layer exactly: minimise E r^2 + stay E |v - v_trained|^2.

    The residual is linear in the last layer's weights, so this is one linear system of 3 H + 3
    unknowns a member (d = 3), where Adam would crawl.

    Parameters
    ----------
    flow : FlowNetworks
        Changed in place.
    taught : Lesson
        All of its points are used.
    stay : float
        The weight of staying where training ended.
    """
    stay = positive(stay, "stay")
    points, scores = taught.points.to(flow.speed.device), taught.scores.to(flow.speed.device)
    signs = flow.signs if flow.signs is not None else torch.ones(flow.dim, device=points.device)
    sides = 1 if flow.signs is None else 2
    root = taught.weights.to(points).double().sqrt()[:, None]
    for member in range(flow.members):
        hidden, tangents = _member(flow, member)._last_hidden(points[None])
        hidden = torch.cat([hidden[0], torch.ones_like(hidden[0, :, :1])], 1).double()
        tangents = nn.functional.pad(tangents[0], (0, 1)).double()
        value, slope = [], []
        for j in range(flow.dim):
            near_far = hidden.chunk(sides)
            value.append((near_far[0] + (signs[j] * near_far[1] if sides == 2 else 0)) / sides)
            slope.append(sum(tangents[j].chunk(sides)) / sides)
        unknowns = [
            slope[j] + scores[:, j : j + 1].double() * value[j] for j in range(flow.dim)
        ]
        residual = torch.cat(unknowns, 1) * root
        gram = torch.block_diag(*(a.T @ a for a in value)) * (stay / len(points))
        normal = residual.T @ residual / len(points) + gram
        ridge = 1e-8 * normal.diagonal().mean()
        old = torch.cat([flow.weights[-1][member], flow.biases[-1][member]]).T.double()
        target = gram @ old.flatten() + ridge * old.flatten()
        normal.diagonal().add_(ridge)
        new = torch.linalg.solve(normal, target).view(flow.dim, -1).T.to(points)
        flow.weights[-1][member] = new[:-1]
        flow.biases[-1][member] = new[-1:]


def _member(flow: FlowNetworks, index: int) -> FlowNetworks:
    """One network as an ensemble of one; shares nothing that training changes."""
    alone = FlowNetworks(1, flow.dim, flow.weights[0].shape[2], flow.octaves, flow.signs)
    alone.to(flow.speed)
    state = {
        name: value if name == "signs" else value[index : index + 1]
        for name, value in flow.state_dict().items()
    }
    alone.load_state_dict(state)
    return alone
