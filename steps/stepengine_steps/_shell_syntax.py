"""What a script asks of a shell, found without running it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from stepengine_steps.shell import SHELL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

USE_SHELL = "add `shell: true` to run the whole script in a shell"
_EXPAND = "add `expand_env_vars: true`, or `shell: true`"

_REMEDIES = {
    "cd": "use the input `directory`, or add `shell: true`",
    "pushd": "use the input `directory`, or add `shell: true`",
    "export": "use the input `env`, or add `shell: true`",
    "set": "remove it (a failing line ends the step anyway), or add `shell: true`",
}
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "fish", "su", "runuser"))
# Programs that take a `*` as it stands.
_LITERAL_STAR = frozenset(("echo", "printf", "expr", "git"))
_PATTERN_OPTIONS = frozenset(
    (
        "-name",
        "-iname",
        "-path",
        "-ipath",
        "-wholename",
        "-iwholename",
        "-not-path",
        "-g",
        "--glob",
        "--include",
        "--exclude",
    )
)

# Stands for a character that quotes or a backslash protect.
_QUOTED = "\x01"
_WORD = re.compile(r"[^ \t\r\n]+")
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=", re.ASCII)
_FUNCTION = re.compile(r"([\w-]+)\(\)")
# A redirection begins a word, or stands in one before what can be no version (`pip install x>=1` and `x<2` are none).
_REDIRECTION = re.compile(r"^(?:\d*|&)(?P<start>>>|>\||<>|[<>]&?)(?!=)|(?<![-=<>])(?P<inner>>>|[<>](?![=\d<>]))")
_VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*|\{[A-Za-z_]\w*\})|(?P<other>\{[^}]*\}?|[0-9?@*#!-]))", re.ASCII)


class ShellSyntax(NamedTuple):
    """A place where a script needs a shell.

    Attributes:
        reason: What is there, beginning with its line: "line 2 uses a pipe (|)".
        remedy: What to do about it, and about the other lines.
        others: How many other lines need a shell.
    """

    reason: str
    remedy: str
    others: int = 0

    @property
    def told(self) -> str:
        """The reason, with the number of the other lines."""
        if not self.others:
            return self.reason
        return f"{self.reason}, and {self.others} more {'line needs' if self.others == 1 else 'lines need'} a shell"


class _Finding(NamedTuple):
    what: str
    remedy: str = USE_SHELL
    certain: bool = True


class _Line(NamedTuple):
    """A line, and the same with all but its unquoted characters, or all but its double-quoted ones, masked."""

    text: str
    bare: str
    double: str
    unfinished: str


def find_shell_syntax(script: str, *, expand_env_vars: bool = False) -> ShellSyntax | None:
    """Find what a script asks of a shell.

    What surely fails without one (a pipe, `cd`) goes before what is merely passed on as text (`$HOME`, `*.whl`).

    Args:
        script: The script; `{{ ... }}` in it stands for text of any kind.
        expand_env_vars: Whether plain variables are expanded by the step.

    Returns:
        The first place, or None. What remedies one line alone (`directory` for a `cd`) is no remedy where there are
        others.
    """
    end = script.rfind("}}") + 2 if "}}" in script else 0  # what opens after it would be looked for in vain, each time
    script = _PLACEHOLDER.sub(_blank, script[:end]) + script[end:]
    found: dict[int, list[_Finding]] = {}
    for number, text in enumerate(script.splitlines(), start=1):
        if findings := list(_findings(mask(text), expand_env_vars=expand_env_vars)):
            found[number] = findings
    if not found:
        return None
    places = [(number, finding) for number, findings in found.items() for finding in findings]
    number, first = next((place for place in places if place[1].certain), places[0])
    remedies = {finding.remedy for _, finding in places}
    remedy = first.remedy if len(found) == 1 or remedies == {_EXPAND} else USE_SHELL
    return ShellSyntax(f"line {number} {first.what}", remedy, len(found) - 1)


def _blank(match: re.Match[str]) -> str:
    return "".join("\n" if character == "\n" else "x" for character in match[0])


def mask(text: str) -> _Line:
    """Tell a line's unquoted and double-quoted characters from the rest, by the rules that split it into words."""
    bare: list[str] = []
    double: list[str] = []
    quote = ""
    position = 0
    while position < len(text):
        character = text[position]
        following = text[position + 1 : position + 2]
        escapes = character == "\\" and (not quote or (quote == '"' and following and following in '"\\'))
        if escapes:
            if not following:
                return _Line(text, "".join(bare), "".join(double), "is continued with a backslash")
            bare.append(_QUOTED * 2)
            double.append(_QUOTED * 2)
            position += 1
        elif character == quote or (not quote and character in "'\""):
            quote = "" if quote else character
            bare.append(_QUOTED)
            double.append(_QUOTED)
        else:
            bare.append(_QUOTED if quote else character)
            double.append(character if quote == '"' else _QUOTED)
        position += 1
    unfinished = f"has a quote ({quote}) that it does not close" if quote else ""
    return _Line(text, "".join(bare), "".join(double), unfinished)


