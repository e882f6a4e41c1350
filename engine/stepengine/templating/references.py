"""Finding placeholders in text, and reading the references that they hold.

Everything here is linear in the length of the text, whatever the text is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKS = "prefect.blocks"
VARIABLES = "prefect.variables"

Path = tuple["str | int", ...]


class Reference(NamedTuple):
    """One use of a value that is known only when a step is about to run.

    Attributes:
        text: As written between the braces, white space folded away.
        kind: "output", "environment", "block" or "variable".
        head: The step's id or the bare output's name; the environment variable's name; `prefect.blocks` or
            `prefect.variables`.
        path: What follows the head. A block's begins with its type's slug and its name, a variable's with its name.
        optional: Whether rendering can succeed without it: guarded by `default()` or `is defined`, or in a part of an
            expression that need not be evaluated.
        offset: Where it begins in its scalar, in characters.
        location: The keys and indices that lead to its scalar, from the value that was compiled.
    """

    text: str
    kind: str
    head: str
    path: Path
    optional: bool
    offset: int
    location: Path

    @property
    def root(self) -> str:
        """What `deferred` is compared with: the head, or `$` for an environment variable."""
        return "$" if self.kind == "environment" else self.head


class Problem(NamedTuple):
    """A placeholder that is left as it is.

    Attributes:
        kind: "syntax": meant as an expression, and broken. "foreign": of another language (Go's `{{.Id}}`).
        text: The placeholder as written, white space folded, shortened.
        offset: Where it begins in its scalar, in characters.
        path: The keys and indices that lead to its scalar.
        message: One line: what is wrong.
        hint: One line: what to do; may be empty.
    """

    kind: str
    text: str
    offset: int
    path: Path
    message: str
    hint: str


class Placeholder(NamedTuple):
    """A pair of double braces: where it begins and ends, what is in it, and where that begins."""

    start: int
    end: int
    content: str
    content_start: int
    plain: bool


# What Prefect takes as a placeholder (3.8.8): its whole syntax.
_PLAIN = re.compile(r"\{\{\s*([\w.\-\[\]$]+)\s*\}\}")
_PART = r"[\w-]+"
_DOTTED = re.compile(rf"(\w[\w-]*)((?:\.{_PART}|\[{_PART}\])*)\Z")
_PARTS = re.compile(_PART)
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z")
_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,8})\Z")
_VARIABLE = re.compile(r"\$+([A-Za-z_]\w*)\Z")
# A block as prefect-docker's documentation writes it. The hyphen sets it apart from a step whose id is `prefect_x`.
_COLLECTION = re.compile(r"prefect_\w+\Z")

MAX_EXPRESSION = 4000
"""Characters of one expression; more is no expression."""

_MAX_NESTING = 40
_TOKENS = re.compile(
    r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \{\{ | [(\[{}\])] | ["'\\] """,
    re.VERBOSE | re.DOTALL,
)
_BROKEN = frozenset({"{{", '"', "'", "\\"})
_CLOSES = {")": "(", "]": "[", "}": "{"}


def placeholders(text: str) -> Iterator[Placeholder]:
    """Give the placeholders of a text in order; an empty one, and one that nothing closes, is none."""
    position = text.find("{{")
    while position >= 0:
        match = _PLAIN.match(text, position)
        if match:
            end = match.end()
            yield Placeholder(position, end, match.group(1), match.start(1), plain=True)
        else:
            end = _closing(text, position + 2)
            if end < 0:
                end = position + 1
            else:
                inner = text[position + 2 : end - 2]
                content = inner.strip()
                if content:
                    start = position + 2 + len(inner) - len(inner.lstrip())
                    yield Placeholder(position, end, content, start, plain=False)
        position = text.find("{{", end)


def _closing(text: str, start: int) -> int:
    """Give the end of the placeholder whose content begins at `start`, or -1."""
    limit = start + MAX_EXPRESSION
    if start < len(text) and text[start] == "{":
        return -1  # `{{{ x }}}`: the inner pair counts
    stack: list[str] = []
    for match in _TOKENS.finditer(text, start, limit):
        found = match.group()
        if found == "}" and not stack:
            end = match.end()
            return end + 1 if text.startswith("}", end) else -1
        if found in "([{":
            stack.append(found)
            if len(stack) > _MAX_NESTING:
                return -1
        elif found in ")]}":
            if not stack or stack.pop() != _CLOSES[found]:
                break
        elif found in _BROKEN:
            break
    return _unbalanced_closing(text, start)


def _unbalanced_closing(text: str, start: int) -> int:
    """Give the end of a placeholder whose quotes or brackets do not match: its first `}}`, if no other opens before."""
    limit = start + MAX_EXPRESSION
    following = text.find("{{", start, limit)
    end = text.find("}}", start, limit if following < 0 else following)
    return -1 if end < 0 else end + 2


def parse_reference(content: str) -> tuple[str, str, Path] | None:
    """Read the content of a plain placeholder.

    Returns:
        Kind, head and path as in `Reference`; None where it is not a reference.
    """
    variable = _VARIABLE.match(content)
    if variable:
        return "environment", variable.group(1), ()
    match = _DOTTED.match(content)
    if not match or _NUMBER.match(content):
        return None
    head = match.group(1)
    if not match.group(2):
        return "output", head, ()
    return classify(head, tuple(part_of(part) for part in _PARTS.findall(match.group(2))))


def part_of(text: str) -> str | int:
    """Give a path's part: an index where it is a number."""
    return int(text) if _INTEGER.match(text) else text


def classify(head: str, path: Path) -> tuple[str, str, Path]:
    """Give kind, head and path of a dotted name."""
    match head, path:
        case "prefect", ("blocks", _, _, *_):
            return "block", BLOCKS, path[1:]
        case "prefect", ("variables", _, *_):
            return "variable", VARIABLES, path[1:]
        case _, (str(slug), _, *_) if "-" in slug and _COLLECTION.match(head):
            return "block", BLOCKS, path
    return "output", head, path


STRINGS = re.compile(r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """, re.VERBOSE | re.DOTALL)
"""String literals of an expression."""

_GO = re.compile(
    r"""[-.\#/!>^&*%@~=:`?,;|+<\\)\]}]     # no expression begins so
    | \$[^A-Za-z_]? \Z | \$\. | \$\w*\s*:?=(?!=)
    | (?:range|if|else|end|with|template|define|block|break|continue)\b(?!\s*[.|\[(-])
    """,
    re.VERBOSE,
)
_GO_FIELD = re.compile(r"(?:^|[\s(|])\.(?:[A-Za-z_$]|\Z|[\s)|])|:=|\$\.")
_MEANT = re.compile(r"\||\$[A-Za-z_]|\bprefect\.|[()]")
_GO_WORDS = frozenset({"end", "else", "break", "continue", "println"})


def is_foreign(content: str) -> bool:
    """Whether a placeholder's content is certainly of another language: Go's templates, Handlebars."""
    return bool(_GO.match(content) or _GO_FIELD.search(STRINGS.sub('""', content)))


def is_foreign_word(content: str) -> bool:
    """Whether a word is a statement of Go's templates, given that they are in the same text."""
    return content in _GO_WORDS


def is_meant(content: str) -> bool:
    """Whether what does not parse was meant as an expression: it has a filter, a call, or a reference of ours."""
    return bool(_MEANT.search(STRINGS.sub('""', content)))


def fold(text: str, limit: int = 120) -> str:
    """Give a text on one line and of a length that can be shown."""
    folded = " ".join(text[: 4 * limit].split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"
