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
# # The Lorenz attractor: chaos from shuffled snapshots
#
# > Can shuffled snapshots tell that their maker was chaotic?
#
# You get 20,000 points on the Lorenz attractor. The order is lost, and so is time. In this chapter
# you look for motions that would keep the cloud as it is, run them for a long time, and ask two
# questions of each: is it chaotic, and is it *the* motion that made the cloud?
#
# **You will**
# - find a score and a symmetry in shuffled points,
# - train eight networks that keep the attractor, and see which principle makes them agree,
# - compare them with flows that need no training, and with controls that should fail,
# - measure Lyapunov exponents without fooling yourself.
#
# **You should know** chapter 01 (the continuity equation, scores, constant skew flows).
#
# **Time** about 3 minutes to run on two cores, 40 to read. Memory: under 1 GB.

# %%
import math
import time

import torch

from eqflow_nb import figures, flows, measures, panels, rollout, scores, snapshots
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots.lorenz import trajectories

figures.style()
torch.set_num_threads(1)  # steps are too short to split; whole rollouts run side by side

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.31

# %%
place = pick_device(device)
sizes = {
    "quick": dict(n=4000, steps=60, members=2, cloud=200, long=100.0, horizon=20.0, last=48),
    "laptop": dict(n=20000, steps=100, members=8, cloud=2000, long=1000.0, horizon=300.0, last=256),
    "paper": dict(
        n=50000, steps=400, members=100, cloud=2000, long=1000.0, horizon=1000.0, last=256
    ),
}[choice(budget, BUDGETS, "budget")]
members, cloud = sizes["members"], sizes["cloud"]
card = Scorecard("02_lorenz_chaos", seed=seed, budget=budget, sigma=sigma)

# %% [markdown]
# ## 1. What you are given
#
# Each coordinate is centred and scaled to unit standard deviation. The rows are shuffled: nothing
# says which point came after which.

# %%
lorenz = snapshots.world("lorenz")
samples = lorenz.sample(sizes["n"], seed).to(place)
unseen = lorenz.sample(sizes["n"], seed + 1000).to(place)  # never used for training
draw = lorenz.blurred(sigma, place)  # fresh points of what every flow below should keep

pair = {"sharp": samples[:cloud], "blurred": draw(cloud, seed + 4)}
figures.show(
    figures.clouds({name: x[:, [0, 2]] for name, x in pair.items()}, ("x", "z")),
    "Two clouds in the x-z plane: the sharp butterfly of the Lorenz attractor, and the same blurred.",
)

# %% [markdown]
# We work with the blurred cloud $p_\sigma$, the distribution of $x_\sigma = x + \sigma\varepsilon$,
# because the sharp one is a fractal and has no density. Distances between clouds have a floor: two
# fresh samples of the same distribution are not at distance zero. Every distance below is divided
# by it.

# %%
floor, floor_sd = measures.noise_floor(
    measures.sliced_wasserstein, draw, n=cloud, pairs=8, seed=seed
)
print(f"sliced Wasserstein between two fresh samples: {floor:.3f} ± {floor_sd:.3f} sd")

# %% [markdown]
# ## 2. A symmetry that snapshots show
#
# Turn the cloud by half a turn about each axis, and compare it with itself. You need no dynamics
# for that.

# %%
turns = measures.half_turns(samples, seed=seed)
for turn in turns:
    print(
        f"x -> {[int(a) for a in turn.signs]} x: {turn.over_floor:5.2f} floors, holds: {turn.holds}"
    )
signs = turns[0].signs.to(place) if turns[0].holds else None

# %% [markdown]
# One half turn, $(x, y, z) \to (-x, -y, z)$, leaves the cloud as it is. It is a hint about the
# motion too: *whatever treats the two wings alike in its snapshots may well treat them alike in its
# equations.* This does not follow. It is a guess, and we will test what it is worth.
#
# ## 3. The score
#
# A Gaussian mixture fitted to the sharp points, then blurred exactly, gives
# $s = \nabla \log p_\sigma$ in closed form. We check it against a kernel density estimate made of
# 20,000 points it has never seen.

