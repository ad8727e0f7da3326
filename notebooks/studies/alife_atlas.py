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
# # An atlas of rules for creatures
#
# > Which skew rules make creatures travel, which make them fade, and does any make them flock?
#
# For each creature fourteen rules are tried on one set of seeds: eight of one pixel, four of 3x3, one
# of 5x5, and the *quiet* rule, which theory says should carry it farthest. The most mobile of those
# that keep the creatures is then measured on other seeds, beside K = 0, a symmetric rule of the same
# norm, a weak symmetric one, and beside the exact creature, whose score has no error. All share σ, η
# and the step; creatures with fine detail live at a lower σ.

# %%
from dataclasses import replace

import torch
from scipy.stats import spearmanr

from eqflow_nb import figures, rollout, scores
from eqflow_nb.course import creatures as alife
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import flocking, momentum, travel
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import field_world, icons

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 100
device = "auto"
budget = "laptop"
sigma = 0.5
sigma_detailed = 0.3
eta = 0.1

# %%
place = pick_device(device)
sizes = {
    "quick": dict(steps=40, search=1, canvases=1, herd=2, exact=4, lag=20, rules=2, tries=2),
    "laptop": dict(steps=1000, search=2, canvases=4, herd=16, exact=32, lag=640, rules=8, tries=60),
    "paper": dict(
        steps=2000, search=8, canvases=16, herd=64, exact=256, lag=640, rules=32, tries=500
    ),
}[choice(budget, BUDGETS, "budget")]
card = Scorecard("alife_atlas", seed=seed, budget=budget, eta=eta)
worlds = {name: field_world(name) for name in icons.ICONS}
levels = {"firefly": sigma_detailed, "taiji": sigma_detailed, "dot": sigma, "dots": sigma}
score = {name: scores.load(name, levels[name], place) for name in icons.ICONS}
lag = sizes["lag"] // alife.EVERY
few = 4 if budget != "quick" else 1  # frames over which a velocity is taken


def run(name, rule, canvases, start, tau=alife.STEP, steps=sizes["steps"]):
    """One life under a rule, given by name or as a matrix."""
    matrix = alife.named(rule, name) if isinstance(rule, str) else rule
    shared = dict(steps=steps, canvases=canvases, eta=eta, seed=start, tau=tau)
    life = alife.live(score[name], worlds[name], matrix, **shared)
    return replace(life, frames=life.frames[-1:].clone())  # the films of all would take a gigabyte


# %% [markdown]
# ## The search

