"""Make `weights/swimming/`: denoisers that have practised on canvases that they let swim.

They start from the shipped denoiser of the same creature; some minutes each on one thread.
"""

import torch

from eqflow_nb import scores
from eqflow_nb.course import swimmers
from eqflow_nb.scores import weights

SIGMA, STEPS, SEED = 0.3, 500, 0

torch.set_num_threads(1)
for name in ("dots", "firefly", "taiji"):
    score, losses = scores.load(name, SIGMA), []
    for _, loss in swimmers.practise(score, swimmers.swimmer(name), name, STEPS, SEED):
        losses.append(loss)
    last = round(sum(losses[-50:]) / 50, 4)
    about = dict(world=name, levels=[SIGMA, SIGMA], steps=STEPS, seed=SEED, loss=last)
    (weights.FOLDER / "swimming").mkdir(exist_ok=True)
    weights.save(weights.FOLDER / "swimming" / f"{name}.safetensors", score.net, about)