# %%
score = scores.fit_mixture(samples, sigma, seed=seed, signs=signs)
reference = scores.KernelDensityScore(unseen, sigma)
test = draw(2048, seed + 999)
gap = (score(test) - reference(test)).norm() / reference(test).norm()
print(f"mixture against a kernel density of other points: {float(gap):.3f} of the score's size")

# %% [markdown]
# ## 4. Three ways to move
#
# **Constant skew.** $v = K s$ with $K = -K^\top$. Nothing to train.
#
# **Exact.** $v = \nabla \times a + s \times a$ for *any* vector field $a$: all the smooth flows in
# space that keep $p_\sigma$. There are as many as there are vector fields. Snapshots leave that
# much open.
#
# **Trained.** A network minimises $E\,(\nabla\cdot v + v\cdot s)^2 / E|v|^2$ on the blurred points.
# Which of the many flows does it find? That depends on what it finds easy. Here we say it openly:
# we add a penalty $\lambda\,E|\nabla v|^2 / E|v|^2$ (*be smooth*), give the networks the half turn
# (*be symmetric*) and teach the tails too. Both terms are quadratic in the last layer's weights, so
# after a short training that layer is solved for exactly. Neither choice looks at the true motion:
# $\lambda$ lies where eight networks from eight seeds agree with each other almost perfectly (the
# study `lorenz_long` tries others).


# %%
def ensemble(symmetry, number=0, **options):
    """Train the networks of one recipe; the time is processor time on one thread."""
    options = dict(steps=sizes["steps"], last=sizes["last"]) | options
    began = time.thread_time()
    trained, losses = flows.learned.learn(
        samples,
        score,
        sigma,
        flows.learned.Settings(signs=symmetry, **options),
        members,
        seed=seed + number,
        progress=False,
    )
    return trained, losses, (time.thread_time() - began) / members


# %%
half, adam = sizes["last"] // 2, 8 * sizes["steps"]
recipes = {
    "learned": dict(symmetry=signs),
    "octaves 2": dict(symmetry=signs, octaves=2, last=half, number=100),
    "octaves 4": dict(symmetry=signs, octaves=4, last=half, number=200),
    "plain": dict(symmetry=None, last=half, number=300),
    # No penalty, no symmetry, no exact last layer: only the residual, four octaves, gradient descent.
    "as the paper": dict(
        symmetry=None,
        octaves=4,
        smoothness=(1e-6, 1e-6),
        steps=adam,
        width=64,
        last=64,
        inverse_iterations=0,
        number=400,
    ),
}
trained = rollout.together({name: lambda r=r: ensemble(**r) for name, r in recipes.items()})
learned, losses, seconds = trained["learned"]

# %%
figures.show(
    figures.curves(
        {n: (range(len(t[1])), t[1].cpu()) for n, t in trained.items()},
        xlabel="training step",
        ylabel="rms residual / rms speed (1/sd)",
        yscale="log",
    ),
    "Training curves of five recipes on a log scale, eight networks each, before the exact last layer.",
)
print(f"{seconds:.1f} s of one thread for each network")

# %% [markdown]
# All recipes learn to keep the cloud. The next cell asks what none of them was told: how similar is
# each flow to the true one? Similarity is $|\cos|$ between the two fields over points not used in
# training, 1 if they are proportional. *Paper's recipe*: at sharp points, against the true velocity.
# *Smoothed*: at blurred points, against the average true velocity of all points that could have
# been blurred to there.

# %%
sharp = lorenz.sample(2048, seed + 2000).to(place)
truth = lorenz.velocity(sharp)
truth_smoothed = reference.expect(test, lorenz.velocity(unseen))


def similarities(fields):
    """Similarity to the truth of every field: paper's recipe, and smoothed."""
    exact = [measures.similarity(f(sharp), truth) for f in fields]
    smooth = [measures.similarity(f(test), truth_smoothed) for f in fields]
    return torch.tensor(exact), torch.tensor(smooth)


