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
# # Creatures that swim on canvases
#
# > Told nothing but where its front is: how long does a drawn creature swim, and stay itself?
#
# Every creature swims along its own axis at $u$ pixels per time, and turns as the snapshots' pairs
# dictate. The rule is made of convolutions of what the denoiser shows, see
# `eqflow_nb.flows.swimming`. The denoiser has practised: it was trained on canvases that it had
# itself let swim; that of the dots, for comparison, has not. All figures are of seeds that nothing
# was developed or trained with.

# %%
import math
import time

import numpy as np
import torch

from eqflow_nb import figures, scores
from eqflow_nb.course import creatures, swimmers
from eqflow_nb.flows.swimming import Swimming
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import flocking, tracking, travel
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import icons

figures.style()
torch.set_num_threads(1)

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.3
eta = 0.1
u = 1.0

# %%
pick_device(device)
sizes = {
    "quick": dict(canvases=1, steps=40, control=20, lag=20, training=20, practice=4),
    "laptop": dict(canvases=2, steps=2000, control=640, lag=640, training=300, practice=400),
    "paper": dict(canvases=16, steps=2000, control=640, lag=640, training=2000, practice=800),
}[choice(budget, BUDGETS, "budget")]
steps, n = sizes["steps"], sizes["canvases"]
half, early = steps // 2, max(20, 3 * steps // 20)
card = Scorecard("swimming", seed=seed, budget=budget, sigma=sigma, eta=eta, u=u, dt=swimmers.DT)
first = 5_000 + 100 * seed  # of the sheets; those developed with are below 1,000

# %% [markdown]
# ## The creatures
#
# Three of the course's own, and a fish, drawn with a few strokes, that looks up in its picture.


# %%
def strokes(*ellipses):
    """RGBA of ellipses (colour, x, y, width, height), painted one over another."""
    line = torch.linspace(-1, 1, 96)
    y, x = torch.meshgrid(line, line, indexing="ij")
    picture = torch.zeros(4, 96, 96)
    for colour, left, top, width, height in ellipses:
        inside = ((x - left) / width) ** 2 + ((y - top) / height) ** 2 <= 1
        picture[:, inside] = torch.tensor([*colour, 1.0])[:, None]
    return picture


orange, blue, black = (0.95, 0.45, 0.1), (0.1, 0.3, 0.7), (0.1, 0.1, 0.1)
fish = strokes(
    (orange, 0, -0.15, 0.45, 0.7), (blue, 0, 0.7, 0.55, 0.25), (black, 0.05, -0.5, 0.15, 0.15)
)
pictures, fronts = {"drawn": fish}, {"drawn": math.pi / 2}
figures.show(
    figures.images({"the drawn fish": icons.placed(fish, 1, seed=1)[0][0]}),
    "A sheet of orange fish with blue tails and a black eye.",
)

# %% [markdown]
# Weights of the course's creatures come with it. A new creature gets a denoiser in some seconds:
# fitted to its sheets from the firefly's weights, then practised.

# %%
swims, score, seconds = {}, {}, {}
for name in ("firefly", "dots", "taiji", "drawn"):
    icon, began = pictures.get(name, name), time.perf_counter()
    swims[name] = swimmers.swimmer(icon, fronts.get(name, 0.0), u=u)
    if name in pictures:
        score[name], _ = creatures.adapt(icon, sigma, sizes["training"])
        for _ in swimmers.practise(score[name], swims[name], icon, sizes["practice"], seed):
            pass
    else:
        practised = "" if name == "dots" else "swimming/"  # dots show what no practice costs
        score[name] = scores.load(practised + name, sigma)
    seconds[name] = time.perf_counter() - began
    print(f"{name:8} cosine of headings told and read {swims[name].anatomy.cosine:.4f}")

# %% [markdown]
# What is measured on the films.


# %%
def count_kept(life, ink, step):
    """Share of the creatures of a film that are there, and whole, at a step."""
    frame, shares = step // creatures.EVERY, []
    for film in life.found:
        begun = int(tracking.whole(film[0].ink, ink).sum())
        after = film[frame].ink if len(film) > frame else np.empty(0)
        shares.append(flocking.count_kept(after, ink, begun))
    return float(np.mean(shares))


def drift(life, icon, front=0.0):
    """Mean displacement along the own front, pixels a step; see `travel.body_drift`."""
    images, centres, angles = swimmers.canvases(icon, swimmers.sheets("scattered", 16, seed=7))
    turns = []
    for image, where, angle in zip(images, centres.numpy(), angles.numpy(), strict=True):
        found = tracking.locate(image, icons.PAPER, icons.DIAMETER)
        gap = np.abs(found.centres[:, None] - where)
        nearest = np.minimum(gap, 64 - gap).sum(-1).argmin(1)
        turns.append(np.exp(1j * (angle[nearest] + front - found.heading)))
    turn = np.angle(np.concatenate(turns).mean())  # from the axis that is followed to the front
    (ahead, left), _ = travel.body_drift(life.tracks, 1)
    return float(ahead * np.cos(turn) + left * np.sin(turn)) / creatures.EVERY


