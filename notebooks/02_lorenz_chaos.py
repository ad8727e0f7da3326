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
# Left, the motion that made a cloud of points. Right, a motion that a small network thought up. It
# was given the points without their order: no time, no velocity, no equation.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
import math

import torch

from eqflow_nb import figures, flows, measures, panels, rollout, scores, snapshots
from eqflow_nb.course import lorenz as chapter
from eqflow_nb.inputs import BUDGETS, choice, pick_device
from eqflow_nb.panels.lorenz import shipped_flow
from eqflow_nb.running import catalogue as course
from eqflow_nb.running.scorecard import Scorecard

figures.style()
torch.set_num_threads(1)  # steps are too short to split; whole rollouts run side by side

# %% tags=["parameters"]
seed = 0
device = "auto"
budget = "laptop"
sigma = 0.31

# %% tags=["hide-input"] jupyter={"source_hidden": true}
place, quick = pick_device(device), choice(budget, BUDGETS, "budget") == "quick"
n, steps, members, horizon = {
    "quick": (4000, 60, 2, 20), "laptop": (20000, 100, 8, 300), "paper": (50000, 400, 100, 1000)
}[budget]  # fmt: skip
cloud, units, hundred, thousand = (200, 48, 10.0, 100.0) if quick else (2000, 256, 100.0, 1000.0)
card = Scorecard("02_lorenz_chaos", seed=seed, budget=budget, sigma=sigma)

# %% tags=["hero", "readme-film"]
lorenz = snapshots.world("lorenz")
samples = lorenz.sample(n, seed).to(place)  # the snapshots, shuffled
draw = lorenz.blurred(sigma, place)  # fresh snapshots, blurred by sigma
truth_sharp = flows.at_common_speed(lorenz.velocity, samples)
clock = [0.15 * frame for frame in range(36)]
shown = {"truth": (truth_sharp, samples[:80]), "learned": (shipped_flow(), draw(80, seed))}
films = {}
for name, (field, start) in shown.items():
    run = rollout.record(rollout.rk4(field, start, 0.03, 180), clock)
    films[name] = torch.stack([run.at(t)[:, [0, 2]] for t in clock])
figures.points_film(
    films,
    "A looping film of the butterfly-shaped Lorenz attractor. In both halves points, coloured from "
    "left to right, circle in the two wings and change from one to the other until the colours mix.",
    cloud=draw(20000, seed + 2)[:, [0, 2]],
    times=clock,
    extent=2.8,
)

# %% [markdown]
# Both circle in the two wings, and change wings at irregular times. That is not a matter of course.
# Below are six motions, each followed from the same point for a long time. Four of them, the truth
# among them, keep the cloud for ever or nearly so; `score` and `random` don't. Yet only one of the
# other five looks like the truth.

# %% tags=["thumbnail"] part=[0.36, 0.02, 0.67, 0.5]
rough = scores.fit_mixture(samples[:4000], sigma, 24, seed=seed)  # section 3 has a better one
random_nets = flows.networks.FlowNetworks(members, 3, 64, 64, seed=seed + 500)
random_nets.requires_grad_(False).to(place).set_speed(draw(2048, seed + 999))
six = {"truth": lorenz.velocity, "learned": shipped_flow(), "random": random_nets.member(0)}
six |= {"score": rough, "skew": flows.skew.constant(flows.skew.random(3, seed), rough)}
six["exact"] = flows.exact.VectorPotential(flows.exact.Waves(3, 3, seed=seed), rough)
six = {name: flows.at_common_speed(field, draw(2048, seed + 999)) for name, field in six.items()}
figures.show(
    chapter.trajectories(six, draw(64, seed + 4321)[:1], samples[:600]),
    "Six trajectories in space: the learned one circles both wings like the true one; the skew one "
    "goes round a small loop; the exact one wanders; the score stops; the random network leaves.",
)

