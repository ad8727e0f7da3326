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
# Two films follow. In the left one, two chemicals react and spread. The right one begins with the same
# sheet, and then moves it by a rule that was never shown a film. It is made from 64 snapshots of
# *other* sheets, in no order. Only the speed and the direction of time were set by us, since no
# snapshot holds them.

# %% tags=["hide-input"]
import torch

from eqflow_nb import figures, flows, panels, rollout, scores
from eqflow_nb.course import gray_scott as chemistry
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.measures import patterns
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)  # whole rollouts run side by side instead

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.5

# %% tags=["hide-input"]
place = pick_device(device)
sizes = {
    "quick": dict(snapshots=8, held=4, film=20, long=24, alone=(1, 2), canvases=1, pairs=2),
    "laptop": dict(snapshots=64, held=16, film=306, long=300, alone=(30, 60), canvases=2, pairs=8),
    "paper": dict(snapshots=256, held=64, film=306, long=900, alone=(30, 60), canvases=8, pairs=16),
}[choice(budget, BUDGETS, "budget")]
MOVING = ("life", "waves", "bursts")
SHARP = 0.05  # the noise level of what needs no network
SHEET, SPEED = figures.PATTERN, figures.VELOCITY  # colour maps, their ends, and colour bars
ENDS = {SHEET: (-1.5, 3.0), SPEED: (-2.0, 2.0)}
BARS = {SHEET: "v (sd)", SPEED: "change of v in 20 steps (sd)"}
card = Scorecard("03_gray_scott_training_free", seed=seed, budget=budget)
data = chemistry.datasets((*MOVING, "maze"), sizes["snapshots"], sizes["held"], seed, place)
tests = flows.projection.potentials(2, (128, 128), degree=3)

# %% tags=["readme-film"]
waves, network = data["waves"], scores.load("waves", sigma, place)
spectrum = scores.fit_gaussian_field(waves.snapshots, sigma, symmetrise=True)
rough = flows.spectral_kernel.flow(spectrum)
inferred = flows.projection.project(rough, waves.noised(sigma), tests, waves.metric)

