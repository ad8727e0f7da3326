"""The engine of the live panels: its modules in `js/` as one script, and data for it.

There is no build step.  The modules are plain ES modules with one-line imports from each other and
named exports; joining them is to leave those words away, in an order in which each module comes
after those that it imports from.
"""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.inputs import InputError

FOLDER = Path(__file__).with_name("js")
IMPORT = re.compile(r'^import \{ ([\w, $]+) \} from "\./([\w-]+\.js)";$', re.M)
NAME = re.compile(r"^(export )?(?:const|let|class|function\*?|async function) ([\w$]+)", re.M)

Imports = dict[str, list[tuple[str, str]]]  # of each file: names, as written, and their file


def bundle(page: bool = True, folder: Path = FOLDER) -> str:
    """The engine as one script: for a page, or as a module with the `render` of an anywidget.

    On a page the script runs once however often it is there; all exported names are on
    `window.eqflow`, and it starts the panels that it finds, by `startAll` if a module has it.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))}
    imports = {file: IMPORT.findall(text) for file, text in texts.items()}
    exported = _check(texts, imports)
    body = "\n".join(_joined(texts, imports))
    if not page:
        return f"{body}\nexport default {{ render }};\n"
    names = ", ".join(sorted(exported))
    engine = f"(() => {{\n'use strict';\n{body}\nreturn {{ {names} }};\n}})()"
    return f"window.eqflow ??= {engine};\nwindow.eqflow.startAll?.();"


def packed(array: Any) -> dict[str, Any]:
    """An array, or tensor, as JSON: its numbers as little-endian float32 in base64, its shape."""
    values = np.asarray(array, dtype="<f4")
    return {"f32": base64.b64encode(values.tobytes()).decode(), "shape": list(values.shape)}


def packed_bytes(array: Any) -> dict[str, Any]:
    """An array in 256 even levels from its least to its greatest: a quarter of `packed`."""
    values = np.asarray(array, dtype=float)
    low, high = float(values.min()), float(values.max())
    levels = np.round(255 * (values - low) / (high - low or 1)).astype(np.uint8)
    text = base64.b64encode(levels.tobytes()).decode()
    return {"u8": text, "low": low, "high": high, "shape": list(values.shape)}


def network_spec(net: FlowNetworks) -> dict[str, Any]:
    """A single network, such as `networks.member(0)`, as `network` in flows.js reads it."""
    if net.members != 1:
        raise InputError(f"net holds {net.members} networks; give one of them: net.member(0)")
    layers = [
        {"weights": packed(weight.detach()[0].cpu()), "bias": packed(bias.detach()[0, 0].cpu())}
        for weight, bias in zip(net.weights, net.biases, strict=True)
    ]
    signs = None if net.signs is None else net.signs.tolist()
    return {"layers": layers, "octaves": net.octaves, "signs": signs, "speed": float(net.speed)}


def _check(texts: dict[str, str], imports: Imports) -> set[str]:
    """The exported names; imports in another form, of unknown names, or a name twice are errors."""
    owner: dict[str, str] = {}
    exported: set[str] = set()
    for file, text in texts.items():
        for export, name in NAME.findall(text):
            if owner.setdefault(name, file) != file:
                raise InputError(f"{file} and {owner[name]} both define {name}; rename one")
            exported |= {name} if export else set()
        if odd := re.search(r"^(import|export)\b.*", NAME.sub("", IMPORT.sub("", text)), re.M):
            raise InputError(f'{file}: write import {{ a, b }} from "./file.js"; not {odd[0]}')
        for names, other in imports[file]:
            known = {name for export, name in NAME.findall(texts.get(other, "")) if export}
            if unknown := {*names.split(", ")} - known:
                raise InputError(f"{file} imports {sorted(unknown)}, which {other} doesn't export")
    return exported


def _joined(texts: dict[str, str], imports: Imports) -> Iterator[str]:
    """The modules without their imports and `export`, each after those that it needs."""
    left = list(texts)
    while left:
        ready = [file for file in left if not {other for _, other in imports[file]} & {*left}]
        if not ready:
            raise InputError(f"{', '.join(left)} import each other in a circle")
        for file in ready:
            left.remove(file)
            yield re.sub(r"^export ", "", IMPORT.sub("", texts[file]), flags=re.M)
