"""The engine and the registry that `scripts/services up` starts, as a pytest plugin."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.request
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.docker_project import Services

if TYPE_CHECKING:
    from collections.abc import Iterator


def _load() -> Services:
    home = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    state = json.loads(Path(home, "stepengine-services", "state.json").read_text())
    engine, registry, images = state["engine"], state["registry"], state["images"]
    request = urllib.request.Request(f"http://127.0.0.1:{registry['port']}/v2/")
    pair = base64.b64encode(f"{registry['username']}:{registry['password']}".encode()).decode()
    request.add_header("Authorization", f"Basic {pair}")
    urllib.request.urlopen(request, timeout=10).close()
    subprocess.run([engine["client"], "version"], check=True, capture_output=True, timeout=30)
    return Services(
        engine["client"],
        registry["address"],
        registry["username"],
        registry["password"],
        images["base"],
        images["base_with_directory"],
        images["empty"],
    )


@pytest.fixture(scope="session")
def services() -> Services:
    """The services; without them a person's tests are skipped, and CI's fail."""
    try:
        return _load()
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        message = f"no Docker Engine and registry to test with ({error}); start them with: scripts/services up"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture
def image_name(services: Services) -> Iterator[str]:
    """A name in the registry that nobody else uses; its images are removed in the end."""
    name = f"{services.registry}/tests/{uuid.uuid4().hex[:12]}"
    yield name
    images = services.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name).split()
    if images:
        services.run("image", "rm", "--force", *images)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project."""
    path = tmp_path / "demos"
    path.mkdir()
    return path
