"""No event, and no result, passes the runner with a secret in it."""

from __future__ import annotations

from stepengine.events import Notice, PipelineFinished, RunFinished, StepFinished, StepInfo, StepOutput, StepStarted
from stepengine.result import Failure, PipelineResult, RunResult, StepResult
from stepengine.secrecy.masking import Masking
from stepengine.secrecy.secrets import HIDDEN, Secrets

EARLY = "known-from-the-start"
LATE = "turns-up-in-a-later-step"
STEP = StepInfo("build", "first", "a.step", "first", 2, 3)


def finished(*steps):
    return PipelineResult(("one",), steps, {"value": f"{EARLY} {LATE}"}, None)


def result(*steps, failure=None):
    return RunResult("succeeded", (finished(*steps),), ({"version": LATE},), failure)


def step(**outputs):
    return StepResult("build", "first", "a.step", "succeeded", 0.1, outputs)


def masked_run(*, late):
    """Give all events of a run in which a secret may turn up after the first step."""
    secrets = Secrets()
    secrets.add(EARLY)
    events = []
    report = Masking(secrets, events.append)
    first = step(value=f"{EARLY} {LATE}")
    whole = result(first)
    report(StepFinished(STEP, first))
    report(PipelineFinished(whole.pipelines[0]))
    if late:
        secrets.add(LATE)
    returned = report.finish(whole)
    assert events[-1] == RunFinished(returned)
    return events


def test_a_secret_that_turns_up_later_is_masked_in_all_that_is_told_from_then_on():
    told, _, last = masked_run(late=True)
    assert told.result.outputs == {"value": f"{HIDDEN} {LATE}"}
    assert LATE not in repr(last)
    assert last.result.pipelines[0].steps[0].outputs == {"value": f"{HIDDEN} {HIDDEN}"}
    assert last.result.deployments == ({"version": HIDDEN},)


def test_a_result_is_masked_once_while_no_secret_is_added():
    told, pipeline, last = masked_run(late=False)
    assert EARLY not in repr((told, pipeline, last))
    assert pipeline.result.steps[0] is told.result
    assert last.result.pipelines[0] is pipeline.result


def test_a_failure_is_masked_in_the_step_and_in_the_run():
    secrets = Secrets()
    secrets.add(EARLY)
    events = []
    failure = Failure(f"it said {EARLY}", "prefect.yaml:1:1", f"try without {EARLY}", EARLY)
    failed = step()._replace(status="failed", failure=failure)
    report = Masking(secrets, events.append)
    report(StepFinished(STEP, failed))
    report.finish(result(failed, failure=failure))
    assert EARLY not in repr(events)
    assert events[-1].result.failure.message == f"it said {HIDDEN}"


def test_without_secrets_results_pass_as_they_are():
    events = []
    report = Masking(Secrets(), events.append)
    whole = result(step(value=1))
    report(StepFinished(STEP, whole.pipelines[0].steps[0]))
    assert report.finish(whole).as_json() == whole.as_json()
    assert events[0].result is whole.pipelines[0].steps[0]


def test_what_a_step_is_called_is_masked_in_every_event():
    secrets = Secrets()
    secrets.add("supersecret")
    told = []
    masking = Masking(secrets, told.append)
    step = StepInfo("build", "supersecret", "mine.supersecret", "supersecret", 1, 1)
    masking(StepStarted(step, ""))
    masking(StepOutput(step, "stdout", "supers"))
    masking(Notice("of supersecret", step))
    masking.end_output(step)
    assert len(told) == 3
    assert "supersecret" not in repr(told)
