"""How a running program's progress reaches a step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from stepengine.plugin import Context

if TYPE_CHECKING:
    from pathlib import Path


def run(script: str, directory: Path) -> list[str]:
    lines: list[str] = []
    Context(str(directory)).run([sys.executable, "-c", script], on_line=lambda _stream, line: lines.append(line))
    return lines


def test_each_state_of_a_line_that_overwrites_itself_comes_while_it_is_written(tmp_path: Path) -> None:
    script = """
import sys, time
for state in ["10%\\r", "50%\\r", "100%\\r\\n", "done\\n", "last"]:
    sys.stdout.write(state)
    sys.stdout.flush()
    time.sleep(0.1)
"""
    assert run(script, tmp_path) == ["10%", "100%", "done", "last"]


def test_a_line_end_of_windows_is_one_line_end(tmp_path: Path) -> None:
    script = """
import sys, time
for part in ["one\\r", "\\ntwo\\r\\n", "\\n"]:
    sys.stdout.buffer.write(part.encode())
    sys.stdout.buffer.flush()
    time.sleep(0.1)
"""
    assert run(script, tmp_path) == ["one", "two", ""]


def test_lines_are_reported_without_a_function_for_them(tmp_path: Path) -> None:
    events: list[object] = []
    context = Context(str(tmp_path), emit=lambda kind, data: events.append((kind, data["line"])))
    context.run([sys.executable, "-c", "print('a\\rb')"])
    assert events == [("output", "b")]