# %% [markdown]
# **Why care.** Often all you have is points without order: cells, each killed when measured; ticks of
# a log whose clock was lost. You would like to know how the system *moves*, at least whether small
# errors grow. Snapshots seem to say nothing on that. This chapter finds out how much they do say.
#
# **Where we are.** In chapter 01 a flow kept a cloud exactly if $\nabla\cdot v + v\cdot s = 0$, and
# there were many. In space there are more. Now you choose among them.
#
# **You will**
# - find a score and a symmetry in shuffled points,
# - train eight networks that keep the attractor, and see which principle makes them agree,
# - compare them with flows that need no training, and with controls that should fail,
# - measure Lyapunov exponents without fooling yourself.
#
# **You should know** chapter 01 (the continuity equation, scores, constant skew flows).
#
# **Time** about 2.5 minutes to run on two cores, 40 to read. Memory: under 1 GB.
#
# ## 1. What you are given
#
# Each coordinate is centred and scaled to unit standard deviation; lengths are in those units. We
# work with the blurred cloud $p_\sigma$, the distribution of $x_\sigma = x + \sigma\varepsilon$,
# because the sharp one is a fractal and has no density.

# %%
pair = {"sharp": samples[:cloud], "blurred": draw(cloud, seed + 4)}
figures.show(
    figures.clouds({name: x[:, [0, 2]] for name, x in pair.items()}, ("x", "z")),
    "Two clouds in the x-z plane: the sharp butterfly of the Lorenz attractor, and the same blurred.",
)

# %% [markdown]
# Distances between clouds have a floor: two fresh samples of the same distribution are not at
# distance zero. Every distance below is divided by it.
#
# ## 2. A symmetry that snapshots show
#
# Turn the cloud by half a turn about each axis, and compare it with itself. You need no dynamics
# for that.

# %%
floor, _ = measures.noise_floor(measures.sliced_wasserstein, draw, n=cloud, pairs=8, seed=seed)
turns = measures.half_turns(samples, seed=seed)
for each in turns:
    print(f"x -> {[int(a) for a in each.signs]} x: {each.over_floor:5.2f} floors apart")
turn = turns[0].signs.to(place)
signs = turn if turns[0].holds else None

# %% [markdown]
# One half turn, $(x, y, z) \to (-x, -y, z)$, leaves the cloud as it is. It is a hint about the
# motion too: *whatever treats the two wings alike in its snapshots may well treat them alike in its
# motion.* This does not follow. It is a guess, and we will test what it is worth.
#
# ## 3. The score
#
# A Gaussian mixture fitted to the sharp points, then blurred exactly, gives
# $s = \nabla \log p_\sigma$ in closed form. We check it against a kernel density estimate made of
# as many points that it has never seen.

# %%
score = scores.fit_mixture(samples, sigma, seed=seed, signs=signs)
unseen = lorenz.sample(n, seed + 1000).to(place)
reference = scores.KernelDensityScore(unseen, sigma)
test = draw(2048, seed + 999)
gap = (score(test) - reference(test)).norm() / reference(test).norm()
print(f"they differ by {float(gap):.3f} of the score's size")

# %% [markdown]
# ## 4. Learn a motion
#
# This is the whole idea of learning one. If the cloud is to stay, $\nabla\cdot v + v\cdot s$ must
# vanish at every point. So make its square small, and divide by the speed, or $v = 0$ would win.


# %%
def loss(v, x, s):
    """E (div v + v . s)^2 / E |v|^2 of a field v at points x (B, 3), with their scores s."""
    x = x.clone().requires_grad_()
    motion = v(x)
    slopes = [torch.autograd.grad(motion[:, i].sum(), x, create_graph=True)[0] for i in range(3)]
    divergence = sum(slopes[i][:, i] for i in range(3))
    leak = divergence + (motion * s).sum(1)
    return leak.square().mean() / motion.square().sum(1).mean()


generator = torch.manual_seed(seed)
net = torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.Tanh(), torch.nn.Linear(64, 3)).to(place)
adam = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(301):
    x = samples[torch.randint(len(samples), (256,))] + sigma * torch.randn(256, 3).to(place)
    value = loss(net, x, score(x))
    adam.zero_grad()
    value.backward()
    adam.step()
    if step % 100 == 0:
        print(f"step {step}: loss {value.item():.2f}")
