"""A worker in a child process, with a fresh directory and an environment that takes what pull steps install."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING

from stepengine.errors import StepError
from stepengine.workers.child import ChildTransport

if TYPE_CHECKING:
    from collections.abc import Mapping


class ThrowawayTransport:
    """A worker in a fresh directory, which goes with it.

    Args:
        project_directory: The file's directory: modules in it may be steps.
        environ: The child's whole environment.

    Raises:
        StepError: there is no place for its directory, or it cannot be started.
    """

    lost = None

    def __init__(self, project_directory: str, environ: Mapping[str, str]) -> None:
        self.root = self.directory = ""
        try:
            self.root = tempfile.mkdtemp(prefix="stepengine-pull-")
            self.directory = os.path.join(self.root, "work")
            os.mkdir(self.directory)
            python, variables = make_throwaway(os.path.join(self.root, "environment"), environ)
            command = [python, "-c", _START, project_directory]
            self._child = ChildTransport(command, self.directory, {**environ, **variables})
        except BaseException as error:
            self._remove()
            if isinstance(error, (OSError, ValueError)):  # venv refuses some paths with a ValueError
                reason = getattr(error, "strerror", None) or str(error)
                hint = "make room there, or set TMPDIR to another directory"
                raise StepError(f"cannot make a directory for the pull steps: {reason}", hint=hint) from error
            raise
        self.send, self.receive = self._child.send, self._child.receive

    def _remove(self) -> None:
        if self.root:
            shutil.rmtree(self.root, ignore_errors=True)
            self.root = ""

    def end(self) -> str:
        """End the child with all that it started, and remove its directory."""
        try:
            return self._child.end()
        finally:
            self._remove()


# The working directory's modules come later, where they hide none of Python's own.
_START = """\
import sys
sys.path[:] = filter(None, sys.path)
sys.path.append(sys.argv.pop())
from stepengine.workers.worker import main
main()
"""


def make_throwaway(directory: str, environ: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Make a virtual environment that sees the packages of this one and takes what is installed from now on.

    It has no pip of its own (that would take seconds): it runs this interpreter's on itself.

    Args:
        directory: Where to make it.
        environ: The environment to derive its variables from.

    Returns:
        Its interpreter, and the variables that activate it.
    """
    import site
    import sysconfig
    import venv

    venv.EnvBuilder(symlinks=os.name != "nt").create(directory)
    scripts = os.path.join(directory, "Scripts" if os.name == "nt" else "bin")
    python = os.path.join(scripts, "python.exe" if os.name == "nt" else "python")
    # Not the default scheme: distributions' interpreters have one of their own outside of virtual environments.
    scheme = "venv" if "venv" in sysconfig.get_scheme_names() else "nt" if os.name == "nt" else "posix_prefix"
    packages = sysconfig.get_path("purelib", scheme, vars={"base": directory, "platbase": directory})
    paths = dict.fromkeys([*site.getsitepackages(), *(path for path in sys.path if path.endswith("-packages"))])
    # Until Python 3.13 such a file is read in the locale's encoding.
    with open(os.path.join(packages, "_stepengine_outer.pth"), "w", encoding="ascii") as file:
        file.writelines(f"import site; site.addsitedir({path!a})\n" for path in paths)
    for name in ("pip", "pip3"):
        _write_script(os.path.join(scripts, name), python)
    path = os.pathsep.join(filter(None, [scripts, environ.get("PATH", os.defpath)]))
    return python, {"VIRTUAL_ENV": directory, "PATH": path, "PYTHONNOUSERSITE": "1"}


def _write_script(path: str, python: str) -> None:
    if os.name == "nt":
        path, text = f"{path}.bat", f'@"{python}" -m pip %*\n'
    else:
        text = f'#!/bin/sh\nexec "{python}" -m pip "$@"\n'
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)  # noqa: S103 - a program, and the directory above it is the user's alone
