"""Make eqflow_nb/data/pictures: a folder of images such as a reader may have.

    python eqflow_nb/data/make_pictures.py

Runs that are chaotic differ in the last bit between processors, so another machine makes other
pictures of the same kind.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from eqflow_nb.snapshots.gray_scott import simulate

TARGET = Path(__file__).parent / "pictures"
FULL = (1.0, 0.6)  # the concentrations of u and v that are drawn as 255


def main() -> None:
    """Simulate, and write one PNG for each run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default="waves")
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--to", type=Path, default=TARGET)
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    runs = simulate(arguments.preset, arguments.n, arguments.size, seed=arguments.seed).numpy()
    for i, run in enumerate(runs):
        rgb = np.zeros((arguments.size, arguments.size, 3), dtype=np.uint8)
        for channel, full in enumerate(FULL):
            rgb[..., channel] = np.round(255 * (run[channel] / full).clip(0, 1))
        Image.fromarray(rgb).save(arguments.to / f"{i:03d}.png", optimize=True)


if __name__ == "__main__":
    main()
