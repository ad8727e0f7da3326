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
# # Gray-Scott: chemistry set in motion
#
# > Can chemistry be set in motion from snapshots, with no dynamics network trained?
#
# Two chemicals feed on each other and spread. The sheet they live on fills with waves, bursts or
# worms. You get snapshots of the sheet, in no order. Which way does everything move?
#
# **You will**
# - write down a score of images that needs no training, and a rule that turns it into a motion,
# - compare that motion with the true one, on snapshots it has not seen, beside four controls,
# - see that *keeping the pattern's distribution* and *being its true motion* are two things,
# - get both at once, with a short theorem,
# - meet a pattern that has no motion to recover.
#
# **You should know** chapter 01: the score, skew rules, the noise level σ. Fourier transforms help.
#
# **Time** about 3 minutes to run on two cores, 40 to read. Memory: under 1 GB.

# %%
import torch

from eqflow_nb import figures, flows, panels, rollout, scores
from eqflow_nb.course import gray_scott as chemistry
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import patterns
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard
from eqflow_nb.snapshots import gray_scott

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.5
train = False

# %%
place = pick_device(device)
sizes = {
    "quick": dict(stills=8, held=4, steps=12, long=24, alone=(1, 2), canvases=1, pairs=2),
    "laptop": dict(stills=64, held=16, steps=100, long=300, alone=(30, 60), canvases=2, pairs=8),
    "paper": dict(stills=256, held=64, steps=100, long=900, alone=(30, 60), canvases=8, pairs=16),
}[choice(budget, BUDGETS, "budget")]
MOVING = ("life", "waves", "bursts")
PAPER = {"life": 0.271, "waves": 0.589, "bursts": 0.250, "maze": 0.270}
SHARP = 0.05  # the noise level of what needs no network
card = Scorecard("03_gray_scott_training_free", seed=seed, budget=budget)

# %% [markdown]
# ## 1. The snapshots
#
# The Gray-Scott equations (Pearson 1993) for the food $u$ and the eater $v$:
#
# $$\partial_t u = D_u\Delta u - uv^2 + F(1-u), \qquad
# \partial_t v = D_v\Delta v + uv^2 - (F+k)v. \tag{1}$$
#
# Four presets, 10,000 steps from random squares. They are kept on disk, so a second run is quicker.
# Each channel is scaled to mean 0 and standard deviation 1.

# %%
data = chemistry.datasets((*MOVING, "maze"), sizes["stills"], sizes["held"], seed, place)
figures.show(
    figures.images({name: one.snapshots[0, 1] for name, one in data.items()}),
    "Four patterns: life, a few small crescents; waves, rings and fronts like coral; bursts, large "
    "soft fronts; maze, a labyrinth.",
)

# %% [markdown]
# The *truth* to compare with is the change over 20 steps. Snapshots of the maze have none to speak of:

# %%
for name, one in data.items():
    print(f"{name:8} rms change over 20 steps: {float(one.change.square().mean().sqrt()):.4f} sd")

# %% [markdown]
# ## 2. A score without training
#
# Pretend that the pattern were Gaussian noise with the same spectrum. At each wave vector $k$ the
# two channels have a covariance matrix $C(k)$, which you measure with a Fourier transform. Then
#
# $$s(k) = -(C(k)+\sigma^2 I)^{-1}\,(x(k)-\mu(k)). \tag{2}$$

# %%
spectral = {
    n: scores.fit_gaussian_field(one.snapshots, SHARP, symmetrise=True) for n, one in data.items()
}
spectra = {n: patterns.spectrum(one.snapshots) for n, one in data.items()}
lines = {f"{name}, v": (k, power[1]) for name, (k, power) in spectra.items()}
figures.show(
    figures.curves(
        lines,
        title="The spectrum of the four patterns",
        xlabel="|k| (cycles a pixel)",
        ylabel="power (sd² a mode)",
        xscale="log",
        yscale="log",
    ),
    "Power against wave number for four presets: three are flat and then fall by seven orders of "
    "magnitude towards fine detail; the maze has a hump at its own wavelength.",
)

