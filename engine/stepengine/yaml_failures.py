"""What is wrong with a text that is no YAML, in words that help; imported only once there is such a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepengine.nodes import Source

Failure = tuple[str, str, int, str]
"""A diagnostic's code, message, offset and hint."""

# YAML 1.1, section 5.1: what may stand in a file.
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNQUOTED = re.compile(r"(?:^|[:\-\[{,]\s+|[\[{])(\{\{[^}\n]*\}\}[^\n#]*)")
_BLOCK = re.compile(r"\s*(?:-\s+)?\{[%#]")


def reader_failure(source: Source) -> Failure:
    """Tell of a character that may not stand in a YAML file."""
    bad = _UNPRINTABLE.search(source.text)
    if bad is None:
        return "yaml-syntax", "a character may not stand in a YAML file", 0, "save the file as UTF-8"
    hint = "save the file as UTF-8" if bad.group() == "\0" else "remove it, or write it as an escape in double quotes"
    return "yaml-syntax", f"U+{ord(bad.group()):04X} may not stand in a YAML file", bad.start(), hint


def syntax_failure(source: Source, error: Any) -> Failure:
    """Tell of what the parser stumbled over.

    Args:
        source: The text.
        error: The parser's error, which has marks.
    """
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if "quoted scalar" in context and getattr(error, "context_mark", None) is not None:
        mark = error.context_mark  # where the quote opens helps more than where the file ends
    offset = min(mark.index, len(source.text)) if mark is not None else 0
    found = _placeholder(source, offset) or _indented_by_tab(source, offset) or _jinja_block(source, offset)
    if found is not None:
        return found
    message = f"{problem}, {context}" if context else problem
    return "yaml-syntax", " ".join(message.split()), offset, _hint(problem, context)


def _placeholder(source: Source, offset: int) -> Failure | None:
    line, _ = source.position(offset)
    for number in (line, line - 1):
        found = _UNQUOTED.search(source.line(number))
        if found is not None:
            value = found.group(1).rstrip().rstrip("]},") if found.group(1).count("}}") != 1 else found.group(1).strip()
            message = "a value that begins with {{ must be quoted"
            return "unquoted-placeholder", message, source.start(number) + found.start(1), _quoted(value)
    return None


def _quoted(value: str) -> str:
    return f'write "{value}"' if '"' not in value else f"write '{value}'"


def _indented_by_tab(source: Source, offset: int) -> Failure | None:
    line, _ = source.position(offset)
    text = source.line(line)
    indentation = text[: len(text) - len(text.lstrip())]
    if "\t" in indentation:
        at = source.start(line) + indentation.index("\t")
        return "yaml-syntax", "a tab is used for indentation", at, "indent with spaces"
    if source.text[offset : offset + 1] == "\t":
        return "yaml-syntax", "a tab stands where YAML takes spaces only", offset, "write spaces"
    return None


def _jinja_block(source: Source, offset: int) -> Failure | None:
    line, _ = source.position(offset)
    for number in (line, line - 1):
        found = _BLOCK.match(source.line(number))
        if found is not None:
            return (
                "yaml-syntax",
                "a Jinja block stands outside of a value",
                source.start(number) + found.end() - 2,
                "the file is read as YAML before anything is filled in: only {{ … }} inside of quoted values works",
            )
    return None


def _hint(problem: str, context: str) -> str:
    if "mapping values are not allowed" in problem:
        return "check the indentation of this line, or quote the value if it holds ': '"
    if "did not find expected" in problem and "block" in context:
        return "check the indentation: entries of one list or mapping start in one column"
    if "could not find expected ':'" in problem:
        return "a line that is neither 'key: value' nor '- item' stands here"
    if "quoted scalar" in context:
        return "close the quotes"
    if "cannot start any token" in problem:
        return "quote the value"
    return ""
