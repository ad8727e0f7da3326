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
# # Equations from snapshots
#
# > When do snapshots determine the equations themselves?
#
# Chapter 02 found a chaotic flow in shuffled points, and chapter 03 a motion in images. Both
# left you with a field, not with a formula. Add one assumption, *the equations are short*, and the
# same shuffled points can give you the equations: the terms, their coefficients, their errors. Or
# they can tell you that they don't know, which matters as much.
#
# **You will**
# - read 10, 28 and 8/3 off shuffled points, with errors,
# - turn the continuity equation into a few linear conditions, and solve them by hand,
# - watch a library of thirty terms shrink, by hand and by the engine,
# - measure how many snapshots that takes, and how much noise it stands,
# - see clouds that many equations keep, and clouds that none do,
# - find the equations of fifteen systems, and of a chemistry from its snapshots,
# - learn what noise in the dynamics gives away.
#
# **You should know** chapter 01 (the continuity equation). Least squares helps.
#
# **Time** about 3 minutes to run, 45 to read. Memory: under 1 GB.

# %% tags=["hide-input"]
import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy: whole runs go side by side instead
import numpy as np
import torch
from scipy.linalg import eigh

from eqflow_nb import figures, measures, rollout
from eqflow_nb.course import equations as trials
from eqflow_nb.equations import identify, with_arrow
from eqflow_nb.equations.terms import exponents, monomials
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.panels import equations as panels_equations
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import field_world, noisy
from eqflow_nb.snapshots.zoo import system

figures.style()
torch.set_num_threads(1)

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
snapshots = 10000
few = 1000

# %% tags=["hide-input"]
place = pick_device(device)
quick = choice(budget, BUDGETS, "budget") == "quick"
runs, many = (2, 4000) if quick else (8, 20000)
walkers, steps = (8, 300) if quick else (200, 4000)  # of the Lyapunov spectra
images, spread = (8, 20) if quick else (64, 3000)  # of chemistry; steps on a larger sheet
seeds = range(seed, seed + (32 if budget == "paper" else runs))
card = Scorecard("05_equations_from_snapshots", seed=seed, budget=budget)

# %% [markdown]
# ## 1. 10, 28, 8/3
#
# In 1963 Lorenz wrote down $\dot x = 10\,(y-x)$, $\dot y = x\,(28-z)-y$, $\dot z = xy-\tfrac83 z$.
# Here are ten thousand points of his butterfly, shuffled, without any times. What do they know of it?

# %%
lorenz = system("lorenz")
x = lorenz.sample(snapshots, seed)  # in random order
own_time = "2:x*y"  # the unit of time: x*y in the equation of z comes with the factor 1
found = identify(x, relative_to=own_time)
print(found.text())


# %%
print("term          found      error   true   errors off")
for term, (value, error, true) in trials.constants(found, lorenz).items():
    print(f"{term:12} {value:7.3f} ± {error:.3f} {true:9.3f} {abs(value - true) / error:6.1f}")

# %% part=[0.5, 0, 1, 1] tags=["thumbnail"]
held = lorenz.sample(2000, seed + 999)
judged = trials.judge(found, lorenz, held)
copy = trials.as_system(found.coefficients, 1.0, lorenz)
path = trials.path(copy, x[0], 60.0, 6000)
figure, (left, right) = figures.grid(2, 2, (4.2, 3.0))
left.plot(x[:4000, 0], x[:4000, 2], ".", color=figures.colour("truth"), markersize=1)
right.plot(path[:, 0], path[:, 2], color=figures.colour("learned"), linewidth=0.5)
left.set(xlabel="x", ylabel="z", title="given: shuffled points")
right.set(xlabel="x", ylabel="z", title="the equations found, set running")
figures.show(
    figure,
    "Left: points of Lorenz's butterfly. Right: one path of the equations found, which draws the same "
    "butterfly.",
)

