"""What is wrong with a text that is no YAML, in words that help; imported only once there is such a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepengine.document.nodes import Source

Failure = tuple[str, str, int, str]
"""A diagnostic's code, message, offset and hint."""

# YAML 1.1, section 5.1: what may stand in a file.
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNQUOTED = re.compile(r"(?:^|[:\-,]\s+|[\[{]\s*)(\{\{)(?!\{)")
_FLOW_VALUE = re.compile(r"\{\{.*?\}\}[^\s,\]}]*", re.DOTALL)
_BLOCK_VALUE = re.compile(r"\{\{.*?\}\}(?:(?!\s+#)[^\n])*", re.DOTALL)
_BLOCK = re.compile(r"\{[%#]")

_HINTS = {
    "mapping values are not allowed": "check the indentation of this line, or quote the value if it holds ': '",
    "could not find expected ':'": "this line is neither 'key: value' nor '- item': check it and its indentation",
    "block sequence entries are not allowed": "put '- ' on a line of its own, below the key",
    "unknown escape character": "write \\\\ for a backslash, or use single quotes",
    "unexpected end of stream": "close the quotes",
    "cannot start any token": "quote the value",
    "expected ',' or": "close the bracket, or put a comma before this",
    "expected node content": "a value is missing here, or must be quoted",
}
"""What to do about libyaml's problems."""


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
    if ("end of stream" in problem or "simple key" in context) and getattr(error, "context_mark", None) is not None:
        mark = error.context_mark  # where the quote or the key begins helps more than where the file ends
    offset = min(mark.index, len(source.text)) if mark is not None else 0
    found = _placeholder(source, offset) or _indented_by_tab(source, offset) or _jinja_block(source, offset)
    if found is not None:
        return found
    message = " ".join(f"{problem}, {context}".split()) if context else problem
    return "yaml-syntax", message, offset, _hint(source, offset, problem)


def unquoted_placeholder(source: Source, offset: int) -> Failure:
    """Tell of a value that begins with `{{`, which YAML takes for a mapping in a mapping.

    Args:
        source: The text.
        offset: Where the braces are.
    """
    line, _ = source.position(offset)
    before = source.text[source.start(line) : offset]
    is_flow = before.count("[") + before.count("{") > before.count("]") + before.count("}")
    found = (_FLOW_VALUE if is_flow else _BLOCK_VALUE).match(source.text, offset)
    value = " ".join(found.group().split()) if found is not None else "{{ … }}"
    quote = "'" if '"' in value else '"'
    message = "a value that begins with {{ must be quoted"
    return "unquoted-placeholder", message, offset, f"write {quote}{value}{quote}"


def _placeholder(source: Source, offset: int) -> Failure | None:
    line, _ = source.position(offset)
    for number in (line, line - 1):
        found = _UNQUOTED.search(source.line(number))
        if found is not None:
            return unquoted_placeholder(source, source.start(number) + found.start(1))
    return None


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
        text = source.line(number)
        found = _BLOCK.search(text)
        if found is not None and not text[: found.start()].strip(" -:").count('"'):
            return (
                "yaml-syntax",
                "a Jinja block stands outside of a quoted value",
                source.start(number) + found.start(),
                "the file is read as YAML before anything is filled in: only {{ … }} inside of quoted values works",
            )
    return None


def _hint(source: Source, offset: int, problem: str) -> str:
    for words, hint in _HINTS.items():
        if words in problem:
            return hint
    if source.text[:offset].rstrip(" ")[-1:] in ("'", '"'):
        return "the value ends at its closing quote: quote all of it; inside of '…' a quote is written ''"
    if "did not find expected" in problem:
        return "check the indentation: entries of one list or mapping start in one column"
    return ""
