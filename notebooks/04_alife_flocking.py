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
# # Creatures: draw one, and see how it lives
#
# > Draw a creature. How must it live to keep looking like that?
#
# A sheet of paper with drawings of one creature, each at its own place and angle. Which motions keep
# the sheet looking like such a sheet? Creatures must stay whole, and may move. Do they only tremble,
# or do they travel, turn, seek each other, flock? The paper this course starts from shows such
# things in films. Here every claim is counted, beside a control without the rule.
#
# **You will**
# - set drawings in motion with a score and a skew rule, and *follow* each creature,
# - find out why a rule moves them at all, and tell from a drawing which rule moves it most,
# - separate what the rule does from what the network gets wrong, with a creature whose score is exact,
# - see why such creatures can't flock as birds do, and how little of it there can be,
# - draw a creature of your own and watch it live.
#
# **You should know** chapters 01 and 03: skew rules, denoisers, the exponential integrator.
#
# **Time** about 3 minutes to run on two cores, 40 to read. Memory: under 1 GB.

# %%
import time

import torch

from eqflow_nb import figures, rollout, scores
from eqflow_nb.course import creatures as alife
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import flocking, momentum, travel
from eqflow_nb.panels import images as panels_images
from eqflow_nb.panels import paint as panels_paint
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import field_world, icons

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.5
sigma_detailed = 0.3
eta = 0.1

# %%
place = pick_device(device)
sizes = {
    "quick": dict(steps=40, canvases=1, exact=4, lag=20, training=2.0, large=20),
    "laptop": dict(steps=1000, canvases=2, exact=24, lag=640, training=25.0, large=200),
    "paper": dict(steps=2000, canvases=16, exact=256, lag=640, training=120.0, large=2000),
}[choice(budget, BUDGETS, "budget")]
lag = sizes["lag"] // alife.EVERY
card = Scorecard("04_alife_flocking", seed=seed, budget=budget, eta=eta)
atlas = course.recorded("alife_atlas")  # what takes longer than a chapter

# %% [markdown]
# ## 1. The drawings
#
# Four creatures, drawn by a few lines of code, 13 pixels wide, eight on a sheet of 64 by 64 pixels,
# none on top of another. The sheet is a torus: what leaves on one side comes back on the other.

# %%
stills = {name: icons.placed(name, 2, seed=seed)[0] for name in icons.ICONS}
figures.show(
    figures.images({name: x[0] for name, x in stills.items()}),
    "Four sheets: fireflies with yellow tails and red heads, black and white taiji discs, blue "
    "dots, pairs of a blue and a red dot.",
)

# %% [markdown]
# ## 2. A score, and a rule
#
# The score is a denoiser's, $s = (D(x)-x)/\sigma^2$: a small periodic U-Net, trained on such sheets
# at many noise levels. Its weights come with the course; `eqflow-nb train dots` makes them again.
# The rule is a skew matrix that mixes the three colours, $v = Ks$, or a skew kernel that also mixes
# neighbouring pixels. One step of the exponential integrator (chapter 03) is
#
# $$x \leftarrow D(x) + E\,(x - D(x)) + L z, \qquad E = e^{-(\eta I+K)\tau},\quad \tau = dt/\sigma^2. \tag{1}$$

# %%
worlds = {name: field_world(name) for name in icons.ICONS}
levels = {"firefly": sigma_detailed, "taiji": sigma_detailed, "dot": sigma, "dots": sigma}
score = {name: scores.load(name, levels[name], place) for name in icons.ICONS}
for name in icons.ICONS:
    about = scores.weights.about(name)
    print(f"{name:8} trained {about['steps']} steps, {about['seconds']} s, seed {about['seed']}")

# %% [markdown]
# ## 3. Let them live
#
# Each kind lives under a skew rule (the most mobile of fourteen that a search on other seeds found to
# keep the creatures), under a *symmetric* rule of the same strength, and under none, K = 0. All share
# σ, η and the step: otherwise noise alone could seem to be life.

# %%
BEST = {n: atlas.get(f"{n}.mobility_over_control", {}).get("rule", "quiet") for n in icons.ICONS}
KINDS = ("skew", "none", "symmetric")
print("rules:", BEST)


def matrix(name, kind, size=64):
    """The rule of a kind for a creature."""
    even = "symmetric " + (BEST[name] if BEST[name] != "quiet" else "1x1 0")
    return alife.named({"skew": BEST[name], "symmetric": even, "none": "none"}[kind], name, size)


