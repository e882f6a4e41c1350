"""Where a virtual environment has what."""

from __future__ import annotations

import os
import sys


def scripts_of(directory: str) -> str:
    """Give the directory of an environment's programs."""
    return os.path.join(directory, "Scripts" if os.name == "nt" else "bin")


def interpreter_of(directory: str) -> str:
    """Give the interpreter of an environment."""
    return os.path.join(scripts_of(directory), "python.exe" if os.name == "nt" else "python")


def packages_of(directory: str) -> str:
    """Give the directory of an environment's packages; of one that was made with this interpreter's version."""
    if os.name == "nt":
        return os.path.join(directory, "Lib", "site-packages")
    name = "pypy" if sys.implementation.name == "pypy" else "python"
    return os.path.join(directory, "lib", f"{name}{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")


def activated(directory: str, environ: dict[str, str]) -> dict[str, str]:
    """Give the variables with which programs find an environment's programs first."""
    path = os.pathsep.join(filter(None, [scripts_of(directory), environ.get("PATH", os.defpath)]))
    return {**environ, "PATH": path, "VIRTUAL_ENV": directory}


def deactivated(directory: str, environ: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    """Take back what `activated` has set, and keep what a step has changed.

    Args:
        directory: The environment's.
        environ: The variables as a step has left them.
        before: As they were before `activated`.
    """
    left = dict(environ)
    if left.get("PATH") == activated(directory, before)["PATH"]:
        _restore(left, "PATH", before)
    elif "PATH" in left:
        parts = left["PATH"].split(os.pathsep)
        if scripts_of(directory) in parts:
            parts.remove(scripts_of(directory))
        left["PATH"] = os.pathsep.join(parts)
    if left.get("VIRTUAL_ENV") == directory:
        _restore(left, "VIRTUAL_ENV", before)
    return left


def _restore(environ: dict[str, str], name: str, before: dict[str, str]) -> None:
    if name in before:
        environ[name] = before[name]
    else:
        environ.pop(name, None)
