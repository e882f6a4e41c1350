"""The command line: arguments in, exit codes out. Nothing else of the engine imports it."""

from __future__ import annotations

from stepengine.cli.command import run_command

__all__ = ["run_command"]