print(f"a constant skew flow, untrained: {loss(six['skew'], test, rough(test)).item():.1e}")

# %% [markdown]
# The loss falls, so this network almost keeps the cloud. The constant skew flow keeps it exactly,
# with no training. So does $v = \nabla \times a + s \times a$ for *any* vector field $a$: those are
# all the smooth flows in space that keep $p_\sigma$, one for each $a$. **A small loss says that a
# flow is possible, not that it is the true one.** Something must choose.
#
# We choose openly. *Be smooth*: add $\lambda\,E|\nabla v|^2 / E|v|^2$ to the loss. *Be symmetric*:
# give the networks the half turn of section 2. And teach the tails too, where long runs leak. Both
# terms are quadratic in the last layer's weights, so after a short training that layer is solved for
# exactly. `flows.learned.learn` does it, for eight networks side by side. `plain` goes without the
# symmetry; `octaves` adds quickly varying inputs, as the paper does; `as the paper` has only the
# loss above, four octaves and gradient descent.


# %%
recipes = chapter.recipes(signs, steps, units)
trained = chapter.train(recipes, samples, score, sigma, members, seed)
learned, _, seconds = trained["learned"]
networks = {name: [t[0].member(i) for i in range(members)] for name, t in trained.items()}
leaks = {
    name: torch.tensor([flows.continuity.residual(f, score, test).relative for f in nets])
    for name, nets in networks.items()
}
figures.show(
    chapter.loss_curves({name: (t[1], leaks[name].mean()) for name, t in trained.items()}),
    "Training curves of five recipes side by side, eight networks each. A dotted line, far below "
    "four of them, is where the exact last layer brings them; the fifth gets there by descent.",
)
print(f"{seconds:.1f} s of one thread for each learned network")

# %% [markdown]
# Dotted: the leak at the end, at points of the cloud; for the first four after the last layer was
# solved for. The next cell asks what none of them was told: how *similar* is each flow to the truth?
# Similarity is $|\cos|$ between the two fields over points not used in training, 1 if they are
# proportional. *Paper's recipe*: at sharp points, against the true velocity. *Smoothed*: at blurred
# points, against $E[v^*|x_\sigma]$, the average true velocity of all points that could have been
# blurred to there. We call it the **blurred truth**. It keeps the blurred cloud, and is the best that
# a flow of blurred points can be.

# %%
sharp = lorenz.sample(2048, seed + 2000).to(place)
truth, truth_smoothed = lorenz.velocity(sharp), chapter.BlurredTruth(unseen, sigma)(test)
seeds = range(seed, seed + members)
matrices = torch.stack([flows.skew.random(3, i) for i in seeds])
families = {
    **networks,
    "random": [random_nets.member(i) for i in range(members)],
    "skew": [flows.skew.constant(k, score) for k in matrices],
    "exact": [flows.exact.VectorPotential(flows.exact.Waves(3, 3, seed=i), score) for i in seeds],
    "score": [score, rough],
}
similar = {}
for name, fields in families.items():
    exact = torch.tensor([measures.similarity(f(sharp), truth) for f in fields])
    smooth = torch.tensor([measures.similarity(f(test), truth_smoothed) for f in fields])
    similar[name] = exact, smooth
    print(f"{name:13s} {exact.mean():.3f} ± {exact.std():.3f}   smoothed {smooth.mean():.3f}")

# %% [markdown]
# Start at the bottom row. The score itself, random exact flows, constant skew flows and random
# networks have nothing to do with the truth. Neither has `as the paper`, the loss alone. Smoothness
# alone (`plain`) leads elsewhere too, and the symmetry decides. **Smooth and symmetric, and eight
# networks that saw no motion at all agree with the true one.**
#
# Why does smoothness alone not do it? Because of the flows that keep this cloud, the smoothest runs
# the wings in opposite senses, and the true one treats them alike. Ask the networks:

# %%
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

