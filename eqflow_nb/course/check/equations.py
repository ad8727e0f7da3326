"""Checks of the exercises on equations and on a reader's own data: chapters 05 and 06."""

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, rollout
from eqflow_nb.course.check import base
from eqflow_nb.course.check.base import ask, close, expect, integer, normal, require, right, uniform
from eqflow_nb.inputs import Field
from eqflow_nb.snapshots import plummer


def counts_terms(terms: Any) -> None:
    """05: `terms(d, degree)`, the size of a library of polynomials."""
    for _ in range(4):
        d, degree = integer(2, 6), integer(2, 5)
        one = math.comb(d + degree, degree)
        mistakes = {
            "that is right for one equation; there are d of them.": one,
            "the constant counts as a term, once in each equation.": d * (one - 1),
            "lower degrees count too.": d * math.comb(d + degree - 1, degree),
        }
        expect(d * one, terms, "terms", d, degree, mistakes=mistakes)
    right("thirty for Lorenz's three equations of degree 2, and thousands soon after.")


def rate_of_mean(rate: Any) -> None:
    """05: `rate(x, v, w, b)`, how fast the mean of cos(w . x + b) changes as x moves with v."""
    x, v, w, b = normal(50, 3), normal(50, 3), normal(3), uniform(0, 6)
    want = torch.func.jvp(lambda y: torch.cos(y @ w + b).mean(), (x,), (v,))[1]
    mistakes = {
        "the velocity along w is missing.": -torch.sin(x @ w + b).mean(),
        "that is a sum over the snapshots; their number should divide it.": 50 * want,
    }
    expect(want, rate, "rate", x, v, w, b, mistakes=mistakes)
    right("it is linear in v; for equations that keep the cloud it is 0 for every w and b.")


def finds_null_vector(null_vector: Any) -> None:
    """05: `null_vector(M)`, the unit c with the least |M c|."""
    n = integer(4, 8)
    planted = base.unit(n)
    M = normal(40, n) @ (torch.eye(n) - torch.outer(planted, planted)) + 1e-3 * normal(40, n)
    c = ask(null_vector, "null_vector", M, shape=(n,))
    length, mine, least = float(c.norm()), float((M @ c).norm()), float(torch.linalg.svdvals(M)[-1])
    words = f"your vector has length {length:.3g}; without length 1, c = 0 would solve it."
    require(abs(length - 1) < 1e-6, words)
    require(mine < 1.0001 * least, f"|M c| is {mine:.3g}; a unit vector can reach {least:.3g}.")
    right("the last right singular vector: the equations, but for speed and direction of time.")


def removes_noise(clean_moments: Any) -> None:
    """05: `clean_moments(y, sigma)`, means of x^2 and x^4 from noisy y = x + sigma eps."""
    n, sigma = 400_000, uniform(0.7, 1.1)
    x = 0.4 * normal(n) + torch.sign(normal(n)) * uniform(0.8, 1.2)
    y = x + sigma * normal(n)
    got = ask(clean_moments, "clean_moments", y, sigma, shape=(2,))
    raw, naive = y.square().mean(), y.pow(4).mean()
    noisy = "it has the noise in it: take away what the noise adds on average."
    lacks = "nearly: the noise's own fourth power has the mean 3 s^4, to be put back."
    wrong = {noisy: naive, lacks: naive - 6 * sigma**2 * raw}
    close(got[0], x.square().mean(), "the mean of x^2", {noisy: raw}, 0.1)
    close(got[1], x.pow(4).mean(), "the mean of x^4", wrong, 0.1)
    right("no single point was cleaned, yet the means are: noise of known size does no harm there.")


def keeps_the_round_cloud(velocity: Any) -> None:
    """05: `velocity(x)`, polynomials of degree 2, not linear, that keep the round Gaussian."""
    x = normal(200, 2)
    field = base.field(velocity, "velocity", x, (200, 2))
    base.moving(field(x), "your velocity")
    line = torch.stack([field(x[:20] + k * x[20:40]) for k in range(5)])
    second, third = (float(line.diff(n, dim=0).abs().max() / line.abs().max()) for n in (2, 3))
    words = "your velocity isn't a polynomial of degree 2: its third differences don't vanish."
    require(third < 1e-6, words)
    words = "your velocity is linear; that one is known. Look for one with squares or products."
    require(second > 1e-6, words)
    residual = flows.continuity.residual(field, lambda y: -y, x).relative
    words = f"your velocity doesn't keep the cloud: its residual is {residual:.2g} of its speed."
    require(residual < 1e-6, words)
    right("several equations of degree 2 keep the round cloud: snapshots can't name the true ones.")


