"""Weights on disk: safetensors with the settings they were made with, checked when read."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from eqflow_nb.inputs import InputError, replace_bytes
from eqflow_nb.scores.images import ImageScore, UNet

FOLDER = Path(__file__).parents[1] / "data" / "weights"


def shipped() -> list[str]:
    """Names of the weights that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def load(name: str | Path, sigma: float, device: torch.device | str = "cpu") -> ImageScore:
    """Score of images at a level sigma (sd) from `shipped()` weights, or a .safetensors file."""
    path = Path(name) if str(name).endswith(".safetensors") else FOLDER / f"{name}.safetensors"
    if not path.is_file():
        raise InputError(f"weights {str(name)!r} are not there; known are {', '.join(shipped())}")
    tensors, about = read(path)
    try:
        net = UNet(int(about["channels"]), [int(width) for width in about["widths"]])
        levels = (float(about["levels"][0]), float(about["levels"][1:][-1]))
        net.load_state_dict({key: value.float() for key, value in tensors.items()})
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, RuntimeError) as error:
        said = f"weights {path.name} do not fit their channels, widths and levels; make them again"
        raise InputError(said) from error
    return ImageScore(net.to(device).eval().requires_grad_(False), sigma, levels)


def save(path: Path, net: UNet, settings: Mapping[str, Any]) -> None:
    """Write a network's weights (half precision) and its settings, whole or not at all."""
    tensors = {key: value.half() for key, value in net.state_dict().items()}
    write(path, tensors, {"channels": net.channels, "widths": list(net.widths), **settings})


def write(path: Path, tensors: Mapping[str, Tensor], settings: Any) -> None:
    """Write tensors with JSON settings beside them, whole or not at all."""
    kept = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    text = json.dumps(settings)
    content = safetensors.torch.save(kept, {"settings": text, "checksum": _checksum(kept, text)})
    replace_bytes(path, content)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and settings of a file of `write`; a damaged one is refused."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            kept = file.metadata() or {}
            settings, checksum = json.loads(kept["settings"]), kept["checksum"]
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if _checksum(tensors, kept["settings"]) != checksum:
            raise ValueError("the content does not match its checksum")
    except (safetensors.SafetensorError, KeyError, ValueError, OSError) as error:
        said = f"weights {path.name} can't be read ({error}); fetch or make them again"
        raise InputError(said) from error
    for key, value in tensors.items():
        if not torch.isfinite(value).all():
            raise InputError(f"weights {path.name}: {key} holds values that are not finite")
    return tensors, settings


def _checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    """Of all that a file holds: names, dtypes, shapes, numbers and settings."""
    digest = hashlib.sha256(text.encode())
    for key in sorted(tensors):
        value = tensors[key].contiguous()
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
