"""The command `stepengine`, run for real in a process of its own, as a pytest plugin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Outcome(NamedTuple):
    """How the command went."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Project:
    """A directory with a prefect.yaml, and the command run in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("STEPENGINE_")}
        self.environ["HOME"] = str(directory.parent)
        self.environ.pop("XDG_CONFIG_HOME", None)

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "stepengine", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def stepengine(self, *arguments: str, stdin: str = "") -> Outcome:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.directory,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    def run(self, text: str, *arguments: str) -> Outcome:
        """Write a prefect.yaml and run it."""
        self.write("prefect.yaml", text)
        return self.stepengine("run", *arguments)

    def result(self, text: str, *arguments: str) -> Any:
        """Write a prefect.yaml, run it, and give the JSON document."""
        outcome = self.run(text, "--format", "json", *arguments)
        assert outcome.out, outcome.err
        return outcome.json


@pytest.fixture
def cli(tmp_path: Path) -> Project:
    """A project, empty so far."""
    directory = tmp_path / "demos"
    directory.mkdir()
    return Project(directory)


@pytest.fixture
def alive() -> Callable[[int], bool]:
    """Tells whether a process runs; a zombie does not."""

    def is_alive(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return is_alive