def live(name, kind):
    shared = dict(steps=sizes["steps"], canvases=sizes["canvases"], eta=eta, seed=seed)
    return alife.live(score[name], worlds[name], matrix(name, kind), **shared)


life = rollout.together(
    {(n, kind): lambda n=n, k=kind: live(n, k) for n in icons.ICONS for kind in KINDS}
)

# %% [markdown]
# The sheets at the end, with the way each creature went.

# %% part=[0, 0, 0.25, 0.5] tags=["thumbnail"]
ends = {f"{n}, {k}": life[n, k] for k in ("skew", "none") for n in icons.ICONS}
figures.show(
    figures.images(
        {title: one.frames[-1, 0] for title, one in ends.items()},
        tracks={title: [t.positions for t in one.tracks[:1]] for title, one in ends.items()},
    ),
    "Eight sheets after the run, with paths. Upper row, under a skew rule: short paths, longest those "
    "of the taiji. Lower row, without: the creatures tremble where they are.",
)

# %% [markdown]
# Are they still all there? A creature counts as kept while it has between .6 and 1.5 times the ink
# of a placed one: faded and merged ones are lost.

# %%
print(f"{'':20}  kept  mobility  (pixels² in {sizes['lag']} steps)")
for (name, kind), one in life.items():
    print(f"{name:8} {kind:10} {one.kept:6.2f} {one.mobility(sizes['lag']):9.2f}")

# %% [markdown]
# ## 4. Why do they move?
#
# To first order a skew rule should move nothing: on average it pushes a creature neither way. But
# look at the noise around it. A blurred sheet is a drawing and noise, $x = c(q) + \sigma r$, with the
# creatures' places in $q$. The score pushes the noise back and the rule turns it: $K$ feeds noise into
# motion along the *tangents* $T = \partial c/\partial q$, and motion into noise. One pattern of noise,
# $K^{-1}T$, only pushes and is not turned away. It stays until diffusion η has eaten it. That pattern
# is the creature's **momentum**, hidden in the noise, and η is its friction.
#
# For small σ this is linear and can be solved. With $B=(I-E)^{-1}$ and $X=T^\top B\,T$, a creature
# diffuses by
#
# $$D = \tfrac{\sigma^2}{2}\,X^{-1}\,(X + X^\top - T^\top T)\,X^{-\top} \quad\text{a step.} \tag{2}$$
#
# So you can tell from a *drawing* which rule moves it most. A 3x3 skew matrix turns colours about an
# axis, one colour that it spares. If the creature's edges show that colour, they are not turned, and
# it has no momentum. The best axis is the colour that its edges show least: the *quiet* rule.

# %%
tangents = {name: icons.tangents(name) for name in icons.ICONS}
for name, T in tangents.items():
    axis, share = momentum.min_edge_colour(T)
    gains = {"quiet": momentum.about_axis(axis), BEST[name]: matrix(name, "skew")}
    said = {k: f"{momentum.mobility_gain(T, rule, eta=eta):.1f}" for k, rule in gains.items()}
    print(
        f"{name:8} quiet axis (red, green, blue) {[round(float(a), 2) for a in axis]}, share of the "
        f"edges {share:.3f}; mobility over K = 0 by (2): {said}"
    )

# %% [markdown]
# The gain can't be large. At this step, τ = .5, each turn loses some of the momentum before the
# creature has moved; at smaller steps it goes up to $1+\eta^{-2}$:

# %%
axis = momentum.min_edge_colour(tangents["dots"])[0]
taus = [0.01, 0.03, 0.1, 0.2, 0.5, 0.9]
lines = {
    f"η = {e:g}": (
        taus,
        [momentum.mobility_gain(tangents["dots"], momentum.about_axis(axis), t, e) for t in taus],
    )
    for e in (0.05, 0.1, 0.2)
}
figures.show(
    figures.curves(
        lines, xlabel="step τ (σ²)", ylabel="mobility over K = 0", xscale="log", yscale="log"
    ),
    "Gain in mobility against the step, for three diffusions: up to some hundreds at small steps and "
    "small η, about ten at the step used here.",
)

# %% [markdown]
# **Is it so?** For one creature alone no network is needed. While noise leaves no doubt about its
# pose, the posterior mean is the drawing at the likeliest pose, $D(x) = c(\hat q)$, found by
# Gauss-Newton. This *exact creature* lives under the same rule, σ, η and step:

# %%
alone = rollout.together(
    {
        (n, kind): lambda n=n, k=kind: alife.live_exactly(
            n, matrix(n, k, alife.ALONE), levels[n], sizes["steps"], sizes["exact"], eta, seed
        )
        for n in icons.ICONS
        for kind in ("skew", "none")
    }
)


