"""Wheels, and environments that have these and nothing else: by uv where it is there, else by pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TIMEOUT_SECONDS = 600


class CommandError(Exception):
    """A command failed; the text has the end of what it printed."""


class CleanEnvironment:
    """A virtual environment.

    Args:
        directory: Where it is; made where it is not there.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.programs = directory / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.programs / ("python.exe" if os.name == "nt" else "python")
        if not self.python.exists():
            uv = find_uv()
            maker = (
                [uv, "venv", "--quiet", "--seed", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
            )
            call([*maker, directory])

    def install(self, *requirements: str | Path) -> None:
        """Install what is named, and what it needs."""
        uv = find_uv()
        installer = [uv, "pip", "install", "--python", self.python] if uv else [self.python, "-m", "pip", "install"]
        call([*installer, "--quiet", *requirements])

    def environ(self, **variables: str) -> dict[str, str]:
        """Give this process's environment, with the programs of this one first and without others' modules."""
        left_out = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in left_out and not name.startswith("STEPENGINE_")
        }
        path = os.pathsep.join([str(self.programs), kept.get("PATH", os.defpath)])
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.directory), **variables}


def find_uv() -> str | None:
    """Give uv's program: the one beside this interpreter, else the one on PATH; None where there is none."""
    return shutil.which("uv", path=os.path.dirname(sys.executable)) or shutil.which("uv")


def build_wheel(project: Path, directory: Path) -> Path:
    """Build a project's wheel into a directory of its own, which is emptied, and give its path."""
    shutil.rmtree(directory, ignore_errors=True)
    uv = find_uv()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", directory, project]
    call([uv, "build", "--quiet", "--wheel", "--out-dir", directory, project] if uv else pip)
    (wheel,) = directory.glob("*.whl")
    return wheel


def call(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None, code: int = 0
) -> str:
    """Run a program to its end, and give what it printed on both streams.

    Raises:
        CommandError: its exit status is another one.
    """
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != code:
        told = "\n".join(done.stdout.splitlines()[-40:])
        raise CommandError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{told}")
    return done.stdout
