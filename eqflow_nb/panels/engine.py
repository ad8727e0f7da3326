"""The engine of the live panels: its modules in `js/` as one script, and data for it.

There is no build step.  The modules are plain ES modules with one-line imports from each other and
named exports.  Joined, each is a function that returns what it exports, called after those that it
imports from.
"""

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np

from eqflow_nb.flows.networks import FlowNetworks
from eqflow_nb.inputs import InputError

FOLDER = Path(__file__).with_name("js")
IMPORT = re.compile(r'^import (\{ [\w, $]+ \}) from "\./([\w-]+)\.js";$', re.M)
EXPORT = re.compile(r"^export (?=(?:const|let|class|function\*?|async function) ([\w$]+))", re.M)


def bundle(page: bool = True, folder: Path = FOLDER) -> str:
    """The engine as one script: for a page, or as a module with the `render` of an anywidget.

    On a page the script runs once however often it is there; all exported names are on
    `window.eqflow`, and it starts the panels that it finds, by `startAll` if a module has it.
    """
    left = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))}
    joined = "const modules = {};\n"
    while left:
        needs = {name: {other for _, other in IMPORT.findall(text)} for name, text in left.items()}
        name = next((name for name in left if not needs[name] & {*left}), None)
        if name is None:
            raise InputError(f"{', '.join(left)} import each other in a circle")
        text = left.pop(name)
        body = EXPORT.sub("", IMPORT.sub(r'const \1 = modules["\2"];', text))
        if odd := re.search(r"^(import|export)\b.*", body, re.M):
            raise InputError(f'{name}: write import {{ a, b }} from "./file.js"; not {odd[0]}')
        exports = ", ".join(EXPORT.findall(text))
        joined += f'modules["{name}"] = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();\n'
    if not page:
        return f"{joined}export default {{ render: modules.main.render }};\n"
    names = "Object.assign({}, ...Object.values(modules))"
    engine = f"(() => {{\n'use strict';\n{joined}return {names};\n}})()"
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