# %% [markdown]
# Space is Lorenz's own, as the points are. Time is too: snapshots don't tell how fast anything goes, so
# one coefficient must be set to fix the unit. Lorenz chose his so that $xy$ has the factor 1.
#
# How can points without times know that?
#
# ## 2. The continuity equation, asked of functions
#
# Let snapshots $x\sim p$ be made by $\dot x = v(x)$, and let $v$ keep $p$. Then the mean of *any*
# smooth function $\psi$ must stay what it is. Its rate of change is
#
# $$\frac{d}{dt}E_p[\psi] = E_p[\nabla\psi\cdot v] = 0 \quad\text{for every } \psi. \tag{1}$$
#
# Integrate by parts and you have $\nabla\cdot(pv)=0$ again. But (1) needs no density and no score:
# an average over snapshots is all. Now write $v=\sum_k c_k\varphi_k$ with a library of terms
# $\varphi_k$. Each $\psi_m$ gives one linear equation for the coefficients:
#
# $$M c = 0, \qquad M_{mk} = E_p[\nabla\psi_m\cdot\varphi_k], \qquad E_p|v|^2 = 1. \tag{2}$$
#
# So the equations are a **null vector**. Its length and sign are free: snapshots know neither speed
# nor direction of time.
#
# ## 3. By hand
#
# The library: all polynomials of degree 2, ten in each equation. The functions asked: 200 random
# cosines. Then (2) is four lines of numpy.

# %%
z = (x - x.mean(0)) / x.std(0)
rng = np.random.default_rng(seed)
waves, phase = rng.standard_normal((200, 3)), rng.uniform(0, 2 * np.pi, 200)

# %%
phi = np.linalg.qr(monomials(z, 2))[0] * len(z) ** 0.5  # orthonormal: |c| = 1 is E|v|² = 1
sines = np.sin(z @ waves.T + phase)  # of psi = cos(w.z + b), whose gradient is -w sin(w.z + b)
M = (waves[:, :, None] * (sines.T @ phi / len(z))[:, None]).reshape(200, 30)
singular, (*_, c) = np.linalg.svd(M)[1:]

# %%
truth = lorenz.velocity(x) / x.std(0)
alike = abs(measures.signed_similarity(phi @ c.reshape(3, 10).T, truth))
print("singular values, least first:", singular[::-1][:4].round(3), "...", singular[0].round(1))
print(f"similarity of the null vector's field to the truth: {alike:.4f}")

# %% [markdown]
# Nothing here was told what moves where. Yet the field is nearly right. Two things are not: the
# smallest singular value is not zero, since averages over finitely many points scatter, and all thirty
# coefficients are a little off zero.
#
# ## 4. Thirty terms, then seven
#
# Now suppose that the equations are *short*. Take terms away, each time the one without which the rest
# still explains most: of all $c$ without it, with $E_p|v|^2=1$, look for the least $|Mc|^2$. That is
# the least eigenvalue of two small matrices.

# %%
text = ["".join(n * k for n, k in zip("xyz", e, strict=True)) or "1" for e in exponents(3, 2)]
names = [f"{i}': {t}" for i in "xyz" for t in text]
size = np.sqrt((monomials(x, 2) ** 2).mean(0))
phi = monomials(x, 2) / size  # now in the coordinates in which the equations are short
M = (waves[:, :, None] / x.std(0)[:, None] * (sines.T @ phi / len(x))[:, None]).reshape(200, 30)
speed = np.kron(np.diag(1 / x.var(0)), phi.T @ phi / len(x))  # c.(speed c) = E|v|²


def least(kept):
    """The least |M c|² with E|v|² = 1, if only the terms kept may have coefficients."""
    at = np.ix_(kept, kept)
    return eigh((M.T @ M)[at], speed[at], eigvals_only=True, subset_by_index=[0, 0])[0]


kept, left = list(range(30)), {}
while len(kept) > 3:
    left[len(kept)] = least(kept)
    spare = min(kept, key=lambda k: least([j for j in kept if j != k]))
    if len(kept) in (30, 25, 20, 15) or len(kept) < 11:
        print(f"{len(kept):2} terms: {left[len(kept)]:.4f}; next goes {names[spare]}")
    kept.remove(spare)

# %% [markdown]
# Most terms go for almost nothing. Then comes a cliff: without any of the last six the conditions fail.
# All six are Lorenz's. The seventh, $-y$ in the second equation, went early: it is small, and scatter
# in $M$ hides it.
#
# So *weigh* the conditions. At the true equations the sum behind each of them is noise, with a
# covariance $C$ you can measure. The misfit
#
# $$J(c) = N\,(Mc)^\top C^{-1} (Mc) \tag{3}$$
#
# is then chi-squared at the truth, with as many degrees of freedom as there are conditions beyond
# the unknowns: it says by itself whether some equations fit. This is what `identify` does. Its misfits,
# with what noise alone would give:

