"""Deployments: their keys, the types of their fields, and the placeholders in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.diagnostics import did_you_mean
from stepengine.model import SECTIONS, Deployment, Step
from stepengine.nodes import Mapping, Node, Scalar, Sequence
from stepengine.templating import compile_template
from stepengine.validation.schedules import ScheduleChecker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.diagnostics import Diagnostics
    from stepengine.templating import Template
    from stepengine.validation.steps import SectionReader

FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "version": (str,),
    "version_type": (str,),
    "tags": (str, list),
    "description": (str,),
    "schedule": (dict,),
    "schedules": (list,),
    "paused": (bool, str, int),
    "concurrency_limit": (int, dict, str),
    "flow_name": (str,),
    "entrypoint": (str,),
    "parameters": (dict,),
    "enforce_parameter_schema": (bool, str, int),
    "work_pool": (dict,),
    "triggers": (list,),
    "sla": (list, dict),
    "build": (list, dict),
    "push": (list, dict),
    "pull": (list, dict),
}
"""Prefect 3.8's fields of a deployment, each with the types that its loader takes besides null."""

WORK_POOL_KEYS = ("name", "work_queue_name", "job_variables")

NOT_NULL = ("parameters", "job_variables")
"""Prefect's loader takes no null here, and then drops every deployment of the file."""

SERVER_ROOTS = frozenset(
    ("event", "events", "firing", "flow", "flow_run", "task_run", "deployment", "work_pool", "work_queue", "automation")
) | frozenset(("ctx", "metric", "context", "resource", "trigger", "inputs"))
"""What the server's own templates speak of, in the fields that it renders later."""

LATE_FIELDS = frozenset(("triggers", "parameters", "description", "work_pool", "sla"))
"""The fields that the server, or a worker, renders again."""

_TYPE_NAMES = {str: "a text", list: "a list", dict: "a mapping", int: "a whole number", bool: "true or false"}


class DeploymentReader:
    """Reads the entries of `deployments`."""

    def __init__(self, diagnostics: Diagnostics, sections: SectionReader, shared: dict[str, tuple[Step, ...]]) -> None:
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
        for name, key, value in node.items():
            if name in FIELDS:
                self._check_field(name, value)
            else:
                hint = did_you_mean(str(name), FIELDS, "Prefect ignores it")
                message = f"unknown key {key.text!r} in a deployment"
                self._diagnostics.warning("unknown-key", message, key.offset, hint)
        self._check_work_pool(node.get("work_pool"))
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

    def _check_field(self, name: str, node: Node, label: str = "") -> None:
        if node.__class__ is Scalar:
            value = node.value
            if value is None:
                if name in NOT_NULL:
                    hint = f"write {name}: {{}}, or leave the line out"
                    self._diagnostics.error("wrong-type", f"{name!r} must be a mapping, not null", node.offset, hint)
                return
            kind = type(value)
            if kind is str and "{{" in value:
                return
        else:
            kind = dict if isinstance(node, Mapping) else list
        expected = FIELDS.get(name, (dict,))
        if kind not in expected:
            wanted = " or ".join(dict.fromkeys(_TYPE_NAMES[each] for each in expected))
            hint = f'write {name}: "{node.text}"' if isinstance(node, Scalar) and str in expected else ""
            self._diagnostics.error("wrong-type", f"{label or name!r} must be {wanted}", node.offset, hint)

    def _check_work_pool(self, node: Node | None) -> None:
        if not isinstance(node, Mapping):
            return
        for name, key, value in node.items():
            if name not in WORK_POOL_KEYS:
                hint = did_you_mean(str(name), WORK_POOL_KEYS, "Prefect ignores it here")
                message = f"unknown key {key.text!r} in a work pool"
                self._diagnostics.warning("unknown-key", message, key.offset, hint)
            elif name == "job_variables":
                self._check_field(name, value)

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
