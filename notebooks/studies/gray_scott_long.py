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
# # Chemistry to a thousand steps
#
# > Does a pattern that a network's score sets in motion still keep its distribution after 1,000 steps?
#
# Blurred snapshots of three patterns are followed under K = +J and K = -J, and under K = 0 as a
# control, by the exponential integrator. Waves also go along the nearest flow that keeps the
# distribution, of chapter 03, at its own speed, both ways; its control is the spectral flow that it
# was made from, with the gradient part left in. All of them have the same Langevin part.

# %%
import torch

from eqflow_nb import figures, rollout, scores
from eqflow_nb.course import gray_scott as chemistry
from eqflow_nb.flows import projection, spectral_kernel
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 100
device = "auto"
budget = "laptop"
sigma = 0.5

# %%
place = pick_device(device)
sizes = {
    "quick": dict(steps=(0, 2, 4, 6, 8), canvases=2, pairs=1, stills=8),
    "laptop": dict(steps=(0, 100, 300, 600, 1000), canvases=6, pairs=8, stills=48),
    "paper": dict(steps=(0, 100, 300, 600, 1000), canvases=16, pairs=16, stills=256),
}[choice(budget, BUDGETS, "budget")]
steps, canvases = sizes["steps"], sizes["canvases"]
NAMES = ("life", "waves", "bursts")
card = Scorecard("gray_scott_long", seed=seed, budget=budget, canvases=canvases)
data = chemistry.datasets(NAMES, sizes["stills"], 2, seed, place)
net = {name: scores.load(name, sigma, place) for name in NAMES}

# %% [markdown]
# ## The flows
#
# A floor is the mean distance between two pairs of fresh snapshots. The canvases that are followed
# make three pairs or more; one pair's distance wobbles by a third, so their mean is taken.

# %%
jobs = {n: lambda n=n: chemistry.reference_sets(data[n], net[n], sizes["pairs"], 2) for n in NAMES}
reference = rollout.together(jobs)
plain = spectral_kernel.flow(
    scores.fit_gaussian_field(data["waves"].snapshots, sigma, symmetrise=True)
)
tests = projection.potentials(2, (128, 128), degree=3)
keeping = projection.project(plain, data["waves"].noised(sigma), tests, data["waves"].metric)
print(
    f"gradient part taken out of the spectral flow of waves: {keeping.gradient_fraction:.2f} of |v|²"
)

# %%
rules = {(n, k): dict(matrix=g) for n in NAMES for k, g in (("+J", 1), ("-J", -1), ("0", 0))}
for title, field in (("nearest", keeping), ("spectral", plain)):
    rules["waves", f"+{title}"] = dict(extra=field)
    rules["waves", f"-{title}"] = dict(extra=lambda x, f=field: -f(x))


def run(key):
    return chemistry.follow(data[key[0]], net[key[0]], steps, canvases, **rules[key])


ended = rollout.together({key: lambda k=key: run(k) for key in rules})
for (name, kind), visits in ended.items():
    if visits.stopped:
        print(
            f"{name} {kind}: left every bound at step {visits.stopped}, and is counted as infinite"
        )

# %% [markdown]
# ## Distances from the distribution

# %%
jobs = {
    key: lambda k=key: [chemistry.distance(reference[k[0]], ended[k], step) for step in steps]
    for key in rules
}
far = rollout.together(jobs)
print(f"{'floors at step':18}" + "".join(f"{step:8}" for step in steps))
for key, values in far.items():
    print(f"{' '.join(key):18}" + "".join(f"{value:8.2f}" for value in values))

# %%
curves = {f"{name} {kind}": (steps, values) for (name, kind), values in far.items()}
for name in NAMES:
    own = {title: curve for title, curve in curves.items() if title.startswith(name)}
    figures.show(
        figures.curves(own, levels=figures.FLOOR, ylabel="floors", xlabel="steps"),
        f"Patch distance of {name} from fresh snapshots against steps, for the rules K = J, -J "
        "and 0; the dotted line is the distance between two fresh sets.",
    )

# %% [markdown]
# ## The patterns

# %%
shown = (steps[0], steps[2], steps[4])
for name in NAMES:
    kinds = [kind for n, kind in rules if n == name and kind[0] != "-"]
    pictures = {
        f"{kind}, step {step}": ended[name, kind].states[step][0, 1]
        for kind in kinds
        for step in shown
        if step in ended[name, kind].states
    }
    figures.show(
        figures.images(pictures, columns=3),
        f"One canvas of {name} at the start, on the way and at the end, a row for each rule.",
    )

# %% [markdown]
# ## Scorecard


# %%
def row(name, step, target, pair, control):
    """The worse of a rule and its reverse, beside its control."""
    value, loose = (max(far[key][steps.index(step)] for key in keys) for keys in (pair, control))
    stops = [ended[key].stopped for key in pair if ended[key].stopped]
    shared = dict(sigma=sigma, tau=chemistry.TAU, eta=chemistry.ETA, steps=step)
    shared |= dict(stopped_at_step=min(stops)) if stops else {}
    floor = reference[pair[0][0]].floor
    card.row(name, value, target=target, floor=floor, control=loose, **shared)


for name in NAMES:
    pair, still = [(name, "+J"), (name, "-J")], [(name, "0")]
    said = f"{name}.sde.patch_distance_over_floor"
    for title, step, target in (("300", steps[2], "<= 1.2"), ("1000", steps[4], "<= 1.5")):
        row(f"{said}_{title}", step, target, pair, still)
pair, loose = ([("waves", sign + kind) for sign in "+-"] for kind in ("nearest", "spectral"))
row("waves.both.patch_distance_over_floor_1000", steps[4], "<= 1.5", pair, loose)
card.show()
