"""Compiling values to templates, and rendering them in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from stepengine.errors import TemplateError
from stepengine.secrets import HIDDEN
from stepengine.templating.references import (
    Problem,
    Reference,
    fold,
    is_foreign,
    is_foreign_word,
    is_meant,
    parse_reference,
    placeholders,
)
from stepengine.templating.scope import MISSING, RenderError

if TYPE_CHECKING:
    from stepengine.templating.expressions import Expression
    from stepengine.templating.references import Path, Placeholder
    from stepengine.templating.scope import Scope

_REQUIRED = False
_FOREIGN = "it is neither a reference nor an expression, and stays as it is"

MAX_DEPTH = 100
"""Levels of mappings and lists around a placeholder."""

MAX_NODES = 200_000
"""Values in one template, each counted as often as an alias repeats it."""


class Rendered(NamedTuple):
    """What rendering gives.

    Attributes:
        value: The value; `MISSING` where it is to be left out.
        shown: The same with `***` for what came from a secret; the very same object where nothing did.
    """

    value: Any
    shown: Any

    @property
    def tainted(self) -> bool:
        """Whether something in it came from a secret."""
        return self.shown is not self.value


class Template:
    """A value with placeholders. Made by `compile_template`; may be rendered many times.

    Attributes:
        references: All references, nested ones too, in order of appearance.
        problems: The placeholders that will be left as they are.
    """

    __slots__ = ("_node", "problems", "references")

    def __init__(self, node: _Node, references: tuple[Reference, ...], problems: tuple[Problem, ...]) -> None:
        self._node = node
        self.references = references
        self.problems = problems

    def render(self, scope: Scope) -> Rendered:
        """Replace the placeholders by their values, each once: a value is never looked into for placeholders.

        Raises:
            RenderError: a reference has no value (unless the scope's policy is another), an expression fails, or a
                mapping or list of a block is embedded in text.
        """
        return Rendered(*self._node.render(scope))


def compile_template(value: Any, *, deferred: frozenset[str] = frozenset()) -> Template | None:
    """Find the placeholders of a value.

    Args:
        value: A scalar, list or mapping, as YAML has them. Keys are never templates.
        deferred: Roots of references that another system renders later (`event`, `flow_run`; `prefect.blocks`,
            `prefect.variables` and `$` stand for blocks, variables and the environment): a placeholder with one of
            them is left as it is.

    Returns:
        The template; None where the value holds no placeholder and is used as it is.

    Raises:
        TemplateError: it is nested too deeply, contains itself, or is too large.
    """
    if type(value) is str:
        if "{{" not in value:
            return None
    elif not _holds_braces(value):
        return None
    compiler = _Compiler(deferred)
    node = compiler.node(value, ())
    if node is None and not compiler.problems:
        return None
    return Template(node or _Literal(value), tuple(compiler.references), tuple(compiler.problems))


def _holds_braces(value: Any) -> bool:
    """Whether a text with `{{` is anywhere in a value; each list and mapping is looked at once."""
    if isinstance(value, str):
        return "{{" in value
    if not isinstance(value, (dict, list)):
        return False
    pending = [value]
    seen: set[int] = set()
    while pending:
        container = pending.pop()
        for item in container.values() if isinstance(container, dict) else container:
            if isinstance(item, str):
                if "{{" in item:
                    return True
            elif isinstance(item, (dict, list)) and id(item) not in seen:
                seen.add(id(item))
                pending.append(item)
    return False


class _Node:
    """A part of a template; rendering gives the value, and what may be shown of it."""

    __slots__ = ()

    def render(self, scope: Scope) -> tuple[Any, Any]:
        raise NotImplementedError


class _Literal(_Node):
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def render(self, scope: Scope) -> tuple[Any, Any]:  # noqa: ARG002 - a literal needs no scope
        return self.value, self.value


class _Value:
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
            if scope.missing == "drop" and reference.kind == "block":
                raise  # as Prefect does
            scope.missed.append(error)
            return MISSING, False

    @property
    def droppable(self) -> bool:
        """Whether Prefect leaves the input out where this, alone, has no value; else it is an empty text."""
        return self.reference is None or self.reference.kind == "output"


class _Whole(_Node):
    """A placeholder and nothing else: the value keeps its type."""

    __slots__ = ("item",)

    def __init__(self, item: _Value) -> None:
        self.item = item

    def render(self, scope: Scope) -> tuple[Any, Any]:
        value, secret = self.item.evaluate(scope)
        if value is MISSING:
            value = self.item.written if scope.missing == "keep" else MISSING if self.item.droppable else ""
        return value, HIDDEN if secret else value


class _Text(_Node):
    """Placeholders among other text."""

    __slots__ = ("location", "parts")

    def __init__(self, parts: list[str | _Value], location: Path) -> None:
        self.parts = parts
        self.location = location

    def render(self, scope: Scope) -> tuple[Any, Any]:
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
    def _without_value(part: _Value, scope: Scope) -> str:
        return part.written if scope.missing == "keep" else ""

    def _text_of(self, value: Any, part: _Value) -> str:
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


class _Mapping(_Node):
    __slots__ = ("base", "nodes")

    def __init__(self, base: dict[Any, Any], nodes: dict[Any, _Node]) -> None:
        self.base = base
        self.nodes = nodes

    def render(self, scope: Scope) -> tuple[Any, Any]:
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


class _Sequence(_Node):
    __slots__ = ("base", "nodes")

    def __init__(self, base: list[Any], nodes: dict[int, _Node]) -> None:
        self.base = base
        self.nodes = nodes

    def render(self, scope: Scope) -> tuple[Any, Any]:
        value = list(self.base)
        shown = list(self.base)
        tainted = False
        for index, node in self.nodes.items():
            value[index], shown[index] = node.render(scope)
            tainted = tainted or shown[index] is not value[index]
        value = [item for item in value if item is not MISSING]
        return value, [item for item in shown if item is not MISSING] if tainted else value


class _Compiler:
    """Compiles one value; collects the references and problems of all its scalars."""

    def __init__(self, deferred: frozenset[str]) -> None:
        self.deferred = deferred
        self.references: list[Reference] = []
        self.problems: list[Problem] = []
        self._nodes = 0

    def node(self, value: Any, location: Path) -> _Node | None:
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
        nodes: dict[Any, _Node] = {}
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
        return _Mapping(value, nodes) if isinstance(value, dict) else _Sequence(value, nodes)

    def _scalar(self, text: str, location: Path) -> _Node | None:
        parts: list[str | _Value] = []
        position = 0
        found = list(placeholders(text))
        foreign = any(not item.plain and is_foreign(item.content) for item in found) or any(
            item.content.startswith(".") for item in found
        )
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
        return _Whole(first) if len(parts) == 1 and isinstance(first, _Value) else _Text(parts, location)

    def _value(self, placeholder: Placeholder, text: str, location: Path, *, foreign: bool) -> _Value | None:
        content = placeholder.content
        written = text[placeholder.start : placeholder.end]
        if placeholder.plain:
            parsed = parse_reference(content)
            if parsed is not None and not (foreign and is_foreign_word(content)):
                reference = Reference(content, *parsed, _REQUIRED, placeholder.content_start, location)
                if reference.root in self.deferred:
                    return None
                self.references.append(reference)
                return _Value(written, reference, None)
        if is_foreign(content) or (foreign and is_foreign_word(content)):
            self._problem("foreign", placeholder.start, written, location)
            return None
        return self._expression(placeholder, written, location, foreign=foreign)

    def _expression(self, placeholder: Placeholder, written: str, location: Path, *, foreign: bool) -> _Value | None:
        from stepengine.templating.expressions import Expression, UnknownNameError

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
        return _Value(written, None, expression)

    def _problem(
        self, kind: str, offset: int, written: str, location: Path, error: TemplateError | None = None
    ) -> None:
        message, hint = (error.message, error.hint) if error else (_FOREIGN, "")
        self.problems.append(Problem(kind, fold(written), offset, location, message, hint))