# %% [markdown]
# ## 3. A rule without training
#
# A rule $v = K * s$ keeps *any* distribution if $K$ is skew: $K_{oi}(\delta) = -K_{io}(-\delta)$. Then
# $\nabla\cdot(K*s) = \mathrm{tr}(K\nabla s) = 0$, since $\nabla s$ is symmetric, and
# $s\cdot K s = 0$: both terms of the residual vanish. The simplest is the paper's, $K = \pm J$ at
# every pixel. A constructor makes only skew kernels, and others are refused:

# %%
weights = torch.randn(2, 2, 3, 3, generator=torch.Generator().manual_seed(seed))
kernel = flows.kernels.skew_kernel(weights)
assert float((kernel + kernel.transpose(0, 1).flip(2, 3)).abs().max()) == 0
try:
    flows.kernels.check_skew(kernel + 0.1)
except ValueError as error:
    print(error)

# %% [markdown]
# $J$ makes each wavelength turn at its own pace: $J(C+\sigma^2 I)^{-1}$ has the eigenvalues
# $\pm i/\sqrt{\det(C+\sigma^2I)}$. Fine, faint detail would race. Multiply by
# $a(k) = \sqrt{\det(C(k)+\sigma^2I)}$ and every wavelength turns at **one** rate:
#
# $$v(k) = a(k)\,J\,s(k). \tag{3}$$

# %%
turn = {name: flows.spectral_kernel.flow(s) for name, s in spectral.items()}
waves = spectral["waves"]
rates = torch.linalg.eigvals(
    flows.spectral_kernel.equal_rate_kernel(waves) @ waves.precision
).imag.abs()
print(f"rates of turning over all wavelengths: spread {float(rates.std() / rates.mean()):.0e}")
assert float(rates.std() / rates.mean()) < 1e-9  # an identity

# %% [markdown]
# ## 4. Is it the true motion?
#
# On snapshots not used so far, compare $v$ with the true change. Speed and direction are not in the
# snapshots, so the measure is $|\cos|$, with one sign for the whole set. Both chemicals are counted
# in units of concentration. Controls: $a(k)$ with a random matrix, with a *symmetric* one, with
# none, and the score of another preset. They share the low pass, so they show what it is worth.

# %%
found = {name: {"spectral": one.agreement(turn[name])} for name, one in data.items()}
for name, other in zip(MOVING, (*MOVING[1:], MOVING[0]), strict=True):
    for kind in ("random", "symmetric", "identity"):
        found[name][kind] = data[name].control(spectral[name], kind)
    found[name]["other score"] = data[name].agreement(turn[other]).abs()

# %% [markdown]
# ## 5. A score that knows more, still without training
#
# The values of a real pattern are not Gaussian: most of the sheet is empty. Transform each
# channel's values with a rising map $y = g(x)$ towards a Gaussian histogram, turn $y$ by (3), and
# look at it in $x$ again. The score becomes $s(x) = g'(x)\,s_y(g(x)) + g''(x)/g'(x)$ (a Gaussian
# copula, Liu et al. 2009), and the flow $v(x) = v_y(g(x))/g'(x)$ keeps its distribution exactly:
# the rule now depends on the state.
#
# How much of the transform to apply? Here is a way to ask the snapshots alone. A motion that keeps
# the distribution has no gradient part (section 7 says why). Of five fractions take the one whose
# flow has the smallest gradient part.

