"""The pytest plugin. It is loaded in every project of the environment: nothing is imported before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepengine.testing.cassette import Cassette
    from stepengine.testing.fake_engine import FakeEngine
    from stepengine.testing.fake_registry import FakeRegistry
    from stepengine.testing.git_remotes import GitRemotes
    from stepengine.testing.project import Project

_OPTION = "--stepengine-record"
_MARKER = "stepengine_cassette"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says when steps' calls are recorded."""
    group = parser.getgroup("stepengine")
    group.addoption(
        _OPTION,
        choices=("none", "once", "new", "all"),
        default="none",
        help="record the steps' calls of tests that use stepengine_cassette: never (none, the default), where there is"
        " no cassette (once), those that it lacks (new), or all anew (all)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    line = f"{_MARKER}(name, live=()): the cassette's file, relative to the test's; steps that always run"
    config.addinivalue_line("markers", line)


@pytest.fixture
def stepengine_project(tmp_path: Path) -> Project:
    """A temporary project, empty so far: write files, set what it may use, run it or a single step."""
    from stepengine.testing.project import Project

    return Project(f"{tmp_path}/project", f"{tmp_path}/home")


@pytest.fixture
def stepengine_cassette(request: pytest.FixtureRequest, stepengine_project: Project) -> Iterator[Cassette]:
    """The project's runs, replayed from a file beside the test, or recorded to it where the command line says so."""
    from stepengine.testing.cassette import Cassette
    from stepengine.testing.cassette_file import default_path

    name, live = _marked(request.node.get_closest_marker(_MARKER))
    path = request.path.parent / name if name else default_path(request.path, request.node.name)
    cassette = Cassette(path, request.config.getoption(_OPTION))
    cassette.live = live
    cassette.portable("root", str(stepengine_project.directory.parent))
    cassette.portable("project", str(stepengine_project.directory))
    stepengine_project.cassette = cassette
    yield cassette
    cassette.save()


@pytest.fixture
def stepengine_docker(stepengine_project: Project) -> Iterator[FakeEngine]:
    """A Docker Engine that builds and pushes nothing, and remembers what it was asked for; the project uses it."""
    from stepengine.testing.fake_engine import FakeEngine

    with FakeEngine() as engine:
        for name in ("DOCKER_CONTEXT", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY"):
            stepengine_project.delenv(name)
        stepengine_project.setenv("DOCKER_HOST", engine.host)
        yield engine


@pytest.fixture
def stepengine_registry() -> Iterator[FakeRegistry]:
    """An OCI registry in memory, on loopback, that anybody may push to."""
    from stepengine.testing.fake_registry import FakeRegistry

    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def stepengine_git(stepengine_project: Project) -> GitRemotes:
    """Makes Git repositories of files, and gives URLs that can be cloned. Needs the program `git`."""
    from stepengine.testing.git_remotes import GitRemotes

    return GitRemotes(stepengine_project.directory.parent / "remotes")


def _marked(marker: pytest.Mark | None) -> tuple[str, frozenset[str]]:
    """Read the marker: the cassette's name (empty for its default) and the steps that always run.

    Raises:
        UsageError: it says something else.
    """
    if marker is None:
        return "", frozenset()
    unknown = marker.kwargs.keys() - {"name", "live"}
    name = marker.args[0] if marker.args else marker.kwargs.get("name", "")
    live = marker.kwargs.get("live", ())
    is_list = not isinstance(live, str) and all(isinstance(each, str) for each in live)
    if unknown or len(marker.args) > 1 or not isinstance(name, str) or "\0" in name or not is_list:
        raise pytest.UsageError(f"{_MARKER} takes the name of a file, and live=[the names of steps]")
    return name, frozenset(live)
