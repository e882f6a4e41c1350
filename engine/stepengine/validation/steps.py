"""Sections and their steps: form, name, inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.input_types import describe_type, literals, misfit, mismatch, split_union
from stepengine.catalogue.spec import REQUIRED, StepSpec
from stepengine.diagnostics.diagnostic import did_you_mean, suggest
from stepengine.document.nodes import Mapping, Node, Scalar, Sequence, node_at
from stepengine.errors import TemplateError, tell_exception
from stepengine.model import Step
from stepengine.patterns import lazy_pattern
from stepengine.templating import compile_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stepengine.catalogue.lookup import Catalogue, Offered
    from stepengine.catalogue.spec import Input
    from stepengine.diagnostics.diagnostic import Diagnostics
    from stepengine.model import Section
    from stepengine.templating import Template

_REFERABLE = lazy_pattern(r"\w[\w-]*\Z")
RESERVED = ("id", "requires")
_REQUIREMENT = "prefect-docker>=0.3.1"
_NOT_MADE = "its inputs are checked once what it requires is there: stepengine run --install"


class SectionReader:
    """Reads step lists; a step name is looked up once."""

    def __init__(self, diagnostics: Diagnostics, catalogue: Catalogue, offered: Offered) -> None:
        self._diagnostics = diagnostics
        self._catalogue = catalogue
        self._offered = offered
        self._found: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._deprecation_told: set[str] = set()

    def read(self, owner: Mapping, section: Section) -> tuple[Step, ...] | None:
        """Read one section of the file or of a deployment.

        Returns:
            Its steps; None where the owner has no such section or it is null.
        """
        node = owner.get(section)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return None
        if isinstance(node, Mapping):
            items: list[Node] = [node] if node.entries else []
        elif isinstance(node, Sequence):
            items = node.items
        else:
            hint = "write a list of steps, each '- step.name:' and its inputs below it"
            self._diagnostics.error("wrong-type", f"{section!r} must be a list of steps", node.offset, hint)
            return ()
        steps: list[Step] = []
        for item in items:
            step = self._read_step(item, section)
            if step is not None:
                steps.append(step)
        return tuple(steps)

    def _read_step(self, node: Node, section: Section) -> Step | None:
        if isinstance(node, Scalar) and node.value is None:
            return None
        if not isinstance(node, Mapping):
            written = (
                f"write '- {node.text}:'"
                if isinstance(node, Scalar)
                else "write '- step.name:' and its inputs below it"
            )
            self._diagnostics.error("step-form", "a step is a mapping of its name to its inputs", node.offset, written)
            return None
        if not node.entries:
            return None
        name, key, value = next(iter(node.items()))
        if len(node.entries) > 1:
            self._report_siblings(node)
            return None
        if not isinstance(name, str):
            self._diagnostics.error("step-form", f"{key.text!r} is no step name", key.offset, "write its dotted name")
            return None
        inputs = self._inputs_node(name, value)
        if inputs is None:
            return None
        return self._build(section, name, key, inputs)

    def _inputs_node(self, name: str, value: Node) -> Mapping | None:
        if isinstance(value, Mapping):
            return value
        if isinstance(value, Scalar) and value.value is None:
            return Mapping({}, value.offset)
        hint = f"write the inputs of {name} below it, each as 'input: value'"
        self._diagnostics.error("step-form", "a step's inputs are a mapping", value.offset, hint)
        return None

    def _report_siblings(self, node: Mapping) -> None:
        """Report what stands beside a step's name: most often its inputs, not indented far enough."""
        entries = list(node.items())
        name, name_key, value = entries[0]
        siblings = [(other, key) for other, key, _ in entries[1:]]
        _, column = self._diagnostics.source.position(name_key.offset)
        if any("." in str(other) for other, _ in siblings):
            message, hint = f"{siblings[0][1].text!r} is a second step in one entry", "put '- ' before each step's name"
        elif isinstance(value, Scalar) and value.value is None:
            listed = ", ".join(str(other) for other, _ in siblings)
            message = f"the inputs of {name} stand beside its name instead of below it: {listed}"
            hint = f"indent them to column {column + 4}"
        else:
            message = f"{siblings[0][1].text!r} stands beside the step {name}: a step is one name with its inputs"
            hint = f"indent it with the other inputs, to column {column + 4}"
        self._diagnostics.error("inputs-as-siblings", message, siblings[0][1].offset, hint)

    def _build(self, section: Section, name: str, key: Scalar, node: Mapping) -> Step:
        inputs: dict[str, Any] = {}
        templates: dict[str, Template] = {}
        for input_name, input_key, input_node in node.items():
            if input_name in RESERVED:
                continue
            if not isinstance(input_name, str):
                hint = "quote it if it is meant"
                self._diagnostics.error("unknown-input", f"{input_key.text!r} is no name", input_key.offset, hint)
                continue
            inputs[input_name] = value = input_node.value
            template = None if value.__class__ is str and "{{" not in value else self._compile(value, input_node)
            if template is not None:
                templates[input_name] = template
        step_id, requires = self._read_id(node), self._catalogue.requirements_of(name, self._read_requires(node))
        spec = self._find(name, key, section, requires)
        line, column = self._diagnostics.source.position(key.offset)
        step = Step(section, name, step_id, requires, inputs, templates, spec, line, column, node)
        if spec is not None:
            self._check_inputs(step, spec, key)
            self._check_phase(step, spec, key)
        return step

    def _check_phase(self, step: Step, spec: StepSpec, key: Scalar) -> None:
        """Warn of a step that belongs to the other side: build and push are the deployer's, pull is the worker's."""
        phase = "worker" if step.section == "pull" else "deployer"
        if spec.options.phase not in (None, phase):
            message = f"{step.short_name} is a step for the {spec.options.phase}; {step.section} runs on the {phase}"
            hint = "move it to build or push" if phase == "worker" else "move it to pull"
            self._diagnostics.warning("wrong-phase", message, key.offset, hint)

    def _compile(self, value: Any, node: Node) -> Template | None:
        try:
            return compile_template(value)
        except TemplateError as error:
            self._diagnostics.error("yaml-limit", error.message, node.offset, error.hint)
            return None

    def _read_id(self, node: Mapping) -> str:
        found = node.get("id")
        if isinstance(found, Scalar):
            if found.value and not isinstance(found.value, str):
                self._diagnostics.warning(
                    "wrong-type", "'id' should be a text", found.offset, f'write id: "{found.text}"'
                )
            elif found.value and not _REFERABLE.match(found.text):
                message = f"no reference can name the id {found.text!r}"
                self._diagnostics.warning("id-form", message, found.offset, "use letters, digits, _ and - alone")
            return found.text if found.value else ""
        if found is not None and found.value:
            self._diagnostics.error("wrong-type", "'id' must be a text", found.offset, "give it a name")
        return ""

    def _read_requires(self, node: Mapping) -> tuple[str, ...]:
        found = node.get("requires")
        if found is None:
            return ()
        value = found.value
        values: list[Any] = value if isinstance(value, list) else [value] if value else []
        if not all(isinstance(each, str) for each in values):
            message = "'requires' must be a requirement or a list of them"
            self._diagnostics.error("wrong-type", message, found.offset, f"for example: requires: {_REQUIREMENT}")
            return ()
        texts = tuple(each for each in values if each.strip())
        problems = [self._check_requirement(found, text) for text in texts]
        return () if any(problems) else texts

    def _check_requirement(self, node: Node, text: str) -> bool:
        """Report what is no requirement; whether it is none."""
        from stepengine.catalogue.requirements import requirement_problem

        problem = requirement_problem(text)
        if problem:
            items = node.items if isinstance(node, Sequence) else [node]
            offset = next((item.offset for item in items if item.value == text), node.offset)
            self._diagnostics.error("requirement-form", problem, offset, f"for example: {_REQUIREMENT} (PEP 508)")
        return bool(problem)

    def _find(self, name: str, key: Scalar, section: Section, requires: tuple[str, ...]) -> StepSpec | None:
        if (name, requires) not in self._found:
            self._found[name, requires] = self._catalogue.find(name, requires)
        found = self._found[name, requires]
        if isinstance(found, StepSpec):
            if found.is_deprecated and name not in self._deprecation_told:
                self._deprecation_told.add(name)
                hint = (
                    f"write {found.successor}" if found.successor else f"see the documentation of {found.distribution}"
                )
                self._diagnostics.warning("deprecated-name", f"{name} is an old name", key.offset, hint)
            return found
        may_exist_elsewhere = not found.is_certain and (requires or section == "pull")
        report = self._diagnostics.warning if may_exist_elsewhere else self._diagnostics.error
        hint = _NOT_MADE if may_exist_elsewhere and requires else found.hint
        report("unknown-step", found.message, key.offset, hint)
        return None

    def _check_inputs(self, step: Step, spec: StepSpec, key: Scalar) -> None:
        if spec.inputs is None:
            return
        known = {each.name: each for each in spec.inputs}
        meant = set()
        for name in step.inputs:
            if name in known:
                self._check_type(step, spec, known[name])
            elif spec.context and name == spec.context:
                hint = "leave it out: the run gives its context itself"
                message = f"{step.short_name} has no input {name!r}"
                self._diagnostics.error("unknown-input", message, step.node.key(name).offset, hint)
            elif not spec.accepts_any:
                near = _near_input(name, [each for each in known if each not in step.inputs])
                meant.add(near)
                listed = f"it has: {', '.join(known)}" if known else "it has no inputs"
                hint = f"did you mean {near!r}?" if near else listed
                message = f"{step.short_name} has no input {name!r}"
                self._diagnostics.error("unknown-input", message, step.node.key(name).offset, hint)
        required = [name for name, each in known.items() if each.default is REQUIRED]
        missing = [name for name in required if name not in step.inputs and name not in meant]
        if missing:
            message = f"{step.short_name} needs {' and '.join(repr(name) for name in missing)}"
            hint = f"write '{missing[0]}: …' below it"
            self._diagnostics.error("missing-input", message, key.offset, hint)
        if spec.options.check is not None:
            self._run_check(spec.options.check, step, key, trusted=spec.is_built_in)

    def _run_check(
        self, check: Callable[[dict[str, Any]], Iterable[str]], step: Step, key: Scalar, *, trusted: bool
    ) -> None:
        try:
            warnings = list(check(step.inputs if trusted else _copy(step.inputs)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a third party's check may raise anything, and must not hide the other problems
            warnings = [f"the check of {step.name} failed: {tell_exception(error)}"]
        for warning in warnings:
            self._diagnostics.warning("step-check", warning, key.offset)

    def _check_type(self, step: Step, spec: StepSpec, expected: Input) -> None:
        value, annotation = step.inputs[expected.name], expected.annotation
        node = step.node.entries[expected.name][1]
        verdict = mismatch(value, annotation)
        if not verdict:
            if "BuilderName" in annotation and isinstance(value, str) and "{{" not in value:
                self._check_builder(expected.name, value, annotation, node)
            self._check_digits(expected.name, annotation, node)
            return
        path, value, annotation = misfit(value, annotation)
        node = node_at(node, path)
        name = ".".join(map(str, (expected.name, *path)))
        wanted = describe_type(annotation)
        has_default = value is None and not path and expected.default is not REQUIRED
        if verdict == "convertible" or _is_lenient(spec) or has_default:
            written = node.text if isinstance(node, Scalar) else ""
            hint = f'if that text is meant, write "{written}"' if written and "str" in annotation else ""
            hint = "leave the line out to have the default" if has_default else hint
            message = f"{name!r} should be {wanted}; this is {_kind(value)}"
            self._diagnostics.warning("input-type", message, node.offset, hint)
        else:
            message = f"{name!r} must be {wanted}, not {_kind(value)}"
            self._diagnostics.error("input-type", message, node.offset, _type_hint(annotation, value))

    def _check_builder(self, name: str, value: str, annotation: str, node: Node) -> None:
        """Report the name of a builder that is neither one of the step's own nor one of a plugin's."""
        own = literals(annotation)
        if value in own:
            return
        known = [*own, *self._offered.builders()]
        if value not in known:
            hint = did_you_mean(value, known, f"there are: {', '.join(known)}; a plugin may add others")
            self._diagnostics.error("input-type", f"{name!r}: there is no builder {value!r}", node.offset, hint)

    def _check_digits(self, name: str, annotation: str, node: Node) -> None:
        """Warn of a number that is not written as it is read, where a text is taken as well: `tag: 3.10` is 3.1."""
        if isinstance(node, Mapping) and (inner := _type_of_values(annotation)):
            for key, _, child in node.items():
                self._check_digits(f"{name}.{key}", inner, child)
        if not isinstance(node, Scalar) or "str" not in annotation:
            return
        if type(node.value) in (int, float) and node.text != str(node.value):
            message = f"{name!r} is read as the number {node.value}, not as {node.text}"
            hint = f'write "{node.text}" if that text is meant'
            self._diagnostics.warning("input-type", message, node.offset, hint)


def _type_of_values(annotation: str) -> str:
    """Give what an annotation asks of the values of a mapping; empty where it asks nothing."""
    mappings = [each for each in split_union(annotation) if each.startswith(("dict[", "Dict[", "Mapping["))]
    return mappings[0].partition("[")[2][:-1].partition(",")[2] if mappings else ""


def _copy(inputs: dict[str, Any]) -> dict[str, Any]:
    """Copy what a third party's check gets: what it may change in it is not what the step gets."""
    from copy import deepcopy

    return deepcopy(inputs)


def _near_input(name: str, free: list[str]) -> str:
    """Suggest what a misspelt input may have meant, of those that are not given; `image_tag` is near to `tag`."""
    words = name.casefold().replace("-", "_").split("_")
    return suggest(name, free) or next((word for word in words if word in free), "")


def _is_lenient(spec: StepSpec) -> bool:
    """Whether a wrong type need not fail: Python enforces no annotation, only the built-in steps do."""
    return not spec.is_built_in


def _type_hint(annotation: str, value: Any) -> str:
    if "list" in annotation and isinstance(value, str):
        return f"write a list: [{value}]"
    return ""


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return "a text"
    return (
        "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else f"a {type(value).__name__}"
    )
