"""The tables of docs/command-line.md, made from the argument parsers."""

from __future__ import annotations

import argparse
from pathlib import Path

from marked_parts import replace_parts
from page_text import capitalized, cell

from stepengine.cli.arguments import _COMMANDS

PAGE = "docs/command-line.md"


def pages() -> dict[str, str]:
    """Give the page with its tables filled: the path from the repository's top to the text."""
    text = (Path(__file__).parent.parent / PAGE).read_text(encoding="utf-8")
    parts = {f"options of {name}": _table(parser_of(name)) for name in _COMMANDS}
    overview = ["| Command | What it does |", "| --- | --- |"]
    overview += [f"| [`{name}`](#{name}) | {cell(capitalized(summary))} |" for name, (summary, _) in _COMMANDS.items()]
    return {PAGE: replace_parts(text, {"commands": "\n".join(overview), **parts}, PAGE)}


def parser_of(name: str) -> argparse.ArgumentParser:
    """Give the parser of a command."""
    summary, fill = _COMMANDS[name]
    parser = argparse.ArgumentParser(prog=f"stepengine {name}", description=summary)
    fill(parser)
    return parser


def _table(parser: argparse.ArgumentParser) -> str:
    rows = [_row(action) for action in parser._actions if action.dest != "help"]  # noqa: SLF001 - argparse has no other way
    return "\n".join(["| Option | Meaning |", "| --- | --- |", *rows])


def _row(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    if isinstance(value, tuple):
        value = " ".join(value)
    if not action.option_strings:
        written = f"`{value}`"
    else:
        longest_first = sorted(action.option_strings, key=len, reverse=True)
        written = ", ".join(f"`{option} {value}`" if value else f"`{option}`" for option in longest_first)
    meaning = (action.help or "") % {"default": f"`{action.default}`"}
    return f"| {cell(written)} | {cell(capitalized(meaning))} |"
