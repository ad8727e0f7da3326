"""Checks of the exercises on equations and on a reader's own data: chapters 05 and 06."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from eqflow_nb import flows, rollout
from eqflow_nb.course.check import words
from eqflow_nb.course.check.words import Wrong, ask, called, close, generator, normal, right
from eqflow_nb.equations import moments
from eqflow_nb.snapshots import plummer


def counts_terms(terms: Any) -> None:
    """05: `terms(d, degree)`, the size of a library of polynomials."""
    for _ in range(4):
        d, degree = words.whole(2, 6), words.whole(2, 5)
        one = len(moments.exponents(d, degree))
        got = ask(terms, "terms", d, degree, shape=())
        mistakes = {
            "that is right for one equation; there are d of them.": one,
            "the constant counts as a term, once in each equation.": d * (one - 1),
            "lower degrees count too.": d * math.comb(d + degree - 1, degree),
        }
        known = {said: torch.tensor(float(value)).double() for said, value in mistakes.items()}
        name = f"terms({d}, {degree})"
        close(got, torch.tensor(float(d * one)).double(), name, mistakes=known)
    right("thirty for Lorenz's three equations of degree 2, and thousands soon after.")


def rate_of_mean(rate: Any) -> None:
    """05: `rate(x, v, w, b)`, how fast the mean of cos(w . x + b) changes as x moves with v."""
    fresh = generator()
    x, v, w = normal(50, 3, fresh=fresh), normal(50, 3, fresh=fresh), normal(3, fresh=fresh)
    b = words.number(0, 6, fresh)

    def mean(y: Tensor) -> Tensor:
        return torch.cos(y @ w + b).mean()

    want = torch.func.jvp(mean, (x,), (v,))[1]
    got = ask(rate, "rate", x, v, w, b, shape=())
    mistakes = {
        "that is the mean of the gradient's length along w: the velocity is missing.": (
            -torch.sin(x @ w + b).mean()
        ),
        "that is a sum over the snapshots; their number should divide it.": 50 * want,
    }
    close(got, want, "rate(...)", mistakes=mistakes)
    right("it is linear in v; for a law that keeps the cloud it is 0 for every w and b.")


def finds_null_vector(null_vector: Any) -> None:
    """05: `null_vector(M)`, the unit c with the least |M c|."""
    n = words.whole(4, 8)
    planted = normal(n)
    planted = planted / planted.norm()
    M = normal(40, n) @ (torch.eye(n).double() - torch.outer(planted, planted))
    M = M + 1e-3 * normal(40, n)
    c = ask(null_vector, "null_vector", M, shape=(n,))
    if abs((length := float(c.norm())) - 1) > 1e-6:
        raise Wrong(f"your vector has length {length:.3g}; without length 1, c = 0 would solve it.")
    mine, least = float((M @ c).norm()), float(torch.linalg.svdvals(M)[-1])
    if mine > 1.0001 * least:
        raise Wrong(f"|M c| is {mine:.3g} for your c; a unit vector can reach {least:.3g}.")
    right("the last right singular vector: the law, but for its speed and its arrow.")


def removes_noise(clean_moments: Any) -> None:
    """05: `clean_moments(y, sigma)`, means of x^2 and x^4 from noisy y = x + sigma eps."""
    fresh = generator()
    x = 0.4 * normal(400_000, fresh=fresh)
    x = x + torch.sign(normal(len(x), fresh=fresh)) * words.number(0.8, 1.2, fresh)
    sigma = words.number(0.7, 1.1, fresh)
    y = x + sigma * normal(len(x), fresh=fresh)
    got = ask(clean_moments, "clean_moments", y, sigma, shape=(2,))
    raw, naive = y.square().mean(), y.pow(4).mean()
    noisy = "the mean of y^{} has the noise in it: take away what the noise adds on average."
    lacks = "nearly: the noise's own fourth power has the mean 3 s^4, to be put back."
    wrong = {noisy.format(4): naive, lacks: naive - 6 * sigma**2 * raw}
    close(got[0], x.square().mean(), "the mean of x^2", 0.1, {noisy.format(2): raw})
    close(got[1], x.pow(4).mean(), "the mean of x^4", 0.1, wrong)
    right("no single point was cleaned, yet the means are: noise of known size does no harm there.")


def keeps_the_round_cloud(law: Any) -> None:
    """05: `law(x)`, a polynomial law of degree 2, not linear, that keeps the round Gaussian."""
    x = normal(200, 2)
    ask(law, "law", x, shape=(200, 2))

    def field(y: Tensor) -> Tensor:
        return called(law, "law", y)

    words.moves(field(x).double(), "your law")
    line = torch.stack([field(x[:20] + k * x[20:40]).double() for k in range(5)])
    second, third = (float(line.diff(n, dim=0).abs().max()) for n in (2, 3))
    if third > 1e-6 * float(line.abs().max()):
        raise Wrong("your law isn't a polynomial of degree 2: its third differences don't vanish.")
    if second < 1e-6 * float(line.abs().max()):
        raise Wrong("your law is linear; that one is known. Look for one with squares or products.")
    residual = flows.continuity.residual(field, lambda y: -y, x).relative
    if not residual < 1e-6:
        raise Wrong(
            f"your law doesn't keep the cloud: its residual is {residual:.2g} of its speed."
        )
    right("the round cloud has several laws of degree 2, so its stills can't name the true one.")


def blurs(blurred_sd: Any) -> None:
    """06: `blurred_sd(sd, sigma)`, how wide a cloud is after blurring."""
    for _ in range(2):
        sd, sigma = words.number(0.5, 2), words.number(0.5, 1.5)
        found = (sd * normal(400_000) + sigma * normal(400_000)).std()
        got = ask(blurred_sd, "blurred_sd", sd, sigma, shape=())
        mistakes = {
            "widths don't add, their squares do: noise is as often inward as outward.": (
                torch.tensor(sd + sigma).double()
            ),
            "that is the variance; take its root.": torch.tensor(sd**2 + sigma**2).double(),
        }
        name = f"blurred_sd({sd:.2f}, {sigma:.2f})"
        close(got, found, name, 0.02, mistakes)
    right("a blur of a fifth of the width widens a cloud by only 2 %: nobody could see it.")


def shuffles(shuffled: Any) -> None:
    """06: `shuffled(x, generator)`, the columns of a cloud made independent."""
    common = normal(300, 1)
    x = common + 0.3 * normal(300, 3)
    fresh = generator()
    got = ask(shuffled, "shuffled", x, fresh, shape=(300, 3))
    for j in range(3):
        if not torch.equal(got[:, j].sort().values, x[:, j].sort().values):
            raise Wrong(f"column {j} doesn't hold the numbers it held: a shuffle only moves them.")
    if torch.equal(got, x):
        raise Wrong("nothing was shuffled.")
    tie = torch.corrcoef(got.T)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        if abs(float(tie[i, j])) > 0.35:
            raise Wrong(
                f"columns {i} and {j} still have a correlation of {float(tie[i, j]):.2f}. "
                "Did you move whole rows? Each column needs an order of its own."
            )
    right("each column is as it was, and they know nothing of each other: a control for any claim.")


def phase_currents(currents: Any) -> None:
    """06: `currents(share, change)` between phases, E[l_a dl_b - l_b dl_a]."""
    share = torch.softmax(normal(40, 3), 1)
    change = normal(40, 3)
    change = change - change.mean(1, keepdim=True)  # shares go on to add up to 1
    there = share.T @ change / 40
    F = ask(currents, "currents", share, change, shape=(3, 3))
    mistakes = {
        "that is what a gives b; what b gives back must be taken off.": there,
        "the other way round: F[a, b] is positive where a's share goes over to b.": there.T - there,
        "a mean over the points is asked, not a sum.": 40 * (there - there.T),
    }
    close(F, there - there.T, "currents(...)", mistakes=mistakes)
    words.skew(F, "F")
    right("skew again: what one phase gives the other gets. Around a cycle all three agree.")


def conserves(conserved: Any) -> None:
    """06: `conserved(stars)`, energy and angular momentum of stars in a Plummer sphere."""
    world = plummer.plummer()
    assert world.velocity is not None
    start = world.sample(30, words.whole(0, 10**6)).double()
    before = ask(conserved, "conserved", start * world.scale, shape=(30, 4))
    names = ("the energy", "Lx", "Ly", "Lz")
    for name, column in zip(names, before.T):
        if float(column.std()) < 1e-9:
            raise Wrong(f"{name} is the same for all stars: conserved, but it says nothing.")
    end = list(rollout.rk4(world.velocity, start, 0.005, 400))[-1][1]
    after = ask(conserved, "conserved", end * world.scale, shape=(30, 4))
    for name, early, late in zip(names, before.T, after.T):
        if (change := float((late - early).abs().max() / early.std())) > 1e-3:
            raise Wrong(f"{name} changes along the orbits by up to {change:.2g} sd.")
    stars = start * world.scale
    momentum = torch.linalg.cross(stars[:, :3], stars[:, 3:])
    want = torch.cat([-plummer.binding(stars)[:, None], momentum], 1)
    for k, name in enumerate(names):
        close(before[:, k], want[:, k], f"{name} of star ")
    right("four numbers that no star changes: any law of them alone is a cluster that lasts.")


def no_orbit(motion: Any) -> None:
    """06: `motion(stars)`, a motion that keeps the cluster's law and is no orbit."""
    world = plummer.plummer()
    assert world.velocity is not None
    x = world.sample(200, words.whole(0, 10**6)).double()
    stars, orbit = x * world.scale, world.velocity(x) * world.scale
    v = ask(motion, "motion", stars, shape=(200, 6))
    speed = words.moves(v, "your motion")
    alike = abs(float((v * orbit).sum() / (v.norm() * orbit.norm())))
    if alike > 0.95:
        raise Wrong("those are the orbits themselves; look for another motion.")

    def field(y: Tensor) -> Tensor:
        return called(motion, "motion", y)

    climb = torch.func.jvp(plummer.binding, (stars,), (v,))[1]
    if (worst := float(climb.abs().max())) > 1e-6 * speed:
        raise Wrong(f"energies change, at a rate of up to {worst:.2g}: the law is one of energy.")
    spread = float(flows.continuity.divergence(field, stars).abs().max())
    if spread > 1e-6 * speed:
        raise Wrong(
            f"energies stay, but stars crowd together: the divergence reaches {spread:.2g}."
        )
    right("stills of the cluster hold this motion as well as the orbits: they can't tell which.")