# %%
mapped = {n: families[n] for n in ("learned", "plain", "as the paper", "skew", "exact", "random")}
labels = ["truth"] + [name for name, fields in mapped.items() for _ in fields]
velocities = [truth_smoothed] + [f(test) for fields in mapped.values() for f in fields]
figures.show(
    chapter.map_of_flows(labels, measures.embed(measures.similarity_matrix(velocities))),
    "A map of flows. The eight symmetric smooth networks sit in a tight group beside the true flow; "
    "plain, skew, exact and random flows lie elsewhere. Right, that corner enlarged: eight dots.",
)

# %% [markdown]
# **How was $\lambda$ chosen?** The study `lorenz_long` tries five. Here are its figures as recorded.

# %%
figures.show(
    chapter.weights_of_smoothness(course.recorded("lorenz_long")),
    "Against the weight of smoothness: agreement dips at .001 and then rises to 1, the leak rises "
    "slowly, similarity to the truth jumps from .19 to .92 and then rises to .99.",
)

# %% [markdown]
# Agreement does not choose it. At the smallest $\lambda$ eight networks agree at .93, leak least, and
# are all wrong. From .005 on they agree at .99 and more, and agreement only goes on rising. So we took
# .02, from the range where they agree almost perfectly and the leak is no more than the error of the
# score. That leaves a factor of ten open. Similarity to the truth hardly depends on it there, .975 to
# .990; we know this because for Lorenz the truth is known. It was not used to choose. The exponent of
# section 7 depends on it more.
#
# ## 6. Does it last?
#
# A leak shows late. Every flow is brought to the same rms speed ($\sqrt3$, one radius of the cloud
# per unit of time) and started from fresh blurred points. The learned flows run to $t = 1000$, all
# others to $t = 100$; the study takes the untrained ones to 1000 too. The score itself and the random
# networks are the controls.

