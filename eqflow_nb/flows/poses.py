"""How creatures may live: flows of poses that keep the distribution of their sheets.

Every flow v = A s + div A with a skew matrix A(q), s the score of log p(q), keeps p.  A wish is a
block of A, a function of poses q (B, N, 3), see `eqflow_nb.snapshots.poses`, and the score there;
its terms with s are how creatures must steer, or p would not be kept.  Wishes may be summed.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from eqflow_nb.inputs import Field, InputError, between, positive
from eqflow_nb.snapshots import poses
from eqflow_nb.snapshots.base import rk4_step

Wish = Callable[[Tensor, Tensor], Tensor]
SMOOTH = 0.3  # |S| below which a group's heading is not trusted, see `swim_with_group`
OFF, TRUSTED = 0.1, 0.99  # levels of blur by which a step may be off, for this share of creatures


def flow(score: Field, *wishes: Wish) -> Field:
    """The field v(q) (B, N, 3) of wishes that are summed, for the score of the sheets."""

    def field(q: Tensor) -> Tensor:
        s = score(q)
        return sum((wish(q, s) for wish in wishes), torch.zeros_like(q))

    return field


def swim(u: float) -> Wish:
    """Swim along the own heading, u pixels per time: chapter 04's rule (1), A[r_i, theta_i] = a.

    With a = u (sin, -cos) of theta, a's derivative is u e: creatures swim, and turn by -a . grad_r.
    """

    def wish(q: Tensor, s: Tensor) -> Tensor:
        e, a = u * _e(q[..., 2:]), u * _e(q[..., 2:] - math.pi / 2)
        return torch.cat([e + a * s[..., 2:], -_dot(a, s[..., :2])], -1)

    return wish


def swim_as_one(u: float) -> Wish:
    """All go along the heading of the sum of their e: a shifted sheet is as likely, p is kept."""

    def wish(q: Tensor, s: Tensor) -> Tensor:
        phi = torch.exp(1j * q[..., 2:]).sum(1, keepdim=True).angle().expand_as(q[..., 2:])
        return u * torch.cat([_e(phi), 0 * phi], -1)

    return wish


def swim_with_group(u: float, length: float, size: float = poses.SIZE) -> Wish:
    """Swim along the heading of those around, u pixels per time, within some pixels of length.

    Chapter 04's rule (2), A[r_i, theta_j] = W_ij a(S_i), S_i = sum_k W_ik e(theta_k), and a = u S
    / |S|, turned by -90 degrees.  W = (1 - r^2 / 8 length^2)^4 is near a Gaussian, and ends; |S| is
    smoothed, since a group without a heading would turn infinitely fast.
    """
    speed = u * math.sqrt(1 + SMOOTH**2)  # so that a lone creature swims at u

    def right(x: Tensor) -> Tensor:
        return speed * torch.stack([x[:, 1], -x[:, 0]], 1)

    def block(near: "_Near", theta: Tensor, s: Tensor) -> Tensor:
        e, across = _e(theta), _e(theta + math.pi / 2)
        group = e + near.sum(near.w * e[near.other])
        root = (_dot(group, group) + SMOOTH**2).sqrt()
        h, a = group / root, right(group / root)

        def change(x: Tensor) -> Tensor:  # of a, when S changes by x
            return right(x - h * _dot(h, x)) / root

        # A creature is in its own group, with W = 1: the first term of every sum.
        place = change(across + near.sum(near.w**2 * across[near.other]))
        place = place + a * (s[:, 2:] + near.sum(near.w * s[near.other, 2:]))
        x, y = (change(near.sum(e[near.other] * slope)) for slope in near.slope.split(1, 1))
        own = _dot(a, s[:, :2]) - x[:, :1] - y[:, 1:]
        others = near.sum(near.w * own[near.other] + _dot(near.slope, a[near.other]))
        return torch.cat([place, -own - others], 1)

    return _local(block, length, size)


def circle(omega: float) -> Wish:
    """Circle round each other: A[r_i, r_i] = omega J, r_i' = omega s_{r_i} turned by +90 degrees.

    Omega is in pixels^2 per time.  Two go anticlockwise where log p rises with their distance.
    """
    return lambda q, s: omega * torch.stack([-s[..., 1], s[..., 0], 0 * s[..., 0]], -1)


def turn(together: float, apart: float, length: float, size: float = poses.SIZE) -> Wish:
    """Turn with those around, anticlockwise, and away from those at one's side; or the reverse.

    A[theta_i, theta_j] = W (together sin(theta_j - theta_i) - apart (e_i + e_j) . d / length), in
    radians per time; d is the way from i to j, and for W see `swim_with_group`.
    """

    def block(near: "_Near", theta: Tensor, s: Tensor) -> Tensor:
        e, way, ahead = _e(theta), near.gap / length, theta[near.other] - theta[near.one]
        a = together * ahead.sin() - apart * _dot(e[near.one] + e[near.other], way)
        change = together * ahead.cos() - apart * _dot(_e(theta + math.pi / 2)[near.other], way)
        return torch.nn.functional.pad(near.sum(near.w * (a * s[near.other, 2:] + change)), (2, 0))

    return _local(block, length, size)


def pursue(rate: float, length: float, kinds: Sequence[int], size: float = poses.SIZE) -> Wish:
    """The first kind pursues, the second flees: A[r_i, r_j] = -rate length W I, i the pursuer.

    The rate is in pixels per time, and kinds say how many creatures are of each.
    """

    def block(near: "_Near", theta: Tensor, s: Tensor) -> Tensor:
        flees = (torch.arange(len(s), device=s.device) % sum(kinds) >= kinds[0]).to(s)[:, None]
        role = flees[near.one] - flees[near.other]  # 1: it flees, -1: it pursues
        pull = near.sum(role * (near.w * s[near.other, :2] + near.slope))
        return rate * length * torch.nn.functional.pad(pull, (0, 1))

    return _local(block, length, size)


def langevin(eta: float, sigma: tuple[float, float, float] = poses.BLUR) -> Wish:
    """The drift eta sigma^2 s, which `rollout.heun(..., eta, scale=sigma)` has the noise for."""
    return lambda q, s: eta * torch.tensor(sigma).to(q).square() * s


def check_step(field: Field, q: Tensor, dt: float) -> None:
    """Refuse a step of Runge-Kutta that is off, on sheets q, by over a tenth of the blur."""

    def off(dt: float) -> float:
        twice = rk4_step(field, rk4_step(field, q, dt / 2), dt / 2)
        apart = (rk4_step(field, q, dt) - twice).abs() / torch.tensor(poses.BLUR).to(q)
        return float(apart.amax(-1).flatten().nan_to_num(nan=math.inf).quantile(TRUSTED))

    dt = good = positive(dt, "dt")
    if (wrong := off(dt)) > OFF:
        while off(good) > OFF:
            good /= 1.25
        found = f"dt is {dt:g}: one step is off by {wrong:.2g} of the blur"
        other = f"or keep it, with wishes at most {good / dt:.2g} times as fast"
        raise InputError(f"{found}.  The largest that would do is {good:.2g}; {other}")


class _Near:
    """Who is near whom, each pair both ways: W (P, 1), and its gradient (P, 2) by the other."""

    def __init__(self, q: Tensor, size: float, reach: float) -> None:
        i, j, gap = poses.neighbours(q, size, reach)
        self.one, self.other = torch.cat([i, j]), torch.cat([j, i])
        self.gap = torch.cat([gap, -gap])
        rest = (1 - _dot(self.gap, self.gap) / reach**2).clamp(min=0)
        self.w, self.slope = rest**4, -8 / reach**2 * rest**3 * self.gap
        self.number = q[..., 0].numel()

    def sum(self, x: Tensor) -> Tensor:
        """Sum over the others of what belongs to a pair, (P, k) -> (B N, k)."""
        return x.new_zeros(self.number, x.shape[1]).index_add(0, self.one, x)


def _local(block: Callable[[_Near, Tensor, Tensor], Tensor], length: float, size: float) -> Wish:
    """A wish from who is near whom, the headings (B N, 1) and the score (B N, 3)."""
    longest = positive(size, "size") / math.sqrt(32)  # W ends at half the sheet
    reach = math.sqrt(8) * between(length, "length", longest / 1000, longest)

    def wish(q: Tensor, s: Tensor) -> Tensor:
        near = _Near(q, size, reach)
        return block(near, q[..., 2].reshape(-1, 1), s.reshape(-1, 3)).view(q.shape)

    return wish


def _e(theta: Tensor) -> Tensor:
    return torch.cat([theta.cos(), theta.sin()], -1)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(-1, keepdim=True)
