"""Templates: what the engine uses of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from stepengine.templating.model import Problem, Reference
    from stepengine.templating.scope import Scope
    from stepengine.templating.tree import Node


class Rendered(Record):
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

    def __init__(self, node: Node, references: tuple[Reference, ...], problems: tuple[Problem, ...]) -> None:
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
    from stepengine.templating.compiler import Compiler  # a file without a placeholder does not need it

    compiler = Compiler(deferred)
    node = compiler.root(value)
    return None if node is None else Template(node, tuple(compiler.references), tuple(compiler.problems))


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