# %%
path = found.decision.found.path
counts = [len(fit.support) for fit in path]
misfits, freedom = [fit.misfit for fit in path], [max(fit.freedom, 1) for fit in path]
figure, (hand, pane) = figures.grid(2, 2, (4.2, 3.1))
hand.semilogy(left.keys(), left.values(), "o-", markersize=3.5, linewidth=1)
hand.set(xlim=(31, 0), xlabel="terms left", ylabel="least |Mc|²", title="by hand")
figures.draw_elimination(pane, counts, misfits, freedom, len(found.candidate))
pane.set_title("weighed")
pane.legend(loc="upper left")
figures.show(
    figure,
    "Both against the number of terms left, on log scales. By hand: nearly flat down to 6 terms, then a "
    "cliff. Weighed: within the band of noise down to 7, then a cliff of several orders of magnitude.",
)

# %% [markdown]
# Now the cliff comes after seven, the true ones. The cliff chooses the model: there is no threshold on
# coefficients, no penalty to tune. The functions asked are polynomials **under a Gaussian window**, so
# that a few far points don't decide, and of three sets of them all that fit must find the same equations,
# far from the *next best* ones. Where they differ, every candidate is judged again **by its own noise**:
# the covariance in (3) is that of the equations themselves. And it is asked **what could be missing**: a
# term left out may be there, if small. Say that it is as likely as not that one is, any of them, of any size
# from 3% of its equation up. By Bayes' rule the snapshots leave a chance of that, and 1.5% is the most. One
# thing is mended before: weights fit the scatter of these very points, so a small term comes out smaller
# than it is. From either half of the points it does so twice as much, and that tells by how much (the
# *jackknife*).
# In the equations, the number in brackets is the standard error of the last digits.
#
# Nor may it matter where a file has its zeros. With $z$ "in kelvin" the equations are as short about
# another origin, which is found along with them:

# %%
print(identify(x + np.array([0, 0, 273.15]), relative_to=own_time).text())

# %% [markdown]
# The **verdict** is part of the answer. `determined`: one set of equations fits, and the gap says so.
# `undetermined`: several do, here is a basis. `not in the library`: none does. `too few snapshots`:
# about how many would do. Without `determined` the engine keeps what it has as a *candidate* only.
#
# The direction of time is *proposed*: of $\pm v$ usually one has the cloud as an attractor, and the
# other throws points out of it.

# %%
print(f"{with_arrow(found, x)}\n\n{found.seconds:.2f} s")

# %% [markdown]
# The equations found are a dynamical system. So they have Lyapunov exponents. Compare them with the true
# ones, by the same estimator.

# %%
start = torch.as_tensor(held[:walkers])

both = {"true equations": lorenz, "equations found": copy}
spectrum = lambda one: measures.lyapunov_spectrum(one, start, 0.01, steps, burn=200)  # noqa: E731
chaos = rollout.together({name: lambda one=one: spectrum(one) for name, one in both.items()})
for name, one in chaos.items():
    print(name, one.exponents.mean(0).numpy().round(3))
largest = {name: float(r.exponents[:, 0].mean()) for name, r in chaos.items()}
off = abs(largest["equations found"] / largest["true equations"] - 1)
print(f"the largest are {off:.1%} apart (literature .9056)")

# %% [markdown]
# **From shuffled points to the exponent of their chaos.** Chapter 02's networks stay below it.
#
# ## 5. How many snapshots, how much noise?
#
# Eight fresh samples each time. A run counts if its verdict is `determined` *and* its terms are the
# true ones. A right candidate without that verdict is shown too, but does not count.

