"""A look at the machine: what would keep the course from running here, and how to mend it."""

import shutil
import sys
from importlib import metadata
from pathlib import Path

import psutil

WIDGETS = Path(sys.prefix, "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager")


Finding = tuple[str, str, str]  # what was looked at, what was found, and how to mend it, if at all


def examine() -> list[Finding]:
    """Look at Python, the packages, the device, memory and disk, and what Jupyter needs."""
    import torch
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
    memory, disk = psutil.virtual_memory().available / 2**30, shutil.disk_usage(".").free / 2**30
    try:
        kernel = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        kernel = "none"
    # A bare name stands for the running Python.
    ours = Path(kernel).name == kernel or Path(kernel).parent == Path(sys.executable).parent
    repair = "python -m ipykernel install --sys-prefix --name python3"
    sliders, install = WIDGETS.is_dir(), "pip install --force-reinstall jupyterlab_widgets"
    return [
        ("python", f"{sys.version.split()[0]}, in {Path(sys.prefix).name}", ""),
        *packages(),
        ("device", f"{device}, for torch {torch.__version__}", ""),
        ("memory", f"{memory:.1f} GB free", "" if memory > 1 else "1 GB: close programs"),
        ("disk", f"{disk:.1f} GB free", "" if disk > 0.5 else "0.5 GB: free some space"),
        ("widgets", "sliders can show" if sliders else "none", "" if sliders else install),
        ("kernel", "of this environment" if ours else kernel, "" if ours else repair),
    ]


def packages() -> list[Finding]:
    """Whether what the project requires is installed, in the versions it was made for."""
    from packaging.requirements import Requirement

    wrong, wanted = [], metadata.requires("eqflow-nb") or []
    for each in map(Requirement, wanted):
        if each.marker is None:
            try:
                version = metadata.version(each.name)
            except metadata.PackageNotFoundError:
                version = "none"
            if version == "none" or not each.specifier.contains(version, prereleases=True):
                wrong.append((each.name, version, f"pip install '{each}'"))
    return wrong or [("packages", f"the right versions of all {len(wanted)}", "")]
