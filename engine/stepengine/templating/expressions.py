"""Expressions: Jinja2's, in which a reference is one name, hyphens, `$` and all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stepengine.errors import TemplateError
from stepengine.records import Record
from stepengine.templating.foreign import STRINGS
from stepengine.templating.model import Reference, fold
from stepengine.templating.references import classify, part_of
from stepengine.templating.scope import RenderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepengine.templating.model import Path
    from stepengine.templating.scope import Scope

# A hyphen without a space on either side is part of a name: ids have hyphens, and Prefect's placeholders are read so.
_NAME = r"[^\W\d]\w*(?:-+\w+)*"
_TOKENS = re.compile(
    rf"""
    (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    | (?P<number> \d[\w.]* )
    | (?P<environment> \$+ [A-Za-z_]\w* )
    | (?P<name> {_NAME} )
      (?P<path> (?: \.\w[\w-]*(?<!-) | \[\s*(?: -?\d+ | '[^'\\]*' | "[^"\\]*" )\s*\] )* )
    | (?P<attribute> \.\s*[^\W\d]\w* )
    | (?P<operator> [|()\[\]{{}},:] | ==? | !=? | [<>]=? )
    | (?P<space> \s+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_PART = re.compile(r"\.(\w[\w-]*)|\[\s*(?:(-?\d+)|'([^']*)'|\"([^\"]*)\")\s*\]")
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"})
_FUNCTIONS = frozenset({"range"})


class UnknownNameError(TemplateError):
    """An expression uses a filter, test, method or function that does not exist."""


class _Token(Record):
    kind: str
    text: str
    path: str
    start: int


class Expression:
    """One expression: its text with every reference turned into a variable, and those references.

    Args:
        content: What is between the braces.
        offset: Where that begins in its scalar, in characters.
        location: The keys and indices that lead to the scalar.
    """

    __slots__ = ("_function", "content", "location", "offset", "references", "source")

    def __init__(self, content: str, *, offset: int, location: Path) -> None:
        self.content = content
        self.offset = offset
        self.location = location
        self.source, self.references = _extract(content, offset, location)
        self._function: Callable[[list[Any]], Any] | None = None

    def compile(self) -> None:
        """Make it ready; `references` then tell which of them are optional.

        Raises:
            TemplateError: it is no expression.
        """
        from stepengine.templating import sandbox

        self._function, optional = sandbox.compile_source(self.source, [item.text for item in self.references])
        self.references = tuple(item._replace(optional=index in optional) for index, item in enumerate(self.references))

    def evaluate(self, scope: Scope) -> tuple[Any, bool]:
        """Give its value, and whether a secret went into it.

        Raises:
            RenderError: a reference that it needs has no value, or it fails.
        """
        assert self._function is not None, "compile() comes first"  # noqa: S101
        values: list[Any] = []
        public: list[Any] = []
        tainted = False
        for reference in self.references:
            try:
                value, secret = scope.value_of(reference)
            except RenderError as error:
                value, secret = error, False  # an error only if the expression turns out to need it
            values.append(value)
            if not secret:
                public.append(value)
            tainted = tainted or secret
        try:
            result = self._function(values)
        except RenderError:
            raise
        except TemplateError as error:
            # The text of another library's exception may quote a secret.
            raise RenderError(
                f"{{{{ {fold(self.content)} }}}} fails" + ("" if tainted else f": {fold(error.message)}"),
                hint=error.hint,
                location=self.location,
                offset=self.offset,
            ) from (None if tainted else error)
        # What a condition chooses may be no secret itself: `{{ img.tag if $TOKEN else 'none' }}`.
        is_known = any(result is value for value in public) or self._spells_out(result)
        if tainted and scope.secrets is not None and not is_known:
            scope.secrets.add(result)
        return result, tainted

    def _spells_out(self, result: Any) -> bool:
        """Whether a result stands in the expression word for word: `'prod' if $TOKEN else 'test'`."""
        return any(literal.group().strip()[1:-1] == result for literal in STRINGS.finditer(self.content))


def _extract(content: str, offset: int, location: Path) -> tuple[str, tuple[Reference, ...]]:
    """Replace the references of an expression by the variables `_r0`, `_r1` and so on."""
    tokens = _tokens(content)
    source: list[str] = []
    references: list[Reference] = []
    end = 0
    for index, token in enumerate(tokens):
        source.append(content[end : token.start])
        end = token.start + len(token.text) + len(token.path)
        if not _is_reference(tokens, index):
            source.append(token.text + token.path)
            continue
        following = tokens[index + 1].text if index + 1 < len(tokens) else ""
        reference, rest = _reference(token, following, offset, location)
        source.append(f" _r{len(references)}{rest}")  # the space keeps `$A$A` from becoming one name
        references.append(reference)
    return "".join(source), tuple(references)


def _tokens(content: str) -> list[_Token]:
    found = []
    for match in _TOKENS.finditer(content):
        kind = match.lastgroup or ""
        if kind == "space":
            continue
        path = match.group("path") or ""
        text = match.group()
        found.append(_Token("name" if kind == "path" else kind, text[: len(text) - len(path)], path, match.start()))
    return found


def _is_reference(tokens: list[_Token], index: int) -> bool:
    """Whether a token is the name of a value, and no keyword, filter, test, function or named argument."""
    token = tokens[index]
    if token.kind != "name" or token.path:
        return token.kind in {"environment", "name"}
    before = tokens[index - 1].text if index else ""
    after = tokens[index + 1].text if index + 1 < len(tokens) else ""
    if token.text in _KEYWORDS or before in {"|", "is"} or (after == "(" and token.text in _FUNCTIONS):
        return False
    if before == "not" and index > 1 and tokens[index - 2].text == "is":
        return False
    return not (after == "=" and before in {"(", ","})


def _reference(token: _Token, following: str, offset: int, location: Path) -> tuple[Reference, str]:
    """Give a token's reference, and what of its text is no part of it (`.strip` in `x.strip()`)."""
    parts = list(_PART.finditer(token.path))
    rest = parts.pop().group() if following == "(" and parts and parts[-1].group(1) else ""
    path: Path = ()
    if token.kind == "environment":
        kind, head = "environment", token.text.lstrip("$")
    else:
        keys = (part.group(1) or part.group(2) or part.group(3) or part.group(4) or "" for part in parts)
        kind, head, path = classify(token.text, tuple(map(part_of, keys)))
    text = token.text + token.path[: len(token.path) - len(rest)]
    return Reference(
        text=" ".join(text.split()),
        kind=kind,
        head=head,
        path=path,
        optional=False,
        offset=token.start + offset,
        location=location,
    ), rest
