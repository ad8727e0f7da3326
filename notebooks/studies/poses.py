# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Creatures that swim, steer and keep together
#
# > Do creatures that swim keep the distribution of their sheets, and what becomes of those that don't steer?
#
# Sheets of 16 creatures, 64 pixels a side. Their law of pairs is fitted to 768 of them, which are
# blurred; 96 others are set in motion. Distances between distributions are in floors: 1 is what two
# fresh sets of 96 sheets show.

# %%
import math
import time
from dataclasses import replace

import numpy as np
import torch

from eqflow_nb import figures, rollout
from eqflow_nb.flows import poses as ways
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import flocking, tracking
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.scores.pair_law import fit_pair_law
from eqflow_nb.snapshots import icons, poses

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 100
device = "auto"
budget = "laptop"
dt = 0.2
eta = 0.2

# %%
pick_device(device)
quick = choice(budget, BUDGETS, "budget") == "quick"
fitted, number, sets, long = (96, 24, 2, 20.0) if quick else (768, 96, 6, 1000.0)
MORE = 3  # sets of sheets beside the first whose polarisation is followed
times = [long * part for part in (0.0, 0.05, 0.15, 0.5, 1.0)]  # 150 and 1,000 are in the scorecard
KINDS = {"two kinds": (8, 8)}
NEAR, SCHOOL = 12.0, 11.0  # pixels: neighbours, and within a school
SMALL = poses.SIZE / math.sqrt(32)  # the longest range of a group on a sheet
card = Scorecard("poses", seed=seed, budget=budget, dt=dt, u=1.0, sigma=list(poses.BLUR))

# %% [markdown]
# ## The laws, from sheets
#
# By score matching, and four of Newton's steps from there towards the most likely law.

# %%
canvases, centres, angles = icons.placed("firefly", 24, seed=seed)
found = [tracking.locate(canvas, icons.PAPER, icons.DIAMETER) for canvas in canvases]
off = []
for one, place, angle in zip(found, centres, angles, strict=True):
    q = poses.from_canvas(torch.tensor(one.centres), torch.tensor(one.heading), 64)
    true = poses.from_canvas(place, angle, 64)
    gap = poses.periodic(q[:, None, :2] - true[:, :2], 64)
    nearest = gap.norm(dim=-1).argmin(1)
    rows = torch.arange(len(q))
    off.append(torch.cat([gap[rows, nearest], (q[:, 2] - true[nearest, 2])[:, None]], 1))
off = torch.cat(off)
place, heading = off[:, :2].square().mean().sqrt(), off[:, 2].sin().square().mean().sqrt()
print(f"fireflies found on canvases are off by {place:.2f} px and {heading:.3f} rad (rms)")

# %%
fits, fresh, start, floor = {}, {}, {}, {}
for name in poses.LAWS:
    sheets = poses.sample(name, fitted, seed)
    fits[name] = fit_pair_law(sheets, mirror=True, kinds=KINDS.get(name), seed=seed, newton=4)
    drawn = [poses.sample(name, number, seed + 1 + k) for k in range(sets + 1)]
    blurred = [poses.blurred(q, seed + 1 + k) for k, q in enumerate(drawn)]
    start[name], fresh[name] = blurred[0], blurred[1:]
    pairs = [(a, b) for k, a in enumerate(fresh[name]) for b in fresh[name][:k]]
    floor[name] = float(np.mean([flocking.pair_distance(a, b) for a, b in pairs]))
    fit = fits[name]
    print(
        f"{name:13} gain {fit.gain:.3f} ± {fit.error:.3f} a creature on held-out sheets, "
        f"{fit.fitted_gain:.3f} on its own; two halves' scores differ by {fit.noise:.0%}; "
        f"floor of g(r) {floor[name]:.3f}"
    )


# %%
def follow(name, *wishes, last=long, noise=0.0, field=None, dt=dt, start=start):
    """Sheets of one kind, followed by the flow of some wishes, at `times` up to the last."""
    x, steps = start[name], round(last / dt)
    if field is None:
        field = ways.flow(fits[name].law, *wishes)
        ways.check_step(field, x, dt)
    path = (
        rollout.heun(field, x, dt, steps, noise, seed, poses.BLUR)
        if noise
        else rollout.rk4(field, x, dt, steps)
    )
    return rollout.record(path, times=[t for t in times if t <= last]).states