LAPSE, many = 8, sizes["canvases"]  # times its own speed; sheets
frames = range(0, sizes["film"] + 1, sizes["film"] // (17 if budget != "quick" else 2))
clock, films = chemistry.films(waves, network, inferred, frames, many, LAPSE)
figures.film(
    figures.frames(
        {name: [x[0, 1] for x in film] for name, film in films.items()},
        [f"{step} steps of chemistry" for step in clock],
        size=2.56, limits=(-1.5, 3.0), bar="v (sd)",
    ),
    "Two films of waves, side by side. Bright fronts grow, travel, meet and fade. For some hundred "
    "steps of chemistry the inferred film shows the same fronts in the same places as the true one; "
    "later its fronts are as sharp, but others.",
    milliseconds=160, dpi=100, colours=20,
)  # fmt: skip


# %%
def alike(x, y):
    """Cosine of two sets of sheets, each as deviations from the mean."""
    return float(torch.cosine_similarity(x.cpu().flatten(), y.cpu().flatten(), 0))


track = [alike(x, y) for x, y in zip(films["inferred"], films["true"], strict=True)]
frozen = [alike(films["true"][0], y) for y in films["true"]]
lines = {"the inferred film": (clock, track), "a film that stands still": (clock, frozen)}
about = dict(xlabel="steps of chemistry", ylabel="similarity to the true film")
figures.show(
    figures.curves(lines, (7, 2.4), **about),
    "Similarity of the inferred film to the true one, against steps of chemistry. It falls slowly "
    "from 1, while a film that stands still loses all likeness within some hundred steps.",
)

# %% [markdown]
# **Why it matters.** A stained tissue, a satellite's image, a plate under a microscope: very often you
# have one picture of each specimen and never the next. If the specimens are many and in no
# particular phase, their *distribution* is known. This chapter asks how much motion it holds.
#
# **Where we are.** Chapter 01 found all the motions that keep a cloud of points. Chapter 02 chose
# among them with a network. Here a point is an image of 32,768 numbers, and nothing is trained to
# move it.
#
# **You will**
# - write a score of images and a rule that turns it into motion, in a few lines of plain torch,
# - compare that motion with the true one, beside controls,
# - prove in four lines how to come nearer to the truth without knowing it,
# - see that *being the true motion* and *keeping the distribution* are two things, and get both.
#
# **You should know** chapter 01: the score, skew rules, the noise level σ. Fourier transforms help.
#
# **Time** about 2 minutes to run on two cores, 40 to read. Memory: under 1 GB.
#
# ## 1. The snapshots
#
# The Gray-Scott equations (Pearson 1993) for the food $u$ and the eater $v$:
#
# $$\partial_t u = D_u\Delta u - uv^2 + F(1-u), \qquad
# \partial_t v = D_v\Delta v + uv^2 - (F+k)v. \tag{1}$$
#
# Four pairs $(F, k)$, 10,000 steps from random squares. Each chemical is centred and scaled to a
# deviation of 1 (sd).

# %%
sheets = {name: one.snapshots[0, 1] for name, one in data.items()}
figures.show(
    figures.images(sheets, limits=ENDS, bars={SHEET: "v (sd)"}),
    "Four patterns: life, a few small crescents; waves, rings and fronts like coral; bursts, large "
    "soft fronts; maze, a labyrinth.",
)
for name, one in data.items():
    print(f"{name:8} rms change over 20 steps: {float(one.change.square().mean().sqrt()):.4f} sd")

# %% [markdown]
# `bursts` are called spirals in the paper. On a sheet of this size none rolls up: fronts light up,
# sweep over the sheet and fade all at once. And the maze is **frozen**: it creeps to rest. What a rule
# shares with it is no motion, so its similarity is reported as a null.
#
# ## 2. A score in five lines
#
# Pretend that the pattern were Gaussian noise with the same spectrum. At each wave vector $k$ the
# two chemicals have a covariance matrix $C(k)$, which a Fourier transform measures. Then
#
# $$s(k) = -(C(k)+\sigma^2 I)^{-1}\,(x(k)-\mu(k)). \tag{2}$$

# %%
x, eye = waves.snapshots.cpu(), torch.eye(2)
mean = x.mean((0, 2, 3), keepdim=True)
z = torch.fft.fft2(x - mean, norm="ortho")  # (64, 2, 128, 128): a number for each wave
C = torch.einsum("nahw,nbhw->hwab", z, z.conj()).real / len(x)  # a 2x2 matrix for each wave
P = torch.linalg.inv(C + SHARP**2 * eye)


def each_wave(matrix, x):
    """Multiply each wave of images x (n, 2, H, W) by its own 2x2 matrix."""
    waves = torch.einsum("hwab,nbhw->nahw", matrix.to(torch.cfloat), torch.fft.fft2(x))
    return torch.fft.ifft2(waves).real


score = lambda x: -each_wave(P, x - mean)  # noqa: E731

# %% [markdown]
# ## 3. A rule in two lines
#
# What the score says about one chemical, give to the other, with opposite signs: $v = Js$. A skew $J$
# keeps any distribution, for both terms of the residual vanish: $\nabla\cdot(Js) =
# \mathrm{tr}(J\nabla s) = 0$, since $\nabla s$ is symmetric, and $s\cdot Js = 0$.
#
# But under $J$ alone each wavelength turns at its own pace, $1/\sqrt{\det(C+\sigma^2I)}$: fine, faint
# detail races. Slow each wavelength down by just that, and all turn at **one** rate:
#
# $$v(k) = a(k)\,J\,s(k), \qquad a(k) = \sqrt{\det(C(k)+\sigma^2I)}. \tag{3}$$

# %%
J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
a = torch.linalg.det(C + SHARP**2 * eye).sqrt()

by_J = lambda x: each_wave(J.expand_as(P), score(x))  # noqa: E731
spectral = lambda x: each_wave(a[..., None, None] * J, score(x))  # noqa: E731


# %%
def drawn(v, change):
    """The change of the eater, as strong as the true one and in its direction of time."""
    return v[0, 1] * (change[0, 1].std() / v[0, 1].std()) * (v * change).sum().sign()


start, change = waves.held[:1].cpu(), waves.change[:1].cpu()
shown = {"snapshot": start[0, 1], "true change": change[0, 1]}
for title, field in {"v = J s": by_J, "v = a J s": spectral}.items():
    v, cos = field(start), waves.agreement(lambda x, f=field: f(x.cpu()).to(x)).mean().abs()
    shown[f"{title}: similarity {float(cos):.2f}"] = drawn(v, change)
figures.show(
    figures.images(shown, limits=ENDS, maps=(SHEET, *[SPEED] * 3), bars=BARS),
    "A snapshot of waves, its true change, and two velocities from snapshots. By J alone there is "
    "hardly anything but fine grain; slowed down by a, growth and decay lie where the true ones do, "
    "but are smeared.",
)  # fmt: skip

# %% [markdown]
# *Similarity* is $|\cos|$ between $v$ and the true change over 20 steps, on snapshots not used so far,
# with one sign for the whole set; both chemicals count in concentrations.
#
# The package does the same, and averages $C(k)$ over turns and mirror images of the sheet. Part of the
# similarity is owed to the smoothing $a(k)$ alone. Two **controls** say how much: the same $a(k)$ with
# a random matrix in place of $J$, and with a symmetric one.

# %%
sharp = {n: scores.fit_gaussian_field(d.snapshots, SHARP, symmetrise=True) for n, d in data.items()}
turn = {name: flows.spectral_kernel.flow(one) for name, one in sharp.items()}
found = {name: {"spectral": data[name].agreement(turn[name])} for name in data}
for name in MOVING:
    for kind in ("symmetric", "random"):
        found[name][kind] = data[name].control(sharp[name], kind)

# %% tags=["hidden-test"] jupyter={"source_hidden": true}
rates = torch.linalg.eigvals((a[..., None, None] * J @ P).double()).imag.abs()
assert float(rates.std() / rates.mean()) < 1e-3  # an identity, in single precision
likeness = abs(alike(spectral(waves.held.cpu()), turn["waves"](waves.held)))
assert likeness > (0.98 if budget != "quick" else 0.5)

# %% [markdown]
# ## 4. The nearest flow that keeps the distribution
#
# The spectral rule keeps the distribution of a *Gaussian* pattern, which ours is not. Can we mend its
# velocity $v_0$ without knowing the truth? Split it, in the inner product $E_p[v\cdot w]$, into a
# gradient and the rest:
#
# $$v_0 = \nabla\phi + v, \qquad E_p[v\cdot\nabla\psi]=0 \text{ for every } \psi. \tag{4}$$
#
# 1. Integrate by parts: $E_p[v\cdot\nabla\psi] = -E_p[\psi\,(\nabla\cdot v+v\cdot s)]$. It is 0 for
#    every $\psi$, so the rest $v$ **keeps $p$**.
# 2. By Pythagoras, of all fields that keep $p$ it is the **nearest** to $v_0$.
# 3. The truth $v^*$ keeps $p$ too, so it is orthogonal to $\nabla\phi$, and
#    $\langle v, v^*\rangle = \langle v_0, v^*\rangle$.
# 4. But $v$ is shorter than $v_0$. So taking the gradient out brings you **nearer to the truth,
#    whatever the truth is**.
#
# No score, no network, no velocity is needed: $\phi$ is a least-squares fit among mean products of
# $u, v$ up to third order, one factor blurred.


# %%
def closest(name):
    """The spectral flow at the network's noise level, and the nearest flow that keeps p."""
    if name == "waves":
        return rough, inferred  # the film's
    start = flows.spectral_kernel.flow(sharp[name].at(sigma))
    x = data[name].noised(sigma)
    return start, flows.projection.project(start, x, tests, data[name].metric)


both = rollout.together({name: lambda n=name: closest(n) for name in MOVING})
clean = {n: lambda x, f=v: patterns.smoothed(f, x, sigma) for n, (_, v) in both.items()}
for name, (before, v) in both.items():
    found[name]["before"] = data[name].agreement(before)
    found[name]["nearest"] = data[name].agreement(clean[name])
    part, pair = v.gradient_fraction, [float(found[name][k].mean()) for k in ("before", "nearest")]
    print(f"{name:8} gradient part {part:.2f} of |v0|²; similarity {pair[0]:.2f} -> {pair[1]:.2f}")

# %%
shown = {}
for name in MOVING:
    x, dx = data[name].held[:1], data[name].change[:1]
    shown |= {f"{name}: snapshot": x[0, 1], f"{name}: true change": dx[0, 1]}
    for kind, field in {"spectral": both[name][0], "nearest": clean[name]}.items():
        shown[f"{name}: {kind}"] = drawn(field(x), dx)
figures.show(
    figures.images(shown, size=1.9, limits=ENDS, maps=(SHEET, *[SPEED] * 3), bars=BARS),
    "Pattern, true change, spectral rule and nearest flow: the nearest flow has the thin fronts and "
    "quiet background of the truth, the spectral rule smears them.",
)

# %%
KINDS = {"nearest flow": "nearest", "spectral rule": "spectral"}
KINDS |= {"symmetric control": "symmetric", "random control": "random"}
bars = {n: {k: (found[n][c].mean(), found[n][c].std()) for k, c in KINDS.items()} for n in MOVING}
figures.show(
    figures.grouped_bars(bars, "similarity to the true change"),
    "Similarity to the true change for life, waves and bursts: the nearest flow highest, then the "
    "spectral rule, then the symmetric and the random control.",
)

# %% [markdown]
# ## 5. Does it keep the pattern?
#
# A velocity can be right at every snapshot, and still leak out of the distribution when it is followed.
# To follow these flows we add a **Langevin part**, $\eta s\,dt + \sqrt{2\eta}\,dW$, which keeps $p$
# and pulls back whatever strays. Its score must know more than a spectrum. It comes from a denoiser
# $D$, a small U-Net: $s = (D(x) - x)/\sigma^2$. Its weights come with the course; no network learns
# to *move* anything.
#
# Measured are 5x5 patches of $D(x)$ against those of fresh snapshots, in **floors**: 1 is the distance
# between two fresh sets. A flow's own speed is arbitrary, so follow each at its own and at **four
# times** that speed, both ways in time. Control: $K = 0$, no motion at all.

# %%
SPEEDS, last = (1, -1, 4, -4), sizes["long"]
runs = {"no motion": dict()}
for c in SPEEDS:
    runs[f"nearest x{c}"] = dict(extra=lambda x, c=c: c * inferred(x))
for c in (4, -4):
    runs[f"spectral x{c}"] = dict(extra=lambda x, c=c: c * rough(x))
    # Here the Langevin part too has the Gaussian score.
    turned = c * flows.spectral_kernel.equal_rate_kernel(spectrum)
    runs[f"Gaussian x{c}"] = dict(matrix=turned, score=spectrum)
jobs = {k: lambda k=k: chemistry.follow(waves, network, (0, last), many, **runs[k]) for k in runs}
ended = rollout.together(jobs)

# %%
reference = chemistry.reference_sets(waves, network, sizes["pairs"], many)
jobs = {k: lambda v=v: chemistry.distance(reference, v, last) for k, v in ended.items()}
kept = rollout.together(jobs)
for key in runs:
    near = alike(ended[key].at(0), ended[key].last)
    print(f"{key:12} {kept[key]:5.2f} floors; similarity to the start: {near:.2f}")

# %% tags=["thumbnail"] part=[0.375, 0, 0.556, 1]
endings = {"start": ended["no motion"].at(0)[0, 1]}
for key in ("nearest x1", "nearest x4", "spectral x4", "Gaussian x4"):
    endings[f"{key}: {kept[key]:.1f} floors"] = ended[key].last[0, 1]
figures.show(
    figures.images(endings, columns=5, size=1.8, limits=ENDS, bars={SHEET: "v (sd)"}),
    "Waves after the rollouts. At its own speed the nearest flow has hardly changed the start; at "
    "four times that speed the fronts have moved on and are as sharp as before. Of the spectral "
    "flow's some have thinned or faded, and with the Gaussian score there are clouds.",
)

# %% [markdown]
# **At natural speed little changes**, so that keeping the distribution is easy for any flow. **At four
# times the speed the pattern is replaced, and leaks show**: the spectral flow thins its fronts, and
# with the Gaussian score, which knows nothing but a spectrum, they dissolve.
#
# True, or kept, or both? The network's own flow, $K = \pm J$ with the better score, is added from the
# studies: it keeps the pattern, but it is *another* motion.


# %%
def worst(kind, factor):
    """The worse of both signs of a motion, in floors."""
    return max(kept[f"{kind} {sign}{factor}"] for sign in ("x", "x-"))


studies = {**course.recorded("gray_scott_long"), **course.recorded("gray_scott_protocol")}
similar = {kind: abs(float(found["waves"][kind].mean())) for kind in ("before", "nearest")}
of_J = ("waves.network.similarity_mean", "waves.sde.patch_distance_over_floor_300")
virtues = {
    "Gaussian score, x4": (similar["before"], worst("Gaussian", 4)),
    "spectral flow, x4": (similar["before"], worst("spectral", 4)),
    "nearest flow, x1": (similar["nearest"], worst("nearest", 1)),
    "nearest flow, x4": (similar["nearest"], worst("nearest", 4)),
    "network score, K = ±J": tuple(studies[row]["value"] for row in of_J),
}
figure = figures.scatter(
    virtues, title="Waves: true, or kept, or both", xlabel="similarity to the true change",
    ylabel="patch distance after 300 steps (floors)", xlim=(-0.02, 1.02), yscale="log",
)  # fmt: skip
figure.axes[0].axhspan(0.3, 1.5, color="#009e73", alpha=0.1)
figure.axes[0].text(0.01, 0.33, "keeps the distribution: below 1.5 floors")
figures.show(
    figure,
    "Similarity to the truth against distance from the distribution. The nearest flow is both true "
    "and kept, at both speeds; the network's own flow is kept but not true; with the Gaussian score "
    "the motion is nearly true, but not kept.",
)

# %% [markdown]
# ## 6. What holds the distribution
#
# Is it the flow, or the Langevin part that repairs it? Follow the flows alone, without noise, from
# the same blurred snapshots:

# %%
pairs = {"spectral": rough, "nearest": inferred}
moves = {(k, c): lambda x, c=c, f=f: c * f(x) for k, f in pairs.items() for c in (1, -1)}
jobs = {
    k: lambda f=f: chemistry.alone(waves, network, f, reference, sizes["alone"])
    for k, f in moves.items()
}
leaks = rollout.together(jobs)
for (kind, sign), far in leaks.items():
    said = ", ".join(f"{x:.2f} floors at t = {t:g}" for t, x in far.items())
    print(f"{kind:8} {sign:+d}, no Langevin part: {said}")

# %% [markdown]
# Up to t = 75, twice as far as above at its own speed, the nearest flow alone stays in the
# distribution. Then, in one of its two directions, it runs away. The potential $\phi$ is a sum of
# finitely many test functions, so the projection is not exact, and small errors grow. **The Langevin
# part holds the distribution**; the flow gives the motion. See the row
# `waves.nearest_alone.patch_distance_over_floor_t150`.
#
# ## 7. Turn the knobs
#
# The panel uses the Gaussian score, whose motion is exact at any time. Left is the true film.
#
# 1. Set γ to -1. Could a snapshot have told you that this is wrong?
# 2. Choose the kernel `one pixel`, which is $J$. Which part of the picture goes wrong first?
# 3. Raise η. What does noise do to the film that γ does not?
#
# <details><summary>Answers</summary>
#
# 1. No. The film runs backwards, and each of its sheets is as likely as before: v and -v keep the same
#    distribution.
# 2. Fine detail. Its waves are faint, so that their score is large, and under $J$ alone they race: grain
#    covers the sheet. The spectral kernel slows them down by $a(k)$.
# 3. It forgets. γ only turns each wave about; noise replaces it by a fresh one, and the fronts become
#    Gaussian texture, as this score knows nothing else.
#
# </details>

# %%
panels.chemistry_panel()

# %% [markdown]
# ## 8. Other rules, and the paper's numbers
#
# More can be had without training. The study `gray_scott_protocol` maps the chemicals' values
# to a Gaussian histogram first (a Gaussian copula: `warped`), and fits $a(k)$ to *one* observed
# velocity (`fitted`). Its recorded rows:

# %%
for kind in ("warped", "fitted", "network"):
    rows = {name: studies[f"{name}.{kind}.similarity_mean"]["value"] for name in MOVING}
    print(f"{kind:8}", ", ".join(f"{name} {value:.2f}" for name, value in rows.items()))

# %% [markdown]
# **Do we get the paper's numbers?** Zhang & Levin report .271 for life, .589 for waves and .250 for
# bursts, with $K = \pm J$ and a network's score. **Not for waves.** The study `paper_gray_scott` follows
# their protocol, and takes the better sign of each pattern as they do. Its rows, on waves:

# %%
theirs = course.recorded("paper_gray_scott")
for name, row in theirs.items():
    if ".waves." in name and "best" in row and "concentrations" not in name:
        print(f"{name:80} {row['value']:.2f}, best of {row['patterns']} {row['best']:.2f}")

# %% [markdown]
# A network of their size (`similarity_at` so many steps of training) stays far below .589, and more
# training does not help. The course's own network (`shipped`) does no better. The score that knows
# nothing but the spectrum (`gaussian`) comes nearer, most of all without noise. The units of the
# noise, the start, the average and the size of the rule were changed one at a time: none of them
# makes up the difference, and neither does picking the best of the patterns, though theirs is the
# figure of one pattern. So the cause is still open. The higher figures above come from *other rules*
# and are no reproduction of theirs.

# %% [markdown]
# ## 9. Scorecard

# %% tags=["hidden-test"] jupyter={"source_hidden": true}
PAPER = {"life": 0.271, "waves": 0.589, "bursts": 0.250}
AIMS = {"life": 0.83, "waves": 0.84, "bursts": 0.75}
shared = dict(snapshots=sizes["snapshots"])
for name in MOVING:
    how = dict(target=f">= {AIMS[name]:.2f}", paper=PAPER[name], **shared)
    card.spread(f"{name}.spectral.similarity", found[name]["spectral"], **how)
    card.spread(f"{name}.nearest.similarity", found[name]["nearest"], **shared)
card.spread("maze.spectral.similarity", found["maze"]["spectral"], paper=0.270, null="frozen")
card.spread("waves.both.similarity", found["waves"]["nearest"], target=">= .5", paper=0.589)
for aim in (100, 150):
    at = min(range(len(clock)), key=lambda i: abs(clock[i] - aim))
    how = dict(steps=clock[at], times_own_speed=LAPSE, canvases=many)
    card.row(f"waves.film.similarity_{aim}", track[at], control=frozen[at], **how)

# %% tags=["hidden-test"] jupyter={"source_hidden": true}
shared = dict(floor=reference.floor, steps=last, sigma=sigma, tau=chemistry.TAU, eta=chemistry.ETA)
far = "patch_distance_over_floor_300"
loose = {1: kept["no motion"], 4: worst("spectral", 4)}  # controls: the gradient part left in
for name, c in {"both": 1, "both_four_times": 4}.items():
    card.row(
        f"waves.{name}.{far}", worst("nearest", c), target="<= 1.5", control=loose[c], **shared
    )
    near = alike(ended[f"nearest x{c}"].at(0), ended[f"nearest x{c}"].last)
    card.row(f"waves.{name}.alike_start", near)
card.row(f"waves.gaussian.{far}", worst("Gaussian", 4), control=kept["no motion"], **shared)
for kind in pairs:
    for t in leaks[kind, 1]:
        value = max(leaks[kind, sign][t] for sign in (1, -1))
        card.row(f"waves.{kind}_alone.patch_distance_over_floor_t{t:.0f}", value, eta=0, dt=2.5)
for name, values in studies.items():
    card.row(name, **values)

# %%
CLAIMS = {
    "waves.both.similarity_mean": "waves: the nearest flow's similarity to the true motion",
    "life.nearest.similarity_mean": "the same for life",
    "bursts.nearest.similarity_mean": "the same for bursts",
    "waves.spectral.similarity_mean": "waves: the spectral rule",
    "waves.film.similarity_100": "the inferred film after 100 steps (control: stands still)",
    "waves.both.patch_distance_over_floor_300": "it keeps the distribution, floors",
    "waves.both_four_times.patch_distance_over_floor_300": "four times as fast (control: spectral)",
    "waves.both.patch_distance_over_floor_1000": "after 1,000 steps (control: spectral)",
    "waves.gaussian.patch_distance_over_floor_300": "with the Gaussian score, four times as fast",
}
alone = next(name for name in reversed(card.rows) if "nearest_alone" in name)
card.show(CLAIMS | {alone: "without the Langevin part"})

# %% tags=["hidden-test"] jupyter={"source_hidden": true}
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %% tags=["hidden-test"] jupyter={"source_hidden": true}
# NBVAL_CHECK_OUTPUT
for name in MOVING:
    means = [float(found[name][kind].mean()) for kind in ("before", "nearest")]
    print(name, "nearest beats what it started from:", means[0] < means[1])

# %% [markdown]
# ## What failed, and what to make of it
#
# - The spectral rule of bursts misses its aim of .75. Of the three patterns, the values of bursts are
#   the least Gaussian: with a copula (row `bursts.warped`) the same rule meets it.
# - The symmetric control is not small. Part of the similarity is the smoothing alone; what is left above
#   it is the motion.
# - Followed alone, the nearest flow leaves the distribution in one direction of time. It keeps what its
#   test functions see; the rest is repaired by the Langevin part.
# - A network's score can leak late. Under $K = \pm J$, life and waves meet their aims after 300 and
#   1,000 steps, bursts miss both: see the rows `bursts.sde`. A canvas of bursts is nearly all in one
#   phase, bright or dark, so that six canvases lie 1.2 floors from fresh ones before they have moved
#   (the control of those rows, which stands still). Under $-J$ they stay there; under $+J$ they leave.
#   A network trained for longer, on more snapshots, has not been tried to its end.
# - The spectral flow with the network's score keeps waves for 300 steps within 1.5 floors, even four
#   times as fast. After 1,000 steps it does not: see the control of
#   `waves.both.patch_distance_over_floor_1000`.
# - The film follows the truth for a while, not for ever. The pattern is chaotic, and the noise of the
#   Langevin part makes a film of its own.
#
# **Read on.** Zhang & Levin (2025), arXiv:2509.17990, section on Gray-Scott; Pearson (1993), for
# the patterns; Vincent (2011), for denoising scores.
#
# ## Exercises
# Five [with hints and checks](exercises/03_gray_scott_training_free_exercises.ipynb). Others, to
# try in this notebook:
#
# 1. (Predict a figure.) Draw the row that the *maze* would have in section 4's picture: true change,
#    spectral rule. Then add "maze" and look.
# 2. Give the spectral rule 4 snapshots instead of 64. Which preset suffers most?
# 3. Replace $a(k)$ by its square root. What happens to the similarity, and to the film?
# 4. (Open.) The nearest flow needs no library of equations. Can its potential say which terms the
#    equation has?
#
# <details><summary>What to expect of the first</summary>
#
# In the units of the others the true change is blank: it is a hundredth of theirs. The spectral rule
# doesn't know that. Until it is scaled to the truth, it turns the maze as briskly as any other pattern,
# since a spectrum does not say whether anything moves.
#
# </details>