# %%
RULES = [f"1x1 {k}" for k in range(sizes["rules"])]
RULES += [f"3x3 {k}" for k in range(sizes["rules"] // 2)] + ["5x5 0", "quiet"]
jobs = {
    (name, rule): lambda n=name, r=rule: run(n, r, sizes["search"], seed)
    for name in icons.ICONS
    for rule in ("none", *RULES)
}
search = rollout.together(jobs)

# %% [markdown]
# What theory says of each rule, and what was measured. *Signs* are of what a rule gives beyond three
# standard errors: drift along the body, turning, alignment of neighbours. With so few canvases they
# are leads to be followed on other seeds, below.


# %%
def signs(life):
    """What a life shows beyond three standard errors."""
    if not life.tracks or budget == "quick":
        return ""
    found = {
        "drift": travel.axis_drift(life.tracks, few),
        "turning": travel.turning(life.tracks, few),
        "alignment": flocking.neighbour_alignment(life.tracks, few, 24.0),
    }
    return ", ".join(f"{k} {v:.3f}" for k, (v, error) in found.items() if abs(v) > 3 * error)


theory, ratio = {}, {}
print("creature rule      kept  mobility over K = 0, by theory  measured  signs")
for name, rule in jobs:
    if rule == "none":
        still = search[name, rule].mobility(sizes["lag"])
        continue
    T = icons.tangents(name)[:2]
    theory[name, rule] = momentum.mobility_gain(T, alife.named(rule, name), eta=eta)
    life = search[name, rule]
    ratio[name, rule] = life.mobility(sizes["lag"]) / still
    print(
        f"{name:8} {rule:8} {life.kept:5.2f} {theory[name, rule]:31.1f} "
        f"{ratio[name, rule]:9.1f}  {signs(life)}"
    )

# %%
groups = {
    name: [
        (theory[key], ratio[key]) for key in ratio if key[0] == name and ratio[key] == ratio[key]
    ]
    for name in icons.ICONS
}
figure = figures.scatter(
    groups,
    xlabel="mobility over K = 0, by theory",
    ylabel="measured",
    xscale="log",
    yscale="log",
)
figure.axes[0].axline((1, 1), (2, 2), color="#333333", linewidth=0.8, linestyle=":")
figures.show(
    figure,
    "Mobility of every rule, measured against theory, on logarithmic axes: points rise with the "
    "theory for every creature, and lie about the line on which both agree.",
)

# %% [markdown]
# ## The chosen rules, on seeds that were not searched with

# %%
best = {}
for name in icons.ICONS:
    kept = [rule for rule in RULES if search[name, rule].kept >= 0.9 and ratio[name, rule] > 0]
    kept = kept or [max(RULES, key=lambda rule: search[name, rule].kept)]
    best[name] = max(kept, key=lambda rule: ratio[name, rule])
print("chosen:", best)


# %%
def kinds(name):
    """Rules to compare: the best, the quiet one, the controls."""
    symmetric = best[name] if best[name] != "quiet" else "1x1 0"
    controls = {"symmetric": f"symmetric {symmetric}", "weak": f"weak symmetric {symmetric}"}
    return {"best": best[name], "quiet": "quiet", "none": "none", **controls}


jobs = {
    (name, kind): lambda n=name, r=rule: run(n, r, sizes["canvases"], seed + 500)
    for name in icons.ICONS
    for kind, rule in kinds(name).items()
}
held = rollout.together(jobs)
jobs = {
    (name, kind): lambda n=name, r=rule: alife.live_exactly(
        n, alife.named(r, n, alife.ALONE), levels[n], sizes["steps"], sizes["exact"], eta, seed
    )
    for name in icons.ICONS
    for kind, rule in kinds(name).items()
    if kind in ("best", "quiet", "none")
}
exact = rollout.together(jobs)
ends = {f"{name}, {kind}": held[name, kind] for kind in ("best", "none") for name in icons.ICONS}
figures.show(
    figures.images(
        {title: one.frames[-1, 0] for title, one in ends.items()},
        tracks={title: [t.positions for t in one.tracks[:1]] for title, one in ends.items()},
    ),
    "Eight sheets with paths: under the chosen rules creatures wander, without a rule they tremble.",
)


# %%
def exactly(name, kind):
    """Mean squared displacement of exact creatures, pixels^2."""
    return float(travel.mean_squared_displacement([exact[name, kind]], lag).mean())


for name in icons.ICONS:
    one, still = held[name, "best"], held[name, "none"]
    shared = dict(rule=best[name], canvases=sizes["canvases"], steps=sizes["steps"])
    shared |= dict(sigma=levels[name], tau=alife.STEP)
    card.row(f"{name}.held_out.count_kept", one.kept, target=">= .9", control=still.kept, **shared)
    for kind in ("quiet", "symmetric", "weak"):
        card.row(f"{name}.held_out.count_kept_{kind}", held[name, kind].kept)
    base, far = still.mobility(sizes["lag"]), one.mobility(sizes["lag"])
    shared |= dict(lag=sizes["lag"], pixels2=far)
    card.row(f"{name}.mobility_over_control", far / base, target=">= 10", control=1.0, **shared)
    for kind in ("quiet", "weak"):
        card.row(
            f"{name}.{kind}.mobility_over_control", held[name, kind].mobility(sizes["lag"]) / base
        )
    over = torch.tensor([ratio[name, rule] for rule in RULES if rule.startswith("1x1")])
    over = over[over.isfinite()]
    card.row(f"{name}.mobility_over_control_mean", float(over.mean()), sd=float(over.std()))
    card.row(f"{name}.mobility_over_control_sd", float(over.std()))
    faded = sum(search[name, rule].kept < 0.9 for rule in RULES)
    card.row(f"{name}.rules_that_leave_the_law", faded / len(RULES), rules=len(RULES))
    order = spearmanr(*zip(*groups[name], strict=True)).statistic
    card.row(f"{name}.mobility_rank_correlation", order, rules=len(groups[name]))

# %% [markdown]
# ## How much of it is the rule, and how much the network's error?
#
# An exact creature has the same σ, η, step and rule, and no network: what it does is what the rule
# does. What a network's creatures do beyond that is owed to errors of its score.

# %%
for name in icons.ICONS:
    gains = {kind: exactly(name, kind) / exactly(name, "none") for kind in ("best", "quiet")}
    for kind, gain in gains.items():
        rule = alife.named(kinds(name)[kind], name)
        told = momentum.mobility_gain(icons.tangents(name), rule, eta=eta)
        card.row(f"{name}.exact.{kind}_mobility_over_control", gain, control=told)
    excess = held[name, "best"].mobility(sizes["lag"]) / exactly(name, "best")
    still = held[name, "none"].mobility(sizes["lag"]) / exactly(name, "none")
    card.row(f"{name}.network_over_exact_mobility", excess, control=still)
    drift, error = travel.axis_drift([exact[name, "best"]], few)
    card.row(f"{name}.exact.axis_drift", drift, sd=error, lag=alife.EVERY * few)

# %%
lags = [1, 2] if budget == "quick" else [4, 8, 16, 32, 64]
for name in icons.ICONS:
    for kind in ("best", "none"):
        life = held[name, kind]
        if not life.tracks:
            continue
        slope, error = travel.msd_exponent(life.tracks, lags)
        card.row(f"{name}.{kind}.msd_exponent", slope, sd=error)
        drift, error = travel.axis_drift(life.tracks, few)
        card.row(f"{name}.{kind}.axis_drift", drift, sd=error, lag=alife.EVERY * few)
        frames = travel.persistence_time(life.tracks)
        card.row(f"{name}.{kind}.persistence_steps", alife.EVERY * frames)
        card.row(f"{name}.{kind}.speed", travel.speed(life.tracks, few), units="pixels a frame")

# %% [markdown]
# Longer steps lose momentum. At τ = .2 theory gives the quiet rule more; the lag covers the same time.

# %%
FINE = 0.2
longer = round(sizes["steps"] * alife.STEP / FINE)
jobs = {
    (name, rule): lambda n=name, r=rule: run(n, r, sizes["search"], seed + 500, FINE, longer)
    for name in icons.ICONS
    for rule in ("quiet", "none")
}
fine = rollout.together(jobs)
for name in icons.ICONS:
    reach = round(sizes["lag"] * alife.STEP / FINE / alife.EVERY) * alife.EVERY
    gain = fine[name, "quiet"].mobility(reach) / fine[name, "none"].mobility(reach)
    T, axis = icons.tangents(name), alife.named("quiet", name)
    told = momentum.mobility_gain(T, axis, FINE, eta)
    kept = fine[name, "quiet"].kept
    card.row(
        f"{name}.fine_step.quiet_mobility_over_control", gain, control=told, kept=kept, tau=FINE,
        lag=reach,
    )  # fmt: skip

# %% [markdown]
# ## Flocking
#
# An equilibrium flow keeps the distribution, so at any time creatures stand and look where they
# would on a fresh sheet: attraction and alignment of headings are ruled out from the start. What is
# left are *velocities*: momentum is noise, and only a wide rule lets neighbours share noise. Theory
# is asked for the ring-shaped rule that aligns neighbours most; the searched rule that did so most
# is taken too. Both are followed on sixteen sheets of other seeds.


# %%
def found_by_theory(name, tries):
    """Of random ring-shaped rules the one whose neighbours theory says are most aligned."""
    T, generator = icons.tangents(name)[:2], torch.Generator().manual_seed(seed)
    axis = momentum.about_axis(momentum.min_edge_colour(T)[0])
    _, layouts, _ = icons.placed(name, 3, seed=seed)
    top, chosen = 0.0, None
    for _ in range(tries):
        strengths = 10 ** (-1.5 * torch.rand(len(momentum.RINGS), generator=generator))
        rule = momentum.ringed(axis, strengths, 64)
        near = [
            momentum.expected_alignment(
                momentum.joint_diffusion(T, rule, c, sigma, eta=eta), c, 64, 24.0, 400
            )[1]
            for c in layouts
        ]
        if chosen is None or sum(near) / len(near) > top:
            top, chosen = sum(near) / len(near), rule
    return top, chosen


def searched(name):
    """Of the searched rules that keep the creatures the one whose neighbours are most aligned."""
    able = [r for r in RULES if search[name, r].kept >= 0.9 and len(search[name, r].tracks) > 1]
    return max(
        able or RULES[:1],
        key=lambda r: flocking.neighbour_alignment(search[name, r].tracks, few, 24.0)[0],
    )


# %%
HERDS = ("dot", "dots")
designed = rollout.together({n: lambda n=n: found_by_theory(n, sizes["tries"]) for n in HERDS})
flocks = {
    name: {"rings": designed[name][1], "searched": searched(name), "none": "none"} for name in HERDS
}
for name in HERDS:
    weak = flocks[name]["searched"] if flocks[name]["searched"] != "quiet" else "1x1 0"
    flocks[name]["weak symmetric"] = f"weak symmetric {weak}"
    print(
        f"{name}: rings, cosine of neighbours by theory {designed[name][0]:.3f}; "
        f"searched: {flocks[name]['searched']}"
    )
jobs = {
    (name, kind): lambda n=name, r=rule: run(n, r, sizes["herd"], seed + 900)
    for name in HERDS
    for kind, rule in flocks[name].items()
}
herds = rollout.together(jobs)


# %%
def together(life):
    """Polarisation by canvas, its chance, alignment, correlation length, attraction."""
    each = torch.tensor([flocking.polarisation([t], few) for t in life.tracks])
    near = flocking.neighbour_alignment(life.tracks, few, 24.0)
    return each[:, 0], float(each[:, 1].mean()), near, flocking.correlation_length(life.tracks, few)


tally = {key: together(life) for key, life in herds.items() if len(life.tracks) > 1}
print("creature rule            kept  polarisation (chance)      z  neighbours' cosine    length")
for (name, kind), (each, chance, near, length) in tally.items():
    z = float((each.mean() - chance) / (each.std() / len(each) ** 0.5))
    print(
        f"{name:8} {kind:14} {herds[name, kind].kept:5.2f}  {each.mean():.3f} ± {each.std():.3f} "
        f"({chance:.3f}) {z:6.1f}  {near[0]:.3f} ± {near[1]:.3f}  {length:6.2f}"
    )

# %%
for name in HERDS:
    for kind in flocks[name]:
        if (name, kind) in tally:
            each, chance, near, length = tally[name, kind]
            row = f"{name}.{kind.replace(' ', '_')}"
            card.row(
                f"{row}.polarisation", float(each.mean()), sd=float(each.std()), control=chance
            )
            card.row(f"{row}.neighbour_alignment", near[0], sd=near[1])
            card.row(f"{row}.correlation_length", length)
            attraction = flocking.pair_correlation(
                alife.rolled_pairs(herds[name, kind]), alife.placed_pairs(name), 64, icons.DIAMETER
            )
            card.row(f"{row}.pair_correlation", attraction, control=1.0)


# %%
def beyond(key):
    """By how many standard errors neighbours are aligned."""
    near, error = tally[key][2]
    return near / error if error > 0 else -1.0


found = [key for key in tally if key[1] in ("rings", "searched") and herds[key].kept >= 0.9]
name, kind = max(found or [next(iter(tally))], key=beyond)
each, chance, near, _ = tally[name, kind]
alone = tally.get((name, "none"), tally[name, kind])
even = tally.get((name, "weak symmetric"), alone)
shared = dict(creature=name, rule=kind, canvases=sizes["herd"], sigma=levels[name])
error = float(each.std()) / len(each) ** 0.5

# %%
card.row(
    "flocking.polarisation", float(each.mean()), sd=error, control=float(alone[0].mean()),
    chance=chance, symmetric=float(even[0].mean()), **shared,
)  # fmt: skip
card.row(
    "flocking.polarisation_over_control_z", (float(each.mean()) - chance) / error, target=">= 3"
)
card.row(
    "flocking.neighbour_alignment", near[0], sd=near[1], control=alone[2][0], symmetric=even[2][0],
    expected=designed[name][0] if kind == "rings" else None, **shared,
)  # fmt: skip
rows = {k: card.rows.get(f"{name}.{k}.pair_correlation") for k in (kind, "none", "weak_symmetric")}
values = {k: row["value"] for k, row in rows.items() if row}
_ = card.row(
    "flocking.pair_correlation", values[kind], control=values.get("none"),
    symmetric=values.get("weak_symmetric"), **shared,
)  # fmt: skip

# %% [markdown]
# ## From noise, and the regime of the paper's films
#
# Networks that know high noise levels can begin with white noise, if a creature drowns in it at the
# highest. The films in the paper use σ = .235, steps of τ = .9, η = .1 and random 3x3 rules on a
# larger sheet. How many creatures are whole at the end, of the number there should be?

# %%
REGIME = dict(level=0.235, tau=0.9, rule="3x3 0", size=128)
knows = [name for name in icons.ICONS if score[name].levels[1] > 2]
brief = sizes["steps"] // 2


def born(name):
    """Sheets that begin as noise: how many whole creatures there are at once, and later."""
    start = alife.from_noise(score[name], sizes["search"], seed=seed)
    life = alife.live(
        score[name],
        worlds[name],
        alife.named("none", name),
        brief,
        sizes["search"],
        eta,
        start=start,
    )
    return life, alife.whole_ones(life, worlds[name])


def film_regime(name):
    """The paper's settings on a sheet of 128 pixels, from placed creatures."""
    world, level = field_world(name, REGIME["size"]), REGIME["level"]
    rule = alife.named(REGIME["rule"], name, REGIME["size"])
    life = alife.live(
        scores.load(name, level, place), world, rule, brief, 1, eta, seed, REGIME["tau"]
    )
    return life, alife.whole_ones(life, world)


# %%
births = rollout.together({name: lambda n=name: born(n) for name in knows})
regime = rollout.together({name: lambda n=name: film_regime(n) for name in icons.ICONS})
shown = {f"{name}, from noise": life for name, (life, _) in births.items()}
shown |= {f"{name}, the paper's regime": life for name, (life, _) in regime.items()}
figures.show(
    figures.images({title: life.frames[-1, 0] for title, life in shown.items()}),
    "Sheets that began as noise, and sheets of 128 pixels in the regime of the paper's films.",
)
for name, (_, number) in births.items():
    card.row(f"{name}.from_noise.creatures", number.mean(), sd=number.std(), control=icons.COUNT)
for name, (life, number) in regime.items():
    crowd = icons.crowd(REGIME["size"])
    card.row(f"{name}.paper_regime.count_kept", life.kept, creatures=int(number[0]), placed=crowd)
card.show()