def over(name, q):
    """Distance of g(r) to fresh sheets, in floors."""
    return float(np.mean([flocking.pair_distance(q, f) for f in fresh[name]])) / floor[name]


def ratio(measure, name, q, *more):
    """A measure of sheets over that of fresh ones, and its chance error, from twelfths of both."""
    ours, theirs = (
        torch.tensor([measure(part, *more) for part in sheets.chunk(12)])
        for sheets in (q, torch.cat(fresh[name]))
    )
    value = float(ours.mean() / theirs.mean())
    return value, value * math.sqrt(sum(x.var() / 12 / x.mean() ** 2 for x in (ours, theirs)))


# %% [markdown]
# ## Swimming
#
# Each kind of sheet under rule (2); beside it three that don't keep the distribution, or go nowhere:
# swimming without steering, Vicsek's rule (neighbours align, with noise), and Langevin alone.

# %%
swim = ways.swim(1.0)
SCORED = ("scattered", "flock", "schools", "couples")


def straight_on(q):
    """Swimming without steering."""
    return swim(q, torch.zeros_like(q))


def vicsek(q):
    """Swim, and turn to the mean heading of the neighbours: Phys. Rev. Lett. 75, 1226 (1995)."""
    i, j, _ = poses.neighbours(q, poses.SIZE, NEAR)
    theta = q[..., 2].flatten()
    pull = 0.2 * (theta[j] - theta[i]).sin()
    turn = torch.zeros_like(theta).index_add(0, i, pull).index_add(0, j, -pull)
    return straight_on(q) + torch.cat(
        [torch.zeros_like(q[..., :2]), turn.view(*q.shape[:2], 1)], -1
    )


# %%
everything = (
    ways.swim(0.5),
    ways.swim_with_group(0.3, 8.0),
    ways.circle(0.3),
    ways.turn(0.02, 0.02, 8.0),
)
jobs = {(name, "swim"): lambda n=name: follow(n, swim) for name in SCORED}
jobs |= {
    ("scattered", "no steering"): lambda: follow("scattered", field=straight_on, last=times[2]),
    ("flock", "vicsek"): lambda: follow("flock", field=vicsek, last=times[2], noise=0.01),
    ("flock", "swim, langevin"): lambda: follow(
        "flock", swim, ways.langevin(eta), last=times[2], noise=eta
    ),
    ("flock", "langevin"): lambda: follow("flock", ways.langevin(eta), last=times[2], noise=eta),
    ("flock", "all wishes"): lambda: follow("flock", *everything, last=times[2]),
}
begun = time.perf_counter()
runs = rollout.together(jobs)
print(f"{time.perf_counter() - begun:.0f} s")

# %%
print(f"{'floors of g(r)':28}" + "".join(f"{t:9g}" for t in times) + "   mean squared way, px²")
for (name, rule), states in runs.items():
    values = [over(name, q) for q in states.values()]
    moved = (list(states.values())[-1] - start[name])[..., :2].square().sum(-1).mean()
    print(f"{name + ', ' + rule:28}" + "".join(f"{v:9.2f}" for v in values) + f"{moved:12,.0f}")

# %%
curves = {
    f"{name}, {rule}": (list(states)[1:], [over(name, q) for q in list(states.values())[1:]])
    for (name, rule), states in runs.items()
}
figures.show(
    figures.curves(
        curves, levels=figures.FLOOR, xlabel="time = path, px", ylabel="floors", xscale="log"
    ),
    "Distance of the pair distribution to fresh sheets against the path that creatures swam.",
)

# %%
for name in SCORED:
    for t, label in ((times[2], 150), (times[4], 1000)):
        q = runs[name, "swim"][t]
        row = f"poses.{name}.pair_distance_over_floor_{label}"
        card.row(
            row, over(name, q), target="<= 1.5", floor=floor[name], control=over(name, start[name])
        )
AIMS = {"no_steering": ">= 5", "vicsek": ">= 5", "langevin": None, "all_wishes": "<= 1.5"}
for rule, aim in AIMS.items():
    name = "scattered" if rule == "no_steering" else "flock"
    value = over(name, runs[name, rule.replace("_", " ")][times[2]])
    card.row(f"poses.{rule}.pair_distance_over_floor", value, target=aim, sheets=name)

