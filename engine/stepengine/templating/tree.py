"""The parts of a compiled template, and how each is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.secrecy.secrets import HIDDEN
from stepengine.templating.model import fold
from stepengine.templating.scope import MISSING, RenderError

if TYPE_CHECKING:
    from stepengine.templating.expressions import Expression
    from stepengine.templating.model import Path, Reference
    from stepengine.templating.scope import Scope


class Node:
    """A part of a template; rendering gives the value, and what may be shown of it."""

    __slots__ = ()

    def render(self, scope: Scope) -> tuple[Any, Any]:
        """Give the value, and what may be shown of it: the same object where no secret went into it."""
        raise NotImplementedError


class LiteralNode(Node):
    """A value as it is."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def render(self, scope: Scope) -> tuple[Any, Any]:  # noqa: ARG002, D102 - see Node
        return self.value, self.value


class Slot:
    """One placeholder: a reference, or an expression over several."""

    __slots__ = ("expression", "reference", "written")

    def __init__(self, written: str, reference: Reference | None, expression: Expression | None) -> None:
        self.written = written
        self.reference = reference
        self.expression = expression

    def evaluate(self, scope: Scope) -> tuple[Any, bool]:
        """Give the value, and whether it is secret; `MISSING` where it has none and the scope's policy bears it."""
        try:
            if self.reference is not None:
                return scope.value_of(self.reference)
            assert self.expression is not None  # noqa: S101 - one of the two is there
            return self.expression.evaluate(scope)
        except RenderError as error:
            reference = error.reference
            if scope.missing == "error" or reference is None:
                raise
            if scope.missing == "drop" and reference.kind in ("block", "source"):
                raise  # as Prefect does of blocks
            scope.missed.append(error)
            return MISSING, False

    @property
    def droppable(self) -> bool:
        """Whether Prefect leaves the input out where this, alone, has no value; else it is an empty text."""
        return self.reference is None or self.reference.kind == "output"


class WholeNode(Node):
    """A placeholder and nothing else: the value keeps its type."""

    __slots__ = ("item",)

    def __init__(self, item: Slot) -> None:
        self.item = item

    def render(self, scope: Scope) -> tuple[Any, Any]:  # noqa: D102 - see Node
        value, secret = self.item.evaluate(scope)
        if value is MISSING:
            value = self.item.written if scope.missing == "keep" else MISSING if self.item.droppable else ""
        return value, HIDDEN if secret else value


class TextNode(Node):
    """Placeholders among other text."""

    __slots__ = ("location", "parts")

    def __init__(self, parts: list[str | Slot], location: Path) -> None:
        self.parts = parts
        self.location = location

    def render(self, scope: Scope) -> tuple[Any, Any]:  # noqa: D102 - see Node
        texts: list[str] = []
        shown: list[str] = []
        tainted = False
        for part in self.parts:
            if isinstance(part, str):
                texts.append(part)
                shown.append(part)
                continue
            value, secret = part.evaluate(scope)
            missing = value is MISSING
            text = self._without_value(part, scope) if missing else self._text_of(value, part)
            texts.append(text)
            shown.append(HIDDEN if secret else text)
            tainted = tainted or secret
        result = "".join(texts)
        return result, "".join(shown) if tainted else result

    @staticmethod
    def _without_value(part: Slot, scope: Scope) -> str:
        return part.written if scope.missing == "keep" else ""

    def _text_of(self, value: Any, part: Slot) -> str:
        reference = part.reference
        if reference is not None and reference.kind == "block" and isinstance(value, (dict, list)):
            kind = "a mapping" if isinstance(value, dict) else "a list"
            raise RenderError(
                f"{reference.text} is {kind}, which cannot stand inside text",
                hint="name one of its values: {{ " + reference.text + ".… }}",
                reference=reference,
            )
        try:
            return str(value)
        except Exception as error:  # whatever a step returned
            raise RenderError(
                f"{fold(part.written)} has no text form: {type(error).__name__}",
                reference=reference,
                location=self.location,
            ) from error


class MappingNode(Node):
    """A mapping; some of its values are rendered."""

    __slots__ = ("base", "nodes")

    def __init__(self, base: dict[Any, Any], nodes: dict[Any, Node]) -> None:
        self.base = base
        self.nodes = nodes

    def render(self, scope: Scope) -> tuple[Any, Any]:  # noqa: D102 - see Node
        value = dict(self.base)
        shown = None
        for key, node in self.nodes.items():
            item, visible = node.render(scope)
            value[key] = item
            if visible is not item:
                shown = shown or {}
                shown[key] = visible
        if shown:
            return _without_missing(value), _without_missing({**value, **shown})
        value = _without_missing(value)
        return value, value


def _without_missing(mapping: dict[Any, Any]) -> dict[Any, Any]:
    if any(item is MISSING for item in mapping.values()):
        return {key: item for key, item in mapping.items() if item is not MISSING}
    return mapping


class SequenceNode(Node):
    """A list; some of its elements are rendered."""

    __slots__ = ("base", "nodes")

    def __init__(self, base: list[Any], nodes: dict[int, Node]) -> None:
        self.base = base
        self.nodes = nodes

    def render(self, scope: Scope) -> tuple[Any, Any]:  # noqa: D102 - see Node
        value = list(self.base)
        shown = list(self.base)
        tainted = False
        for index, node in self.nodes.items():
            value[index], shown[index] = node.render(scope)
            tainted = tainted or shown[index] is not value[index]
        value = [item for item in value if item is not MISSING]
        return value, [item for item in shown if item is not MISSING] if tainted else value
