"""A look at the machine: what is installed, what there is to compute with, what to mend."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil
from packaging.requirements import Requirement

GIGABYTE = 2**30
PACKAGES = (
    "eqflow-nb",
    *("torch", "numpy", "scipy", "POT", "matplotlib", "safetensors"),
    *("jupyterlab", "ipywidgets", "ipykernel", "papermill", "jupytext", "nbconvert"),
)
WIDGETS = "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager/package.json"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what was found and, where it is in the way, how to mend it."""

    subject: str
    found: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at everything a course on this machine depends on."""
    return [_python(), *map(_package, PACKAGES), *_machine(), _widgets(), _kernel()]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    mend = "" if fits else "use Python 3.11 to 3.13: make clean setup PYTHON=python3.12"
    return Finding("python", f"{version} at {sys.prefix}", mend)


def _package(name: str) -> Finding:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", "install it: make setup, or pip install -e .")
    return Finding(name, version, _clash(name))


def _clash(name: str) -> str:
    """What to mend if `name` is outside of the range this package was made for."""
    try:
        wanted = map(Requirement, metadata.requires("eqflow-nb") or [])
    except metadata.PackageNotFoundError:
        return ""
    for requirement in wanted:
        if requirement.name.lower() == name.lower() and requirement.marker is None:
            version = metadata.version(name)
            if not requirement.specifier.contains(version, prereleases=True):
                return f"it should be {requirement.specifier}: pip install '{requirement}'"
    return ""


def _machine() -> list[Finding]:
    import torch  # slow to load

    if torch.cuda.is_available():
        device = f"cuda: {torch.cuda.get_device_name(0)}"
    else:
        device = "cpu (no CUDA GPU seen; every chapter is made for that)"
    memory = psutil.virtual_memory().available / GIGABYTE
    disk = shutil.disk_usage(Path.cwd()).free / GIGABYTE
    return [
        Finding("device", device),
        Finding("threads", f"{torch.get_num_threads()} for torch"),
        Finding("memory", f"{memory:.1f} GB available", _scarce(memory, 1, "close other programs")),
        Finding("disk", f"{disk:.1f} GB free here", _scarce(disk, 0.5, "free some space")),
    ]


def _scarce(amount: float, needed: float, advice: str) -> str:
    return "" if amount >= needed else f"{needed:g} GB are needed: {advice}"


def _widgets(prefix: Path | None = None) -> Finding:
    """Whether sliders can show: JupyterLab's half of ipywidgets must be in this environment."""
    install = "pip install --force-reinstall ipywidgets jupyterlab_widgets, then reload the page"
    if not (Path(prefix or sys.prefix) / WIDGETS).is_file():
        return Finding("widgets", "JupyterLab's extension for sliders is missing", install)
    try:
        half = metadata.version("jupyterlab_widgets")
        wanted = map(Requirement, metadata.requires("ipywidgets") or [])
    except metadata.PackageNotFoundError as error:
        return Finding("widgets", f"{error.name} is not installed", install)
    for requirement in wanted:
        named = requirement.name.replace("-", "_") == "jupyterlab_widgets"
        if named and not requirement.specifier.contains(half):
            return Finding("widgets", f"jupyterlab_widgets is {half}, not {requirement}", install)
    return Finding("widgets", f"can show in this Lab (jupyterlab_widgets {half})")


def _kernel() -> Finding:
    """Whether notebooks run on this very Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    repair = "python -m ipykernel install --sys-prefix --name python3"
    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding("kernel", "there is none called python3", repair)
    found = shutil.which(command) or command
    # A bare name is replaced by the running Python when the kernel starts.
    if Path(command).name != command and Path(found).parent != Path(sys.executable).parent:
        return Finding("kernel", f"python3 belongs to another environment: {found}", repair)
    return Finding("kernel", "python3, of this environment")