def _findings(line: _Line, *, expand_env_vars: bool) -> Iterator[_Finding]:
    if line.unfinished:
        yield _Finding(line.unfinished)
    spans = [match.span() for match in _WORD.finditer(line.bare)]
    words = [line.bare[start:end] for start, end in spans]
    if not words:
        return
    yield from _first_word(words[0])
    for index, word in enumerate(words):
        yield from _operators(word, words[:index])
        start, end = spans[index]
        yield from _text(word, line.text[start:end], words[:index])
    for_shell = _is_for_shell(words)
    for readable in (line.bare,) if for_shell else (line.bare, line.double):
        yield from _expansions(readable, expand_env_vars=expand_env_vars)
    if "\\$" in line.double or "\\`" in line.double:
        yield _Finding("has a backslash before $ or ` in double quotes, which is passed on too", certain=False)


def _first_word(word: str) -> Iterator[_Finding]:
    if word in SHELL_WORDS or word.startswith("("):
        name = "(" if word.startswith("(") else word
        yield _Finding(f"begins with {name}, which only a shell knows", _REMEDIES.get(name, USE_SHELL))
    elif word.startswith("#"):
        yield _Finding("is a comment, and would be run as a command", "remove it, or add `shell: true`")
    elif match := _ASSIGNMENT.match(word):
        yield _Finding(f"sets a variable ({match[1]})", "use the input `env`, or add `shell: true`")
    elif match := _FUNCTION.match(word):
        yield _Finding(f"defines a function ({match[1]})")


def _operators(word: str, before: Sequence[str]) -> Iterator[_Finding]:
    if "://" in word:
        return  # & and ; are part of many addresses
    redirection = _REDIRECTION.search(word)
    if "<<" in word and "<<=" not in word:
        yield _Finding("has a here-document (<<)")
    elif "&&" in word or "||" in word:
        yield _Finding(f"joins commands ({'&&' if '&&' in word else '||'})")
    elif redirection:
        yield _Finding(f"redirects input or output ({redirection['start'] or redirection['inner']})")
    elif "|" in word:
        yield _Finding("uses a pipe (|)")
    elif ";" in word and not (word == ";" and any(option.startswith(("-exec", "-ok")) for option in before)):
        yield _Finding("joins commands (;)")
    elif word.endswith("&"):
        yield _Finding("leaves a command in the background (&)")


def _text(word: str, shown: str, before: Sequence[str]) -> Iterator[_Finding]:
    """Yield what a shell would replace and what without one reaches the program as it stands."""
    if before and word.startswith("#"):
        yield _Finding(
            "has a comment (#), which is passed on as text", "remove it, or add `shell: true`", certain=False
        )
    if word == "~" or word.startswith("~/"):
        yield _Finding(f"uses a home directory ({shown}), which is passed on as text", certain=False)
    head, star, _ = word.partition("*")
    is_pattern = star and "=" not in head and "://" not in word and (len(word) == 1 or word.strip("*"))
    if is_pattern and before and before[0] not in _LITERAL_STAR and before[-1] not in _PATTERN_OPTIONS:
        yield _Finding(f"uses a file pattern ({shown}), which is passed on as text", certain=False)


def _is_for_shell(words: Sequence[str]) -> bool:
    """Tell whether a line hands its double-quoted text to a shell: `bash -c "..."`, `docker exec x sh -c "..."`."""
    for index, word in enumerate(words):
        if word.rpartition("/")[2] in _SHELLS:
            return any(re.fullmatch(r"-[a-z]*c", option) for option in words[index + 1 :])
    return words[0] == "ssh"


def _expansions(text: str, *, expand_env_vars: bool) -> Iterator[_Finding]:
    if "$((" in text:
        yield _Finding("calculates ($((...)))")
    if "$(" in text or "`" in text:
        yield _Finding(f"uses a command's output ({'$(...)' if '$(' in text else '`...`'})")
    for match in _VARIABLE.finditer(text):
        if match["other"]:
            yield _Finding(f"uses a shell parameter ({match[0]}), which is passed on as text", certain=False)
        elif not expand_env_vars:
            yield _Finding(f"uses a variable ({match[0]}), which is passed on as text", _EXPAND, certain=False)
