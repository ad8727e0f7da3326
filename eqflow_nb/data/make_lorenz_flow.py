"""Train the flow of the panel on Lorenz: chapter 02's recipe, with half as many hidden units.

Of eight networks the one is kept that holds the blurred snapshots best up to t = 100; the true
motion is not looked at.  Its similarity to it is recorded, not chosen by.

    python eqflow_nb/data/make_lorenz_flow.py
"""

import torch

from eqflow_nb import flows, measures, rollout, scores, snapshots
from eqflow_nb.panels.lorenz import FLOW
from eqflow_nb.scores import weights
from eqflow_nb.snapshots.lorenz import LorenzField

SIGMA, SEED, UNITS, STEPS = 0.31, 0, 128, 1000

if __name__ == "__main__":
    torch.set_num_threads(1)
    world = snapshots.world("lorenz")
    samples, draw = world.sample(20_000, SEED), world.blurred(SIGMA)
    signs = torch.tensor([-1.0, -1.0, 1.0])
    score = scores.fit_mixture(samples, SIGMA, seed=SEED, signs=signs)
    settings = flows.learned.Settings(signs=signs, last=UNITS)
    networks = flows.learned.learn(samples, score, SIGMA, settings, seed=SEED, progress=False)[0]
    floor = measures.noise_floor(measures.sliced_wasserstein, draw, n=2000, pairs=8, seed=SEED)[0]

    def _away(net: flows.networks.FlowNetworks) -> float:
        last = rollout.record(rollout.rk4(net, draw(2000, 77), 0.1, STEPS), steps=(STEPS,)).last
        return measures.preservation(last, draw, floor, seed=SEED)

    members = [networks.member(i) for i in range(networks.members)]
    floors = [_away(net) for net in members]
    best = min(range(len(members)), key=floors.__getitem__)
    sharp = world.sample(2048, SEED + 2000)
    similar = measures.similarity(members[best](sharp), LorenzField()(sharp))
    about: dict[str, object] = dict(
        sigma=SIGMA, seed=SEED, units=UNITS, member=best, similarity=similar
    )
    about |= {"floors_at_100": floors[best], "floors_of_all": [round(each, 2) for each in floors]}
    weights.write(FLOW, members[best].state_dict(), about)
    print(about)