# %%
FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
chosen = {}
for name in MOVING:
    fits = chemistry.copula_fits(data[name], SHARP, FRACTIONS)
    similar = [data[name].agreement(one.flow) for one in fits]
    chosen[name] = min(fits, key=lambda one: one.gradient_fraction)
    found[name]["warped"] = similar[fits.index(chosen[name])]
    print(f"{name:8} fraction      " + "  ".join(f"{one.copula_fraction:.2f}" for one in fits))
    print("         gradient part " + "  ".join(f"{one.gradient_fraction:.2f}" for one in fits))
    print("         similarity    " + "  ".join(f"{float(c.mean()):.2f}" for c in similar))

# %% [markdown]
# The smallest gradient part goes with a similarity at or near the largest, and nobody looked at the
# truth to choose. With **one** observed velocity you can do more: fit $a$, ring by ring of $|k|$, to
# how one snapshot moved, and test on the others. The rule stays skew, so the distribution is kept
# all the same.

# %%
for name in MOVING:
    found[name]["fitted"] = data[name].fitted(chosen[name].score)

# %%
KINDS = ("spectral", "warped", "fitted", "symmetric", "random", "other score", "identity")
bars = {n: {k: (found[n][k].mean(), found[n][k].std()) for k in KINDS} for n in MOVING}
figures.show(
    figures.grouped_bars(bars, "similarity to the true change"),
    "Similarity of each rule to the true change, for life, waves and bursts: the spectral rule at "
    ".73 to .85, the warped one at .85 to .91, with one observed velocity at .91 to .93; symmetric "
    "and random rules with the same low pass reach .46 to .70, the identity almost nothing.",
)

# %% [markdown]
# ## 6. Two things, not one
#
# The rule (3) has nearly the true motion. Does it keep the pattern? It keeps the *spectrum*, but a
# Gaussian field is only its spectrum: the pattern dissolves. To hold more than a spectrum you need
# a better score. Here is a small periodic U-Net, a denoiser $D$ for many noise levels; its weights
# come with the course (`train = True` trains one for a moment in the notebook instead).

# %%
training = (20 if budget == "quick" else 300) if train else 0
network = chemistry.networks(MOVING, sigma, place, training, seed)
for name in () if train else MOVING:
    about = scores.weights.about(name)
    print(f"{name}: {about['steps']} steps of training, loss {about['loss']:.3f}")

# %% [markdown]
# Run $dx = (K + \eta I)\,s\,dt + \sqrt{2\eta}\,dW$ by the **exponential integrator**: with
# $E = e^{-(\eta I+K)\tau}$, $\tau = dt/\sigma^2$, one step is $x \leftarrow D(x) + E\,(x-D(x)) + Lz$.
# It is exact where $D$ is constant, and stable where explicit steps explode.
#
# First the paper's own protocol: $K = \pm J$, moving averages of 200 steps of .01 against 20 true
# steps.

# %%
jobs = {n: lambda n=n: chemistry.by_protocol(data[n], network[n], sizes["steps"]) for n in MOVING}
print("the network by the paper's protocol (and the paper's one pattern)")
for name, c in rollout.together(jobs).items():
    found[name]["network"] = c
    print(f"{name:8} {abs(float(c.mean())):.2f} ± {float(c.std()):.2f} ({PAPER[name]})")

# %% [markdown]
# ## 7. The nearest flow that keeps the distribution
#
# Split any field $v_0$, in the inner product $E_p[v\cdot w]$, into a gradient and the rest:
#
# $$v_0 = \nabla\phi + v, \qquad E_p[v\cdot\nabla\psi]=0 \text{ for every } \psi. \tag{4}$$
#
# Integrate by parts: $E_p[v\cdot\nabla\psi] = -E_p[\psi\,(\nabla\cdot v+v\cdot s)]$. So the rest
# **keeps $p$**, and it is the nearest field to $v_0$ that does. And the truth $v^*$? It keeps $p$
# too, so it is orthogonal to $\nabla\phi$: $\langle v, v^*\rangle = \langle v_0, v^*\rangle$, while
# $v$ is shorter than $v_0$. Taking out the gradient part can only bring you **nearer to the truth**,
# whatever the truth is. No score, no network, no velocity is needed: $\phi$ is a least-squares fit
# among mean products of $u, v$ to third order, one factor blurred.

