"""Networks for velocity fields: several at once, with exact Jacobians and a symmetry if wanted."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..inputs import InputError, as_samples, count


class FlowNetworks(nn.Module):
    """Several independent networks R^d -> R^d with two hidden layers, evaluated as one batch.

    The hidden units are tanh.  The divergence is exact, by forward mode written out by hand.

    Parameters
    ----------
    members : int
        The number m of networks.
    dim : int
        The dimension d.
    width, last : int
        Units in the first and in the last hidden layer.  A wide last layer is what `polish` uses.
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
        last: int = 64,
        octaves: int = 0,
        signs: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.signs: Tensor | None
        self.speed: Tensor
        self.members, self.dim = count(members, "members"), count(dim, "dim")
        self.octaves = count(octaves, "octaves", at_least=0)
        generator = torch.Generator().manual_seed(seed)
        inputs = dim * (1 + 2 * self.octaves)
        sizes = [inputs, count(width, "width"), count(last, "last"), dim]

        def draw(*shape: int) -> Tensor:
            return torch.randn(self.members, *shape, generator=generator)

        self.weights = nn.ParameterList([draw(a, b) / math.sqrt(a) for a, b in pairwise(sizes)])
        # Biases that differ let the first layer bend in different places.
        self.biases = nn.ParameterList(
            [draw(1, width) / 2, draw(1, last) / 2, torch.zeros(self.members, 1, dim)]
        )
        if signs is not None:
            signs = torch.as_tensor(signs).float()
            if signs.shape != (self.dim,) or not (signs.abs() == 1).all():
                raise InputError(f"signs are {signs.tolist()}; give 1 or -1 for each of {dim} axes")
        # A copy: ensembles that share a symmetry must not share memory.
        self.register_buffer("signs", None if signs is None else signs.clone())
        self.register_buffer("speed", torch.ones(self.members, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Velocities of states (members, B, d), or (B, d): a block of rows for each member."""
        if x.ndim != 3:
            return self(self._blocks(x)).reshape(x.shape)
        hidden = self._both_sides(x)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = torch.tanh(torch.baddbmm(bias, self._inputs(hidden, weight), weight))
        return self.speed * self._average(torch.baddbmm(self.biases[-1], hidden, self.weights[-1]))

    def with_jacobian(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Velocities (m, B, d) and Jacobians (m, d, B, d) of states (m, B, d).

        Entry (m, i, b, j) is dv_j/dx_i.  Forward mode by hand: the d tangents go through the
        layers as d more rows, some ten times as fast as Hutchinson probes by reverse mode.
        """
        hidden, tangents = self.last_hidden(x)
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

    def member(self, index: int) -> FlowNetworks:
        """One network as an ensemble of one: a copy, which shares no memory."""
        width, last = self.weights[1].shape[1:]
        alone = FlowNetworks(1, self.dim, width, last, self.octaves, self.signs).to(self.speed)
        state = {
            name: value if name == "signs" else value[index : index + 1]
            for name, value in self.state_dict().items()
        }
        alone.load_state_dict(state)
        return alone

    def last_hidden(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Last hidden layer (m, B', H) and its tangents (m, d, B', H), B' both sides."""
        x = self._both_sides(x)
        hidden, tangents = self._inputs(x, self.weights[0]), self._input_tangents(x)
        shape = tangents.shape[:3]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = torch.tanh(torch.baddbmm(bias, hidden, weight))
            tangents = torch.bmm(tangents.flatten(1, 2), weight).view(*shape, -1)
            tangents = tangents * (1 - hidden * hidden)[:, None]
        return hidden, tangents
