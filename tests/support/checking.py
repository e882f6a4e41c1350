"""A file checked in this process, as a pytest plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from stepengine.catalogue.registry import Registry
from stepengine.document.parser import parse_document
from stepengine.validation import validate_document

if TYPE_CHECKING:
    from pathlib import Path

    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.model import ProjectFile

SHELL = "prefect.deployments.steps.run_shell_script"
CLONE = "prefect.deployments.steps.git_clone"
DIRECTORY = "prefect.deployments.steps.set_working_directory"
BUILD = "prefect_docker.deployments.steps.build_docker_image"
PUSH = "prefect_docker.deployments.steps.push_docker_image"


class Checked(NamedTuple):
    """A checked file, and its problems in forms that are easily compared."""

    file: ProjectFile
    found: tuple[Diagnostic, ...]

    @property
    def codes(self) -> list[str]:
        return [each.code for each in self.found]

    @property
    def errors(self) -> list[str]:
        return [each.code for each in self.found if each.severity == "error"]

    @property
    def places(self) -> list[tuple[str, int, int]]:
        return [(each.code, each.line, each.column) for each in self.found]

    @property
    def only(self) -> Diagnostic:
        (found,) = self.found
        return found


class Checker:
    """Checks texts as if they were a prefect.yaml in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, text: str, *, prefect_compat: bool = False) -> Checked:
        registry = Registry(str(self.directory))
        file = validate_document(parse_document(text), registry, self.directory.name, prefect_compat=prefect_compat)
        return Checked(file, file.diagnostics)

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def check(tmp_path: Path) -> Checker:
    """Gives what checks a text; the project's directory is `project`."""
    directory = tmp_path / "project"
    directory.mkdir()
    return Checker(directory)