def far(tracks):
    return float(travel.mean_squared_displacement(tracks, lag).mean())


exact = {key: far([tracks]) for key, tracks in alone.items()}
found = {key: one.mobility(sizes["lag"]) for key, one in life.items()}
print("mobility      by (2)   exact creature   network")
for name, kind in exact:
    spread = momentum.diffusion(tangents[name][:2], matrix(name, kind), levels[name], eta=eta)
    by_theory = 2 * sizes["lag"] * float(spread.trace())
    print(f"{name:8} {kind:5} {by_theory:6.3f} {exact[name, kind]:12.3f} {found[name, kind]:14.3f}")

# %% [markdown]
# The exact creature does what (2) says (its edges are a pixel softer, so it is a little more mobile).
# The network's creatures follow the same order, and go further: what is more than the exact
# creature's is not the rule, it is the error of the network's score, which pushes too. So lively
# motion is no evidence for a method. Compare it with what an exact score does, and see the rows
# `network_over_exact_mobility`, with the same excess at K = 0 as their control.
#
# A study asks fourteen rules for each creature, of 1, 3 and 5 pixels. Does theory put them in the
# right order? The rank correlation of measured with expected mobility:

# %%
for name in icons.ICONS:
    row = atlas.get(f"{name}.mobility_rank_correlation")
    if row:
        print(f"{name:8} {row['value']:.2f} over {row['rules']} rules (recorded)")

# %% [markdown]
# ## 5. Do they travel?
#
# Mean squared displacement against time: slope 1 is a random walk, slope 2 goes straight on. Momentum
# lasts $1/(\eta\tau)$ = 20 steps at most.

# %%
lags = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= max(2, lag)]
followed = {f"{n}, {k}": life[n, k].tracks for k in ("skew", "none") for n in ("firefly", "dots")}
followed |= {f"{n}, exact, skew": [alone[n, "skew"]] for n in ("firefly", "dots")}
spreads = {
    key: [float(travel.mean_squared_displacement(tracks, n).mean()) for n in lags]
    for key, tracks in followed.items()
    if tracks
}
figures.show(
    figures.curves(
        {key: ([alife.EVERY * n for n in lags], line) for key, line in spreads.items()},
        xlabel="lag (steps)",
        ylabel="mean squared displacement (pixels²)",
        xscale="log",
        yscale="log",
    ),
    "Displacement against lag on logarithmic axes: skew rules above plain Langevin; the exact "
    "creatures' curves lie above plain Langevin too, the firefly's below its network's.",
)

# %% [markdown]
# And along their own body? A constant skew rule drives no pose on average: for any smooth function
# $q(x)$, $E_p[\nabla q\cdot K s] = -E_p[\mathrm{tr}(K\,\nabla\nabla q)] = 0$, as a Hessian is
# symmetric. In the *body's* frame a tiny drift remains, sideways and in rotation: at most
# $1/\sqrt{G_\perp G_\theta}$ a unit of time, with $G$ the squared tangents. In pixels in 40 steps:

# %%
few = 4 if budget != "quick" else 1
for name, T in tangents.items():
    if name == "dot":
        continue  # it has no heading
    G = T.square().sum((1, 2, 3))
    bound = alife.EVERY * few * 0.5 * levels[name] ** 2 / float((G[1] * G[2]).sqrt())
    drifts = {k: travel.axis_drift([alone[name, k]], few) for k in ("skew",)}
    kept = {f"network, {k}": life[name, k].tracks for k in ("skew", "none")}
    drifts |= {k: travel.axis_drift(tracks, few) for k, tracks in kept.items() if tracks}
    print(
        f"{name:8} bound {bound:.4f}; "
        + "; ".join(f"{k} {v:+.3f} ± {e:.3f}" for k, (v, e) in drifts.items())
    )

# %% [markdown]
# ## 6. Together?
#
# An equilibrium flow keeps the distribution of the sheets. At any time creatures stand and look
# where they would on a fresh sheet. So attraction beyond the snapshots' own, and headings that
# align, are ruled out from the start: whoever shows them has left the distribution. The pair
# distribution $g(r)$ checks it. A pair nearer than any on fresh sheets is a leak.

# %%
lines = {"snapshots": flocking.pair_distribution(alife.placed_pairs("dots"), 64, 32)}
for kind in ("skew", "none"):
    lines[kind] = flocking.pair_distribution(alife.rolled_pairs(life["dots", kind]), 64, 32, 12)
