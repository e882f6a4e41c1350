"""What would run, and what is known of it before anything has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.diagnostics.diagnostic import ERROR, WARNING, Diagnostic
from stepengine.document.nodes import Sequence, node_at, offset_of_text
from stepengine.model import IMAGE_PATH, SECTIONS, Pipeline, ProjectFile, Step, image_node, may_have_image
from stepengine.records import Record
from stepengine.templating import RenderError, Scope

if TYPE_CHECKING:
    from typing import Literal

    from stepengine.diagnostics.diagnostic import Severity
    from stepengine.environments.provision import Decision
    from stepengine.environments.requirement_set import RequirementSet
    from stepengine.model import Deployment
    from stepengine.templating import Reference, Template
    from stepengine.templating.scope import Namespace
    from stepengine.world import World


class InputPlan(Record):
    """What is known of an input.

    Attributes:
        name: Its name.
        state: "exact"; "after" where steps decide it; "secret"; "missing" where it has no value here.
        value: The exact value; else the text of the file, with `***` where a part is secret.
        after: The labels of the steps that it waits for.
    """

    name: str
    state: Literal["exact", "after", "secret", "missing"]
    value: Any
    after: tuple[str, ...] = ()


class StepPlan(Record):
    """What is known of a step.

    Attributes:
        step: It.
        inputs: In the order of the file.
        decision: What meets its requirements; None where it has none.
        runs_here: Whether it runs, and with the packages of this machine; a container has its own.
    """

    step: Step
    inputs: tuple[InputPlan, ...]
    decision: Decision | None
    runs_here: bool

    @property
    def is_isolated(self) -> bool:
        """Whether it takes an environment of its own."""
        return self.runs_here and self.decision is not None and self.decision.requirements is not None


class PipelinePlan(Record):
    """A chosen pipeline's chosen steps, in order."""

    pipeline: Pipeline
    steps: tuple[StepPlan, ...]


class MissingEnvironment(Record):
    """An environment that is not made yet, and the first step that needs it.

    Attributes:
        requirements: What it is for.
        decision: Why it is needed.
        step: The step.
        line: Where the requirement stands, counted from 1.
        column: The same, in characters.
    """

    requirements: RequirementSet
    decision: Decision
    step: Step
    line: int
    column: int

    @property
    def message(self) -> str:
        """One line: which step lacks what."""
        if self.decision.problem:
            return f"{self.step.label}: {self.decision.problem}"
        unmet = [f"{each.requirement}: {each.problem}" for each in self.decision.states if not each.satisfied_by]
        return f"{self.step.label} requires {'; '.join(unmet)}"

    @property
    def hint(self) -> str:
        """One line: what to do."""
        if self.decision.problem:
            return self.decision.remedy
        return "an environment of its own can be made for it: stepengine run --install"