# %%
tests = flows.projection.potentials(2, (128, 128), degree=3)


def closest(name):
    """The spectral flow at the network's noise level, and the nearest flow that keeps the distribution."""
    start = flows.spectral_kernel.flow(spectral[name].at(sigma))
    x = data[name].noised(sigma)
    return start, flows.projection.project(start, x, tests, data[name].metric)


both = rollout.together({name: lambda n=name: closest(n) for name in MOVING})
for name, (start, flow) in both.items():
    found[name]["before"] = data[name].agreement(start)
    clean = lambda x, flow=flow: patterns.smoothed(flow, x, sigma)  # noqa: E731
    found[name]["nearest"] = data[name].agreement(clean)
    one, other = (float(found[name][kind].mean()) for kind in ("before", "nearest"))
    print(
        f"{name:8} gradient part {flow.gradient_fraction:.2f} of |v0|²; similarity {one:.2f} -> {other:.2f}"
    )

# %%
shown = {}
for name in MOVING:
    x, dx = data[name].held[:1], data[name].change[:1]
    fields = dict(
        spectral=both[name][0], nearest=lambda x, n=name: patterns.smoothed(both[n][1], x, sigma)
    )
    shown |= {f"{name}: snapshot": x[0, 1], f"{name}: true change": dx[0, 1]}
    for kind, field in fields.items():
        v = field(x)
        shown[f"{name}: {kind}"] = patterns.best_speed(v, dx) * v[0, 1]
figures.show(
    figures.images(shown, size=1.9, maps=(figures.PATTERN, *[figures.VELOCITY] * 3)),
    "Pattern, true change, spectral rule and nearest flow: the nearest flow has the thin fronts and "
    "quiet background of the truth, the spectral rule smears them.",
)

# %% [markdown]
# Does it keep the distribution? Follow it with the network's Langevin part (the same η for
# everyone), and measure 5x5 patches of $D(x)$ against those of fresh snapshots, over the distance
# between two sets of fresh snapshots. Controls: $K=0$, no motion at all, and the spectral flow with
# its gradient part left in. At its own speed any of these flows moves little in 300 steps, so that
# keeping the distribution is easy; four times as fast, the pattern is another by the end, and leaks
# show. Here you follow waves for 300 steps. The other patterns, and 1,000 steps, are a study of
# their own, `eqflow-nb study gray_scott_long`; the scorecard shows its rows as they were recorded.


