"""What somebody who writes steps has: an environment with the wheel of this tree, as a pytest plugin."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from support import pages

if TYPE_CHECKING:
    from pathlib import Path


class Author:
    """An environment, and the wheel of stepengine that it has."""

    def __init__(self, directory: Path) -> None:
        from clean_environments import CleanEnvironment, build_wheel  # scripts/, which `pages` puts on the path

        self.wheel = build_wheel(pages.ROOT, directory / "wheels")
        self.environment = CleanEnvironment(directory / "environment")
        self.environment.install(self.wheel)

    def run(self, *command: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment."""
        environ = self.environment.environ(HOME=str(cwd), **variables)
        program = str(self.environment.programs / command[0])
        return subprocess.run(
            [program, *command[1:]], cwd=cwd, env=environ, capture_output=True, text=True, timeout=240, check=False
        )


@pytest.fixture(scope="session")
def author(tmp_path_factory: pytest.TempPathFactory) -> Author:
    """An author's environment, the same for all tests: what they install there has names of its own."""
    return Author(tmp_path_factory.mktemp("author"))
