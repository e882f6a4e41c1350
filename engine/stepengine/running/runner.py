"""The execution of a plan: steps in order, outputs passed on, failures told; nothing is skipped without a word."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from stepengine.catalogue.spec import REQUIRED, StepSpec
from stepengine.document.nodes import node_at
from stepengine.errors import StepEngineError, TemplateError, tell_exception
from stepengine.events import (
    Notice,
    PipelineFinished,
    PipelineStarted,
    StepFinished,
    StepInfo,
    StepOutput,
    StepProgress,
    StepStarted,
)
from stepengine.pulling.pull import open_pull_place, pull_failure_hint
from stepengine.records import Record
from stepengine.result import Failure, PipelineResult, PullPlace, RunResult, StepResult
from stepengine.running.deployment_fields import FieldProblem, resolve_deployment
from stepengine.running.failures import describe_exception
from stepengine.running.isolation import Isolation, spec_elsewhere
from stepengine.running.places import LocalPlace
from stepengine.running.wrapping import no_outputs, wrap_call
from stepengine.secrecy.masking import Masking
from stepengine.templating import MISSING, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepengine.events import Listener
    from stepengine.model import Deployment, Pipeline, Step
    from stepengine.planning.plan import PipelinePlan, Plan
    from stepengine.result import RunStatus
    from stepengine.running.places import OpenedPlace, Place
    from stepengine.templating.scope import Namespace
    from stepengine.world import World


def run_plan(plan: Plan, world: World, listener: Listener) -> RunResult:
    """Run a plan.

    Args:
        plan: What to run.
        world: What it may use.
        listener: Takes the events of `stepengine.events`, secrets masked.

    Returns:
        How it went, secrets masked. Failures of steps and Ctrl-C are part of it.
    """
    runner = _Runner(plan, world, Masking(world.secrets, listener))
    return runner.run()


class _Recorded(Record):
    """A step that an earlier pipeline ran, and where it left its successors."""

    result: StepResult
    directory: str
    environ: Mapping[str, str]


class _Runner:
    def __init__(self, plan: Plan, world: World, report: Masking) -> None:
        self._plan = plan
        self._world = world
        self._report = report
        self._recorded: dict[Any, _Recorded] = {}
        self._interrupted = False
        self._results: list[PipelineResult] = []
        self._deployments: list[dict[str, Any]] = []
        self._failures: list[Failure] = []

    def run(self) -> RunResult:
        """Run all pipelines; a failed one does not keep the next from running, an interruption does."""
        for number, planned in enumerate(self._plan.pipelines, 1):
            try:
                self._run_pipeline(number, planned)
            except KeyboardInterrupt:  # outside of its steps
                self._interrupted = True
        failure = self._failures[0] if self._failures else None
        if self._interrupted and failure is None:
            failure = Failure("the run was interrupted", "", "")
        status: RunStatus = "interrupted" if self._interrupted else "failed" if failure else "succeeded"
        return self._report.finish(RunResult(status, tuple(self._results), tuple(self._deployments), failure))

    def _run_pipeline(self, number: int, planned: PipelinePlan) -> None:
        total = len(self._plan.pipelines)
        names = tuple(deployment.name for deployment in planned.pipeline.deployments)
        self._report(PipelineStarted(number, total, names, len(planned.steps)))
        run = _PipelineRun(planned, self._plan, self._world, self._report, self._recorded if total > 1 else None)
        result = run.run(skip=self._interrupted)
        self._interrupted = self._interrupted or run.interrupted
        self._results.append(result)
        self._failures += [step.failure for step in result.steps if step.failure is not None]
        for deployment in planned.pipeline.deployments:
            fields, problems = resolve_deployment(deployment, run.scope)
            self._deployments.append(fields)
            if not run.failed and not run.interrupted:  # else its outputs are missing, which is told already
                self._failures += self._tell_problems(deployment, problems)
        self._report(PipelineFinished(result))

    def _tell_problems(self, deployment: Deployment, problems: list[FieldProblem]) -> list[Failure]:
        """Warn of fields that stay as they are written; give those that can never have a value as failures."""
        failures = []
        for problem in problems:
            source = self._plan.file.source
            line, column = source.position(node_at(deployment.node, problem.path).offset)
            field = ".".join(map(str, problem.path))
            where = f"{source.name}:{line}:{column} (deployment {deployment.name}, {field})"
            if problem.is_failure:
                failures.append(Failure(problem.error.message, where, problem.error.hint))
            elif problem.is_of_run:
                self._report(Notice(f"{where}: {problem.error.message}; it stays as it is written", None))
        return failures


class _PipelineRun:
    """One pipeline."""

    def __init__(
        self, planned: PipelinePlan, plan: Plan, world: World, report: Masking, recorded: dict[Any, _Recorded] | None
    ) -> None:
        self._pipeline: Pipeline = planned.pipeline
        self._steps = [step.step for step in planned.steps]
        self._plan = plan
        self._world = world
        self._report = report
        self._recorded = recorded
        self._key: Any = None
        self._results: list[StepResult] = []
        self._infos: dict[int, StepInfo] = {}
        self._place: OpenedPlace | None = None
        self._pull_place: PullPlace | None = None
        self.interrupted = False
        self.failed = False
        self.outputs: dict[str, Any] = {}
        self._ids: dict[str, Any] = {}
        self._local = LocalPlace(
            world.load,
            world.directory,
            world.environ,
            plan.file.project,
            world.block,
            builder=world.builder,
            was_cancelled=world.was_interrupted,
        )
        self._isolation = Isolation(world, plan.file.project)
        self._known_environ: Mapping[str, str] = {}
        self._started_environ: Mapping[str, str] = {}
        self.scope = self._pull_scope = self._scope(self._local_variable)

    def _scope(self, environment: Callable[[str], str | None]) -> Scope:
        return Scope(
            self.outputs,
            ids=self._ids,
            environment=environment,
            source=self._world.resolve,
            namespace=self._namespace,
            secrets=self._world.secrets,
            missing="drop" if self._world.prefect_compat else "error",
        )

    def _namespace(self, name: str) -> Namespace | None:
        """Give what finds values in a source's own namespace; a step's id of the same name goes before it."""
        return None if any(step.id == name for step in self._steps) else self._world.namespace(name)

    def run(self, *, skip: bool) -> PipelineResult:
        """Run the steps; after a failure or an interruption the rest is noted as skipped."""
        going = not skip
        try:
            for step in self._steps:
                if not going:
                    self._skip(step)
                elif step.section == "pull":
                    going = self._run_pull(step)
                else:
                    going = self._run_shared(step)
        except KeyboardInterrupt:  # between two steps, or once more while one was being ended
            self.interrupted = True
            for step in self._steps[len(self._results) :]:
                self._skip(step)
        finally:
            self._close()
        names = tuple(deployment.name for deployment in self._pipeline.deployments)
        return PipelineResult(names, tuple(self._results), self.outputs, self._pull_place)

    def _skip(self, step: Step) -> None:
        result = StepResult(step.section, step.id or None, step.name, "skipped", 0.0, {})
        self._results.append(result)
        self._report(StepFinished(self._info(step), result))

    def _run_shared(self, step: Step) -> bool:
        """Run a build or push step, unless an earlier pipeline ran the same steps up to it: they need not run twice."""
        if self._recorded is None:
            return self._run_step(step, self._local)
        self._key = (self._key, step.name, step.id, step.requires, repr(step.inputs))
        recorded = self._recorded.get(self._key)
        if recorded is None or step.inputs.get("ignore_cache") is True:
            succeeded = self._run_step(step, self._local)
            self._recorded[self._key] = _Recorded(self._results[-1], self._local.directory, self._local.environ)
            return succeeded
        status = "cached" if recorded.result.status == "succeeded" else recorded.result.status
        result = recorded.result._replace(status=status, duration_s=0.0)
        self._local.enter(recorded.directory, recorded.environ)
        if result.failure is not None:
            self._report(StepStarted(self._info(step), "as in an earlier pipeline"))
        self._take(step, result)
        return result.failure is None

    def _run_pull(self, step: Step) -> bool:
        if self._world.pull_in == "skip":
            self._pull_place = PullPlace("skip", None, None)
            self._skip(step)
            return True
        started = perf_counter()
        try:
            if self._place is None:
                self._place, self._pull_place = (self._world.open_pull_place or open_pull_place)(
                    self._pipeline, self.scope, self._world, self._plan, self._note
                )
                self._started_environ = self._place.environ
                self._pull_scope = self._scope(self._pull_variable)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - of the engine's client, among others: it is the step's failure
            self._report(StepStarted(self._info(step), ""))
            self._take(step, self._failed(step, perf_counter() - started, error, ""))
            return False
        site = self._pull_place
        succeeded = self._run_step(step, self._place, may_isolate=site is None or site.kind != "image")
        if site is not None:
            self._pull_place = site._replace(directory=self._place.directory)
        return succeeded

    def _local_variable(self, name: str) -> str | None:
        return self._local.environ.get(name)

    def _pull_variable(self, name: str) -> str | None:
        """Give a variable to pull steps as when Prefect deploys: what is set here is filled in here, the rest there.

        What a pull step has set goes before both.
        """
        there = self._place.environ.get(name) if self._place is not None else None
        return there if there != self._started_environ.get(name) else self._local.environ.get(name, there)

    def _note(self, message: str) -> None:
        self._report(Notice(message, None))

    def _close(self) -> None:
        opened: list[Isolation | OpenedPlace] = [self._isolation, *filter(None, (self._place, self._local))]
        for place in opened:
            try:
                place.close()
            except KeyboardInterrupt:  # whoever presses Ctrl-C twice wants to be gone sooner, not to leave a container
                self.interrupted = True
                place.close()
            except Exception as error:  # noqa: BLE001 - what has run has run, and the other place is to be closed as well
                self._note(f"something may be left of the steps' place: {tell_exception(error)}")
        self._place = None

    def _run_step(self, step: Step, base: Place, *, may_isolate: bool = True) -> bool:
        started = perf_counter()
        try:
            place = self._isolation.place_of(step, base) if step.requires and may_isolate else base
        except (StepEngineError, KeyboardInterrupt) as error:
            self._report(StepStarted(self._info(step), ""))
            self._take(step, self._failed(step, perf_counter() - started, error, ""))
            return False
        self._report(StepStarted(self._info(step), place.description))

        def emit(kind: str, data: dict[str, Any]) -> None:
            self._take_report(step, kind, data)

        self._learn(place)
        outputs: dict[str, Any] = {}
        failed: BaseException | None = None
        try:
            spec = step.spec or spec_elsewhere(step)
            inputs, shown = self._inputs(step, spec)
            wrappers = self._world.wrappers
            if wrappers:
                call = wrap_call(wrappers, self._info(step), shown, spec, place, emit, self._local.take_prints)
                returned = call(inputs)
            else:
                returned = place.call(spec, inputs, emit)
            outputs = self._outputs_of(step, spec, returned)
            self._learn(place)
        except BaseException as error:  # noqa: BLE001 - a step is a third party's: all of it is its failure
            failed = error
        tail = self._report.end_output(self._info(step))
        duration = perf_counter() - started
        if failed is None:
            result = StepResult(step.section, step.id or None, step.name, "succeeded", duration, outputs)
        else:
            result = self._failed(step, duration, failed, tail)
        self._take(step, result)
        return result.failure is None

    def _learn(self, place: Place) -> None:
        """Have the variables masked that are named like secrets, where a step or another place has other ones."""
        if place.environ is not self._known_environ:
            self._known_environ = place.environ
            self._world.secrets.add_environment(place.environ)

    def _outputs_of(self, step: Step, spec: StepSpec, returned: Any) -> dict[str, Any]:
        if self._world.was_interrupted():  # the step has caught the exception, or been too quick for it
            raise KeyboardInterrupt
        if spec.is_built_in:
            return returned if isinstance(returned, dict) else {}
        if not isinstance(returned, dict):
            if returned is not None:
                self._report(Notice(no_outputs(returned), self._info(step)))
            return {}
        self._world.secrets.mask_data(returned)  # what its values' own code raises is the step's failure
        missing = [name for name in spec.options.outputs or () if name not in returned]
        if missing:
            message = f"it declares the output {missing[0]!r}, and did not return it"
            self._report(Notice(message, self._info(step)))
        return returned

    def _take(self, step: Step, result: StepResult) -> None:
        self._results.append(result)
        self.failed = self.failed or result.failure is not None
        if result.failure is None and result.outputs:
            if step.id:
                self.outputs[step.id] = self._ids[step.id] = result.outputs
            self.outputs.update(result.outputs)
        self._report(StepFinished(self._info(step), result))

    def _inputs(self, step: Step, spec: StepSpec) -> tuple[dict[str, Any], dict[str, Any]]:
        """Render a step's inputs, and as they may be shown.

        A null for one that takes none, and has a default, is as if it were not there.
        """
        inputs = dict(step.inputs)
        hidden: dict[str, Any] = {}
        scope = self._pull_scope if step.section == "pull" else self.scope
        for name, template in step.templates.items():
            rendered = template.render(scope)
            value = rendered.value
            for missed in scope.missed:
                self._report(Notice(f"{name}: {missed.message}", self._info(step)))
            scope.missed.clear()
            if value is MISSING:
                del inputs[name]
            else:
                inputs[name] = value
                if rendered.tainted:
                    hidden[name] = rendered.shown
        if None in inputs.values():
            for each in spec.inputs or ():
                is_null = each.name in inputs and inputs[each.name] is None
                if is_null and each.default is not REQUIRED and each.default is not None and spec.is_built_in:
                    del inputs[each.name]
        return inputs, {**inputs, **hidden} if hidden else inputs

    def _take_report(self, step: Step, kind: str, data: dict[str, Any]) -> None:
        if kind == "output":
            self._report(StepOutput(self._info(step), data["stream"], data["line"]))
        elif kind == "progress":
            self._report(StepProgress(self._info(step), **data))
        elif kind == "warning":
            self._report(Notice(data["message"], self._info(step)))
        elif kind == "secret":
            self._world.secrets.add(data["value"])

    def _failed(self, step: Step, duration: float, error: BaseException, tail: str) -> StepResult:
        if isinstance(error, KeyboardInterrupt):
            self.interrupted = True
            failure = Failure(f"{step.label} was interrupted", self._where(step), "", tail)
        else:
            failure = self._explain(step, error, tail)
        return StepResult(step.section, step.id or None, step.name, "failed", duration, {}, failure)

    def _info(self, step: Step) -> StepInfo:
        info = self._infos.get(id(step))
        if info is None:
            info = StepInfo(step.section, step.id, step.name, step.label, step.line, step.column)
            self._infos[id(step)] = info
        return info

    def _where(self, step: Step) -> str:
        return f"{self._plan.file.source.name}:{step.line}:{step.column} ({step.section} step {step.label})"

    def _explain(self, step: Step, error: BaseException, tail: str) -> Failure:
        hint, output, frames = "", tail, ""
        if isinstance(error, StepEngineError):
            message, hint, frames = error.message, error.hint, getattr(error, "frames", "")
            output = getattr(error, "output", "") or tail
            if isinstance(error, TemplateError):
                message = f"an input of {step.label} has no value: {message}"
        else:
            message, frames = describe_exception(error)
        if step.section == "pull":
            extra = pull_failure_hint(self._pipeline, self._world.directory, step, self._pull_place)
            hint = "; ".join(filter(None, [hint, extra]))
        return Failure(message, self._where(step), hint, output, frames)
