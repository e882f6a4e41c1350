"""What the tests of the Docker steps work with."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from stepengine.plugin import Context

if TYPE_CHECKING:
    from pathlib import Path


class Services(NamedTuple):
    """What is there to test with.

    Attributes:
        docker: Docker's client.
        registry: The registry's host and port.
        username: Who may push there.
        password: Their password.
        base: An image with Python, pip and git, that no registry has.
        base_with_directory: The same with /opt/my_directory.
        empty: An image without Python.
    """

    docker: str
    registry: str
    username: str
    password: str
    base: str
    base_with_directory: str
    empty: str

    @property
    def credentials(self) -> dict[str, str]:
        return {"username": self.username, "password": self.password, "registry_url": self.registry}

    def run(self, *arguments: str) -> str:
        """Run Docker's client and give its output."""
        done = subprocess.run([self.docker, *arguments], check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def in_image(self, image: str, script: str) -> str:
        """Run a shell script in a container of an image."""
        return self.run("run", "--rm", "--network", "none", image, "sh", "-c", script)


class Recorder:
    """A run's context whose reports are kept.

    Args:
        directory: Where the steps start.
        environ: Added to this process's environment.
        project: The values at the file's top level.
    """

    def __init__(self, directory: Path, *, environ: dict[str, str] | None = None, project: Any = None) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.context = Context(
            str(directory),
            environ={**os.environ, **(environ or {})},
            project=project or {},
            emit=lambda kind, data: self.events.append((kind, data)),
        )

    def _all(self, kind: str, key: str) -> list[Any]:
        return [data[key] for name, data in self.events if name == kind]

    @property
    def warnings(self) -> list[str]:
        return self._all("warning", "message")

    @property
    def output(self) -> str:
        return "\n".join(self._all("output", "line"))

    @property
    def secrets(self) -> list[str]:
        return self._all("secret", "value")