class Plan(Record):
    """What would run.

    Attributes:
        file: The checked file.
        sections: Those chosen.
        pipelines: Those chosen, in order.
        diagnostics: What the plan found; its errors keep it from running.
    """

    file: ProjectFile
    sections: tuple[str, ...]
    pipelines: tuple[PipelinePlan, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_errors(self) -> bool:
        """Whether something keeps it from running."""
        return any(found.severity == ERROR for found in self.diagnostics)

    def missing(self) -> list[MissingEnvironment]:
        """Give the environments that are not made yet, each once; steps that run elsewhere do not count."""
        found: dict[RequirementSet, MissingEnvironment] = {}
        for planned in (step for pipeline in self.pipelines for step in pipeline.steps):
            decision = planned.decision
            if decision is None or not planned.is_isolated or decision.environment is not None:
                continue
            if decision.requirements is not None and decision.requirements not in found:
                line, column = self.file.source.position(_requirement_offset(planned.step, decision))
                missing = MissingEnvironment(decision.requirements, decision, planned.step, line, column)
                found[decision.requirements] = missing
        return list(found.values())


def _requirement_offset(step: Step, decision: Decision) -> int:
    """Give where the first requirement that is not met stands; the step itself where `--upstream` requires it."""
    entry = step.node.entries.get("requires")
    if entry is None:
        return step.node.offset
    unmet = [state.requirement for state in decision.states if not state.satisfied_by]
    items = entry[1].items if isinstance(entry[1], Sequence) else [entry[1]]
    return next((item.offset for item in items if item.value in unmet), entry[1].offset)


def make_plan(file: ProjectFile, pipelines: tuple[Pipeline, ...], sections: tuple[str, ...], world: World) -> Plan:
    """Plan a run; nothing runs and nothing is changed.

    Args:
        file: A valid file.
        pipelines: Those chosen.
        sections: Those chosen.
        world: What may be asked; nothing of it is changed.
    """
    planner = _Planner(file, sections, world)
    plans = tuple(planner.plan(pipeline) for pipeline in pipelines)
    return Plan(file, sections, plans, tuple(dict.fromkeys(planner.diagnostics)))


class _Planner:
    def __init__(self, file: ProjectFile, sections: tuple[str, ...], world: World) -> None:
        self._file = file
        self._sections = sections
        self._world = world
        self._setters: list[str] = []  # steps so far that may set environment variables for their successors
        self._known: set[str] = set()  # ids and outputs of steps so far
        self._open: list[Step] = []  # steps so far that may have any output
        self.diagnostics: list[Diagnostic] = []

    def plan(self, pipeline: Pipeline) -> PipelinePlan:
        """Plan one pipeline; a step that several share is looked at once for each."""
        plans: list[StepPlan] = []
        ids: dict[str, Step] = {}
        names: dict[str, Step] = {}
        self._setters, self._open, self._known = [], [], set()
        named = self._world.pull_image
        if self._world.pull_in == "image" and not named and "pull" in self._sections and pipeline.steps["pull"]:
            self._check_image(pipeline)
        for section in SECTIONS:
            for step in pipeline.steps[section]:
                if section in self._sections:
                    plans.append(self._step(pipeline, step, ids, names))
                    if step.spec is None or not step.spec.is_built_in:
                        self._setters.append(step.label)
                if step.id:
                    ids[step.id] = step
                outputs = step.spec.options.outputs if step.spec is not None else None
                if outputs is None:
                    self._open.append(step)
                for output in outputs or ():
                    names[output] = step
                self._known.update((step.id, *(outputs or ())))
        for deployment in pipeline.deployments:
            self._deployment(deployment)
        return PipelinePlan(pipeline, tuple(plans))

    def _check_image(self, pipeline: Pipeline) -> None:
        """Report a pipeline whose pull steps are to run in its image, and that will have none."""
        builds = "build" in self._sections
        if builds and any(step.is_build for step in pipeline.steps["build"]):
            return
        for deployment in pipeline.deployments:
            node, template = image_node(deployment), dict(deployment.templated).get(IMAGE_PATH)
            waits = template is not None and any(reference.kind == "output" for reference in template.references)
            if node is not None and node.value and (builds or not waits):
                return
        step = pipeline.steps["pull"][0]
        reason = "has no image" if builds else "builds no image, for --only leaves build out"
        hint = "name one: --pull-in image=NAME:TAG"
        found = Diagnostic(ERROR, "no-image", f"--pull-in image: the pipeline {reason}", step.line, step.column, hint)
        self.diagnostics.append(found)

    def _namespace(self, name: str) -> Namespace | None:
        """Give what finds values in a source's own namespace; a step's id or output of the same name goes before it."""
        return None if name in self._known else self._world.namespace(name)

    def _is_in_namespace(self, reference: Reference) -> bool:
        return reference.kind == "output" and bool(reference.path) and self._namespace(reference.head) is not None

    def _deployment(self, deployment: Deployment) -> None:
        """Report a deployment's fields that refer to what nothing here has, or that can have no value at all."""
        world = self._world
        for path, template in deployment.templated:
            kinds = {reference.kind for reference in template.references}
            if kinds == {"output"} and not any(map(self._is_in_namespace, template.references)):
                continue
            scope = Scope(
                environment=world.environ.get,
                source=world.resolve,
                namespace=self._namespace,
                secrets=world.secrets,
                missing="keep",
                bare_environment=True,
            )
            try:
                template.render(scope)
            except RenderError as error:
                if "output" not in kinds and not ("environment" in kinds and self._setters):
                    self._report_field(deployment, path, error, ERROR)
                continue  # else the run may give it other values, and tells
            for missed in scope.missed:
                if missed.reference is None or missed.reference.kind != "output":
                    self._report_field(deployment, path, missed, WARNING)

    def _report_field(
        self, deployment: Deployment, path: tuple[Any, ...], error: RenderError, severity: Severity
    ) -> None:
        source, node = self._file.source, node_at(deployment.node, path)
        text = error.reference.text if error.reference is not None else ""
        line, column = source.position(offset_of_text(source, node, error.location, text))
        message = f"{deployment.name}'s {'.'.join(map(str, path))}: {error.message}"
        hint = error.hint
        if severity == WARNING:
            hint = f"it stays as it is written; {hint}".removesuffix("; ")
        self.diagnostics.append(Diagnostic(severity, "unresolved-reference", message, line, column, hint))

    def _step(self, pipeline: Pipeline, step: Step, ids: dict[str, Step], names: dict[str, Step]) -> StepPlan:
        reported = len(self.diagnostics)
        inputs = [
            self._input(step, name, value, step.templates.get(name), ids, names) for name, value in step.inputs.items()
        ]
        if step.section == "pull" and self._world.pull_in == "skip":
            del self.diagnostics[reported:]  # nothing will ask for what it lacks
        decision = self._world.decide(step) if step.requires else None
        return StepPlan(step, tuple(inputs), decision, step.section != "pull" or self._pulls_here(pipeline))

    def _pulls_here(self, pipeline: Pipeline) -> bool:
        """Whether the pull steps run, and with the packages of this machine."""
        if self._world.pull_in in ("here", "skip"):
            return self._world.pull_in == "here"
        return not self._world.pull_image and not may_have_image(pipeline)

    def _input(
        self, step: Step, name: str, value: Any, template: Template | None, ids: dict[str, Step], names: dict[str, Step]
    ) -> InputPlan:
        if template is None:
            return InputPlan(name, "exact", value)
        waits: list[str] = []
        for reference in template.references:
            if reference.kind == "output":
                source = ids.get(reference.head) or names.get(reference.head)
                if source is None:
                    if not reference.optional and not self._is_in_namespace(reference):
                        waits.append("an earlier step")
                        self._check_left_out(step, name, reference.head)
                elif source.section in self._sections:
                    waits.append(source.label)
                elif not reference.optional:
                    waits.append(source.label)
                    self._report_left_out(step, name, source.label, source)
        if not waits:
            return self._render(step, name, value, template)
        if any(reference.kind != "output" for reference in template.references):
            self._check_others(step, name, template)
        return InputPlan(name, "after", value, tuple(dict.fromkeys(waits)))

    def _check_others(self, step: Step, name: str, template: Template) -> None:
        """Report what an input lacks besides the outputs that it waits for."""
        if self._world.prefect_compat:
            return
        scope = self._scope("keep")
        try:
            template.render(scope)
        except RenderError:
            return  # an expression of an output: only the run can tell
        for each in scope.missed:
            kind = each.reference.kind if each.reference is not None else "output"
            if kind != "output" and not (kind == "environment" and self._setters):
                self._report_missing(step, name, each)

    def _scope(self, missing: Literal["drop", "keep"]) -> Scope:
        world = self._world
        return Scope(
            environment=world.environ.get,
            source=world.resolve,
            namespace=self._namespace,
            secrets=world.secrets,
            missing=missing,
        )

    def _render(self, step: Step, name: str, value: Any, template: Template) -> InputPlan:
        world = self._world
        scope = self._scope("drop" if world.prefect_compat else "keep")
        try:
            rendered = template.render(scope)
            missed = [] if world.prefect_compat else scope.missed
        except RenderError as error:
            missed = [error]
        waits = [each for each in missed if each.reference is not None and each.reference.kind == "environment"]
        if self._setters and missed and len(waits) == len(missed):
            return InputPlan(name, "after", value, tuple(dict.fromkeys(self._setters)))
        for each in missed:
            self._report_missing(step, name, each)
        if missed and all(map(self._may_be_output, missed)):
            return InputPlan(name, "after", value, tuple(dict.fromkeys(each.label for each in self._open)))
        if missed:
            return InputPlan(name, "missing", value)
        if rendered.tainted:
            return InputPlan(name, "secret", rendered.shown)
        return InputPlan(name, "exact", rendered.value)

    def _may_be_output(self, error: RenderError) -> bool:
        """Whether what a source's own namespace lacks may be an output of a step whose outputs are not known."""
        return bool(self._open) and error.reference is not None and error.reference.kind == "source"

    def _report_missing(self, step: Step, name: str, error: RenderError) -> None:
        reference = error.reference
        # The worker has an environment of its own, which nothing here can tell.
        on_worker = step.section == "pull" and reference is not None and reference.kind == "environment"
        text = reference.text if reference is not None else ""
        line, column = self._place(step, name, error.location, text)
        message = f"{step.label}'s {name}: {error.message}"
        hint = error.hint
        if step.section == "pull" and not on_worker:
            hint = f"{hint}; or leave the pull steps out: --pull-in skip".removeprefix("; ")
        if self._may_be_output(error):
            labels = ", ".join(dict.fromkeys(each.label for each in self._open))
            hint = f"{hint}; the outputs of {labels} are not known before it has run: one may be meant"
        severity: Severity = WARNING if on_worker or self._may_be_output(error) else ERROR
        self.diagnostics.append(Diagnostic(severity, "unresolved-reference", message, line, column, hint))

    def _check_left_out(self, step: Step, name: str, output: str) -> None:
        """Report an output that no step is known to give, where all that might give it are left out."""
        if self._open and not any(each.section in self._sections for each in self._open):
            source = self._open[-1]
            self._report_left_out(step, name, f"{output}, which can only come from {source.label}", source)

    def _report_left_out(self, step: Step, name: str, what: str, source: Step) -> None:
        line, column = self._place(step, name)
        message = f"{step.label}'s {name} needs {what}, a {source.section} step that --only leaves out"
        hint = f"add {source.section} to --only, or set it: --set {step.label}.{name}=…"
        self.diagnostics.append(Diagnostic(ERROR, "left-out-step", message, line, column, hint))

    def _place(self, step: Step, name: str, path: tuple[Any, ...] = (), text: str = "") -> tuple[int, int]:
        source = self._file.source
        return source.position(offset_of_text(source, step.node.entries[name][1], path, text))
