"""Compiling a value: its placeholders become nodes, references and problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.errors import TemplateError
from stepengine.templating.model import Problem, Reference, fold
from stepengine.templating.references import parse_reference, placeholders
from stepengine.templating.tree import LiteralNode, MappingNode, SequenceNode, Slot, TextNode, WholeNode

if TYPE_CHECKING:
    from stepengine.templating.model import Path
    from stepengine.templating.references import Placeholder
    from stepengine.templating.tree import Node

MAX_DEPTH = 100
"""Levels of mappings and lists around a placeholder."""

MAX_NODES = 200_000
"""Values in one template, each counted as often as an alias repeats it."""

_REQUIRED = False
# Statements of Go's templates that look like references; they count where Go's fields are in the same text.
_GO_WORDS = frozenset({"end", "else", "break", "continue", "println"})
_FOREIGN = "it is neither a reference nor an expression, and stays as it is"


class Compiler:
    """Compiles one value; collects the references and problems of all its scalars."""

    def __init__(self, deferred: frozenset[str]) -> None:
        self.deferred = deferred
        self.references: list[Reference] = []
        self.problems: list[Problem] = []
        self._nodes = 0

    def root(self, value: Any) -> Node | None:
        """Give the whole value's node; None where nothing of it is to be rendered or reported.

        Raises:
            TemplateError: it is nested too deeply, contains itself, or is too large.
        """
        node = self.node(value, ())
        return LiteralNode(value) if node is None and self.problems else node

    def node(self, value: Any, location: Path) -> Node | None:
        """Give a value's node; None where it holds no placeholder."""
        if isinstance(value, str):
            return self._scalar(value, location) if "{{" in value else None
        if not isinstance(value, (dict, list)):
            return None
        self._nodes += len(value)
        if len(location) >= MAX_DEPTH or self._nodes > MAX_NODES:
            raise TemplateError(
                "a value with placeholders is nested too deeply, or too large",
                hint="is an alias inside its own anchor?",
            )
        nodes: dict[Any, Node] = {}
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, str):
                node = self._scalar(item, (*location, key)) if "{{" in item else None
            elif isinstance(item, (dict, list)):
                node = self.node(item, (*location, key))
            else:
                continue
            if node is not None:
                nodes[key] = node
        if not nodes:
            return None
        return MappingNode(value, nodes) if isinstance(value, dict) else SequenceNode(value, nodes)

    def _scalar(self, text: str, location: Path) -> Node | None:
        parts: list[str | Slot] = []
        position = 0
        found = list(placeholders(text))
        foreign = any((not item.plain or item.content[0] == ".") and _is_foreign(item.content) for item in found)
        for placeholder in found:
            value = self._value(placeholder, text, location, foreign=foreign)
            if value is None:
                continue
            if placeholder.start > position:
                parts.append(text[position : placeholder.start])
            parts.append(value)
            position = placeholder.end
        if not parts:
            return None
        if position < len(text):
            parts.append(text[position:])
        first = parts[0]
        return WholeNode(first) if len(parts) == 1 and isinstance(first, Slot) else TextNode(parts, location)

    def _value(self, placeholder: Placeholder, text: str, location: Path, *, foreign: bool) -> Slot | None:
        content = placeholder.content
        written = text[placeholder.start : placeholder.end]
        if placeholder.plain:
            parsed = parse_reference(content)
            if parsed is not None and not (foreign and content in _GO_WORDS):
                reference = Reference(content, *parsed, _REQUIRED, placeholder.content_start, location)
                if reference.root in self.deferred:
                    return None
                self.references.append(reference)
                return Slot(written, reference, None)
        if (foreign and content in _GO_WORDS) or _is_foreign(content):
            self._problem("foreign", placeholder.start, written, location)
            return None
        return self._expression(placeholder, written, location, foreign=foreign)

    def _expression(self, placeholder: Placeholder, written: str, location: Path, *, foreign: bool) -> Slot | None:
        from stepengine.templating.expressions import Expression, UnknownNameError
        from stepengine.templating.foreign import is_meant

        content = placeholder.content
        expression = Expression(content, offset=placeholder.content_start, location=location)
        if any(reference.root in self.deferred for reference in expression.references):
            return None
        if foreign and not expression.references:
            self._problem("foreign", placeholder.start, written, location)
            return None
        try:
            expression.compile()
        except TemplateError as error:
            meant = placeholder.plain or isinstance(error, UnknownNameError) or is_meant(content)
            if foreign or not meant:
                self._problem("foreign", placeholder.start, written, location)
            else:
                self._problem("syntax", placeholder.start, written, location, error)
            return None
        self.references.extend(expression.references)
        return Slot(written, None, expression)

    def _problem(
        self, kind: str, offset: int, written: str, location: Path, error: TemplateError | None = None
    ) -> None:
        message, hint = (error.message, error.hint) if error else (_FOREIGN, "")
        self.problems.append(Problem(kind, fold(written), offset, location, message, hint))


def _is_foreign(content: str) -> bool:
    from stepengine.templating.foreign import is_foreign  # most files need nothing of it

    return is_foreign(content)