# %%
early = [10.0, thousand / 30, hundred]
even = test[: len(test) // members * members]  # as many for each matrix
runners = {
    # a longer step damps the eyes of the wings
    "learned": (learned, 0.2, [*early, thousand / 3, thousand]),
    "random": (random_nets, 0.25, early),
    "score": (flows.at_common_speed(score, test), 0.1, early),
    "skew": (flows.at_common_speed(flows.skew.constant(matrices, score), even), 0.1, early),
    "exact": (flows.at_common_speed(families["exact"][0], test), 0.05, early),
}
runners |= {name: (t[0], 0.2, early) for name, t in trained.items() if name != "learned"}
runs = rollout.race(runners, draw(cloud, seed + 1234))
over = {
    name: {t: measures.preservation(r.at(t), draw, floor, seed=seed) for t in r.states}
    for name, r in runs.items()
}
for name, values in over.items():
    kept = "  ".join(f"t={t:g}: {v:.2f}" for t, v in values.items())
    print(f"{name:13s} {kept}  bounded {runs[name].bounded(max(values)):.4f}")

# %%
figures.show(
    figures.curves(
        {name: (list(v), list(v.values())) for name, v in over.items()},
        levels=figures.FLOOR,
        xlabel="time (path in radii of the cloud)",
        ylabel="distance over its floor",
        **dict(xscale="log", yscale="log", size=(7, 3.6)),
    ),
    "Distance over its floor against time, log axes: learned, skew and exact flows stay near 1; "
    "random networks and the score rise far above; other recipes lie between.",
)
last = {name: runs[name].last for name in ("learned", "skew", "exact", "random", "score")}
last = {name + chapter.where_they_went(x): x for name, x in last.items()}
final = {"fresh sample": draw(cloud, seed + 5)} | last
figures.show(
    figures.clouds({name: x[:, [0, 2]] for name, x in final.items()}, ("x", "z"), columns=3),
    "Clouds at the end of each run: learned, skew and exact still show the butterfly. The score has "
    "brought all points to one place, the random networks have thrown all out of the picture.",
)

# %% [markdown]
# Constant skew and exact flows keep the cloud, and so do the learned ones, ten times as long. Compare
# the other recipes in the table: a small leak at points of the cloud says little about the tails.
#
# ## 7. Is it chaotic?
#
# The largest Lyapunov exponent says how fast two neighbours part. First the measure itself: on the
# true system it must give .9056 per unit of Lorenz time, and the sum of the three must be the
# divergence, $-41/3$.

# %%
clean = lorenz.sample(8 if quick else 256, seed + 3000).double()
known = measures.lyapunov_spectrum(lorenz.velocity, clean, 0.01, 2000 if quick else 4000, burn=500)
true_spectrum = known.exponents.mean(0)
true_error = known.exponents.std(0) / math.sqrt(len(clean))
true_path = float(true_spectrum[0]) / measures.mean_speed(lorenz.velocity, sharp)
print("true spectrum", [f"{a:.3f} ± {b:.3f}" for a, b in zip(true_spectrum, true_error)])
print(f"sum {true_spectrum.sum():.3f}, dimension {measures.kaplan_yorke(true_spectrum):.3f}")

# %% [markdown]
# Flows from snapshots have no clock, so exponents are compared per unit of path length: divide by
# the mean speed. A control is essential. In a constant skew flow, trajectories move on the level
# surfaces of $p$ and of a second invariant: no chaos, true value 0. Whatever it shows is the false
# positive to expect at this horizon. And the blurred truth says what there is to find.

# %%
each = 2 if quick else 16
jobs = {
    "learned": (learned, each * members, horizon, 0.1),
    "skew": (runners["skew"][0], 4 * members, horizon, 0.1),
    "blurred truth": (chapter.BlurredTruth(unseen[:3000], sigma), 2 * each, horizon, 0.1),
    "step .05": (learned, 4 * members, horizon / 6, 0.05),
    "step .1": (learned, 4 * members, horizon / 6, 0.1),
}
chaos = chapter.exponents(jobs, draw, seed)
figures.show(
    figures.curves(
        {n: (chaos[n].times, chaos[n].history) for n in ("learned", "skew", "blurred truth")},
        levels={"none": 0.0, f"sharp truth: {true_path:.4g}": true_path},
        xlabel="horizon (path in radii of the cloud)",
        ylabel="largest exponent (1/path)",
        **dict(xscale="log", ylim=(-0.01, 0.15)),
    ),
    "Largest exponent against horizon: the blurred truth settles a little below the sharp one, the "
    "learned flows lower, the skew control falls towards zero.",
)

# %%
ours, none = (chaos[n].paths.view(members, -1).nanmean(1) for n in ("learned", "skew"))
z = float((ours.mean() - none.mean()) / torch.hypot(ours.std(), none.std()))
ratio = float(ours.mean() / chaos["blurred truth"].paths.nanmean())
for name, found in chaos.items():
    error = found.paths.std() / len(found.paths) ** 0.5
    print(f"{name:14s}{found.paths.nanmean():.4f} ± {error:.4f} (error of the mean over paths)")
print(f"learned over blurred truth: {ratio:.2f};  learned above skew: z = {z:.1f}")

# %% [markdown]
# So shuffled snapshots, a smooth symmetric network and nothing else give a chaotic flow. The
# training-free flow on the same cloud is not chaotic at all. Both keep the cloud. **Chaos is not in
# the cloud. It is in which flow you choose.**
#
# But look at the size. The similarity is .986, and yet the exponent is well below the true one. The
# blur costs a little of it: so much the blurred truth has lost. The rest is the networks' own. Where
# is it lost? Colour the points by the exponent of the path that starts there.

# %%
figures.show(
    chapter.exponents_by_start({n: chaos[n] for n in ("blurred truth", "learned")}, 0.1),
    "Starting points in x and z coloured by exponent. By the blurred truth nearly all are of one "
    "colour. By the learned flow pale points, of exponents near zero, lie in the middle of each wing.",
)
quiet = {n: float((chaos[n].paths < 0.03).double().mean()) for n in ("blurred truth", "learned")}
print({f"exponent below .03, {n}": f"{share:.0%} of paths" for n, share in quiet.items()})

# %% [markdown]
# In the eyes of the wings. There the true motion spirals outwards, slowly, and every point leaves
# in the end. By the learned flow many points of an eye circle in it for ever, without chaos; the rest
# of the cloud is nearly as chaotic as it should be. Similarity hardly sees the eyes, since few points are
# there and they are slow. And being smooth is what spoils them: the blurred truth turns fast in an
# eye, and the smoothest flow turns by a third more slowly. *What failed* has what was tried.
#
# ## 8. Turn the knobs
#
# The panel moves points by four flows: the truth, the first network of this notebook, a constant skew
# matrix with its three entries under your hands, and an exact flow. Guess first.
# 1. Which matrix circles in the plane of the wings? Can any matrix visit both wings and return at
#    irregular times?
# 2. Set all three entries to zero. What moves now? Add diffusion.
# 3. Make σ small. What do the skew paths do, and why?

# %%
panels.lorenz_panel(learned=learned.member(0))

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. The wings stand upright along the diagonal of x and y; large entries for x, z and y, z turn in
#    that plane. But no matrix visits both wings irregularly: its paths are closed loops or
#    wind about on a surface, and never chaotic.
# 2. By the skew flow nothing moves, as v = 0 keeps every cloud. With diffusion points wander and the
#    score pulls them back: the cloud stays.
# 3. The cloud gets thin, and the score, which grows as 1/σ across it, turns the paths into tight
#    loops across the sheet.
# </details>
#
# ## 9. Scorecard

# %% tags=["hidden-test"]
rows = {n: "lorenz." + n.replace("as the ", "as_").replace(" ", "_") for n in families}
card.spread("lorenz.learned.similarity_smoothed", similar["learned"][1], target=">= .55")
paper = {"learned": 0.257, "as the paper": 0.257, "random": 0.045, "skew": 0.129, "score": 0.027}
for name, (exact, _) in similar.items():
    about = dict(paper=paper.get(name), target=">= .50" if name == "learned" else None)
    card.spread(f"{rows[name]}.similarity", exact, **about)
held_out = [flows.continuity.residual(f, reference, test).relative for f in networks["learned"]]
card.spread("lorenz.learned.residual", torch.tensor(held_out))
fresh = draw(cloud, seed + 6)
nothing = measures.mmd(draw(cloud, seed + 7), fresh)
for name, (_, dt, _) in runners.items():
    shared = dict(t=hundred, floor=floor, dt=dt, points=cloud)
    card.row(f"{rows[name]}.preservation_100", over[name][hundred], **shared)
    mmd = measures.mmd(runs[name].at(10.0), fresh)
    card.row(f"{rows[name]}.mmd_100", mmd, floor=nothing, steps=100, step=0.1)
for row, values in course.recorded("lorenz_long").items():
    card.row(row, **values)

# %% tags=["hide-input"]
shared = dict(t=thousand, floor=floor)
card.row("lorenz.learned.preservation_1000", over["learned"][thousand], target="<= 2", **shared)
inside, wild = runs["learned"].bounded(thousand), runs["random"].bounded(hundred)
card.row("lorenz.learned.bounded_1000", inside, target=">= .99", control=wild, t=thousand)
chaotic = {"learned": ours, "skew": none, "blurred_truth": chaos["blurred truth"].paths}
for name, each in chaotic.items():
    card.spread(f"lorenz.{name}.lyapunov", each, truth=true_path, horizon=horizon)
card.row("lorenz.learned.lyapunov_z", z, target=">= 3", control=none.mean())
card.row("lorenz.learned.lyapunov_over_blurred_truth", ratio, target="within .1 of 1")
card.row("lorenz.true.lyapunov", true_spectrum[0], sd=true_error[0], target="within 3% of .9056")
card.row("lorenz.true.lyapunov_sum", true_spectrum.sum(), target="within 1% of -13.667")
card.row("lorenz.learned.train_seconds", seconds, target="<= 3", paper="570 to 1490", threads=1)
card.show(chapter.CLAIMS)

# %% tags=["hidden-test"] jupyter={"source_hidden": true, "outputs_hidden": true}
# NBVAL_CHECK_OUTPUT
card.verdicts()

# %% tags=["hidden-test"] jupyter={"source_hidden": true, "outputs_hidden": true}
# NBVAL_CHECK_OUTPUT
print("half turn found:", None if signs is None else [int(a) for a in signs])
print("the cloud is kept:", {name: over[name][hundred] < 2 for name in ("skew", "random")})

# %% [markdown]
# ## The paper's own numbers
#
# The paper reports a similarity of .257 ± .012 for a hundred networks. The study `paper_lorenz` trains
# its recipe on data like theirs, for a third of its steps, by when the figure has settled, and then
# changes one thing at a time. `as the paper` above is only a short sketch of that recipe.

# %%
for name, row in course.recorded("paper_lorenz").items():
    if name.endswith(".similarity_mean") and "sd" in row:
        plain = name.split(".")[1].replace("_", " ")
        print(f"{plain:22} {row['value']:.3f} ± {row['sd']:.3f}")

# %% [markdown]
# **Reproduced**, and it belongs to the recipe rather than to the snapshots. At half our noise level,
# a divergence estimated by ten random probes and then squared acts as a hidden penalty of smoothness.
# With an exact divergence the networks disagree; with one output scale for all axes they come nearer
# to the truth; at our noise level (`time 2`) they miss it, which is why the sketch above has less. Our
# own recipe was made for σ = .31: at theirs it scatters (`ours`).
#
# ## What failed, and what to make of it
#
# - **The exponent is too low**, for the reason of section 7: the networks' eyes keep what the true
#   ones let go. It was tried on other seeds (100 and 101, mostly one network each, 32 to 64 paths, so
#   each figure is known to some .004) to close the gap to the blurred truth's .075 to .078. With a
#   score of 400 components a larger $\lambda$ brings more of it: .025, .054, .060, .064 at .001, .02,
#   .05, .1; at .3 the similarity falls. Twice as many hidden units: .062, and one of six fell into
#   another valley. Penalising second instead of first derivatives: .027 to .058. Smoothness measured
#   at the denoised point: .036 to .061. A network of the denoised point: .062 to .068, but similarity
#   falls to .96. σ = .22, where the blur takes less: .040 to .058. Penalising only strain, the symmetric
#   part of $\nabla v$: .030; rotation three to six times as much as strain: .063 to .071, at a similarity
#   of .97, and at the most some points leave. The networks could do it: fitted to the blurred truth
#   itself, 256 units have .075. What is missing is a principle that chooses that flow without knowing
#   it.
# - Without the symmetry the similarity drops and spreads: see `plain`. The half turn holds for the
#   *cloud*; that the *motion* has it is a guess that happens to be right for Lorenz.
# - A low loss is no proof of truth. Every exact flow has one, and those fill the map.
# - Snapshots alone do not fix $\lambda$ within a factor of ten.
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
# 1. **Predict a figure.** Before you run it: give the networks the *other* half turn, $(x, -y, -z)$,
#    which the cloud does not have. Sketch the first pane of the training curves and the place of the
#    eight dots on the map. Then set `signs = turns[1].signs.to(place)` after section 2, and run.
#    <details><summary>Answer</summary>The score is asked to have that symmetry too, and the cloud has
#    not: it is fitted worse. Expect a higher dotted line, and dots that leave the corner of the truth,
#    which does not have this symmetry. Was it so?</details>
# 2. Set `sigma = 0.6` in the parameters and run again. Which rows suffer first, and why?
#    <details><summary>Answer</summary>The plain similarity, which compares with the velocity at sharp
#    points. The blurred truth itself is now far from that, so the smoothed one suffers less.</details>
# 3. Sample 1,000 points instead of 20,000. Does the similarity fall before the preservation does?
#    <details><summary>Answer</summary>Look at both rows. What 1,000 points give away first is the
#    score; a flow keeps the cloud that its score describes, and is measured against the true
#    one.</details>
# 4. (Open.) Find a criterion, from snapshots only, that chooses between the two smoothest flows without
#    the symmetry, or one that gets the eyes right.
