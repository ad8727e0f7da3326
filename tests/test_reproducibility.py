"""The same seed gives the same figures: bit for bit on one machine, nearly so across threads."""

import json
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from eqflow_nb.running import scorecard

# Sums are split between threads, so last digits may differ; training amplifies these a little.
ACROSS_THREADS = 1e-3

WORK = """
    import json, sys
    import torch
    torch.set_num_threads(int(sys.argv[1]))
    from itertools import islice
    from eqflow_nb import measures, rollout, scores
    from eqflow_nb.equations import identify
    from eqflow_nb.flows import skew, spectral_kernel
    from eqflow_nb.scores import denoiser
    from eqflow_nb.snapshots import gray_scott, world
    from eqflow_nb.snapshots.zoo import system

    moons = world("two_moons")
    x = moons.sample(3000, 3)
    mixture = scores.fit_mixture(x, 0.15, seed=3)
    net = scores.DenoiserScore(2, 0.15, width=16, seed=3)
    losses = list(denoiser.train(net, x, steps=30, seed=3))
    flow = skew.constant(skew.random(2, 3), mixture)
    path = rollout.heun(flow, x[:200], 0.05, 40, 0.2, seed=3)
    ended = list(islice(path, 41))[-1][1]
    equations = identify(system("lorenz").sample(3000, 3))
    world = gray_scott.gray_scott("waves", 32, steps=200)
    stills = world.scaled(gray_scott.simulate("waves", 6, 32, 200, 3))
    field = spectral_kernel.flow(scores.fit_gaussian_field(stills, 0.1))(stills)
    found = {
        "mixture": mixture(x[:50]).flatten().tolist(),
        "denoiser": net(x[:50]).flatten().tolist(),
        "loss": [float(loss) for *_, loss in losses] if isinstance(losses[0], tuple) else losses,
        "rollout": ended.flatten().tolist(),
        "distance": measures.sliced_wasserstein(ended, moons.sample(200, 4)),
        "equations": [term.coefficient for term in equations.candidate],
        "chemistry": stills.flatten().tolist()[:500],
        "field": field.flatten().tolist()[:500],
    }
    print(json.dumps(found, default=float))
"""


def figures(threads: int, hash_seed: int) -> dict[str, list[float]]:
    env = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONHASHSEED": str(hash_seed)}
    code = [sys.executable, "-c", textwrap.dedent(WORK), str(threads)]
    done = subprocess.run(code, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def once():
    return figures(1, 1)


def test_another_process_gives_the_same_figures_bit_for_bit(once):
    assert figures(1, 2) == once


def test_more_threads_change_no_figure_by_more_than_is_stated(once):
    for name, values in figures(2, 1).items():
        size = np.abs(once[name]).max()
        np.testing.assert_allclose(values, once[name], atol=ACROSS_THREADS * size, err_msg=name)


def test_the_same_seed_gives_the_same_scorecard(tmp_path):
    cards = []
    for run in ("a", "b"):
        arguments = ["run", "00", "--budget", "quick", "-p", "seed", "5", "-o", str(tmp_path / run)]
        command = [sys.executable, "-m", "eqflow_nb.running.commands", *arguments]
        subprocess.run(command, check=True, capture_output=True)
        cards.append(scorecard.gather(tmp_path / run)["00_start_here"])
    assert cards[0], "there are figures to compare"
    timed = {row for row in cards[0] if "seconds" in row or "milliseconds" in row}
    assert timed != set(cards[0])
    for row in set(cards[0]) - timed:
        assert cards[0][row] == cards[1][row], row
