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
# # Toys in the plane: motions that nobody can see
#
# > Which motions keep a cloud of points looking the same?
#
# Draw a cloud, with mouse, finger or arrow keys. It comes alive at once, and your drawing stays.
#
# 1. Wait a minute. Does the drawing wash out?
# 2. Draw two blots. Can a point get from one to the other? And with a little noise, η?

# %%
from eqflow_nb import panels

panels.draw_panel()

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. No. Each point circles on a line of equal density, and what leaves a place is replaced by what
#    comes.
# 2. Without noise a point never leaves its line. Lines near a peak go around that blot alone; lines
#    farther out than the saddle go around both. Noise lets it change lines, and so the blot.
# </details>
#
# **Where we are.** Chapter 00 showed one motion that nobody can see in snapshots. Stir a cup of
# coffee: every drop moves, and the cup looks the same. Now you find *all* the ways to stir.
#
# **You will**
# - derive the one equation of this course and test it with numbers,
# - see what a score is and what the noise level σ does to it,
# - write down *every* flow in the plane that keeps a cloud, and learn one with a network,
# - tell a good flow from a leaking one, with noise floors and controls,
# - use such flows to sample faster.
#
# **You should know** gradients, divergence, a little probability and some PyTorch.
#
# **Time** about 2 minutes to run on two cores, 40 to read. Memory: under 1 GB.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import ot
import torch

from eqflow_nb import figures, flows, measures, rollout, scores
from eqflow_nb.course import toys
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)  # steps are too short to split; whole rollouts run side by side

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.15

# %%
torch.manual_seed(seed)
place = pick_device(device)
quick = choice(budget, BUDGETS, "budget") == "quick"
n, members, last = (4000, 2, 48) if quick else (50000, 8, 128)
steps = {"quick": 30, "laptop": 300, "paper": 1000}[budget]
cloud, evaluations = (200, 100) if quick else (2000, 1000 if budget == "laptop" else 5000)
long = {"quick": 10.0, "laptop": 100.0, "paper": 1000.0}[budget]
card = Scorecard("01_toys_2d", seed=seed, budget=budget, sigma=sigma)

# %% [markdown]
# ## 1. The clouds
#
# Three toys: `two_peaks`, `ring` and `two_moons`. Each coordinate is centred and scaled to unit
# standard deviation; lengths below are in those units. For all three we know the exact density, so
# every claim can be checked. The flows are made from samples only.

# %%
names = ("two_peaks", "ring", "two_moons")
peaks, ring, moons = (toys.toy(name, n, cloud, sigma, seed, place) for name in names)
worlds = {"two_peaks": peaks, "ring": ring, "two_moons": moons}
figures.show(
    figures.clouds({name: toy.samples[:1500] for name, toy in worlds.items()}),
    "Three clouds of points in the plane: two peaks side by side, a ring, two interleaved moons.",
)

# %% [markdown]
# ## 2. One equation
#
# Let a cloud with density $p(x)$ move with velocity $v(x)$. Matter is conserved, so
# $\partial_t p = -\nabla\cdot(p v)$. The cloud looks the same for ever exactly if this vanishes.
# Divide by $p$, and write $s = \nabla\log p$, the **score**:
#
# $$\nabla\cdot(p v) = 0 \quad\Longleftrightarrow\quad r := \nabla\cdot v + v\cdot s = 0. \tag{1}$$
#
# The **residual** $r$ says how fast the density at a point would change: a leak. Test it where all is
# known. A Gaussian with covariance $C$ has $s = -C^{-1}x$. Move it by $v = J s$, where
# $J = \begin{pmatrix} 0 & 1 \\ -1 & 0 \end{pmatrix}$ turns every vector by a quarter; or stretch it,
# by $v = x$:

# %%
J = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], device=place)
C = torch.tensor([[1.0, 0.5], [0.5, 0.7]], dtype=torch.float64)


def residual(v, s, x):
    """r = div v + v . s at every row of x (B, 2)."""
    slopes = [torch.func.jvp(v, (x,), (e.expand_as(x),))[1] for e in torch.eye(2).to(x)]  # dv/dx_i
    return slopes[0][:, 0] + slopes[1][:, 1] + (v(x) * s(x)).sum(1)