def follows(share: Any) -> None:
    """06: `share(v, x)`, the part of the steps from state to state that go with a flow."""
    for way in (-0.3, 0.3):  # steps mostly against the velocities, and mostly with them
        x, v = (1 + normal(3000, 2)).cumsum(0), way + normal(3000, 2)
        along = [(u * x.diff(dim=0)).sum(1) > 0 for u in (v[1:] + v[:-1], v[:-1])]
        both, first = (float(one.double().mean()) for one in along)
        fewer = "where fewer than half follow, the arrow is the other way, and the others do."
        one_end = "a step has two ends; take the velocities at both."
        mistakes = {fewer: both, one_end: max(first, 1 - first)}
        expect(max(both, 1 - both), share, "share", v, x, mistakes=mistakes)
    right("read backwards, each step turns round, and the free arrow with them: 82% once more.")


def shuffles(shuffled: Any) -> None:
    """06: `shuffled(x, generator)`, the columns of a cloud made independent."""
    x = normal(300, 1) + 0.3 * normal(300, 3)
    got = ask(shuffled, "shuffled", x, base.FRESH, shape=(300, 3))
    for j in range(3):
        words = f"column {j} doesn't hold the numbers it held: a shuffle only moves them."
        require(torch.equal(got[:, j].sort().values, x[:, j].sort().values), words)
    require(not torch.equal(got, x), "nothing was shuffled.")
    tie = torch.corrcoef(got.T)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        words = f"columns {i} and {j} still correlate by {tie[i, j]:.2f}. Did you move whole rows?"
        require(abs(float(tie[i, j])) < 0.35, words)
    right("each column is as it was, and they know nothing of each other: a control for any claim.")


def phase_currents(currents: Any) -> None:
    """06: `currents(share, change)` between phases, E[l_a dl_b - l_b dl_a]."""
    share, change = torch.softmax(normal(40, 3), 1), normal(40, 3)
    change = change - change.mean(1, keepdim=True)  # shares go on to add up to 1
    there = share.T @ change / 40
    want = there - there.T
    mistakes = {"that is what a gives b; what b gives back must be taken off.": there}
    expect(want, currents, "currents", share, change, mistakes=mistakes)
    right("skew again: what one phase gives the other gets. Around a cycle all three agree.")


def conserves(conserved: Any) -> None:
    """06: `conserved(stars)`, energy and angular momentum of stars in a Plummer sphere."""
    scale, start, velocity = _cluster(30)
    end = list(rollout.rk4(velocity, start, 0.005, 400))[-1][1]
    stars, later = start * scale, end * scale
    before, after = (ask(conserved, "conserved", x, shape=(30, 4)) for x in (stars, later))
    momentum = torch.linalg.cross(stars[:, :3], stars[:, 3:])
    want = torch.cat([-plummer.binding(stars)[:, None], momentum], 1)
    for k, name in enumerate(("the energy", "Lx", "Ly", "Lz")):
        sd = float(before[:, k].std())
        require(sd > 1e-9, f"{name} is the same for all stars: conserved, but it says nothing.")
        change = float((after - before)[:, k].abs().max()) / sd
        require(change < 1e-3, f"{name} changes along the orbits by up to {change:.2g} sd.")
        close(before[:, k], want[:, k], f"{name} of star ")
    right("four numbers that no star changes: any distribution of them alone is one that lasts.")


def no_orbit(motion: Any) -> None:
    """06: `motion(stars)`, which keeps the cluster's distribution and isn't its orbits."""
    scale, x, velocity = _cluster(200)
    stars, orbit = x * scale, velocity(x) * scale
    field = base.field(motion, "motion", stars, (200, 6))
    v = field(stars)
    speed = base.moving(v, "your motion")
    alike = abs(float((v * orbit).sum() / (v.norm() * orbit.norm())))
    require(alike < 0.95, "those are the orbits themselves; look for another motion.")
    climb = float(torch.func.jvp(plummer.binding, (stars,), (v,))[1].abs().max())
    words = f"energies change, at up to {climb:.2g}; only they shape the cloud."
    require(climb < 1e-6 * speed, words)
    most = float(flows.continuity.divergence(field, stars).abs().max())
    require(most < 1e-6 * speed, f"stars crowd together: the divergence reaches {most:.2g}.")
    right("snapshots of the cluster hold this motion as well as the orbits: they can't tell which.")


def _cluster(n: int) -> tuple[Tensor, Tensor, Field]:
    """The scale of a Plummer sphere, fresh stars (n, 6) of it in display units, their velocity."""
    world = plummer.plummer()
    assert world.velocity is not None
    return world.scale, world.sample(n, integer(0, 10**6)).double(), world.velocity
