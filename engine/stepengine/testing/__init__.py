"""For the tests of people who write steps: a pytest plugin, and what its fixtures give.

pytest loads the plugin by itself (`stepengine.testing.plugin`); the names here are for annotations, and for tests that
make the objects on their own. Each is imported when it is first asked for: pytest loads this package in every project
of the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from stepengine.testing.cassette import Cassette, CassetteError
    from stepengine.testing.fake_engine import Build, FakeEngine, Push
    from stepengine.testing.fake_registry import FakeRegistry
    from stepengine.testing.git_remotes import GitRemote, GitRemotes
    from stepengine.testing.outcome import Outcome, StepOutcome
    from stepengine.testing.project import Project

__all__ = [
    "Build",
    "Cassette",
    "CassetteError",
    "FakeEngine",
    "FakeRegistry",
    "GitRemote",
    "GitRemotes",
    "Outcome",
    "Project",
    "Push",
    "StepOutcome",
]

_MODULES = {
    "Build": "fake_engine",
    "Cassette": "cassette",
    "CassetteError": "cassette",
    "FakeEngine": "fake_engine",
    "FakeRegistry": "fake_registry",
    "GitRemote": "git_remotes",
    "GitRemotes": "git_remotes",
    "Outcome": "outcome",
    "Project": "project",
    "Push": "fake_engine",
    "StepOutcome": "outcome",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
