"""What only a whole pipeline shows: ids that stand twice, references, and where a pull step would run."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from stepengine.diagnostics.diagnostic import did_you_mean, suggest
from stepengine.document.nodes import node_at, offset_of_text
from stepengine.model import SECTIONS, Step
from stepengine.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from stepengine.diagnostics.diagnostic import Diagnostics
    from stepengine.document.nodes import Node
    from stepengine.model import Pipeline
    from stepengine.templating import Problem, Reference, Template


_FORM = "write a reference, perhaps with filters: {{ step-id.output }}, {{ $NAME | default('none') }}"
_VARIABLE = lazy_pattern(r"[A-Z_][A-Z0-9_]*\Z")
"""What environment variables are called by convention (POSIX.1-2017, section 8.1)."""


class Known:
    """What can be referred to after some steps of a pipeline have run."""

    def __init__(self) -> None:
        self.ids: dict[str, Step] = {}
        self.outputs: set[str] = set()
        self.is_open = False  # an earlier step may have any output

    def add(self, step: Step) -> None:
        """Take in a step that has run."""
        if step.id:
            self.ids[step.id] = step
        outputs = _outputs(step)
        if outputs is None:
            self.is_open = True
        else:
            self.outputs.update(outputs)


def _outputs(step: Step) -> tuple[str, ...] | None:
    return None if step.spec is None else step.spec.options.outputs


def check_references(
    pipeline: Pipeline,
    owners: dict[str, Pipeline],
    diagnostics: Diagnostics,
    namespaces: Callable[[], Collection[str]] = tuple,
    *,
    prefect_compat: bool,
) -> None:
    """Check a pipeline's references and ids, and those of its deployments' fields.

    Args:
        pipeline: It.
        owners: For each id of the file a pipeline that has it.
        diagnostics: Receives the problems.
        namespaces: Gives the namespaces of references that plugins add.
        prefect_compat: Whether a reference without a value is a warning.
    """
    report = diagnostics.warning if prefect_compat else diagnostics.error
    checker = _ReferenceChecker(pipeline, owners, diagnostics, namespaces, report)
    known = Known()
    before_pull: Known | None = None
    for section in SECTIONS:
        if section == "pull":
            before_pull = _copy(known)
        for step in pipeline.steps[section]:
            for name, template in step.templates.items():
                node = step.node.entries[name][1]
                checker.check(template, node, known, f"{step.label}'s {name}")
            if step.id in known.ids:
                _report_duplicate(step, known.ids[step.id], diagnostics)
            known.add(step)
    for deployment in pipeline.deployments:
        for path, template in deployment.templated:
            checker.check(template, node_at(deployment.node, path), before_pull or known, str(path[0]), pulled=known)


def _copy(known: Known) -> Known:
    copy = Known()
    copy.ids, copy.outputs, copy.is_open = dict(known.ids), set(known.outputs), known.is_open
    return copy


def _report_duplicate(step: Step, first: Step, diagnostics: Diagnostics) -> None:
    message = f"the id {step.id!r} is taken: references after this step mean this one"
    hint = f"rename one of the two (the other is the {first.section} step on line {first.line})"
    found = step.node.get("id")
    diagnostics.warning("duplicate-id", message, found.offset if found is not None else step.node.offset, hint)


class _ReferenceChecker:
    def __init__(
        self,
        pipeline: Pipeline,
        owners: dict[str, Pipeline],
        diagnostics: Diagnostics,
        namespaces: Callable[[], Collection[str]],
        report: Callable[..., None],
    ) -> None:
        self._report = report
        self._namespaces = namespaces
        self._pipeline = pipeline
        self._owners = owners
        self._diagnostics = diagnostics

    def check(self, template: Template, node: Node, known: Known, owner: str, pulled: Known | None = None) -> None:
        """Check one value's references.

        Args:
            template: The compiled value.
            node: Where it stands.
            known: What has run before it.
            owner: Whose value it is, in words.
            pulled: For a deployment's fields: what the pull steps would add, on the worker, later.
        """
        for problem in template.problems:
            self._report_problem(problem, node)
        for reference in template.references:
            if reference.kind == "output" and not reference.optional:
                self._check_output(reference, node, known, owner, pulled)

    def _report_problem(self, problem: Problem, node: Node) -> None:
        offset = offset_of_text(self._diagnostics.source, node, problem.path, problem.text)
        if problem.kind == "foreign":
            hint = problem.hint or "it is passed on as it is; if a reference is meant, write {{ step-id.output }}"
            self._diagnostics.warning("foreign-placeholder", problem.message, offset, hint)
        else:
            hint = problem.hint or _FORM
            self._diagnostics.error("expression-syntax", problem.message, offset, hint)

    def _check_output(self, reference: Reference, node: Node, known: Known, owner: str, pulled: Known | None) -> None:
        head, path = reference.head, reference.path
        step = known.ids.get(head)
        if step is not None:
            outputs = _outputs(step)
            if outputs is not None and path and path[0] not in outputs:
                hint = did_you_mean(str(path[0]), outputs, f"it has: {', '.join(outputs)}")
                message = f"the step {step.id!r} has no output {path[0]!r}"
                self._report(
                    "unknown-output",
                    message,
                    offset_of_text(self._diagnostics.source, node, reference.location, reference.text),
                    hint,
                )
        elif head not in known.outputs and not known.is_open:
            offset = offset_of_text(self._diagnostics.source, node, reference.location, reference.text)
            if pulled is None:
                self._report_unknown(head, path, offset, known, owner)
            elif head in pulled.ids or head in pulled.outputs:
                message = f"{head!r} is known on the worker only: pull steps run there, after the deployment is made"
                self._report("reference-to-worker", message, offset, "use an output of a build or push step")
            elif not path and _VARIABLE.match(head):
                message = f"no step gives {head}: it is taken from the environment, if it is set where this is deployed"
                self._diagnostics.warning("unset-name", message, offset, f"write {{{{ ${head} }}}} to say so")
            else:
                self._report_unknown(head, path, offset, known, owner)

    def _report_unknown(self, head: str, path: tuple[str | int, ...], offset: int, known: Known, owner: str) -> None:
        for step in self._pipeline.all_steps():
            if step.id == head:
                hint = f"move the step before this one: the sections run in the order {', '.join(SECTIONS)}"
                message = f"the step {head!r} ({step.section}, line {step.line}) comes later than {owner}"
                if owner.startswith(f"{head}'s "):
                    message, hint = f"{owner} refers to the step's own outputs", "refer to a step before it"
                self._report("reference-to-later", message, offset, hint)
                return
        namespaces = self._namespaces() if path and head != "prefect" else ()
        if head in namespaces:
            return  # the plan looks its value up
        if head in self._owners:
            names = ", ".join(deployment.name for deployment in self._owners[head].deployments[:3]) or "the file"
            message = f"the step {head!r} belongs to another deployment's pipeline ({names})"
            hint = "give this deployment a step of that id, or refer to its own"
            self._report("reference-to-elsewhere", message, offset, hint)
            return
        message = f"no step before this has the id or the output {head!r}"
        self._report("unknown-reference", message, offset, _hint(head, path, known, namespaces))


def _hint(head: str, path: tuple[str | int, ...], known: Known, namespaces: Collection[str]) -> str:
    near = suggest(head, known.ids) or suggest(head, namespaces)
    if head == "prefect" and path and (kind := suggest(str(path[0]), ("blocks", "variables"))):
        near, path = f"prefect.{kind}", path[1:]
    if near:
        rest = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in path)
        return f"did you mean {{{{ {near}{rest} }}}}?"
    if not path and head.isupper():
        return f"if the environment variable is meant, write {{{{ ${head} }}}}"
    return did_you_mean(
        head,
        known.outputs,
        f"known here: {', '.join(known.ids)}" if known.ids else "give the step that makes it an id, before this one",
    )


def check_auto_directory(pipeline: Pipeline, auto_directory: str, diagnostics: Diagnostics) -> None:
    """Warn where the pull steps enter a directory of the image that `dockerfile: auto` does not make."""
    auto = [step for step in pipeline.steps["build"] if step.is_build and step.inputs.get("dockerfile") == "auto"]
    for step in pipeline.steps["pull"]:
        directory = step.inputs.get("directory")
        if not auto or step.short_name != "set_working_directory" or not isinstance(directory, str):
            continue
        is_elsewhere = not f"{posixpath.normpath(directory)}/".startswith(f"{auto_directory}/")
        if directory.startswith("/") and "{{" not in directory and is_elsewhere:
            diagnostics.warning(
                "pull-directory",
                f"{directory} may not exist in the image: dockerfile: auto puts the project into {auto_directory}",
                step.node.entries["directory"][1].offset,
                f"write {auto_directory}, unless the base image has {directory}",
            )
        return  # the directory of a later one may be made by the steps between