figures.show(
    figures.curves(lines, xlabel="distance r (pixels)", ylabel="pair distribution g(r)"),
    "Pair distribution of dots, rolled out and on fresh sheets: few nearer than a diameter, then "
    "values around 1, those of the few rolled-out creatures ragged.",
)

# %% [markdown]
# What is left to align are *velocities*. Momentum is noise, and noise at two places is independent,
# unless the rule is so wide that two creatures share it. Equation (2) for several creatures at once
# tells how much. A study searched rules of 1, 3 and 5 pixels, and by theory rings of any width, and
# followed the most aligned on sixteen sheets of other seeds. *Polarisation* is the length of the mean
# unit velocity, 1 when all go one way; chance is what as many independent creatures show.

# %%
for row in ("flocking.polarisation", "flocking.neighbour_alignment", "flocking.pair_correlation"):
    if row in atlas:
        shown = {
            k: v
            for k, v in atlas[row].items()
            if k
            in ("value", "sd", "control", "symmetric", "chance", "expected", "creature", "rule")
        }
        print(row, {k: round(v, 3) if isinstance(v, float) else v for k, v in shown.items()})
near = {}
for (name, kind), one in life.items():
    reference = alife.placed_pairs(name)
    near[name, kind] = flocking.pair_correlation(
        alife.rolled_pairs(one), reference, 64, icons.DIAMETER
    )

# %% [markdown]
# ## 7. On a larger sheet, and from nothing
#
# A convolution takes any size: here a sheet of 128 by 128 pixels. And can creatures be born from white
# noise? Networks that know high noise levels can clear it step by step. But a creature drowns in noise
# only where σ is as large as its ink, $|c|$. Below that, a sheet of white noise looks like an *empty*
# blurred sheet, and it is cleared to empty paper.

# %%
wide = {name: field_world(name, 128) for name in ("dots", "taiji")}
shared = dict(steps=sizes["large"], canvases=1, eta=eta, seed=seed)
rule = alife.named(BEST["dots"], "dots", 128)
large = {"dots placed": alife.live(score["dots"], wide["dots"], rule, **shared)}
for name, world in wide.items():
    begun = alife.from_noise(score[name], 1, 128, seed)
    none = alife.named("none", name, 128)
    large[f"{name} from noise"] = alife.live(score[name], world, none, **shared, start=begun)
figures.show(
    figures.images(
        {title: one.frames[-1, 0] for title, one in large.items()},
        columns=3,
        tracks={title: [t.positions for t in one.tracks] for title, one in large.items()},
    ),
    "Three sheets of 128 pixels: dots that were placed have wandered a little and are whole; from "
    "noise came no dots, and a few taiji.",
)
ink = (worlds["dots"].sample(1, seed) - worlds["dots"].sample(1, seed).median()).square()
whole = {k: int(alife.whole_ones(one, wide[k.split()[0]])[0]) for k, one in large.items()}
print(f"whole creatures {whole}; a placed sheet has {icons.crowd(128)}")
print(
    f"|c| of a pair of dots {float((ink.sum() / icons.COUNT).sqrt()):.0f}, the highest level trained "
    f"{score['dots'].levels[1]:g}"
)

# %% [markdown]
# ## 8. A film
#
# One sheet of taiji under its rule, with the way they went. Of the four kinds they go farthest; most
# of that is their network's error, see section 4.

# %% tags=["readme-film"]
film = life["taiji", "skew"]
figures.film(
    figures.frames(
        {"taiji": film.frames[::4, 0]},
        [f"step {40 * i}" for i in range(len(film.frames[::4]))],
        size=2.6,
        tracks={"taiji": film.tracks[0].positions[::4]} if film.tracks else {},
    ),
    "A film of taiji discs with their paths: they turn, creep on by a few pixels, and stay discs.",
)

# %% [markdown]
# ## 9. Your creature
#
# Paint below (or upload a PNG), and press the button: a network learns your creature, and it lives.
# 1. Draw something with a front and a back. Does it go forwards?
# 2. Draw something of one colour. Which rules move it?

