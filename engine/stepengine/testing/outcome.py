"""How a run in a test went, with assertions that explain themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.events import Event
    from stepengine.result import Failure, RunResult, StepStatus


class StepOutcome(Record):
    """One step of a run; secrets are masked.

    Attributes:
        section: "build", "push" or "pull".
        id: Its id; empty where it has none.
        name: Its name as it is written.
        label: Its id, or else the last part of its name.
        status: "succeeded", "failed", "skipped" or "cached".
        outputs: What it returned.
        printed: What it and its programs printed, as `("stdout"|"stderr", line)`.
        warnings: What it warned of.
        failure: Why it failed; None where it did not.
    """

    section: str
    id: str
    name: str
    label: str
    status: StepStatus
    outputs: dict[str, Any]
    printed: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    failure: Failure | None

    @property
    def lines(self) -> list[str]:
        """What it printed on either stream, in order, without line ends."""
        return [line for _, line in self.printed]

    @property
    def stdout(self) -> str:
        """What it printed on standard output."""
        return "\n".join(line for stream, line in self.printed if stream == "stdout")

    @property
    def stderr(self) -> str:
        """What it printed on standard error."""
        return "\n".join(line for stream, line in self.printed if stream == "stderr")


class Outcome(Record):
    """How a run went. The assertions give the outcome itself, so that they can be chained.

    Attributes:
        exit_code: As the command line would have given it.
        text: What the command line would have shown on standard error; secrets are masked.
        steps: Each step in order, those that did not run too.
        diagnostics: The problems of the file, errors and warnings.
        events: All events of the run, as reporters get them.
        result: The run's result; None where nothing ran.
        message: One line: why it did not succeed; empty where it did.
        hint: One line: what to do about it.
    """

    exit_code: int
    text: str
    steps: tuple[StepOutcome, ...]
    diagnostics: tuple[Diagnostic, ...]
    events: tuple[Event, ...]
    result: RunResult | None
    message: str = ""
    hint: str = ""

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs by step id and, as Prefect has them, by their own names; of two of one name the id counts.

        Secrets are masked.
        """
        found: dict[str, Any] = {}
        for pipeline in self.result.pipelines if self.result is not None else ():
            found.update(pipeline.outputs)
        return found | {step.id: step.outputs for step in self.steps if step.id and step.outputs}

    @property
    def deployments(self) -> dict[str, dict[str, Any]]:
        """The chosen deployments' fields by name, references resolved."""
        found = self.result.deployments if self.result is not None else ()
        return {str(fields.get("name", "")): fields for fields in found}

    @property
    def warnings(self) -> list[str]:
        """What steps and the run warned of, and the file's problems that are warnings."""
        from stepengine.events import Notice

        told = [found.message for found in self.diagnostics if found.severity == "warning"]
        return told + [event.message for event in self.events if isinstance(event, Notice)]

    def step(self, name: str) -> StepOutcome:
        """Give a step by its id, its name, or its name's last part.

        Raises:
            AssertionError: there is none, or several of that name.
        """
        __tracebackhide__ = True
        for known in ("id", "name", "label"):
            found = [step for step in self.steps if getattr(step, known) == name]
            if len(found) == 1:
                return found[0]
            if found:
                raise AssertionError(f"{len(found)} steps are called {name!r}: give them ids\n{self._account()}")
        known_names = ", ".join(step.label for step in self.steps) or "none"
        raise AssertionError(f"no step is called {name!r}; there are: {known_names}\n{self._account()}")

    def assert_succeeded(self) -> Outcome:
        """Assert that all that was chosen ran, and nothing failed."""
        __tracebackhide__ = True
        if self.exit_code:
            raise AssertionError(f"the run did not succeed: {self.message}\n{self._account()}")
        return self

    def assert_failed(self, match: str = "", *, step: str = "", exit_code: int = 1) -> Outcome:
        """Assert that the run failed.

        Args:
            match: A regular expression that the message or the hint must contain.
            step: The step that must have failed; see `step`.
            exit_code: What the command line must have given; 1 is a failed step.
        """
        __tracebackhide__ = True
        if self.exit_code != exit_code:
            raise AssertionError(f"the exit code is {self.exit_code}, not {exit_code}\n{self._account()}")
        told = f"{self.message}\n{self.hint}"
        if step:
            failure = self.step(step).failure
            if failure is None:
                raise AssertionError(f"the step {step} did not fail: {self.step(step).status}\n{self._account()}")
            told = f"{failure.message}\n{failure.hint}"
        if not _found(match, told):
            raise AssertionError(f"{match!r} is not in the failure: {told.strip()}\n{self._account()}")
        return self

    def assert_refused(self, code: str = "", match: str = "", *, line: int | None = None) -> Outcome:
        """Assert that the file was refused before anything ran, with a problem of this kind.

        Args:
            code: The problem's code, as `docs/diagnostics` has them.
            match: A regular expression that its message or its hint must contain.
            line: Where it must be, from 1.
        """
        __tracebackhide__ = True
        if self.exit_code != 2 or self.result is not None:  # noqa: PLR2004 - UsageError.exit_code
            raise AssertionError(f"nothing was refused: the exit code is {self.exit_code}\n{self._account()}")
        for found in self.diagnostics:
            fits = found.severity == "error" and code in ("", found.code) and line in (None, found.line)
            if fits and _found(match, f"{found.message}\n{found.hint}"):
                return self
        wanted = ", ".join(filter(None, [code, match and repr(match), f"line {line}" if line else ""]))
        raise AssertionError(f"no problem fits {wanted}\n{self._account()}")

    def assert_printed(self, match: str, *, step: str = "") -> Outcome:
        """Assert that a line that was printed contains a regular expression.

        Args:
            match: It.
            step: The step that must have printed it; any where it is empty.
        """
        __tracebackhide__ = True
        steps = [self.step(step)] if step else self.steps
        if not any(re.search(match, line) for each in steps for line in each.lines):
            printed = [f"  {each.label}: {line}" for each in steps for line in each.lines]
            raise AssertionError(f"nobody printed {match!r}; printed was:\n" + "\n".join(printed or ["  nothing"]))
        return self

    def assert_hidden(self, secret: str) -> Outcome:
        """Assert that a secret is in nothing that a run shows: text, events, outputs, messages."""
        __tracebackhide__ = True
        shown = {"text": self.text, "message": f"{self.message} {self.hint}", "events": repr(self.events)}
        shown |= {"diagnostics": repr(self.diagnostics), "result": repr(self.result)}
        for where, text in shown.items():
            if secret in text:
                raise AssertionError(f"the secret shows in the outcome's {where}")
        return self

    def __repr__(self) -> str:
        count = len(self.steps)
        return f"<Outcome: exit code {self.exit_code}, {count} step{'' if count == 1 else 's'}>"

    def _account(self) -> str:
        """Give what the command line showed, indented: it has each step, its output and the failure."""
        return "\n".join(f"  | {line}" for line in self.text.splitlines())


def _found(match: str, told: str) -> bool:
    """Whether a regular expression is in a text; `^` and `$` are those of its lines."""
    return re.search(match, told, re.MULTILINE) is not None