def gauss(x):
    return -x @ torch.linalg.inv(C)


x = torch.randn(2000, 2, dtype=torch.float64) @ torch.linalg.cholesky(C).T
for words, v in {"turned": lambda x: gauss(x) @ J.T.to(x), "stretched": lambda x: x}.items():
    leak = residual(v, gauss, x).square().mean().sqrt() / v(x).square().sum(1).mean().sqrt()
    print(f"{words:10s} rms residual over rms speed: {leak:.2g}")

# %% [markdown]
# ## 3. The score, and what σ does
#
# Data need not have a density; blurred data do. Add noise, $x_\sigma = x + \sigma\varepsilon$, and
# the score of its distribution follows from the best guess of where a point came from (Tweedie):
# $s(x) = (E[x_0 | x] - x)/\sigma^2$. For a cloud of dots the guess is a weighted mean of them. These
# three lines are what runs behind your drawing:


# %%
def score_of(dots, sigma):
    """The score of dots (n, 2) blurred by sigma: where x probably came from, minus x."""

    def score(x):
        likely = torch.softmax(-torch.cdist(x, dots).square() / (2 * sigma**2), dim=1)
        return (likely @ dots - x) / sigma**2

    return score


dots = moons.samples[:300].cpu()
figure, panes = figures.grid(4, 4, (2.2, 2.4))
for pane, level in zip(panes, (0.05, 0.15, 0.3, 0.6)):
    score = score_of(dots, level)
    figures.draw_density(pane, toys.density_of(dots, level), 2.5)
    figures.draw_streamlines(pane, score, 2.5, seeds=8)
    figures.square(pane, 2.5, inner=pane is panes[0])
    pane.set_title(f"σ = {level}: error {moons.error(score, level):.0%}")
figures.show(
    figure,
    "Three hundred dots of two moons at four noise levels, with arrows of their score. At .05 the "
    "density is speckled and arrows end at specks; at .15 and .3 there are two moons, at .6 one blob.",
)

# %% [markdown]
# Blue is the density of the dots, blurred; the error is that of their score, measured where new points
# fall. If σ is small, the cloud falls into specks, and the score is large and mostly wrong. If σ is
# large, the score is easy, and there are no two moons any more. In between lies σ = .15. We go on with
# it and more samples. Several ways lead to a better score:

# %%
denoiser = scores.DenoiserScore(2, sigma, seed=seed).to(place)
_ = list(scores.denoiser.train(denoiser, moons.samples, 50 if quick else 1500, seed=seed))
found = {
    "5,000 dots": score_of(moons.samples[:5000], sigma),
    "a network that removes noise": denoiser,
    "a fitted mixture of Gaussians": moons.score,
}
for words, score in found.items():
    print(f"two_moons, {words}: error {moons.error(score):.3f}")

# %% [markdown]
# The fitted mixture wins, and it is an exact gradient, which will matter. We go on with it.
#
# ## 4. Constant skew: a flow for nothing
#
# Take $v = K s$ with $K = -K^\top$. Then $v\cdot s = s^\top K s = 0$, and
# $\nabla\cdot(Ks) = \sum K_{ij}\,\partial_i\partial_j\log p = 0$. Both terms of (1) vanish for *any*
# $p$. In the plane there is one such $K$ up to scale, $J$, and the flow runs along the level lines.

# %%
for words, K in {"skew": J, "symmetric": J.abs(), "unit": torch.eye(2).to(J)}.items():
    leaks = [t.leak(lambda x, t=t, K=K: t.score(x) @ K.T, t.score) for t in worlds.values()]
    print(f"{words:10s} leaks of the three toys:", "  ".join(f"{leak:.0e}" for leak in leaks))