# %%
networks = {name: [t[0].member(i) for i in range(members)] for name, t in trained.items()}
random_nets = flows.networks.FlowNetworks(members, 3, 64, 64, signs=signs, seed=seed + 500)
random_nets.to(place).requires_grad_(False).set_speed(test)
potentials = [flows.exact.Waves(3, 3, seed=seed + i) for i in range(members)]
matrices = torch.stack([flows.skew.random(3, seed + i) for i in range(members)])
families = {
    **networks,
    "random": [random_nets.member(i) for i in range(members)],
    "skew": [flows.skew.constant(k, score) for k in matrices],
    "exact": [flows.exact.VectorPotential(a, score) for a in potentials],
    "score": [score],
}
similar = {name: similarities(fields) for name, fields in families.items()}
# %%
for name, (exact, smooth) in similar.items():
    spread = exact.std() if len(exact) > 1 else 0.0
    print(
        f"{name:13s} paper's recipe {exact.mean():.3f} ± {spread:.3f}   smoothed {smooth.mean():.3f}"
    )

# %% [markdown]
# Read the rows from below. A random network, the score itself and a random exact flow have nothing
# to do with the truth. The paper's recipe does little better here. Smoothness alone (`plain`) leads
# elsewhere, and the symmetry decides. **Smooth and symmetric, and eight networks that saw no motion
# at all agree with the true one.**
#
# Why does smoothness alone not do it? Among the flows that keep this cloud two are gentlest: one
# treats the wings alike (the truth), the other runs them in opposite senses. Ask the plain networks:

# %%
turn = turns[0].signs.to(place)
for name in ("learned", "plain"):
    even = [measures.signed_similarity(f(test * turn), f(test) * turn) for f in networks[name]]
    print(f"{name:8s} cosine of v(Sx) with S v(x): {[round(e, 2) for e in even]}")

# %% [markdown]
# 1 is a flow that treats the wings alike, -1 one that runs them in opposite senses.
#
# ## 5. The space of solutions
#
# Every flow is a point; flows are near when they are similar. It is the picture to keep from this
# chapter: how far snapshots pin down the motion, and what a principle adds.

# %% tags=["thumbnail"]
chosen = {n: families[n] for n in ("learned", "plain", "as the paper", "skew", "exact", "random")}
labels = [name for name, fields in chosen.items() for _ in fields]
velocities = [f(test) for fields in chosen.values() for f in fields] + [truth_smoothed]
alike = measures.similarity_matrix(velocities)
places, labels = measures.embed(alike), [*labels, "truth"]
groups = {n: places[[label == n for label in labels]] for n in ("truth", *chosen)}
figures.show(
    figures.scatter(
        groups,
        xlabel="first embedding axis (1 - similarity)",
        ylabel="second embedding axis (1 - similarity)",
        aspect="equal",
    ),
    "A map of flows. The eight symmetric smooth networks sit in a tight group on the true flow; "
    "plain, skew, exact and random flows lie elsewhere.",
)

# %% [markdown]
# ## 6. Does it last?
#
# A leak shows late. Every flow is brought to the same rms speed ($\sqrt3$, one radius of the cloud
# per unit of time) and started from fresh blurred points. The learned flows run to $t = 1000$, the
# others to $t = 100$; the study `lorenz_long` takes those to 1000 too, and its rows are shown as
# recorded. The score itself and the random networks are the controls.

