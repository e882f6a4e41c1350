"""Schedules: exactly one of cron, interval and rrule, and each readable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.diagnostics.diagnostic import did_you_mean
from stepengine.document.nodes import Mapping, Node, Scalar, Sequence
from stepengine.patterns import lazy_pattern
from stepengine.validation.fields import SCHEDULE, SCHEDULE_KINDS, unknown_key_hint

if TYPE_CHECKING:
    from stepengine.diagnostics.diagnostic import Diagnostics

# What pydantic takes for a length of time: ISO 8601, `2 days, 10:00:00`, `10:00`. A text of digits alone it does not.
_INTERVAL = lazy_pattern(
    r"[+-]?(?:P(?!T?\Z)(?:\d+(?:[.,]\d+)?[YMWD])*(?:T(?:\d+(?:[.,]\d+)?[HMS])*)?"
    r"|\d+ *[dD](?:[aA][yY][sS]?)?,? *(?:\d{1,2}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)?"
    r"|\d{2,}:[0-5]\d|\d+:[0-5]\d:[0-5]\d(?:\.\d+)?)\Z"
)


_SHOWN = 60
"""How much of a value a message repeats, in characters."""


class ScheduleChecker:
    """Checks the schedules of deployments; the same cron or rrule is parsed once."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self._parsed: dict[tuple[str, str], str] = {}

    def check(self, deployment: Mapping) -> None:
        """Check `schedule` and `schedules` of a deployment."""
        single, several = deployment.get("schedule"), deployment.get("schedules")
        if isinstance(single, Mapping) and single.entries:
            self._check_one(single)
            if several is not None:
                hint = "make it an entry of 'schedules', and leave 'schedule' out"
                message = "the deployment has both 'schedule' and 'schedules', which Prefect does not deploy"
                self._diagnostics.error("schedule-kind", message, deployment.key("schedule").offset, hint)
        if isinstance(several, Sequence):
            for item in several.items:
                if isinstance(item, Mapping):
                    self._check_one(item)
                elif not (isinstance(item, Scalar) and "{{" in str(item.value)):
                    hint = 'for example: - cron: "0 8 * * *"'
                    self._diagnostics.error("schedule-kind", "a schedule is a mapping", item.offset, hint)

    def _check_one(self, node: Mapping) -> None:
        if isinstance(node.get("schedule"), Mapping):
            hint = "write its keys here, without the key 'schedule' around them"
            message = "a schedule in a schedule, which Prefect does not deploy"
            self._diagnostics.error("schedule-key", message, node.key("schedule").offset, hint)
            return
        for name, key, _ in node.items():
            if name not in SCHEDULE:
                message = f"unknown key {key.text!r} in a schedule: Prefect then drops every deployment of the file"
                hint = f"remove it; {unknown_key_hint(name, 'in a schedule').removeprefix('Prefect ignores it here: ')}"
                self._diagnostics.error("schedule-key", message, key.offset, hint)
        given = [kind for kind in SCHEDULE_KINDS if kind in node.entries and not _is_null(node.entries[kind][1])]
        if len(given) != 1:
            what = f"both {' and '.join(given)}" if given else "none of cron, interval and rrule"
            hint = "keep one; a further schedule is a further entry of 'schedules'"
            hint = hint if given else 'for example: cron: "0 8 * * *"'
            self._diagnostics.error("schedule-kind", f"the schedule has {what}", node.offset, hint)
            return
        self._check_value(given[0], node.entries[given[0]][1])
        self._check_timezone(node.get("timezone"))

    def _check_value(self, kind: str, node: Node) -> None:
        value = node.value
        if isinstance(value, str) and "{{" in value:
            return
        key = (kind, repr(value))
        if key not in self._parsed:
            check = {"cron": _cron_problem, "interval": _interval_problem, "rrule": _rrule_problem}[kind]
            self._parsed[key] = check(value)
        if problem := self._parsed[key]:
            hint = {
                "cron": 'five fields: minute hour day month weekday, for example "0 8 * * 1-5"',
                "interval": "a number of seconds without quotes, an ISO 8601 duration (PT1H) or HH:MM:SS",
                "rrule": "an RFC 5545 rule, for example FREQ=DAILY;INTERVAL=1",
            }[kind]
            message = f"the {kind} {_shown(value)} does not parse: {problem}"
            self._diagnostics.error(f"schedule-{kind}", message, node.offset, hint)

    def _check_timezone(self, node: Node | None) -> None:
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or "{{" in node.value:
            return
        key = ("timezone", node.value)
        if key not in self._parsed:
            self._parsed[key] = _timezone_problem(node.value)
        if problem := self._parsed[key]:
            message = f"the time zone {node.value!r} is not known here"
            self._diagnostics.warning("unknown-timezone", message, node.offset, problem)


_CRON_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_PART = lazy_pattern(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?\Z")


def _is_plain_cron(text: str) -> bool:
    """Whether a cron expression is five fields of numbers, ranges and steps: most are, and croniter costs 45 ms."""
    fields = text.split()
    if len(fields) != len(_CRON_BOUNDS):
        return False
    for field, (low, high) in zip(fields, _CRON_BOUNDS, strict=True):
        for part in field.split(","):
            match = _CRON_PART.match(part)
            if match is None:
                return False
            first, last = int(match[1] or low), int(match[2] or match[1] or high)
            if not low <= first <= last <= high:
                return False
    return True


def _cron_problem(value: Any) -> str:
    if not isinstance(value, str):
        return "it is no text"
    if _is_plain_cron(value):
        return ""
    if any(field in ("H", "h", "R", "r") for field in value.split()):
        return "Prefect takes no random and no hashed fields"
    from croniter import CroniterError, croniter

    try:
        croniter.expand(value)
    except (CroniterError, ValueError, KeyError, IndexError) as error:
        return " ".join(str(error).split()) or "it is no cron expression"
    return ""


def _interval_problem(value: Any) -> str:
    if isinstance(value, (int, float)):
        return "" if value > 0 else "it must be longer than nothing"
    if not isinstance(value, str) or not _INTERVAL.match(value):
        return "it is no length of time"
    is_positive = value[0] != "-" and value.strip("+PTYMWDHSdays0:.,; ") != ""
    return "" if is_positive else "it must be longer than nothing"


def _rrule_problem(value: Any) -> str:
    if not isinstance(value, str):
        return "it is no text"
    from dateutil.rrule import rrulestr

    try:
        rrulestr(_rule_of(value))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        return " ".join(str(error).split()) or "it is no recurrence rule"
    return ""


def _rule_of(value: str) -> str:
    """Give the rule itself; Prefect also takes a JSON object that holds it."""
    if not value.lstrip().startswith("{"):
        return value
    import json

    return str(json.loads(value)["rrule"])


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _timezone_problem(name: str) -> str:
    """Give a hint where no such time zone is known; nothing where none at all are (no tzdata)."""
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        return did_you_mean(name, known, "write an IANA name, for example Europe/Berlin") if known else ""
    return ""


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float)) else "given here"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