# %% [markdown]
# ## 5. All of them: the stream function
#
# Let the strength of the turn depend on place, $K = \psi(x) J$. That alone leaks: by the product rule
# $\nabla\cdot(\psi J s) = \nabla\psi\cdot Js + \psi\,\nabla\cdot(Js)$, where the last term is 0 and
# the first isn't. So add $J\nabla\psi$. It has no divergence, and $J\nabla\psi\cdot s =
# -\nabla\psi\cdot Js$, since $J$ is skew: it cancels exactly what leaked. So
#
# $$v = J(\nabla\psi + \psi s) \quad\text{keeps } p \text{ for any } \psi(x), \text{ and } p v =
# J\nabla(p\psi). \tag{2}$$
#
# Every divergence-free field in the plane, so every $p v$, is $J$ times a gradient. So these are *all*
# the flows that keep $p$: as many as there are functions ψ. That is how much freedom snapshots leave.

# %% tags=["thumbnail"] part=[0.26, 0, 0.52, 0.9]
psis = {
    "ψ = 1": lambda x: torch.ones_like(x[:, 0]),
    "ψ = x": lambda x: x[:, 0],
    "ψ = sin 4x": lambda x: torch.sin(4 * x[:, 0]),
    "random waves": flows.exact.Waves(2, wavelength=3.0, seed=seed),
}
exact = {words: flows.exact.StreamFunction(psi, ring.score) for words, psi in psis.items()}
for words, psi in psis.items():
    half = ring.leak(lambda x, psi=psi: psi(x)[:, None] * (ring.score(x) @ J.T), ring.score)
    print(
        f"{words:13s} ψ J s leaks {half:.2f}; with J ∇ψ {ring.leak(exact[words], ring.score):.0e}"
    )
figures.show(
    toys.swirls(psis, ring.log_density, 2.4),
    "Four pictures of p times psi on the ring, in colours with contours. For 1 one band all around; "
    "for x a left half and a right half of opposite senses; for sin 4x eight patches, for random "
    "waves vortices of uneven size.",
)

# %% [markdown]
# By (2) the points move along the contours of $p\psi$, so these contours are their paths: one way
# round where it is orange, the other way where it is purple. Four quite different motions, one ring:

# %% tags=["readme-film"]
clock = [0.1 * frame for frame in range(27)]
shown = {w: (flows.at_common_speed(exact[w], ring.held_out), 0.05, clock) for w in list(psis)[:3]}
paths = rollout.race(shown, ring.start)
figures.points_film(
    {words: list(path.states.values()) for words, path in paths.items()},
    "Three films of one ring. With psi 1 the points circle; with psi x they go around in the left and "
    "the right half; with sin 4x they stir in separate patches. The outline stays the same in all.",
    cloud=ring.draw(20000, seed + 8),
    times=clock,
    extent=2.2,
    points=150,
    width=780,
)

# %% [markdown]
# Change ψ yourself. **Before you move the slider:** will the cloud change?
# 1. Which ψ lets points pass from one peak to the other?
# 2. Find a ψ whose flow stands still somewhere inside a peak. Why must there be such a point?

# %%
panels.stream_panel()

# %% [markdown]
# <details><summary>Answers</summary>
#
# The cloud never changes; that is (2).
# 1. Any ψ for which a contour of $p\psi$ runs through both peaks: with ψ = 1 those outside of the
#    saddle do, and with "saddle" more of them do.
# 2. All do. $p\psi$ falls to zero far out, so it has a highest or lowest point, and there
#    $J\nabla(p\psi) = 0$.
# </details>
#
# ## 6. A network, the paper's way, and better
#
# Zhang & Levin train a network $v_\theta$ on $E\,r^2$. Here it is, in plain torch. The speed divides
# the loss, so that standing still is no answer.

# %%
tanh, linear = torch.nn.Tanh(), torch.nn.Linear
net = torch.nn.Sequential(linear(2, 64), tanh, linear(64, 64), tanh, linear(64, 2)).to(place)
optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(steps):
    x = moons.draw(512, seed + 10000 + step)
    r = residual(net, moons.score, x)
    loss = r.square().mean() / net(x).square().sum(1).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print(f"two_moons, rms residual over rms speed after {steps} steps: {moons.leak(net):.2f}")