# %%
hundred, thousand = sizes["long"] / 10, sizes["long"]
early = [10.0, thousand / 30, hundred]
late = [*early, thousand / 3, thousand]
others = {
    "random": (random_nets, 0.25),
    "score": (flows.at_common_speed(score, test), 0.1),
    "skew": (flows.at_common_speed(flows.skew.constant(matrices, score), test), 0.1),
    "exact": (flows.at_common_speed(families["exact"][0], test), 0.05),
}
runners = {"learned": (learned, 0.2, late)}  # a longer step damps the eyes of the wings
runners |= {name: (field, dt, early) for name, (field, dt) in others.items()}
runs = rollout.race(runners, draw(cloud, seed + 1234))
# %%
over = {
    name: {t: measures.preservation(r.at(t), draw, floor, seed=seed) for t in r.states}
    for name, r in runs.items()
}
figures.show(
    figures.curves(
        {name: (list(v), list(v.values())) for name, v in over.items()},
        levels=figures.FLOOR,
        xlabel="time (path in radii of the cloud)",
        ylabel="distance over its floor",
        xscale="log",
        yscale="log",
    ),
    "Distance over its floor against time, log axes: learned, skew and exact flows stay near 1; "
    "random networks and the score rise far above.",
)
for name, values in over.items():
    inside = runs[name].bounded(max(values))
    print(
        f"{name:8s}",
        "  ".join(f"t={t:g}: {v:.2f}" for t, v in values.items()),
        f"bounded {inside:.4f}",
    )

# %%
ends = {"fresh sample": draw(cloud, seed + 5)} | {name: r.last for name, r in runs.items()}
figures.show(
    figures.clouds({name: x[:, [0, 2]] for name, x in ends.items()}, ("x", "z"), columns=3),
    "Clouds at the end of each run: learned, skew and exact still show the butterfly; the score has collapsed "
    "to a few points and the random networks have torn it.",
)

# %% [markdown]
# ## 7. Is it chaotic?
#
# The largest Lyapunov exponent says how fast two neighbours part. First the measure itself: on the
# true system it must give .9056 per unit of Lorenz time, and the sum of the three must be the
# divergence, $-41/3$.

# %%
clean = lorenz.sample(8 if budget == "quick" else 256, seed + 3000).double()
span = 10.0 if budget == "quick" else 40.0
known = measures.lyapunov_spectrum(lorenz.velocity, clean, 0.01, round(span / 0.01), burn=500)
true_spectrum = known.exponents.mean(0)
error = known.exponents.std(0) / math.sqrt(len(clean))
print("true spectrum", [f"{a:.3f} ± {b:.3f}" for a, b in zip(true_spectrum, error)])
print(
    f"sum {true_spectrum.sum():.3f}, Kaplan-Yorke dimension {measures.kaplan_yorke(true_spectrum):.3f}"
)

# %% [markdown]
# Flows from snapshots have no clock, so exponents are compared per unit of path length: divide by
# the mean speed. A control is essential. In a constant skew flow, trajectories move on the level
# surfaces of $p$ and of a second invariant: no chaos, true value 0. Whatever it shows is the false
# positive to expect at this horizon.

# %%
each = 2 if budget == "quick" else 16
horizon = round(sizes["horizon"] / 0.1)


def exponents(field):
    """Largest exponent per unit path of every member, and how it settled with the horizon."""
    found = measures.lyapunov_spectrum(
        field, draw(each * members, seed + 77), 0.1, horizon, burn=100
    )
    speed = measures.mean_speed(field, draw(each * members * 4, seed + 78))
    by_member = found.exponents[:, 0].view(members, each).nanmean(1) / speed
    return by_member, found.times, found.history[:, 0] / speed


chaos = rollout.together(
    {name: lambda n=name: exponents(runners[n][0]) for name in ("learned", "skew")}
)
true_path = float(true_spectrum[0]) / measures.mean_speed(lorenz.velocity, sharp)

# %%
curves = {n: (t, h, torch.full_like(h, float(b.std()))) for n, (b, t, h) in chaos.items()}
figures.show(
    figures.curves(
        curves,
        levels={"none": 0.0, f"known: {true_path:.4g}": true_path},
        xlabel="horizon (path in radii of the cloud)",
        ylabel="largest exponent (1/path)",
        xscale="log",
    ),
    "Largest exponent against horizon: the learned flows settle below the true value, the skew "
    "control falls towards zero.",
)
spread = {n: (float(b.mean()), float(b.std())) for n, (b, _, _) in chaos.items()}
z = (spread["learned"][0] - spread["skew"][0]) / math.hypot(spread["learned"][1], spread["skew"][1])
print(
    {n: f"{m:.4f} ± {s:.4f}" for n, (m, s) in spread.items()}, f"true {true_path:.4f}, z = {z:.1f}"
)

