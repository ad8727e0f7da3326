"""Notebooks that start warm: in processes forked from one that has imported what they need.

A sweep runs one notebook many times.  Each run has processes of its own, as everywhere; but here
they are forked from a server (Python's `multiprocessing.forkserver`) that has loaded torch and the
package once, which spares every run some five seconds of a processor.  The server computes nothing
and starts no thread, so that what is forked from it is as good as new.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from eqflow_nb.running import runner

# torch._dynamo is what the first step of an optimiser would load.
LOADED = [
    "eqflow_nb.running.lean",
    "eqflow_nb.running.worker",
    "ipykernel.kernelapp",
    "torch",
    "torch._dynamo",
]
LOADED += [f"eqflow_nb.{name}" for name in ("figures", "flows", "measures", "rollout", "scorecard")]
LOADED += ["eqflow_nb.scores", "eqflow_nb.snapshots", "matplotlib.pyplot", "__main__"]
# Layers of networks come and go by the megabyte: malloc is to keep such memory for the next.
MALLOC = {runner.TRIM: str(2**28), "MALLOC_MMAP_THRESHOLD_": str(2**25)}
INLINE = "module://matplotlib_inline.backend_inline"


def possible() -> bool:
    """Whether this process may start warm ones: on Linux, if it isn't a daemon of another's."""
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


class Started:
    """A started process, with the part of `subprocess.Popen` that is used here."""

    def __init__(self, process: BaseProcess) -> None:
        process.start()
        self._process = process

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None  # it has started
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait for its end."""
        self._process.join()
        return self.returncode


def start(task: runner.Task, jobs: int, scratch: Path) -> Started:
    """Start a task as `runner.start` does, but warm.  The first call starts the server too."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    job = json.dumps(runner.job(task, jobs))
    with _environment(runner.environment(jobs) | MALLOC):  # the server is started with it
        return Started(context.Process(target=_work, args=(job, str(scratch))))


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Change this process's environment for a while."""
    before = dict(os.environ)
    # Matplotlib reads its backend when it is loaded, and a kernel would set that only later.
    os.environ.update({"MPLBACKEND": INLINE} | before | settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _work(job: str, scratch: str) -> None:
    """Be `eqflow_nb.worker`, in a process forked from the server."""
    from eqflow_nb.running import worker

    os.setsid()  # out of the reach of the terminal's Ctrl-C
    os.environ["TMPDIR"] = scratch
    tempfile.tempdir = None
    kernel = Spare()  # before this process has any thread
    try:
        worker.main(json.loads(job) | {"parent": os.getppid()}, kernel.manager())
    finally:
        kernel.dismiss()


class Spare:
    """A forked process that waits to be told which kernel to be."""

    def __init__(self) -> None:
        told, tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(tell)
            _be_told(told)
        os.close(told)
        self.pipe = os.fdopen(tell, "w")

    def call(self, argv: list[str], env: dict[str, str], cwd: str) -> Child:
        """Make it the kernel that a command line asks for."""
        with self.pipe:
            json.dump({"argv": argv, "env": env, "cwd": cwd}, self.pipe)
        return Child(self.pid)

    def dismiss(self) -> None:
        """End it, if it was never called."""
        if not self.pipe.closed:
            self.pipe.close()
            os.waitpid(self.pid, 0)

    def manager(self) -> type[AsyncKernelManager]:
        """A class of kernel managers whose kernel it will be."""
        spare = self

        class Provisioner(LocalProvisioner):
            async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
                self.process = spare.call(cmd, kwargs["env"], kwargs.get("cwd") or os.getcwd())
                self.pid = self.pgid = self.process.pid
                return self.connection_info

        class Manager(AsyncKernelManager):
            async def _async_pre_start_kernel(self, **kw: Any) -> Any:
                spec = self.kernel_spec
                self.provisioner = Provisioner(kernel_id="warm", kernel_spec=spec, parent=self)
                return await super()._async_pre_start_kernel(**kw)

        return Manager


class Child(psutil.Process):
    """A child process, with what Jupyter wants of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        try:
            return self.wait(0)
        except psutil.TimeoutExpired:
            return None


def _be_told(pipe: int) -> None:
    """Wait for a kernel's command line, be that kernel, and end with it."""
    os.setsid()
    with os.fdopen(pipe) as told:
        text = told.read()
    if text:
        _be_kernel(**json.loads(text))
    sys.exit()


def _be_kernel(argv: list[str], env: dict[str, str], cwd: str) -> None:
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    options = argv[argv.index("ipykernel_launcher") + 1 :]
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # the kernel ends when its parent does
    IPKernelApp.launch_instance([*options, parent])