# %%
def polarisation(films, frame):
    """Length of the mean of exp(i heading) on a frame, on average over films."""
    return float(np.mean([np.abs(np.exp(1j * film[frame].heading).mean()) for film in films]))


def seen(images):
    """The creatures found on canvases (n, 3, H, W), as on films."""
    return [tracking.locate(each, icons.PAPER, icons.DIAMETER) for each in images]


def pair_distance(rolled, fresh, size):
    """Mean |difference| of g(r) up to 30 pixels between places (n, 2) on two sets of canvases."""
    pairs = [flocking.pair_distribution(each, size, 30.0, 15)[1] for each in (rolled, fresh)]
    return float(np.abs(pairs[0] - pairs[1]).mean())


# %% [markdown]
# ## They swim
#
# Each beside its controls: no steering, a constant skew rule (chapter 04's), and no rule at all.


# %%
def live(name, how=None, steps=steps, n=n, size=64, law="scattered", rule=None):
    icon = pictures.get(name, name)
    start = swimmers.canvases(icon, swimmers.sheets(law, n, size, first), size)[0]
    world = icons.icons(icon, size)
    return swimmers.swim(how, score[name], world, start, steps, seed=first, eta=eta, rule=rule)


films = {name: live(name, swims[name]) for name in ("firefly", "dots", "taiji", "drawn")}

# %%
figures.show(
    figures.images(
        {f"{name}, at the end": film.frames[-1, 0] for name, film in films.items()},
        tracks={
            f"{name}, at the end": [t.positions for t in film.tracks[:1]]
            for name, film in films.items()
        },
    ),
    "Four sheets at the end of their films with paths: long ones, bent where creatures met.",
)

# %%
for name in ("firefly", "dots", "taiji", "drawn"):
    icon, film = pictures.get(name, name), films[name]
    ink = creatures.placed_ink(icons.icons(icon))
    wish = u * swimmers.DT
    fewer = dict(steps=sizes["control"], n=max(1, n // 2))
    constant, none = live(name, rule=creatures.rule(0), **fewer), live(name, **fewer)
    blind = live(name, Swimming(swims[name].anatomy, [], u), **fewer)
    front = fronts.get(name, 0.0)
    drifts = [drift(each, icon, front) / wish for each in (film, constant, none)]
    card.row(f"{name}.swim.drift_over_wish", drifts[0], target="within 10% of 1")
    card.row(f"{name}.swim.drift_over_wish.constant_rule", abs(drifts[1]), target="<= 0.05")
    card.row(f"{name}.swim.drift_over_wish.none", abs(drifts[2]), target="<= 0.05")
    kept = [count_kept(film, ink, step) for step in (half, steps)]
    card.row(f"{name}.swim.count_kept_1000", kept[0], target=">= 0.95", creatures=8 * n)
    card.row(f"{name}.swim.count_kept_2000", kept[1], target=">= 0.9", creatures=8 * n)
    kept = count_kept(blind, ink, sizes["control"])
    card.row(f"{name}.swim.count_kept_640.no_steering", kept)
    far, near = film.mobility(sizes["lag"]), none.mobility(sizes["lag"])
    card.row(f"{name}.swim.mobility_over_control", far / near, target=">= 500", pixels2=far)
    fresh = [
        [found.centres for found in seen(swimmers.canvases(icon, q)[0])]
        for q in swimmers.sheets("scattered", 12 * n, seed=first + 1).split(4 * n)
    ]
    rolled = [each[k * len(each) // 8].centres for each in film.found for k in (2, 4, 6, 7)]
    floor = pair_distance(fresh[1], fresh[2], 64)
    apart = pair_distance(rolled, fresh[0], 64)
    card.row(f"{name}.swim.pair_distance_over_floor", apart / floor, target="<= 2", floor=floor)

# %% [markdown]
# ## A crowd, and a flock

# %%
crowd = live("firefly", swims["firefly"], half, max(1, n // 2), 128)
ink = creatures.placed_ink(icons.icons("firefly"))
kept = count_kept(crowd, ink, half)
card.row("firefly.swim.count_kept_1000.crowd_128", kept, target=">= 0.9", creatures=32 * (n // 2))
together = swimmers.swimmer("firefly", law="strong flock", u=u)
flock = live("firefly", together, half, law="strong flock")
q = swimmers.sheets("strong flock", 16 * n, seed=first + 4)
fresh = [[found] for found in seen(swimmers.canvases("firefly", q)[0])]
ratio = polarisation(flock.found, -1) / polarisation(fresh, 0)
kept = count_kept(flock, ink, half)
_ = card.row("firefly.flock.polarisation_ratio", ratio, target="within 15% of 1", kept=kept)

# %% [markdown]
# ## What it costs

# %%
one = live("firefly", swims["firefly"], min(steps, 200), 1)
card.row("alife.step_milliseconds_64", one.milliseconds, target="<= 12", threads=1)
card.row("alife.painted_seconds", seconds["drawn"], target="<= 60", threads=1)
ink = creatures.placed_ink(icons.icons(fish))
kept = count_kept(films["drawn"], ink, early)
card.row("painted.swim.count_kept_300", kept, target=">= 0.9", creatures=8 * n)
card.show()