# %% [markdown]
# Is the step small enough? Halve it, over a sixth of the horizon.


# %%
def largest(dt):
    """Mean largest exponent per unit path at a step."""
    sixth = round(sizes["horizon"] / 6 / dt)
    found = measures.lyapunov_spectrum(learned, draw(each * members, seed + 77), dt, sixth, burn=50)
    return float(found.exponents[:, 0].nanmean()) / math.sqrt(3)


halves = rollout.together({f"dt = {dt}": lambda dt=dt: largest(dt) for dt in (0.1, 0.05)})
print({step: round(value, 4) for step, value in halves.items()})

# %% [markdown]
# The two steps agree within the spread between networks.
#
# So shuffled snapshots, a smooth symmetric network and nothing else give a chaotic flow. Its
# exponent is below the true one. Part of the gap is the blur: the study `lorenz_long` measures the
# true motion averaged over the blur (row `lorenz.blurred_truth.lyapunov`), and finds it between the
# two. The training-free flow on the same cloud is not chaotic at all. Both keep the cloud. **Chaos
# is not in the cloud. It is in which flow you choose.**
#
# ## 8. See them move

# %% tags=["hero"]
begin = draw(members * 8, seed + 4321)


def wander(name):
    """The first point's path over 75 units of time, as long a way as the true one."""
    with torch.no_grad():
        return torch.stack(
            [x[0] for _, x in rollout.rk4(runners[name][0], begin, 0.05, 1500)]
        ).cpu()


paths = {"truth": trajectories(1, 600, 0.02, seed)[:, 0]}
paths |= rollout.together({name: lambda n=name: wander(n) for name in runners})
figure, panes = figures.grid(6, 3, (2.8, 2.6), subplot_kw={"projection": "3d"})
for pane, (name, path) in zip(panes, paths.items()):
    figures.draw_trajectory(pane, path, samples[:600], figures.colour(name))
    figures.cube(pane, 2.7, ("x", "y", "z"))
    pane.set_title(name, y=0.95)
figures.show(
    figure,
    "Six trajectories in space: the learned one circles both wings like the true one; skew and "
    "exact ones wander on other paths; the score stops; the random network leaves.",
)

# %% [markdown]
# ## 9. Turn the knobs
#
# The panel moves four points with a constant skew matrix, its three entries under your hands.
# 1. Which matrix circles in the plane of the wings? Can any matrix visit both wings and return at
#    irregular times?
# 2. Set all three to zero. What moves now? Add diffusion.
# 3. Make σ small. Why does the trajectory get faster and thinner?

# %%
panels.lorenz_panel()

# %% [markdown]
# ## 10. Scorecard


# %%
def report(row, values, target=None, paper=None, **details):
    """A mean and a spread over members."""
    values = torch.as_tensor(values)
    sd = float(values.std()) if len(values) > 1 else None
    card.row(
        f"lorenz.{row}_mean", float(values.mean()), sd=sd, target=target, paper=paper, **details
    )
    if sd is not None:
        card.row(f"lorenz.{row}_sd", sd)


report("learned.similarity", similar["learned"][0], ">= .50", 0.257)
report("learned.similarity_smoothed", similar["learned"][1], ">= .55")
for name, paper in {
    "random": 0.045,
    "score": 0.027,
    "skew": 0.129,
    "exact": None,
    "plain": None,
}.items():
    report(f"{name}.similarity", similar[name][0], paper=paper)
report("as_paper.similarity", similar["as the paper"][0], paper=0.257)
for k, name in {0: "learned", 2: "octaves 2", 4: "octaves 4"}.items():
    report(f"octaves_{k}.similarity", similar[name][0])