# %% [markdown]
# That leaks. Three changes make it precise. The network also gets the paper's features,
# $\sin 2^k x$ and $\cos 2^k x$. It learns on points that also cover the tails. And the residual is
# *linear* in the last layer's weights, so at the end that layer is solved for exactly. Eight
# networks each, trained side by side:

# %%
trained = rollout.together(
    {k: lambda t=t: toys.networks(t, members, steps, last) for k, t in worlds.items()}
)
learned = {name: found for name, (found, _) in trained.items()}
leaks = {}
for name, net in learned.items():
    toy, each = worlds[name], [net.member(i) for i in range(members)]
    leaks[name] = torch.tensor([toy.leak(v) for v in each])
    alike = measures.similarity_matrix([v(toy.held_out) for v in each])
    print(
        f"{name:10s} {trained[name][1][-20:].mean():.3f} before the last layer is solved for, "
        f"{toy.leak(each[0], toy.score):.3f} after; against the exact score {leaks[name].mean():.3f} "
        f"± {leaks[name].std():.3f}; cosine of two networks {alike[~torch.eye(members).bool()].mean():.2f}"
    )

# %% [markdown]
# The first two figures are against the fitted score, which the networks learned from; the next is
# against the exact one, which they never saw. What is left there is mostly the error of the fit.
#
# The last figure is a surprise. By (2) each network could find a flow of its own, yet all eight find
# nearly the same. Something besides (1) chooses: training also prefers smooth flows, if only a little,
# and all networks have one shape. Chapter 02 makes use of that.

# %% [markdown]
# ## 7. Does it last?
#
# All flows get the same rms speed, $\sqrt2$: one radius of the cloud per unit of time. They start
# from fresh blurred points. The distance to fresh samples is divided by its **floor**, the mean
# distance between two fresh samples, so 1 is perfect. Controls: a random network, the score itself
# (everything climbs to the peaks) and a symmetric matrix times the score.


# %%
def runners(toy):
    """Each flow at the common speed, with the step that it needs and the times to keep."""
    random = flows.networks.FlowNetworks(members, 2, 48, last, seed=seed + 5).to(place)
    random.requires_grad_(False).set_speed(toy.held_out)
    waves = flows.exact.Waves(2, seed=seed)
    plain = {
        "skew": (lambda x: toy.score(x) @ J.T, 0.1),
        "exact": (flows.exact.StreamFunction(waves, toy.score), 0.1),
        "score": (toy.score, 0.2),
        "symmetric": (lambda x: toy.score(x) @ J.abs().T, 0.2),
    }
    plain = {k: (flows.at_common_speed(v, toy.held_out), dt) for k, (v, dt) in plain.items()}
    fields = {
        "learned": (learned[toy.name], 0.0625 if toy is moons else 0.1),
        "random": (random, 0.5),
    }
    return {kind: (v, dt, [long / 10, long]) for kind, (v, dt) in (fields | plain).items()}


flown = {name: runners(toy) for name, toy in worlds.items()}
runs = {name: rollout.race(flown[name], toy.start) for name, toy in worlds.items()}

# %%
over = {
    (k, kind): worlds[k].kept(r.at(long)) for k, each in runs.items() for kind, r in each.items()
}
chance = [toy.kept(toy.draw(cloud, seed + 500 + i)) for toy in worlds.values() for i in range(8)]
figures.show(
    toys.over_floors(over, (min(chance), max(chance)), 1.5),
    "Distances over their floor at the end, on a log axis, a row for each kind of flow. Those of "
    "the learned, skew and exact flows lie in the band of fresh clouds; those of the score are three "
    "to thirteen floors, of the symmetric matrix and the random networks hundreds.",
)
for name in worlds:
    print(f"{name:10s}", "  ".join(f"{kind} {over[name, kind]:.2f}" for kind in runs[name]))

# %% [markdown]
# The grey band is what chance does: clouds that are fresh themselves, measured the same way. Nobody
# can tell a flow inside it from a perfect one.
#
# ### The cheapest way to move a cloud
#
# Look at the distance itself. **Optimal transport** carries one cloud onto another so that the mean
# squared way is least. The plan says who goes where:

# %%
ends = {kind: run.at(long) for kind, run in runs["two_moons"].items()}
pairs = {
    "chance: two fresh clouds": (moons.draw(300, seed + 76), moons.draw(300, seed + 77)),
    "learned flow: start to end": (moons.start[:300], ends["learned"][:300]),
    "score: start to end": (moons.start[:300], ends["score"][:300]),
}
plans = {}
for title, (a, b) in pairs.items():
    plan = ot.emd([], [], ot.dist(a.cpu(), b.cpu()).numpy())  # squared ways, equal weights
    partner = plan.argmax(1)
    ways = (a - b[partner]).norm(dim=1)
    plans[f"{title}\nmean way {ways.mean():.2f} sd"] = (a, b, partner)
figures.show(
    toys.plans(plans, 2.5),
    "Three transport plans on two moons, as lines from start to end. Between two fresh clouds and "
    "between start and end of the learned flow the lines are equally short; to the end of the "
    "score's flow, a few dots, they are longer.",
)
stray = (moons.start - ends["learned"]).norm(dim=1).mean()
print(f"In the learned flow each point itself ended {stray:.2f} sd from its start, on average.")

# %% [markdown]
# The points of the learned flow ended far from where they began. But to turn its last cloud back into
# its first, you would move each point hardly more than between two fresh samples. *That* is what "the
# cloud stays" means.
#
# Our distance, sliced Wasserstein, averages such plans over lines through the cloud. The Sinkhorn
# divergence takes the whole plan. Do they judge alike, each in its own floors?

# %%
least, _ = measures.noise_floor(measures.sinkhorn, moons.draw, n=500, seed=seed)
fresh = moons.draw(500, seed + 77)
sinkhorn = {kind: measures.sinkhorn(end[:500], fresh) / least for kind, end in ends.items()}
print("two_moons, in floors  Sinkhorn   sliced Wasserstein")
for kind in ends:
    print(f"{kind:20s}{sinkhorn[kind]:10.2f} {over['two_moons', kind]:20.2f}")

# %% [markdown]
# They do. Now a warning. These rollouts take explicit steps, and a step must be short where the score
# is steep. The same exact flow on the ring, with twice the step:

# %%
coarse = rollout.race({"exact": (flown["ring"]["exact"][0], 0.2, [long])}, ring.start)["exact"]
before, after = over["ring", "exact"], ring.kept(coarse.at(long))
print(f"exact flow on the ring: {before:.2f} floors at dt = .1, {after:.2f} at dt = .2")

# %% [markdown]
# Ten times longer, to $t = 1000$, takes many minutes: it is a study (`eqflow-nb study toys_long`),
# and its rows are shown as recorded in the scorecard.
#
# ## 8. Noise may be added, and helps
#
# With diffusion, $dx = (v + \eta s)\,dt + \sqrt{2\eta}\,dW$ keeps $p$ for every $\eta\ge0$: the drift
# $\eta s$ pulls back exactly what the noise spreads. With $v = 0$ this is Langevin sampling. A skew
# part keeps $p$ too, but mixes faster. Try it:
#
# 1. Set γ to zero in the panel. What still moves? Then set η to zero as well.
# 2. With η = 0, follow one point. Can it ever reach the other peak?

# %%
panels.toy_panel()

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. With noise alone the points wander, and the drift holds the cloud together. Without both
#    everything rests.
# 2. Only if its level line goes around both peaks: one that starts outside of the saddle's line.
# </details>
#
# How much faster does a current sample, per evaluation of the score? Each method runs at the largest
# step that still keeps $p$ within 1.5 floors.

# %%
bump = lambda x: 1 + 2 * torch.exp(-x[:, 0].square() / 0.32)  # noqa: E731  ψ, high over the saddle
currents = {
    "none": lambda x: torch.zeros_like(x),
    "skew γ = 1": lambda x: peaks.score(x) @ J.T,
    "skew γ = 2": lambda x: peaks.score(x) @ (2 * J).T,
    "exact, saddle": flows.exact.StreamFunction(bump, peaks.score),
}
ladder = [0.04] if quick else [0.16, 0.18, 0.2]
climbs = rollout.together(
    {k: lambda v=v: toys.fastest(peaks, v, evaluations, ladder) for k, v in currents.items()}
)
for words, (step, effective) in climbs.items():
    print(
        f"{words:14s} step {step:.2f}: {1000 * effective:.1f} effective samples in 1,000 evaluations"
    )