# %%
begin = time.perf_counter()
drawn = panels_paint.example()
pet = panels_paint.bring_to_life(drawn, sizes["training"], sigma, steps=min(sizes["steps"], 400))
painted_seconds = time.perf_counter() - begin
shown = {
    f"step {alife.EVERY * i}": i for i in range(0, len(pet.frames), max(1, len(pet.frames) // 4))
}
figures.show(
    figures.images({title: pet.frames[i, 0] for title, i in shown.items()}, columns=5),
    "A drawn fish on a sheet at several times: the fish keep their blue body and yellow tail, are a "
    "little out of shape, and move little.",
)
panels_paint.paint_panel(sizes["training"], sigma)

# %% [markdown]
# ## 10. Turn the knobs
#
# 1. Which entry of K moves the blue dots? Why does another do nothing to them?
# 2. Set K to 0. What is left is Langevin. What does η do to it?

# %%
panels_images.alife_panel()

# %% [markdown]
# ## 11. Scorecard

# %%
for name in icons.ICONS:
    one, still, even = (life[name, kind] for kind in KINDS)
    card.row(f"{name}.count_kept", one.kept, target=">= .9", control=still.kept, sigma=levels[name])
    card.row(f"{name}.count_kept_symmetric", even.kept)
    card.row(f"{name}.neighbours", near[name, "skew"], control=near[name, "none"])
    gain = exact[name, "skew"] / exact[name, "none"]
    told = momentum.mobility_gain(tangents[name], matrix(name, "skew"), eta=eta)
    card.row(f"{name}.chapter.exact_mobility_over_control", gain, control=told)
    if one.tracks and still.tracks:
        ratio = found[name, "skew"] / found[name, "none"]
        card.row(f"{name}.chapter.mobility_over_control", ratio, control=1.0, lag=sizes["lag"])
        slope, error = travel.msd_exponent(one.tracks, lags)
        card.row(f"{name}.msd_exponent", slope, sd=error)
        drift, error = travel.axis_drift(one.tracks, few)
        card.row(f"{name}.axis_drift", drift, sd=error, lag=alife.EVERY * few)
for title, number in whole.items():
    card.row(f"{title.replace(' ', '.')}.creatures_128", number, control=icons.crowd(128))
milliseconds = min(one.milliseconds for one in life.values())
card.row("alife.step_milliseconds_64", milliseconds, target="<= 8", prototype=7.6)
card.row("alife.painted_seconds", painted_seconds, target="<= 60")
for row, values in atlas.items():
    card.row(row, **values)
card.show()

# %%
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %%
# NBVAL_CHECK_OUTPUT
for name in icons.ICONS:
    gain = exact[name, "skew"] / exact[name, "none"]
    print(
        name,
        "| exact creature more than twice as mobile under its rule:", gain > 2,
        "| symmetric rule lasts:", life[name, "symmetric"].kept > 0,
    )  # fmt: skip

# %% [markdown]
# ## What failed, and what to make of it
#
# - A rule gives little. By (2) a creature at this step is at most about ten times as mobile as
#   without, and keeps its momentum for 20 steps at most. Where a network's creature beats that by
#   far, or goes straight on for hundreds of steps, its score pushes it.
# - No creature is driven along its body, and none can be, to speak of: the bound is thousandths of a
#   pixel. A drift beyond it is the network's.
# - No flocking as of birds. Headings can't align while the distribution is kept; neighbours'
#   velocities can, a little, under a wide rule, and the rows `flocking` say how little was found.
# - A rule that moves colours into each other also fades creatures: `count_kept` says how many are
#   lost. A lively sheet that has lost its creatures is no equilibrium flow.
# - Mobility counts the centre of a creature's ink. In a taiji that lies 1.9 pixels off the body's,
#   so that turning on the spot counts as going. Its count by ink does not see whether black and white
#   have run into each other: look at the sheets.
# - A symmetric rule of the same strength does not last: all canvases leave every bound. A weak one,
#   below η, does: see the rows `weak`.
# - The paper's films use σ = .235, steps of τ = .9 and random 3x3 rules: rows `paper_regime`.
#
# **Read on.** Zhang & Levin (2025), arXiv:2509.17990, section on artificial life; Crocker & Grier
# (1996), for tracking.
#
# ## Exercises
# Five [with hints and checks](exercises/04_alife_flocking_exercises.ipynb). Others, to try in this
# notebook:
#
# 1. Set `sigma = 0.3`. Which creatures fade first?
# 2. Make η ten times smaller. What does (2) promise, and how many are kept?
# 3. Train a poorer network: `eqflow-nb train dots --steps 1000`, and load its file. Is it livelier
#    than the exact creature? Is that life?
# 4. Write a rule that moves red dots but not blue ones.
# 5. (Open.) Snapshots of birds that fly in a flock have aligned headings. Draw such sheets, and see
#    whether their flow keeps the flock together.
