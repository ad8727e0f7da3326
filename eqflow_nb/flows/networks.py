"""Networks for velocity fields: several at once, with exact Jacobians and a symmetry if wanted."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from eqflow_nb.inputs import InputError, as_samples, as_signs, count, seeded

ROWS = 64  # with fewer a network, splitting them costs more than the cache gives back


class FlowNetworks(nn.Module):
    """Several independent networks R^d -> R^d of one or two hidden layers, run as one batch.

    The hidden units are tanh, `width` in the first layer and `last` in the last; without a width
    there is only the last, and a wide one is what `solve_last_layer` uses.  Octaves add sin and cos
    of 2^k x for k = 0 ... octaves - 1 to the inputs, as the paper does (4).  With signs (d,), a
    symmetry S x = signs * x, the networks are averaged to (f(x) + S f(S x)) / 2.
    """

    signs: Tensor | None
    speed: Tensor

    def __init__(
        self, members: int, dim: int, width: int = 64, last: int = 64, octaves: int = 0,
        signs: Tensor | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.members, self.dim = count(members, "members"), count(dim, "dim")
        self.octaves = count(octaves, "octaves", at_least=0)
        generator, hidden = seeded(seed), [count(last, "last")]
        if count(width, "width", at_least=0):
            hidden = [width, *hidden]
        sizes = [dim * (1 + 2 * self.octaves), *hidden, dim]

        def draw(*shape: int) -> Tensor:
            return torch.randn(self.members, *shape, generator=generator)

        self.weights = nn.ParameterList([draw(a, b) / math.sqrt(a) for a, b in pairwise(sizes)])
        # Biases that differ let the units bend in different places; one layer must do more alone.
        spread = 0.5 if len(hidden) == 2 else 1.5
        biases = [spread * draw(1, units) for units in hidden]
        self.biases = nn.ParameterList([*biases, torch.zeros(self.members, 1, dim)])
        if len(hidden) == 1:
            self.weights[0].data *= 1.5
        if signs is not None:
            # A copy: ensembles that share a symmetry must not share memory.
            signs = as_signs(signs, dim).float().clone()
        self.register_buffer("signs", signs)
        self.register_buffer("speed", torch.ones(self.members, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Velocities of states (members, B, d), or (B, d): a block of rows for each member."""
        if x.ndim != 3:
            return self(self._blocks(x)).reshape(x.shape)
        if x.is_cuda or torch.is_grad_enabled() or x.shape[1] < ROWS:
            return self.speed * self._evaluate(x, list(self.weights), list(self.biases))
        # One network's numbers fit into a processor's cache, those of all of them do not.
        weights = zip(*(weight.split(1) for weight in self.weights), strict=True)
        biases = zip(*(bias.split(1) for bias in self.biases), strict=True)
        each = zip(x.split(1), weights, biases, strict=True)
        return self.speed * torch.cat([self._evaluate(*one) for one in each])

    def _evaluate(self, x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        hidden = self._inputs(self._both_sides(x))
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            hidden = _tanh(torch.baddbmm(bias.mT, weight.mT, hidden))
        return self._average(torch.baddbmm(biases[-1].mT, weights[-1].mT, hidden))

    def with_jacobian(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Velocities (m, B, d) of states (m, B, d), and dv_j/dx_i as entry (m, i, b, j)."""
        # Forward mode by hand: the d tangents go through the layers as d more columns, some ten
        # times as fast as Hutchinson probes by reverse mode.
        hidden, tangents = self.last_hidden(x)
        out = torch.baddbmm(self.biases[-1].mT, self.weights[-1].mT, hidden)
        slope = torch.bmm(self.weights[-1].mT, tangents.flatten(2)).unflatten(2, (self.dim, -1))
        if self.signs is not None:
            near, far = slope.chunk(2, dim=3)
            slope = (near + far * self.signs[:, None, None] * self.signs[:, None]) / 2
        return self.speed * self._average(out), self.speed[:, None] * slope.permute(0, 2, 3, 1)

    def linearised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Velocities (B, d) and Jacobians (B, d, d), entry (i, j) dv_i/dx_j, as in `forward`."""
        v, slope = self.with_jacobian(self._blocks(x))
        return v.reshape(x.shape), slope.permute(0, 2, 3, 1).reshape(*x.shape, self.dim)

    def jacobian(self, x: Tensor) -> Tensor:
        """Jacobian (B, d, d), entry (i, j) dv_i/dx_j, as in `forward`."""
        return self.linearised(x)[1]

    @torch.no_grad()
    def set_speed(self, x: Tensor) -> None:
        """Rescale every member to rms speed sqrt(d) over states (B, d); see `at_common_speed`."""
        self.speed.fill_(1)
        rms = self.each(x).square().sum(2).mean(1).sqrt()
        if not ((rms > 0) & torch.isfinite(rms)).all():
            raise InputError(f"the networks' rms speeds are {rms.tolist()}; they must be > 0")
        self.speed.copy_((math.sqrt(self.dim) / rms)[:, None, None])

    def each(self, x: Tensor) -> Tensor:
        """Velocities (members, B, d) of every member at the same states (B, d)."""
        return self(x.expand(self.members, *x.shape))

    def _blocks(self, x: Tensor) -> Tensor:
        if x.ndim != 2 or x.shape[1] != self.dim:
            as_samples(x, "x", dim=self.dim, at_least=1)
        if len(x) % self.members:
            m = self.members
            raise InputError(f"x has {len(x)} rows, which do not divide among {m} members")
        return x.reshape(self.members, -1, self.dim)

    def _both_sides(self, x: Tensor) -> Tensor:
        """States (m, d, B') as columns, mirrored ones after them: wide rows multiply fast."""
        x = x.mT
        return x if self.signs is None else torch.cat([x, x * self.signs[:, None]], 2)

    def _average(self, out: Tensor) -> Tensor:
        """Outputs (m, B, d) from columns (m, d, B'), averaged over both sides."""
        if self.signs is not None:
            near, far = out.chunk(2, dim=2)
            out = (near + far * self.signs[:, None]) / 2
        return out.mT

    def _inputs(self, x: Tensor) -> Tensor:
        """States (m, d, B) and their octaves."""
        angles = [2.0**k * x for k in range(self.octaves)]
        return torch.cat([x, *(f(a) for a in angles for f in (torch.sin, torch.cos))], 1)

    def _input_tangents(self, x: Tensor) -> Tensor:
        """Tangents (m, inputs, d, B) of the inputs, for states (m, d, B)."""
        eye = torch.eye(self.dim, dtype=x.dtype, device=x.device)[:, :, None]
        parts = [eye.expand(len(x), self.dim, self.dim, x.shape[2])]
        for k in range(self.octaves):
            angle = 2.0**k * x
            parts += [2.0**k * torch.cos(angle)[:, :, None] * eye]
            parts += [-(2.0**k) * torch.sin(angle)[:, :, None] * eye]
        return torch.cat(parts, 1)

    def member(self, index: int) -> "FlowNetworks":
        """One network as an ensemble of one: a copy, which shares no memory."""
        *width, last = [weight.shape[2] for weight in self.weights[:-1]]
        alone = FlowNetworks(1, self.dim, sum(width), last, self.octaves, self.signs).to(self.speed)
        for name, value in alone.state_dict().items():
            if name != "signs":
                value.copy_(self.state_dict()[name][index : index + 1])
        return alone

    def last_hidden(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Last hidden layer (m, H, B') and its tangents (m, H, d, B'), B' both sides."""
        x = self._both_sides(x)
        hidden, tangents = self._inputs(x), self._input_tangents(x)
        shape = tangents.shape[2:]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = _tanh(torch.baddbmm(bias.mT, weight.mT, hidden))
            tangents = torch.bmm(weight.mT, tangents.flatten(2)).unflatten(2, shape)
            tangents = tangents * (1 - hidden * hidden)[:, :, None]
        return hidden, tangents


def _tanh(z: Tensor) -> Tensor:
    """The hyperbolic tangent; by way of the logistic function it takes torch a fifth of the time.

    Only in place, and so only where no gradients are recorded; z is overwritten then.
    """
    return torch.tanh(z) if torch.is_grad_enabled() else torch.sigmoid(z.mul_(2)).mul_(2).sub_(1)