# %% [markdown]
# Every current here samples faster than none: it carries points over the saddle between the peaks,
# where Langevin sampling waits for luck. A current made for the saddle does as well as a constant one
# of more strength, or better.
#
# ## 9. Scorecard

# %% tags=["hide-input"]
for name, toy in worlds.items():
    row, shared = f"{name}.learned.residual", dict(floor=toy.floor, points=cloud, t=long)
    mean, sd, wrong = leaks[name].mean(), leaks[name].std(), toy.error(toy.score)
    card.row(row, mean, sd=sd, target="<= .15", score_error=wrong)
    for kind, (_, dt, _) in flown[name].items():
        row, aim = f"{name}.{kind}.preservation_100", "<= 1.5" if kind == "learned" else None
        card.row(row, over[name, kind], target=aim, dt=dt, **shared)
for row, values in course.recorded("toys_long").items():
    card.row(row, **values)
card.row("two_moons.learned.sinkhorn_100", sinkhorn["learned"], control=sinkhorn["random"])
none, *others = (effective for _, effective in climbs.values())
card.row("sampler.speedup", max(others) / max(none, 1e-9), target="> 1.5")
told = {
    "learned.residual": "eight networks leak little",
    "learned.preservation_100": "and keep the cloud, in floors",
    "learned.preservation_1000": "also ten times as long (recorded)",
    "skew.preservation_1000": "so does constant skew (recorded)",
}
claims = {f"{n}.{row}": f"{n}: {words}" for n in worlds for row, words in told.items()}
claims["two_moons.learned.sinkhorn_100"] = "two_moons: by another distance"
claims["sampler.speedup"] = "a current makes sampling faster, by this factor"
card.show(claims)

# %% tags=["hidden-test"] jupyter={"source_hidden": true, "outputs_hidden": true}
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %% tags=["hidden-test"] jupyter={"source_hidden": true, "outputs_hidden": true}
# NBVAL_CHECK_OUTPUT
tight = {name: bool(leaks[name].mean() < 1) for name in worlds}
kept = {name: over[name, "skew"] < 2 for name in worlds}
torn = {name: over[name, "random"] > 2 for name in worlds}
print("residuals small:", tight, "\nkept by skew:", kept, "\ntorn by random networks:", torn)

# %% [markdown]
# ## What failed, and what to make of it
#
# - Gradient descent alone leaves a residual many times larger than the exact last layer does. A
#   residual is a leak, and a leak shows late.
# - What remains is the score's error. More samples help; a better optimiser does not.
# - Explicit steps must shrink where the score is steep.
# - The speed-up of sampling is real but modest, and it depends on the current chosen.
#
# **Read on.** Zhang & Levin (2025), arXiv:2509.17990. On faster sampling by such flows: Hwang,
# Hwang-Ma & Sheu (1993); Lelièvre, Nier & Pavliotis (2013).
#
# ## Exercises
# Five [with hints and checks](exercises/01_toys_2d_exercises.ipynb). Others, to try in this notebook:
#
# 1. *Predict a figure*: draw the contours of $p\psi$ on the two moons for ψ = $y$, on paper. How many
#    vortices, and which way round? Then use `toys.swirls`.
# 2. Predict, then run: what does `sigma = 0.4` do to the residual of the ring?
# 3. Write a ψ for the two peaks whose flow crosses the saddle twice as fast. Is the sampler better?
# 4. Show on paper that $v = J(\nabla\psi + \psi s)$ satisfies (1). Where did you use that $J$ is skew?
# 5. Replace the fitted score by the denoiser in a constant skew flow. What happens late, and why?
# 6. (Open.) Which ψ gives the fastest sampler for a given number of evaluations?