# %% [markdown]
# ## How aligned a flock stays
#
# Polarisation varies so much between sheets that 96 of them say little of its mean.  Rule (2) changes
# it slowly: what a set has by chance at the start it still has much later, and an average over time
# would not help.  More sheets do, three further sets.  A row's sd is the chance error, of the sheets
# that swam and of the fresh ones; its control is fresh over fresh, the ratio before they swam; and
# `first_set` is that of 96 sheets alone.  Sheets drawn from the fitted law, without a flow, show what
# the law gets wrong.


# %%
def each(q):
    """The polarisation of each sheet."""
    return torch.tensor([flocking.polarisation(sheet) for sheet in q.split(1)])


seeds = range(seed + sets + 2, seed + sets + 2 + MORE)
extra = [poses.blurred(poses.sample("flock", number, k), k) for k in seeds]
further = rollout.together(
    {k: lambda q=q: follow("flock", swim, start={"flock": q}) for k, q in enumerate(extra)}
)
flocks = {
    t: torch.cat([q, *(run[t] for run in further.values())])
    for t, q in runs["flock", "swim"].items()
}
aligned = each(torch.cat(fresh["flock"]))
error = aligned.std() / aligned.mean() / math.sqrt(number)
print(
    f"sheets' polarisation {aligned.mean():.3f} ± {aligned.std():.3f}; a set's mean ± {error:.1%}"
)
for t, q in flocks.items():
    memory = float(np.corrcoef(each(flocks[0.0]), each(q))[0, 1])
    print(f"t = {t:4g}: correlation with that at the start {memory:.2f}")

# %%
MEASURES = {
    "flock.polarisation": (flocking.polarisation, "flock"),
    "flock.neighbour_alignment": (flocking.neighbour_alignment, "flock", NEAR),
    "schools.cohesion": (flocking.cohesion, "schools", SCHOOL),
}
swam = {"flock": flocks, "schools": runs["schools", "swim"]}
for t, label in ((times[2], 150), (times[4], 1000)):
    for row, (measure, name, *near) in MEASURES.items():
        q = swam[name][t]
        (value, sd), (control, _), (first, _) = (
            ratio(measure, name, part, *near) for part in (q, swam[name][0.0], q[:number])
        )
        about = dict(sd=sd, control=control, sheets=len(q), first_set=first)
        card.row(f"poses.{row}_ratio_{label}", value, target="within .05 of 1", **about)

# %%
drawn, generator = torch.cat(fresh["flock"]).float(), torch.Generator().manual_seed(seed)
by_law = []
for _ in range(3):
    drawn = poses.metropolis(drawn, fits["flock"].law.log_p, 40, generator)
    by_law.append(drawn)
value, sd = ratio(flocking.polarisation, "flock", torch.cat(by_law))
card.row("poses.flock.polarisation_ratio_of_law", value, sd=sd, sheets=len(torch.cat(by_law)))

# %% [markdown]
# A flock near the onset of order amplifies what its law lacks.  What the sheets' true law says of
# alignment, and what was found of it, near and far (summed over the pairs that there are at r).
# Score matching alone finds less of it far away (control): few pairs push weakly there, and only
# all of them together order the flock.  The likelihood sees what they do together.

# %%
law = fits["flock"].law
alone = fit_pair_law(poses.sample("flock", fitted, seed), mirror=True, seed=seed).law
r = law.spacing * torch.arange(law.values.shape[1])
wave = law.harmonics[:, :2].tolist().index([1, -1])
true = poses.LAWS["flock"](r, 0 * r, 0 * r, r < 0)
for label, some in (("near", (r > 6) & (r < 15)), ("far", r >= 15)):
    value, control = (
        float((each.values[0, :, wave] * r)[some].sum() / (true * r)[some].sum())
        for each in (law, alone)
    )
    card.row(f"poses.flock.alignment_law_over_true_{label}", value, sheets=fitted, control=control)

# %% [markdown]
# ## Why the blur must be small
#
# Blurred sheets are no sum over pairs: what a neighbour was blurred by says something about a third.
# The same, with a blur of a pixel:

# %%
wide, name = (1.0, 1.0, 0.15), "schools"
law = fit_pair_law(poses.sample(name, fitted, seed), mirror=True, sigma=wide, seed=seed).law
sets_wide = [
    poses.blurred(poses.sample(name, number, seed + k), seed + k, wide) for k in range(1, 6)
]
q = rollout.record(
    rollout.rk4(ways.flow(law, swim), sets_wide[0], dt, round(times[2] / dt)), times=[times[2]]
).last
apart = [
    flocking.pair_distance(a, b) for k, a in enumerate(sets_wide[1:]) for b in sets_wide[1:][:k]
]
value = np.mean([flocking.pair_distance(q, f) for f in sets_wide[1:]]) / np.mean(apart)
card.row(f"poses.{name}.pair_distance_over_floor_150.blur_1px", value, blur=list(wide))

# %% [markdown]
# ## How far along the own heading
#
# What a creature goes along its own heading, over u t, is 1 for rule (2): its term with the score
# is across.  For a constant matrix, here one that couples x and the heading, it is 0.


# %%
def film(name, *wishes, last=20.0, every=0.2):
    """Frames (T, B, N, 3) at short intervals."""
    path = rollout.rk4(ways.flow(fits[name].law, *wishes), start[name], every, round(last / every))
    return torch.stack([q for _, q in path])


def drift(frames, last=20.0):
    """Way along the own heading, of halfway between two frames, over the time."""
    middle = (frames[1:, ..., 2] + frames[:-1, ..., 2]) / 2
    step = frames[1:, ..., :2] - frames[:-1, ..., :2]
    return float((step[..., 0] * middle.cos() + step[..., 1] * middle.sin()).sum(0).mean() / last)


K = 0.3 * torch.tensor([[0.0, 0, 1], [0, 0, 0], [-1, 0, 0]])
value, still = (drift(film("scattered", wish)) for wish in (swim, lambda q, s: s @ K.T))
card.row("poses.scattered.drift_over_wish", value, target="within .1 of 1", control=still)

# %% [markdown]
# ## A flock on its way
#
# On sheets of polarisation .9 rule (2) keeps everything, and the flock stays where it is: a field of
# the form A s + div A has mean 0, and what a heading does to its creature's place is taken back by
# the others.  What travels is the heading of a group.

# %%
TRAVEL = {
    "rule (2)": (ways.swim(1.0),),
    "group, 6 px": (ways.swim_with_group(1.0, 6.0), ways.swim(0.2)),
    "group, 11 px": (ways.swim_with_group(1.0, SMALL), ways.swim(0.2)),
    "as one": (ways.swim_as_one(1.0), ways.swim(0.2)),
}
jobs = {
    ("strong flock", k): lambda w=w: follow("strong flock", *w, last=times[2], dt=dt / 2)
    for k, w in TRAVEL.items()
}
jobs["scattered", "as one"] = lambda: follow("scattered", *TRAVEL["as one"], last=times[2])
travels = rollout.together(jobs)
moved = {}
for (name, rule), states in travels.items():
    q = states[times[2]]
    moved[name, rule] = flocking.centre_moved(states[0.0], q) / times[2]
    print(
        f"{name:13} {rule:14} centre moved over path {moved[name, rule]:.2f}, g {over(name, q):.2f} "
        f"floors, polarisation over fresh {ratio(flocking.polarisation, name, q)[0]:.3f}"
    )
card.row(
    "poses.flock.centre_moved_over_path",
    moved["strong flock", "as one"],
    target=">= .7",
    control=moved["strong flock", "rule (2)"],
    group_11_px=moved["strong flock", "group, 11 px"],
    scattered=moved["scattered", "as one"],
)

# %% [markdown]
# ## Circling and pursuit, against theory
#
# Averages of the score are known from g(r): that of its part along a pair is the slope of log g.  So
# a pair nearer than R turns, on average, by
# $4 \pi \omega\, g(R) / \int_0^R 2 \pi r g\, dr$ per time, R the peak of g; and a pursuer that is
# within the reach of W from its prey goes after it, and the prey away, at rate · length · E[W / r].
# They also swim, which mixes the sheets that the averages are over.