residuals = [flows.continuity.residual(f, reference, test).relative for f in networks["learned"]]
report("learned.residual", residuals)

# %%
fresh = draw(cloud, seed + 6)
nothing = measures.mmd(draw(cloud, seed + 7), fresh)
at_start = measures.preservation(draw(cloud, seed + 1234), draw, floor, seed=seed)
for name, (_, dt, _) in runners.items():
    shared = dict(floor=floor, dt=dt, points=cloud, at_start=at_start)
    card.row(f"lorenz.{name}.preservation_100", over[name][hundred], t=hundred, **shared)
    mmd = measures.mmd(runs[name].at(10.0), fresh)
    card.row(f"lorenz.{name}.mmd_100", mmd, floor=nothing, steps=100, step=0.1)
card.row(
    "lorenz.learned.preservation_1000",
    over["learned"][thousand],
    target="<= 2",
    t=thousand,
    floor=floor,
    dt=runners["learned"][1],
)
for row, values in course.recorded("lorenz_long").items():
    card.row(row, **values)
# %%
inside = {name: runs[name].bounded(max(runs[name].states)) for name in ("learned", "random")}
card.row(
    "lorenz.learned.bounded_1000",
    inside["learned"],
    target=">= .99",
    control=inside["random"],
    t=thousand,
)
for name in ("learned", "skew"):
    mean, sd = spread[name]
    card.row(
        f"lorenz.{name}.lyapunov_mean",
        mean,
        sd=sd,
        control=spread["skew"][0] if name == "learned" else None,
        truth=true_path,
        horizon=sizes["horizon"],
    )
    card.row(f"lorenz.{name}.lyapunov_sd", sd)
card.row("lorenz.learned.lyapunov_z", z, target=">= 3")
card.row(
    "lorenz.true.lyapunov", float(true_spectrum[0]), sd=float(error[0]), target="within 3% of .9056"
)
card.row("lorenz.true.lyapunov_sum", float(true_spectrum.sum()), target="within 1% of -13.667")
card.row("lorenz.learned.train_seconds", seconds, target="<= 3", paper="570 to 1490", threads=1)
card.show()

# %%
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %%
# NBVAL_CHECK_OUTPUT
print("half turn found:", None if signs is None else [int(a) for a in signs])
print(
    "kept by skew:", over["skew"][hundred] < 2, "by random networks:", over["random"][hundred] < 2
)

# %% [markdown]
# ## What failed, and what to make of it
#
# - Without the symmetry the similarity drops and spreads: see the rows `plain`. The half turn holds
#   for the *cloud*; that the *motion* has it is a guess that happens to be right for Lorenz.
# - A low residual is no proof of truth. Every exact flow has one, and those fill the map. In the
#   study's rows the smallest weight of smoothness gives the smallest residual, networks that agree
#   with each other, and another flow than the true one. With more weight they agree more, on it.
# - The direction of time and the speed are not in the snapshots: $v$ and $-3v$ keep the same cloud.
# - A positive exponent means little without the control beside it and a longer horizon.
#
# **Read on.** Zhang & Levin (2025), arXiv:2509.17990, whose question this is. For the exponents:
# Benettin et al. (1980).
#
# The networks found the right flow, but no equations. If you add one assumption, that the equations
# are *short formulas*, can the same shuffled points give you the equations themselves, digit by
# digit? That is the question of chapter 05.
#
# ## Exercises
# Five [with hints and checks](exercises/02_lorenz_chaos_exercises.ipynb). Others, to try in this
# notebook:
#
# 1. Set `sigma = 0.6` in the parameters and run again. Which rows suffer first, and why?
# 2. Sample 1,000 points instead of 20,000. Does the similarity fall before the preservation does?
# 3. Give the networks the *other* half turn, $(x, -y, -z)$, which the cloud does not have. What
#    happens to the residual?
# 4. (Open.) Find a criterion, from snapshots only, that chooses between the two gentlest flows without
#    the symmetry.
