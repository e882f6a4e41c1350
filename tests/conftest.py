"""What every test has: the fixtures of `support`, and a home that is nobody's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = [
    "support.author",
    "support.checking",
    "support.command",
    "support.git_fixtures",
    "support.isolation",
    "support.language_server",
    "support.package_index",
    "support.prefect_peer",
    "support.s3_server",
    "support.services",
]

if os.environ.get("CI") == "true":
    from hypothesis import settings

    settings.register_profile("ci", deadline=None, derandomize=True)
    settings.load_profile("ci")


@pytest.fixture(autouse=True)
def _no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep blocks files, variables and switches of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith("STEPENGINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.delenv("NO_COLOR", raising=False)
