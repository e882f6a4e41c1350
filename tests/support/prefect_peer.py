"""Prefect itself, in an environment of its own, to compare with; as a pytest plugin.

`STEPENGINE_PEERS` names an environment that has it; else one is made once, in the user's cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REQUIREMENTS = ("prefect==3.8.8", "prefect-docker==0.7.4", "fastapi==0.140.*")

_RUN_STEPS = """
import asyncio, json, os, sys
from prefect.deployments.steps.core import run_steps
steps = json.loads(sys.stdin.read())
outputs = asyncio.run(run_steps(steps, {}, print_function=lambda *a, **k: None))
sys.stderr.flush()
open(sys.argv[1], "w").write(json.dumps(outputs))
"""


class Prefect:
    """Runs Prefect's own code in its own interpreter."""

    def __init__(self, python: Path, home: Path) -> None:
        self._python = python
        self._home = home

    def run_steps(self, steps: list[dict[str, Any]], directory: Path, environ: dict[str, str] | None = None) -> Any:
        """Give what Prefect's `run_steps` returns for some steps, run in a directory."""
        answer = self._home / "answer.json"
        answer.unlink(missing_ok=True)
        done = subprocess.run(
            [self._python, "-c", _RUN_STEPS, answer],
            cwd=directory,
            env={**os.environ, **(environ or {}), "PREFECT_HOME": str(self._home), "PREFECT_LOGGING_LEVEL": "ERROR"},
            input=json.dumps(steps),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert answer.exists(), done.stderr[-3000:]
        return json.loads(answer.read_text())


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Prefect:
    """Prefect; a person without it skips these tests, CI installs it."""
    named = os.environ.get("STEPENGINE_PEERS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    root = Path(named) if named else cache / "stepengine-peers" / f"prefect-3.8.8-py{sys.version_info[1]}"
    python = root / "bin" / "python"
    if not (root / "complete").exists() and not named:
        if os.environ.get("CI") != "true":
            pytest.skip("no Prefect to compare with; set STEPENGINE_PEERS to an environment that has it")
        subprocess.run([sys.executable, "-m", "venv", "--clear", root], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True, timeout=900)
        (root / "complete").touch()
    return Prefect(python, tmp_path_factory.mktemp("prefect-home"))
