"""Make eqflow_nb/data/pictures: a folder of images such as a reader may have.

    python eqflow_nb/data/make_pictures.py

Runs that are chaotic differ in the last bit between processors, so another machine makes other
pictures of the same kind.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from eqflow_nb.snapshots.gray_scott import simulate

TARGET = Path(__file__).parent / "pictures"
FULL = np.array([1.0, 0.6])[:, None, None]  # the concentrations of u and v that are drawn as 255

if __name__ == "__main__":
    for i, run in enumerate(simulate("waves", 64, 64, seed=2024).numpy()):
        rgb = np.zeros((64, 64, 3), dtype=np.uint8)
        rgb[..., :2] = np.round(255 * (run / FULL).clip(0, 1)).transpose(1, 2, 0)
        Image.fromarray(rgb).save(TARGET / f"{i:03d}.png", optimize=True)