# %%
FRAMES = 16 if budget != "quick" else 4
FILM = range(0, sizes["long"] + 1, sizes["long"] // (FRAMES - 1))
(plain, nearest), soft = both["waves"], spectral["waves"].at(sigma)
runs = {"still": dict(), "J x1": dict(matrix=1), "J x-1": dict(matrix=-1)}
for c in (1, -1, 4, -4):
    runs[f"nearest x{c}"] = dict(extra=lambda x, c=c: c * nearest(x))
    runs[f"spectral x{c}"] = dict(extra=lambda x, c=c: c * plain(x))
for c in (4, -4):
    runs[f"Gaussian x{c}"] = dict(
        matrix=c * flows.spectral_kernel.equal_rate_kernel(soft), score=soft
    )
wave, many = (data["waves"], network["waves"]), sizes["canvases"]
when = {key: FILM if key.endswith("4") else (0, FILM[-1]) for key in runs}
jobs = {k: lambda k=k: chemistry.follow(*wave, when[k], many, **runs[k]) for k in runs}
ended = rollout.together(jobs)

# %%
reference = chemistry.reference_sets(*wave, sizes["pairs"], many)
jobs = {k: lambda v=v: chemistry.distance(reference, v, FILM[-1]) for k, v in ended.items()}
kept = rollout.together(jobs)
alike = {
    key: float(torch.cosine_similarity(v.at(0).cpu().flatten(), v.last.cpu().flatten(), 0))
    for key, v in ended.items()
}
for key in runs:
    print(f"{key:12} {kept[key]:5.2f} floors; similarity to the start: {alike[key]:.2f}")


# %%
def worst(kind, factor):
    """The worse of both signs of a motion, in floors."""
    return max(kept[f"{kind} {sign}{factor}"] for sign in ("x", "x-"))


similar = {k: abs(float(found["waves"][k].mean())) for k in ("before", "network", "nearest")}
virtues = {
    "Gaussian score, spectral rule, x4": (similar["before"], worst("Gaussian", 4)),
    "network score, K = ±J": (similar["network"], worst("J", 1)),
    "plain spectral flow, network score, x4": (similar["before"], worst("spectral", 4)),
    "nearest flow": (similar["nearest"], worst("nearest", 1)),
    "nearest flow, x4": (similar["nearest"], worst("nearest", 4)),
}
figure = figures.scatter(
    virtues,
    title="Waves: true, or kept, or both",
    xlabel="similarity to the true change",
    ylabel="patch distance after 300 steps (floors)",
    xlim=(-0.02, 1.02),
    yscale="log",
)
figure.axes[0].axhspan(0.3, 1.5, color="#009e73", alpha=0.1)
figure.axes[0].text(0.01, 0.33, "keeps the distribution: below 1.5 floors")
figures.show(
    figure,
    "Similarity to the truth against distance from the distribution. The spectral rule is nearly true; four "
    "times as fast it leaves the distribution with the Gaussian score, and nearly does with the network's. The "
    "network's flow keeps it but is not true; the nearest flow that keeps it is both, at both "
    "speeds.",
)

# %% [markdown]
# Before and after, as pictures: the Gaussian rule leaves clouds; the network and the nearest flow
# leave waves.

# %% tags=["thumbnail"]
titles = {"start": "still", "Gaussian x4": "Gaussian x4", "K = J": "J x1"}
titles |= {"nearest": "nearest x1", "nearest x4": "nearest x4"}
endings = {t: ended[k].at(0) if t == "start" else ended[k].last for t, k in titles.items()}
figures.show(
    figures.images({title: x[0, 1] for title, x in endings.items()}, columns=5, size=1.8),
    "Waves after the rollout: with the Gaussian score rings and fronts have melted into clouds; with "
    "the network's score, with and without the nearest flow, there are fronts, moved on.",
)
for title, x in endings.items():
    pair = (x.cpu(), torch.cat(reference.sets))
    bands, values = patterns.spectrum_distance(*pair), patterns.histogram_distance(*pair)
    print(f"{title:12} spectrum off by {bands:.3f} decades, histogram by {values:.3f} sd")

# %% [markdown]
# And as a film: true chemistry, and two of the flows above, all from one snapshot. The flows run in
# the true direction, and the clock is set to theirs: four times their own speed, with the network's
# Langevin part.

# %% tags=["readme-film"]
world, x = data["waves"].world, data["waves"].held
pace = patterns.best_speed(nearest(x), data["waves"].change) / chemistry.STEPS
lapse = round(chemistry.TAU * sigma**2 * FILM.step * 4 / abs(pace))
start = data["waves"].clean(many)[:1]
films = {"true": [world.advance(start, lapse * n)[0, 1] for n in range(FRAMES)]}
for kind in ("spectral", "nearest"):
    states = ended[f"{kind} x{4 if pace > 0 else -4}"].states
    films[kind] = [x[0, 1] for x in states.values()]
clock = [f"about {lapse * n} steps of chemistry" for n in range(min(map(len, films.values())))]
figures.film(
    figures.frames(films, clock, limits=(-1.5, 2.5)),
    "A film of waves: true chemistry, the spectral flow and the nearest flow. Fronts grow and travel "
    "alike in all three; by the end the nearest flow has fronts where the true one has them, of the "
    "spectral one's many have thinned or faded.",
    milliseconds=160,
)

# %% [markdown]
# Is it the flow that keeps the distribution, or the Langevin part that repairs it? Follow the flows
# alone, without noise, from the same blurred snapshots:

# %%
pairs = {"spectral": plain, "nearest": nearest}
moves = {(k, c): lambda x, c=c, f=f: c * f(x) for k, f in pairs.items() for c in (1, -1)}
jobs = {
    k: lambda f=f: chemistry.alone(*wave, f, reference, sizes["alone"]) for k, f in moves.items()
}
leaks = rollout.together(jobs)
for (kind, sign), far in leaks.items():
    said = ", ".join(f"{x:.2f} floors at t = {t:g}" for t, x in far.items())
    print(f"{kind:8} {sign:+d}, no Langevin part: {said}")

# %% [markdown]
# Up to t = 75, twice as far as above at its own speed, the nearest flow alone is nearer to the
# distribution than what it was made from. Then, in one of its two directions, it runs away: the
# potential is a sum of finitely many test functions, so the projection is not exact, and a Gaussian
# rotation at least comes round again. What holds the distribution in both is the flow *and* the
# Langevin part.

# %% [markdown]
# ## 8. Nulls
#
# **The maze is frozen.** Its change is a hundredth to a fortieth of the others', a creep to rest.
# What a rule shares with it is no motion: report it as null. **A transient has no stationary
# distribution.** Snapshots taken on the way can still be turned into a motion, but the promise that it
# keeps their distribution is empty.

# %%
early = {}
for steps in (1000, 5000) if budget != "quick" else (1000,):
    young = chemistry.datasets(["waves"], sizes["held"], 8, seed, place, steps)["waves"]
    flow = flows.spectral_kernel.flow(
        scores.fit_gaussian_field(young.snapshots, SHARP, symmetrise=True)
    )
    early[steps] = young.agreement(flow)
    print(f"waves after {steps} steps: similarity {float(early[steps].mean()):.2f}")

# %% [markdown]
# ## 9. Turn the knobs
#
# The true film beside the one inferred by the Gaussian score and (3), from the same snapshot.
# 1. Change the sign of γ in the middle of the film. Which film can run backwards?
# 2. Which kernel makes fine detail race? Why does the spectral one not?
# 3. Raise η. What does noise do to the film that γ does not?
# 4. Choose the maze. What moves, and what should?

# %%
panels.chemistry_panel()

# %% [markdown]
# ## 10. Scorecard

# %%
RULES = ("spectral", "warped", "fitted", "network", "nearest")
STILLS_ONLY = (0.83, 0.84, 0.75)
TARGETS = {"spectral": STILLS_ONLY, "warped": STILLS_ONLY, "fitted": (0.88, 0.88, 0.80)}
for index, name in enumerate(MOVING):
    for kind in RULES:
        target = f">= {TARGETS[kind][index]:.2f}" if kind in TARGETS else None
        paper = PAPER[name] if kind in ("spectral", "network") else None
        shared = dict(paper=paper, stills=sizes["stills"])
        card.spread(f"{name}.{kind}.similarity", found[name][kind], target=target, **shared)
    for kind in ("symmetric", "random", "identity", "other score"):
        card.spread(f"{name}.{kind.replace(' ', '_')}_control", found[name][kind])
    card.spread(f"{name}.spectral.similarity_scaled", data[name].agreement(turn[name], True))
card.spread("maze.spectral.similarity", found["maze"]["spectral"], paper=0.270, null="frozen")
for steps, c in early.items():
    card.spread(f"waves.transient_{steps}.similarity", c, stationary=False)

# %%
card.spread("waves.both.similarity", found["waves"]["nearest"], target=">= .5", paper=0.589)
shared = dict(floor=reference.floor, steps=sizes["long"], sigma=sigma, tau=0.5, eta=0.1)
row = "patch_distance_over_floor_300"
for name, c in {"both": 1, "both_four_times": 4}.items():
    loose = worst("spectral", c)  # the control: the gradient part left in
    card.row(f"waves.{name}.{row}", worst("nearest", c), target="<= 1.5", control=loose, **shared)
    card.row(f"waves.{name}.alike_start", alike[f"nearest x{c}"], control=alike["still"])
for kind in pairs:
    for t in leaks[kind, 1]:
        far = max(leaks[kind, sign][t] for sign in (1, -1))
        card.row(f"waves.{kind}_alone.patch_distance_over_floor_t{t:.0f}", far, eta=0, dt=2.5)
shared |= dict(control=kept["still"])
card.row(f"waves.chapter.sde.{row}", worst("J", 1), target="<= 1.2", **shared)
card.row(f"waves.gaussian.{row}", worst("Gaussian", 4), **shared)
for name, values in course.recorded("gray_scott_long").items():
    card.row(name, **values)
speed = gray_scott.microseconds_per_step()
card.row("gray_scott.microseconds_per_sample_step_128", speed, target="<= 12", conv2d="210-470")
card.show()

# %%
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %%
# NBVAL_CHECK_OUTPUT
for name in MOVING:
    better = bool(found[name]["nearest"].mean() > found[name]["before"].mean())
    print(name, "nearest beats what it started from:", better)
fast = [worst(kind, 4) for kind in ("nearest", "spectral", "Gaussian")]
print(
    "waves, four times as fast: the nearest flow keeps the distribution best:", fast[0] == min(fast)
)
print(
    "every pattern gains from the copula:", all(one.copula_fraction > 0 for one in chosen.values())
)

# %% [markdown]
# ## What failed, and what to make of it
#
# - The spectral rule of bursts does not reach its aim of .75: see its row. Of the three patterns
#   bursts ask for the largest fraction of the copula: their values are the least Gaussian. The row
#   `bursts.warped` is the same rule with the copula.
# - The symmetric control is not small: part of the similarity is the low pass alone. What is left
#   above it is the motion.
# - With both chemicals scaled to deviation 1 instead of in concentrations, the spectral rule is
#   less similar: see the rows `similarity_scaled`. The food then counts less than it weighs.
# - The network's own flow, with the better score, is *another* dynamics: see the rows `network`.
# - A network's distribution can leak late. Under K = ±J life and waves meet their aims after 300
#   and 1,000 steps; bursts miss both, while K = 0 stays where it began: see the rows
#   `sde.patch_distance_over_floor`. The nearest flow of waves stays too, and what it was made from
#   does not.
# - The nearest flow keeps the distribution as far as its test functions see it. What they miss the
#   Langevin part repairs, at four times its speed too. Alone it runs away: see the rows `alone`.
# - For 300 steps every flow of waves with the network's score keeps the distribution, the
#   unprojected one too: four times as fast it is farther off than the nearest, but still within 1.5
#   floors. Those rows say little without their controls. After 1,000 steps the unprojected one is
#   out of bounds: see the control of `waves.both.patch_distance_over_floor_1000`.
# - Speed and direction are not in the snapshots. The film runs forward because we set it so.
#
# **Read on.** Zhang & Levin (2025), arXiv:2509.17990, section on Gray-Scott; Pearson (1993), for
# the patterns; Vincent (2011), for denoising scores.
#
# ## Exercises
# Five [with hints and checks](exercises/03_gray_scott_training_free_exercises.ipynb). Others, to
# try in this notebook:
#
# 1. Give the spectral rule 4 snapshots instead of 64. Which preset suffers most?
# 2. Replace $a(k)$ by its square root. What happens to the similarity, and to the film?
# 3. Find a symmetric rule with more similarity than the one here. What does it *do* to the
#    distribution?
# 4. (Open.) The nearest flow needs no library of equations. Can its potential say which terms the
#    equation has?