# %%
grid = [few // 2, few, 3 * few, snapshots]
by_number = trials.repeat("lorenz", grid[:-1], seeds)
by_number |= trials.repeat("lorenz", grid[-1:], seeds, relative_to=own_time)
exact, right, error = trials.table(by_number, grid, seeds)
figures.show(
    figures.recovery_rates(
        {"candidate right": (grid, right, error), "determined and right": (grid, exact, None)},
        xlabel="snapshots",
        xscale="log",
    ),
    "Left: share of runs found against snapshots, rising from none at 1,000 to all at 10,000. "
    "Right: field error falling from five percent to a fifth of one.",
)
print({n: f"{int(hit.sum())} of {len(seeds)}" for n, hit in zip(grid, exact, strict=True)})
each = [trials.constants(by_number[grid[-1], s].found, lorenz).values() for s in seeds]
far = [max(abs(value - true) / error for value, error, true in one) for one in each]
print("farthest of 10, 28 and 8/3, in standard errors, by seed:", np.round(far, 1))

# %% [markdown]
# The upper curve is above the lower one: **the first guess is often right where the verdict hesitates**.
# It hesitates since other equations, with one small term more or less, fit nearly as well. With so few
# points it can't know that its guess is right, and it says so.
#
# The last line measures the errors that `identify` states: no constant is off by more than two of them.
# They come from fewer functions than the search asks, a hundred snapshots for each. With more, the weights
# in (3) fit the scatter of these very points, and errors look smaller than they are.
#
# **Noise in the measurements.** Let $y = x + s\xi$. A moment of $y$ is not that of $x$, but it can be
# corrected exactly: with probabilists' Hermite polynomials
#
# $$E[s^n\,\mathrm{He}_n(y/s)\mid x] = x^n, \tag{4}$$
#
# so every average in (2) with polynomial $\psi$ and $\varphi$ has an unbiased version; under a window
# too, which noise makes wider. If $s$ is not known, the misfit of the best equations says which $s$ fits
# best.

# %%
levels = (0.05, 0.1, 0.2)
with_noise = trials.noise_trials("lorenz", many, levels, seeds)
curves = {}
for kind, done in with_noise.items():
    at = sorted({level for level, _ in done})
    curves[kind] = (100 * np.array(at), *trials.table(done, at, seeds)[1:])
figures.show(
    figures.recovery_rates(curves, xlabel="noise (% of an sd)"),
    "Left: candidates with the right terms against noise: all to three in eight where the noise is taken "
    "out, none where it is ignored. Right: field error, near one percent against ten to a hundred.",
)

# %% [markdown]
# Here the left picture counts right *candidates*. The verdict is stricter, and hesitates in most runs
# with noise of a tenth. What are the next best equations there?

# %%
shaken = trials.snapshots("lorenz", many, seed)
size = 0.1 * shaken.std(0)
shaken = shaken + size * rng.standard_normal(shaken.shape)
said = identify(shaken, noise=size)
doubtful = said.decision.found
for words, fit in {"best": doubtful.fit, "next": doubtful.rival}.items():
    terms = [doubtful.conditions.terms[k] for k in fit.support]
    second = ", ".join(term.text("xyz") for term in terms if term.equation == 1)
    print(f"{words}: misfit {fit.misfit:.0f} (noise gives {fit.freedom}); terms of dy/dt: {second}")
print(f"{said.verdict}: {said.evidence}")

# %% [markdown]
# On the butterfly $yz$ is nearly a multiple of $y$, and $-y$ is Lorenz's smallest term. So other equations
# fit nearly as well, in some runs too nearly. In others a small term may still be missing; the last line says
# how this run was judged. Where the verdict hesitates, the right guess counts as missed.
#
# ## 6. What breaks it
#
# A method that always answers is worth little. Six clouds from which no single set of equations
# can be read:

# %%
tried = trials.controls(min(snapshots, many), seed)
jobs = {name: lambda x=y, d=degree: identify(x, d) for name, (y, degree, _) in tried.items()}
answers = rollout.together(jobs)
rows = {"Lorenz": (x[:, [0, 2]], trials.spectrum(found), found.verdict, True)}
for name, one in answers.items():
    y, _, due = tried[name]
    pair = y[:, [0, 2]] if name in ("shuffled", "no products", "transient") else y[:, :2]
    rows[name] = (pair, trials.spectrum(one), one.verdict, one.verdict == due)
    print(f"{name:12} {one.verdict}, {one.null_dimension} dimension(s)")

# %%
figures.show(
    figures.verdicts(rows),
    "Seven clouds with the misfits of their libraries' equations below. Lorenz has one fit within the "
    "noise. A Gaussian and a torus have several, a ring one that conserves the radius; shuffled "
    "Lorenz, a library without products and a transient have none.",
)

# %% [markdown]
# - **Symmetric clouds**: every rotation keeps a Gaussian, and so does any rotation that depends on
#   the radius. The red dots are equations that fit: together they span the **null space**.
# - **A ring** has one fit of degree 2 within the noise, the rotation. But that conserves the radius
#   $r$, so $f(r)$ times it keeps the ring too. The verdict looks for such invariants.
# - **Shuffled columns, a library without products, a transient**: no equations fit, and the misfit
#   says so.
#
# ## 7. A gallery
#
# Fifteen systems, picked for their variety: scrolls and butterflies, cubic and quartic equations,
# one with a slow variable, three to five dimensions. 20,000 snapshots each, the library all
# polynomials of the system's degree. Under each stand the verdict and the error of the field, then in blue
# what was found and in black the truth. Only the unit of time, which snapshots don't hold, is the true one's.

# %%
zoo = trials.meet(list(trials.GALLERY)[: 3 if quick else None], many, seed)

# %%
figures.show(
    figures.gallery(trials.portraits(zoo, many, seed)),
    "Attractors followed from the equations found, which stand beneath: fifteen systems from Rössler's "
    "to Lorenz-96 in five dimensions.",
)
recovered = [name for name, one in zoo.items() if one.exact and one.error <= 0.03]
print(f"{len(recovered)} of {len(zoo)} recovered; others: {sorted(set(zoo) - set(recovered))}")

# %% [markdown]
# Where equations are missed, the verdict should have said so. Four times as many systems, fast-slow
# ones among them, are in the study `equations_zoo`, with everything that was tried; the scorecard
# shows its rows.
#
# ## 8. A chemistry from its snapshots
#
# Equation (1) holds for images too. $\psi$ is now a functional of a whole image, such as the mean
# over its pixels of $u^2v$, or of $u$ times a *blurred* $v$: functionals of one point see the
# reactions, those of two see the diffusion. The library: all products of $u$ and $v$ up to degree
# 3, and the Laplacians $\Delta u$, $\Delta v$. Nothing of chapter 03 is needed: no spectrum, no
# network.

# %%
MOVING = ("waves", "bursts", "life", "chaos")
chemistry = trials.chemistries((*MOVING, "maze"), images, seed)

# %%
for name, one in chemistry.items():
    print(f"{name:8} {one.found.verdict}; right terms: {one.right}; field error {one.error:.2%}")
print(f"\nwaves\n{chemistry['waves'].found}")
print(f"\nmaze\n{chemistry['maze'].found}")

# %% [markdown]
# **The maze is frozen.** Its two rates of change vanish at each pixel, so that any multiple of either
# equation keeps it: more than one null vector, and the verdict must say `undetermined`.
#
# Now let the equations of the waves run, from a snapshot they have not seen, beside the original. And
# put that snapshot in the middle of an empty sheet four times as large, which nobody ever saw.

# %% tags=["readme-film"]
waves_found, waves = chemistry["waves"], field_world("waves")
FRAMES, EVERY = (3, 10) if quick else (11, 60)
begin = waves.raw(waves.sample(1, seed + 1000))
films = {"true": [waves.raw(waves.advance(waves.scaled(begin), EVERY * n)) for n in range(FRAMES)]}
films["equations found"] = trials.follow_chemistry(waves_found, begin, EVERY * (FRAMES - 1), EVERY)
clock = [f"step {EVERY * n}" for n in range(FRAMES)]
strips = {name: [state[0, 1] for state in states] for name, states in films.items()}
figures.film(
    figures.frames(strips, clock, size=2.56, limits=(0.0, 0.4)),
    "A film of waves: true chemistry, and the equations found from snapshots, from the same start. The "
    "fronts grow, meet and vanish alike in both.",
    **dict(milliseconds=200, dpi=100, colours=20),
)
ends = [measures.signed_similarity(*(s[n] - s[n].mean() for s in strips.values())) for n in (1, -1)]
print(f"correlation of the two films at step {EVERY}: {ends[0]:.4f}, at the end: {ends[1]:.4f}")

# %%
sheet = trials.on_larger_sheet(begin, 256)
grown = trials.follow_chemistry(waves_found, sheet, spread, spread // 2)
figures.show(
    figures.images({f"step {spread // 2 * n}": s[0, 1] for n, s in enumerate(grown)}, size=2.6),
    "A snapshot in the middle of a larger empty sheet, and the equations found run from it: waves spread "
    "outwards, and in the end fill the sheet.",
)

# %% [markdown]
# ## 9. Noise gives time its direction
#
# With noise in the *dynamics*, $dx = v\,dt + \sqrt{2D}\,dW$, the condition has a second part:
#
# $$E_p[\nabla\psi\cdot v + D\,\Delta\psi] = 0. \tag{5}$$
#
# It is linear in $(c, D)$, so a constant $D$ joins the null vector. Diffusion always spreads, $D>0$:
# this fixes the sign of $c$, **the direction of time**. And if $D$ is known, it fixes the speed.

# %%
D = 5.0
noisy_lorenz = trials.stochastic(D, many, seeds)
for one in noisy_lorenz.values():
    print(
        f"{one.found.verdict:18} terms right: {one.right}  direction right: {one.scale > 0}  "
        f"field error {one.error:.2%}  D = {one.scale * one.found.diffusion[0]:.2f} (true {D:g})"
    )

# %% [markdown]
# Are the equations always determined then? No. Subtract from (5) what holds for any $p$, namely
# $E_p[\nabla\psi\cdot D s + D\,\Delta\psi]=0$. What is left is $E_p[\nabla\psi\cdot(v-Ds)]=0$:
#
# $$v = D\,\nabla\log p + \text{any flow that keeps } p. \tag{6}$$
#
# Noise adds no knowledge of the *circulation*. Lorenz is determined since its library holds no other
# flow that keeps its $p$. Take $p=e^{-U}$ with a polynomial $U$, and the library holds both
# $-D\nabla U$ and $J\nabla U$: an Ornstein-Uhlenbeck process ($U=|x|^2/2$), a double well.

# %%
J = np.array([[0.0, 1.0], [-1.0, 0.0]])
ornstein = noisy.ornstein_uhlenbeck(np.eye(2) - 2 * J, 1.0, many, seed)
wells = noisy.double_well_with_rotation(many, seed)
gradients = {"Ornstein-Uhlenbeck": (ornstein, 1, -ornstein)}
across, up = wells.T  # U = (across^2 - 1)^2 + up^2
gradients["double well"] = (wells, 3, -np.stack([4 * across**3 - 4 * across, 2 * up], axis=1))
both_ways = {}
for name, (y, degree, downhill) in gradients.items():
    both_ways[name] = one = identify(y, degree, diffusion=1.0)
    ways = {"D grad log p": downhill, "J grad U": -downhill @ J.T}
    inside = {way: f"{trials.contains(one, v, y):.4f}" for way, v in ways.items()}
    print(f"{name}: {one.verdict}, {one.null_dimension} dimensions; {inside}")

# %% [markdown]
# Two dimensions, and both exact answers lie in the space found (1 is all of it). That the process has
# a rotation, snapshots can't say, nor in which sense. Only *time-stamped* pairs could.
#
# ## 10. Turn the knobs
#
# 1. Start from 3,000 snapshots and 7 terms. Take terms away one by one. Which loss does the attractor
#    survive longest?
# 2. Raise the noise. What goes first: the terms, the field, or the cliff?
# 3. Set the degree to 1, then to 3. What does the band of noise tell you in each?
#
# <details><summary>Answers</summary>
#
# 1. None: with 6 terms the misfit is up the cliff and the path no longer fills the butterfly.
# 2. The cliff gets lower first, since the noise band stays where it is and the rest sinks towards it.
#    The field is the last to go.
# 3. With degree 1 the misfit is above the band from the start: a term is missing. With 3 the same
#    seven terms survive out of sixty, with a lower cliff at the same number of snapshots.
#
# </details>

# %%
panel = panels_equations.lorenz_equations_panel()
panel.show()

# %%
redraws = []
for panel.controls["terms"].value in (6, 8, 20, 5, 7):
    redraws.append(1000 * panel.seconds)
print(f"a step of the elimination is redrawn in {min(redraws):.0f} to {max(redraws):.0f} ms")

# %% [markdown]
# ## 11. Scorecard

# %% tags=["hidden-test"]
trials.score(card, "lorenz", [by_number[few, s] for s in seeds], 0, error=0.05, snapshots=few)
for n, aim in {3 * few: 0.75, snapshots: 1}.items():
    those = [by_number[n, s] for s in seeds]
    trials.score(card, f"lorenz.snapshots_{n}", those, aim, error=0.02, snapshots=n)
card.row("lorenz.constants_off", max(far), target="<= 3", of=len(far), constants=4)
for kind, suffix in {"size given": "", "estimated": "_estimated"}.items():
    for level in (0.1, 0.2):
        row = f"lorenz.noise_{100 * level:.0f}_percent{suffix}"
        those = [one for (s, _), one in with_noise[kind].items() if s == level]
        aim = {0.1: 1, 0.2: 0.75}[level] if kind == "size given" else 0
        trials.score(card, row, those, aim, snapshots=many)

# %% tags=["hidden-test"]
card.row("lorenz.recovered_lyapunov_error", off, target="<= .03", horizon=steps / 100)
those = list(noisy_lorenz.values())
trials.score(card, "stochastic_lorenz", those, error=0.05, snapshots=many, D=D)
gone = np.array([abs(one.scale * one.found.diffusion[0] / D - 1) for one in those])
card.row("stochastic_lorenz.diffusion_error", gone.mean(), sd=gone.std(), target="<= .10", D=D)
forward = sum(one.scale > 0 for one in those)
card.row("stochastic_lorenz.arrow_right", forward, target=f">= {len(those)}")
verdict = {name: (one.verdict, tried[name][2]) for name, one in answers.items()}
verdict |= {name: (one.verdict, "undetermined") for name, one in both_ways.items()}
verdict["maze"] = (chemistry["maze"].found.verdict, "undetermined")
good = sum(said == due for said, due in verdict.values())
card.row("controls.verdicts_right", good, target=f">= {len(verdict)}", of=list(verdict))
card.row("controls.tried", len(verdict))

# %% tags=["hide-input"]
for name in MOVING:
    one = chemistry[name]
    details = dict(images=images, verdict=one.found.verdict, candidate_right=one.right)
    card.row(f"gray_scott.{name}.terms_exact", one.exact, target=">= 1", **details)
    card.row(f"gray_scott.{name}.field_error", one.error, target="<= .03", images=images)
card.row("zoo.chapter.recovered", len(recovered), of=len(zoo), snapshots=many)
wrong = [name for name, one in zoo.items() if one.wrong]
card.row("zoo.chapter.wrong_but_confident", len(wrong), target="<= 0", which=wrong)
card.row("lorenz.panel_redraw_milliseconds", max(redraws), target="<= 200", moved="terms")
for study in ("zoo", "benchmark", "simulated"):
    for row, values in course.recorded(f"equations_{study}").items():
        if row not in card.rows:
            card.row(row, **values)

# %%
CLAIMS = {
    "lorenz.snapshots_10000.terms_exact": "Lorenz's equations from 10,000 points, runs of 8",
    "lorenz.recovered_lyapunov_error": "they are as chaotic as the true ones",
    "stochastic_lorenz.arrow_right": "noise gives time its arrow, runs of 8",
    "controls.verdicts_right": "clouds that leave equations open are told",
    "zoo.recovered": "chaotic systems recovered of 60 (recorded)",
    "zoo.wrong_but_confident": "and wrong ones called determined (recorded)",
    "benchmark.recovered": "recovered of 80 that others collected (recorded)",
    "simulated.wrong_but_confident": "of random ones: wrong ones called determined (recorded)",
}
card.show(CLAIMS)

# %% tags=["hidden-test"]
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %% tags=["hidden-test"]
# NBVAL_CHECK_OUTPUT
print("the seven terms of Lorenz:", found.verdict, judged.right)
print("every control has the verdict due:", good == len(verdict))
print("wrong equations called determined, in the gallery:", len(wrong) > 0)

# %% [markdown]
# ## What failed, and what to make of it
#
# - A thousand independent snapshots are few: no run of eight is determined. The candidate is right in
#   six, and the field is off by 3.1% on average. Of three thousand six runs are, and seven right.
# - Noise of a tenth of a deviation leaves the field right to a percent, but two runs of eight are
#   determined (aim: all); for a fifth none is (aim: six; rows `noise`).
# - With noise in its dynamics Lorenz's system is determined in one run of eight (aim: all), though the field is
#   right to a percent: by the chance that is asked, a small term may be missing.
# - Of the zoo of 60 systems 53 are recovered (aim 54), and none is called determined with wrong equations.
#   Of the seven lost five have four or more dimensions. The study `equations_benchmark` tries 80 systems that
#   somebody else has collected: 70 are recovered, none wrongly, and with noise in the dynamics three of
#   twelve. But by the seed before they were 67, and one was wrong, which a rule forbids now. And the zoo's
#   systems, and eight of these 80 that had been lost, were looked at when the rule for missing terms was
#   chosen; five of the eight are among the 70.
# - Of 650 sets of snapshots of random systems (study `equations_simulated`) two are called determined wrongly
#   (upper limit .97%, aim 1). One, with noise, has two small terms that aren't there. Of the other all terms are
#   right, and the field to .2% over all snapshots; it counts since the two thousand on which fields are compared
#   lie nearly at rest. Where nothing is noisy four in five are found, with noise of either kind two in five.
# - However a file is written, in kelvin, shuffled, doubled, the verdict should be the same: it is in 160
#   of 168 tries. Where only one is determined, the fields differ by up to 8.6% (aim 1).
# - A file of 20,000 rows took 2.3 seconds (aim 2), and no longer when moved by a million.
# - The stated errors are a little too large: 99% of the zoo's coefficients are within two of them.
# - A small coefficient can be several percent off where the field is right to one: look at $-y$ in
#   Lorenz's second equation. Its standard error says so.
# - Taken by hand, without weights, that term is lost.
# - The slowest of five redraws of the panel took 670 milliseconds (aim 200).
# - Snapshots must come from $p$, be many, and sit in the library's coordinates. Unseen variables,
#   equations that change from snapshot to snapshot, a term nobody listed: at best the verdict says
#   no.
# - Polynomial tests of high degree feed on rare, far points. That is why they have a window. Where most of
#   a column is near zero and its spikes are far away, the window hides the spikes: of five such fast-slow
#   systems it finds two.
#
# <details><summary>The nearest work</summary>
#
# That stationarity is linear in the equations is not new. Lorch et al. (2024) minimise a kernel
# deviation from stationarity, and Bleile et al. (2026, SKDS, arXiv:2601.16597) its Stein form. Lu,
# Kuśmierz and Mihalas (2025, DyNoSeD, arXiv:2502.17690) are nearest: Fokker-Planck residuals and
# kernel Stein discrepancy on unordered samples, linear in affine parameters, with a condition for
# identifiability, shown on the three parameters of a *stochastic* Lorenz system of known form.
# PINN-IMSM (2026, arXiv:2601.12675) learns a score and solves the stationary Fokker-Planck equation
# for the velocity of least energy, which is unique: a field rather than a formula, up to Lorenz-96 in
# five dimensions. nn-APPEX (2025, arXiv:2505.21770) shows that drift and diffusion of gradient flows
# are identifiable together exactly if they are seen out of equilibrium; section 9 is about the
# equilibrium. SpIDES finds sparse stochastic equations from snapshots at *several* times.
# Botvinick-Greenhouse fits invariant measures, with delay coordinates for uniqueness. Weak SINDy has
# test functions, and time series. Static Turing patterns are inverted by PRESS, by Luo et al. (2025),
# and by correlation-integral likelihood. What is added here: the terms themselves found in a full
# library, deterministic chaos, partial differential equations, noise taken out exactly, and a verdict.
#
# </details>
#
# **What this says about the paper's question.** How strongly does a distribution constrain its
# dynamics? Alone, hardly: chapter 02's map is full of flows that keep the same cloud. With a *short
# formula* added, often completely, up to speed and direction: for a chaotic cloud one vector in thirty
# dimensions fits. The more structure a distribution has, the fewer equations keep it. Those that
# are symmetric, Gaussian or frozen keep their secret, and it can be proved that they do.
#
# **Read on.** Zhang & Levin (2025), arXiv:2509.17990; Hansen (1982), for (3).
# Chapter 06 does this with your own snapshots.
#
# ## Exercises
# Five [with hints and checks](exercises/05_equations_from_snapshots_exercises.ipynb). Others, to
# try in this notebook:
#
# 1. Set `few = 2000`. How many of eight are determined?
# 2. Leave $xz$ out of the library by writing your own terms with `extras`. What is the verdict?
# 3. Identify Lorenz from its $x$ and $y$ alone. What does the verdict say, and why must it?
# 4. Find a cloud, not symmetric, that two sets of equations of degree 2 keep.
# 5. (Open.) Six terms in a hundred, or sixty in a thousand? How does the number of snapshots grow with
#    the library?
