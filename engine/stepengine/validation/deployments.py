"""Deployments: their keys, the types of their fields, and the placeholders in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.document.nodes import Mapping, Node, Scalar, Sequence
from stepengine.model import SECTIONS, Deployment, Step
from stepengine.templating import compile_template
from stepengine.validation import fields
from stepengine.validation.fields import FIELDS
from stepengine.validation.schedules import ScheduleChecker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.diagnostics.diagnostic import Diagnostics
    from stepengine.model import Section
    from stepengine.templating import Template
    from stepengine.validation.steps import SectionReader

SERVER_ROOTS = frozenset(
    ("event", "events", "firing", "flow", "flow_run", "task_run", "deployment", "work_pool", "work_queue", "automation")
) | frozenset(("ctx", "metric", "context", "resource", "trigger", "inputs"))
"""What the server's own templates speak of, in the fields that it renders later."""

LATE_FIELDS = frozenset(("triggers", "parameters", "description", "work_pool", "sla"))
"""The fields that the server, or a worker, renders again."""


_NESTED = (
    ("work_pool", fields.WORK_POOL, "in a work pool"),
    ("concurrency_limit", fields.CONCURRENCY_LIMIT, "in a concurrency limit"),
)


class DeploymentReader:
    """Reads the entries of `deployments`."""

    def __init__(
        self, diagnostics: Diagnostics, sections: SectionReader, shared: dict[Section, tuple[Step, ...]]
    ) -> None:
        self._diagnostics = diagnostics
        self._sections = sections
        self._shared = shared
        self._schedules = ScheduleChecker(diagnostics)
        self._names: dict[str, tuple[int, Any]] = {}
        self._templates: dict[tuple[str, bool], Template | None] = {}

    def read(self, node: Node, number: int) -> Deployment | None:
        """Read one entry.

        Args:
            node: The entry.
            number: Its place in the list, from 1.
        """
        if not isinstance(node, Mapping):
            self._diagnostics.error("wrong-type", "a deployment is a mapping", node.offset, "write '- name: …'")
            return None
        self._check_fields(node, FIELDS, "in a deployment")
        for name, known, level in _NESTED:
            below = node.get(name)
            if below.__class__ is Mapping:
                self._check_fields(below, known, level)
        self._schedules.check(node)
        name = self._read_name(node, number)
        steps = {}
        for section in SECTIONS:
            own = self._sections.read(node, section) if section in node.entries else None
            steps[section] = self._shared[section] if own is None else own
        return Deployment(name, node, steps, tuple(self._templated(node)))

    def _read_name(self, node: Mapping, number: int) -> str:
        found = node.get("name")
        if not isinstance(found, Scalar) or not isinstance(found.value, str):
            if found is None or found.value is None:
                hint = "give it one: 'name: my-deployment'"
                self._diagnostics.warning("unnamed-deployment", "the deployment has no name", node.offset, hint)
            return f"#{number}"
        name = found.value
        entrypoint = node.get("entrypoint")
        flow = entrypoint.value if isinstance(entrypoint, Scalar) else None
        if name in self._names:
            line, other_flow = self._names[name]
            same = "the same flow: only the last one would remain on a server" if flow == other_flow else "another flow"
            message = f"the deployment name {name!r} stands twice, for {same}"
            hint = f"rename one of the two (the other is on line {line})"
            self._diagnostics.warning("duplicate-deployment", message, found.offset, hint)
        else:
            self._names[name] = (self._diagnostics.source.position(found.offset)[0], flow)
        return name

    def _check_fields(self, node: Mapping, known: dict[str, tuple[str, ...]], level: str) -> None:
        for name, (key, value) in node.entries.items():
            kinds = known.get(name)
            if kinds is None:
                message = f"unknown key {key.text!r} {level}"
                self._diagnostics.warning("unknown-key", message, key.offset, fields.unknown_key_hint(name, level))
            elif value.__class__ is Scalar and value.value is None:
                if name in fields.NOT_NULL:
                    hint = f"write {name}: {{}}, or leave the line out"
                    self._diagnostics.error("wrong-type", f"{name!r} must be a mapping, not null", value.offset, hint)
            elif name not in SECTIONS and not fields.fits(value, kinds):
                hint = fields.kind_hint(name, value, kinds)
                self._diagnostics.error("wrong-type", f"{name!r} must be {' or '.join(kinds)}", value.offset, hint)

    def _templated(self, node: Mapping) -> Iterator[tuple[tuple[Any, ...], Template]]:
        """Find the scalars that hold placeholders, sections left out; the same text is compiled once."""
        stack: list[tuple[Node, tuple[Any, ...]]] = [
            (value, (name,)) for name, (_, value) in node.entries.items() if name not in SECTIONS
        ]
        while stack:
            found, path = stack.pop()
            if found.__class__ is Scalar:
                if found.value.__class__ is str and "{{" in found.value:
                    template = self._compile(found.value, is_late=path[0] in LATE_FIELDS)
                    if template is not None:
                        yield path, template
            elif found.__class__ is Mapping:
                stack.extend((value, (*path, name)) for name, (_, value) in found.entries.items())
            elif isinstance(found, Sequence):
                stack.extend((value, (*path, index)) for index, value in enumerate(found.items))

    def _compile(self, text: str, *, is_late: bool) -> Template | None:
        key = (text, is_late)
        if key not in self._templates:
            self._templates[key] = compile_template(text, deferred=SERVER_ROOTS if is_late else frozenset())
        return self._templates[key]
