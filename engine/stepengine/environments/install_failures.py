"""What an installer's output says of why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.patterns import lazy_pattern

if TYPE_CHECKING:
    from stepengine.running.process import Completed

_SHOWN_LINES = 15

_NO_SPACE = ("No space left on device", "Disk quota exceeded", "File too large", "os error 112", "os error 28")

_SENTENCE = lazy_pattern(r"Because\s.+?(?:\.\s*$|\n\s*\n|\Z)", 16 | 8)  # DOTALL, MULTILINE
_ROOT = "Caused by:", "cause:", "╰─▶"
# uv draws a tree beside its messages.
_DRAWN = ("│", "├─▶", "╰─▶", "×", "hint:")  # noqa: RUF001

_PIP_ERROR = lazy_pattern(r"^ERROR: (.+)$", 8)
# pip's newer errors: a code for search engines, and below it the sentence.
_PIP_SENTENCE = lazy_pattern(r"^error: [a-z-]+\n\s*× (.+)$", 8)  # noqa: RUF001
_PIP_CONFLICT = lazy_pattern(r"^The conflict is caused by:\n((?:    .+\n?)+)", 8)
# pip takes a page that it cannot read for one that lists nothing, and says so in its log alone.
_PIP_UNREAD = lazy_pattern(r"Could not fetch URL (\S+): (.+?)(?: - skipping)?$", 8)
_NOT_THERE = "404 "
_CAUSE = lazy_pattern(r"\(Caused by \w+\(['\"](.+)['\"]\)\)")

_UV_WRONG_HASH = lazy_pattern(r"Hash mismatch for `([^`]+)`")
_PIP_WRONG_HASH = lazy_pattern(r"THESE PACKAGES DO NOT MATCH THE HASHES.*\n\s+(.+?)(?: from |:$)", 8)
_LOGIN = lazy_pattern(r"\b40[13] (?:Unauthorized|Forbidden|Client Error|Error)|status code 40[13]")


def explain_failure(completed: Completed, *, hashed: bool, log: str = "") -> tuple[str, str, str]:
    """Tell why an installer failed.

    Args:
        completed: How it ended.
        hashed: Whether it was to take only archives whose hashes a lock has.
        log: What it wrote into its log.

    Returns:
        One line with the reason, one with what to do (empty where there is nothing to add), and the end of its output.
    """
    output = f"{completed.stdout}\n{completed.stderr}"
    shown = "\n".join([line for line in output.splitlines() if line.strip()][-_SHOWN_LINES:])
    if any(each in output for each in _NO_SPACE):
        return "there is no space left on the device", "make room", shown
    wrong = _wrong_archive(output)
    if wrong and hashed:
        hint = "where the new archive is to be trusted, lock anew: stepengine lock --upgrade"
        return f"{wrong} has not the hash that the lock has: the archive or the lock was changed", hint, shown
    if wrong:
        return f"{wrong} has not the hash that the index lists for it", "tell whoever runs the index", shown
    reason = _reason(output) or f"the installer ended with status {completed.returncode}"
    unread = [(address, why) for address, why in _PIP_UNREAD.findall(log) if not why.startswith(_NOT_THERE)]
    if unread:
        address, why = unread[-1]
        cause = _CAUSE.search(why)
        reason = f"{reason}: {address} cannot be read: {_joined(cause[1] if cause else why)}"
    hint = ""
    if _LOGIN.search(f"{output}\n{reason}"):
        hint = "the index wants a login: give user and password in its address or in ~/.netrc"
        reason = reason if unread else f"{reason}; the index refused access"
    return reason, hint, shown


def _wrong_archive(output: str) -> str:
    """Say which archive has another hash than it should; empty where none has."""
    found = _UV_WRONG_HASH.search(output) or _PIP_WRONG_HASH.search(output)
    if found is None:
        return ""
    return found[1] if found[1] != "unknown package" else "an archive"


def _reason(output: str) -> str:
    """Give the sentence that says most, on one line."""
    sentence = _SENTENCE.search(output)
    if sentence:
        return _joined(sentence[0])
    conflict = _PIP_CONFLICT.search(output)
    if conflict:
        return "; ".join(map(_joined, conflict[1].splitlines()))
    sentences = _PIP_SENTENCE.findall(output)
    if sentences:
        return _joined(sentences[-1])
    errors = _PIP_ERROR.findall(output)
    if errors:
        passed_over = [each for each in errors[:-1] if each.startswith("Ignored the following")]
        return "; ".join(map(_joined, [errors[-1], *passed_over]))
    lines = [line.strip() for line in output.splitlines()]
    first = next((line.removeprefix("error:") for line in lines if line.startswith("error:")), "")
    causes = [line.removeprefix(mark) for line in lines for mark in _ROOT if line.startswith(mark)]
    return ": ".join(filter(None, map(_joined, [first, *causes[-1:]])))


def _joined(text: str) -> str:
    """Put a text that is broken into lines on one line."""
    return " ".join(word for word in text.split() if word not in _DRAWN).rstrip(".")
