"""The import contracts name every module: a new one must be placed."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_steps_and_plugins_are_kept_from_every_private_module():
    text = (ROOT / "pyproject.toml").read_text()
    contract = text[text.index("Steps and plugins use the public API") :]
    forbidden = re.findall(r'"(stepengine\.\w+)"', contract[: contract.index("allow_indirect_imports")])
    package = ROOT / "engine" / "stepengine"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__", "plugin"}
    modules |= {path.parent.name for path in package.glob("*/__init__.py")}
    assert {f"stepengine.{name}" for name in modules} == set(forbidden)