# %%
def visited(name, wish):
    """Sheets (M, N, 3) that swimming creatures with a wish pass, and the wish's velocity there."""
    field = ways.flow(fits[name].law, wish, swim)
    path = rollout.rk4(field, start[name], dt, round(times[2] / dt))
    seen = [times[2] * k / 15 for k in range(1, 16)]
    q = torch.cat(list(rollout.record(path, times=seen).states.values()))
    return q, ways.flow(fits[name].law, wish)(q)


def pairs(q, reach, far=False):
    """Creatures i and j of pairs nearer than reach, the way from i to j, and its length."""
    i, j, gap = poses.neighbours(q, poses.SIZE, reach)
    if far:  # of different kinds
        mixed = (i % q.shape[1] < q.shape[1] // 2) & (j % q.shape[1] >= q.shape[1] // 2)
        i, j, gap = i[mixed], j[mixed], gap[mixed]
    return i, j, gap, gap.norm(dim=1)


# %%
omega = 0.3
*_, r = pairs(torch.cat(fresh["couples"]), 16.0)
density, edges = torch.histogram(r, 32, range=(0.0, 16.0))
peak = int((density / (edges[1:] + edges[:-1])).argmax())
R = float(edges[peak] + edges[peak + 1]) / 2
at = float(((r - R).abs() < 0.5).sum())  # pairs a pixel of distance: 2 pi R g(R), as the sum below
theory = 2 * omega * at / R / float((r < R).sum())
q, v = visited("couples", ways.circle(omega))
i, j, gap, r = pairs(q, R)
apart = v[..., :2].reshape(-1, 2)[j] - v[..., :2].reshape(-1, 2)[i]
rate = float(((gap[:, 0] * apart[:, 1] - gap[:, 1] * apart[:, 0]) / r**2).mean())
found = dict(omega=omega, R=R, rate=rate)
card.row("poses.circle.rate_over_theory", rate / theory, target="within .1 of 1", **found)

# %%
pace, length = 0.5, 8.0
reach = math.sqrt(8) * length
*_, r = pairs(torch.cat(fresh["two kinds"]), reach, far=True)
theory = pace * length * float(((1 - (r / reach) ** 2) ** 4 / r).mean())
q, v = visited("two kinds", ways.pursue(pace, length, (8, 8)))
i, j, gap, r = pairs(q, reach, far=True)
both = (v[..., :2].reshape(-1, 2)[j] + v[..., :2].reshape(-1, 2)[i]) / 2
along = (both * gap).sum(1) / r
speed = float(along.mean())
sd = float(
    torch.stack([part.mean() for part in along.split(len(along) // 15)]).std() / math.sqrt(15)
)
found = dict(rate=pace, length=length, speed=speed, sd=sd / theory)
card.row("poses.pursuit.speed_over_theory", speed / theory, target="within .1 of 1", **found)
print(f"circling {rate:.4f} rad per time; pursuit at {speed:.4f} ± {sd:.4f} px per time")

# %% [markdown]
# ## 10,000 creatures
#
# In seconds of one core, for steps of Runge-Kutta (four fields each).


# %%
def tiled(name, side):
    """A sheet that is `side` by `side` times the same."""
    shift = torch.cartesian_prod(*[poses.SIZE * torch.arange(side)] * 2).float()
    q = start[name][0] + torch.cat([shift, 0 * shift[:, :1]], 1)[:, None]
    return q.reshape(1, -1, 3)


took = {}
for side in (3, 8, 25):
    sheet = tiled("flock", side)
    law = replace(fits["flock"].law, size=side * poses.SIZE)
    path = rollout.rk4(ways.flow(law, swim), sheet, dt, 6)
    next(path)
    next(path)
    begun = time.process_time()
    for _ in range(4):
        next(path)
    took[sheet.shape[1]] = (time.process_time() - begun) / 4
    print(
        f"{sheet.shape[1]:6} creatures: {1e6 * took[sheet.shape[1]] / sheet.shape[1]:.1f} µs each"
    )
slope = float(np.polyfit(np.log(list(took)), np.log(list(took.values())), 1)[0])
card.row(
    "poses.microseconds_per_creature_step",
    1e6 * took[10000] / 10000,
    target="<= 20",
    creatures=10000,
)
card.row("poses.growth_exponent", slope, target="<= 1.1", creatures=list(took))

# %%
card.show()
