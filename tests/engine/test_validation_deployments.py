"""Keys, kinds of values, names and schedules: as strict as Prefect 3.8.8's loader, and no stricter."""

from __future__ import annotations

import pytest
from croniter import CroniterError, croniter
from hypothesis import example, given
from hypothesis import strategies as st

from stepengine.validation.fields import SCHEDULE
from stepengine.validation.schedules import _interval_problem, _is_plain_cron


def deployment(text):
    return f"deployments:\n- name: one\n  {text}\n"


# For each field: what Prefect 3.8.8's loader takes, and what makes it drop every deployment. Found by asking it.
KINDS = {
    "version": (["null", "text", "'1.0'", "''"], ["1.0", "5", "true", "[]", "{}", "2024-01-01"]),
    "tags": (["null", "text", "[]", "[a, 1, null, [b], {c: d}]"], ["5", "true", "{}", "2024-01-01"]),
    "description": (["null", "text"], ["5", "[a]"]),
    "schedule": (["null", "{}", "{cron: '0 0 * * *'}"], ["text", "5", "[]", "[{cron: '0 0 * * *'}]"]),
    "schedules": (["null", "[]", "[{interval: 60}]"], ["text", "5", "{}", "{interval: 60}"]),
    "paused": (
        ["null", "true", "yes", "'true'", "'No'", "off", "1", "0", "'1'", "1.0", "'t'"],
        ["text", "5", "-1", "''", "1.5", "[]", "{}"],
    ),
    "enforce_parameter_schema": (["null", "false", "'off'", "0"], ["text", "5", "{}"]),
    "concurrency_limit": (
        ["null", "5", "0", "-1", "2.0", "true", "'5'", "{}", "{limit: 1, collision_strategy: ENQUEUE}"],
        ["text", "1.5", "''", "[]", "'true'", "2024-01-01"],
    ),
    "parameters": (["{}", "{a: {b: [c]}}"], ["null", "[]", "text", "5"]),
    "work_pool": (["null", "{}", "{name: x}", "{name: null, work_queue_name: null}"], ["text", "[]", "5"]),
    "triggers": (["null", "[]", "[{a: b}]"], ["text", "{}", "5"]),
    "sla": (["null", "[]"], ["{}", "text"]),
    "entrypoint": (["null", "a.py:b"], ["5", "[]"]),
    "build": (["null", "[]", "{}"], ["text", "5"]),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, (good, _) in KINDS.items() for value in good])
def test_a_value_that_prefect_takes_is_no_problem(check, field, value):
    assert check(deployment(f"{field}: {value}")).codes == []


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, (_, bad) in KINDS.items() for value in bad])
def test_a_value_that_makes_prefect_drop_every_deployment_is_an_error(check, field, value):
    found = check(deployment(f"{field}: {value}")).only
    assert (found.severity, found.code, found.line, found.column) == ("error", "wrong-type", 3, len(field) + 5)
    assert repr(field) in found.message


@pytest.mark.parametrize("field", list(KINDS))
def test_a_placeholder_may_become_any_kind(check, field):
    if field != "build":
        assert check(deployment(f"{field}: '{{{{ $X }}}}'")).codes == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1.10", 'write version: "1.10"'),
        ("schedule: [{cron: '0 0 * * *'}]", "write schedules for a list"),
        ("schedules: {cron: '0 0 * * *'}", "put '- ' before each entry"),
        ("parameters: null", "write parameters: {}, or leave the line out"),
        ("work_pool: {job_variables: null}", "write job_variables: {}"),
        ("work_pool: {name: 5}", 'write name: "5"'),
        ("concurrency_limit: {limit: x}", "'limit' must be a whole number"),
    ],
)
def test_a_wrong_kind_is_told_with_what_to_write(check, text, words):
    found = check(deployment(text)).only
    assert (found.severity, found.code) == ("error", "wrong-type")
    assert words in f"{found.message} {found.hint}"


@pytest.mark.parametrize(
    ("text", "words"), [("- text", "a deployment is a mapping"), ("- [a]", "a deployment"), ("- null", "a deployment")]
)
def test_a_deployment_is_a_mapping(check, text, words):
    found = check(f"deployments:\n{text}\n").only
    assert (found.severity, found.code, found.line, found.column) == ("error", "wrong-type", 2, 3)
    assert words in found.message


@pytest.mark.parametrize("value", ["{}", "{name: x}", "text", "5"])
def test_deployments_are_a_list(check, value):
    assert check(f"deployments: {value}\n").places == [("wrong-type", 1, 14)]


@pytest.mark.parametrize("value", ["null", "[]"])
def test_no_deployments_are_the_file_itself(check, value):
    checked = check(f"deployments: {value}\n")
    assert checked.codes == []
    assert len(checked.file.pipelines) == 1


@pytest.mark.parametrize(
    ("text", "codes"), [("name: 5", ["wrong-type"]), ("prefect-version: 3.1", ["wrong-type"]), ("name: null", [])]
)
def test_the_top_levels_own_values(check, text, codes):
    assert check(f"{text}\n").errors == codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("# x\n", "empty-file"),
        ("- a\n", "not-a-mapping"),
        ("a\n", "not-a-mapping"),
        ("5\n", "not-a-mapping"),
    ],
)
def test_files_that_hold_no_project(check, text, code):
    found = check(text).only
    assert (found.code, found.line, found.column) == (code, 1, 1)
    assert found.severity == ("warning" if code == "empty-file" else "error")


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        ("deploments: []\n", 1, 1, "did you mean 'deployments'?"),
        ("prefect_version: '3'\n", 1, 1, "did you mean 'prefect-version'?"),
        ("version: '3'\n", 1, 1, "it belongs to a deployment"),
        ("xyzzy: 1\n", 1, 1, "Prefect ignores it"),
        (deployment("entry_point: x"), 3, 3, "did you mean 'entrypoint'?"),
        (deployment("job_variables: {}"), 3, 3, "below the deployment's work_pool"),
        (deployment("cron: x"), 3, 3, "an entry of the deployment's schedules"),
        (deployment("is_schedule_active: true"), 3, 3, "write paused"),
        (deployment("infra_overrides: {}"), 3, 3, "job_variables"),
        (deployment("prefect-version: '3'"), 3, 3, "the top level of the file"),
        (deployment("1: x"), 3, 3, "Prefect ignores it"),
        (deployment("work_pool: {concurrency_limit: 1}"), 3, 15, "it belongs to a deployment"),
        (deployment("work_pool: {work_queue: x}"), 3, 15, "did you mean 'work_queue_name'?"),
        (deployment("concurrency_limit: {limits: 1}"), 3, 23, "did you mean 'limit'?"),
    ],
)
def test_an_unknown_key_is_a_warning_that_says_where_it_belongs(check, text, line, column, hint):
    found = check(text).only
    assert (found.severity, found.code, found.line, found.column) == ("warning", "unknown-key", line, column)
    assert hint in found.hint


def test_what_is_anchored_at_the_top_level_is_there_for_its_aliases(check):
    assert check("common: &common {name: x}\ndeployments:\n- *common\n").codes == []


def test_a_deployment_without_a_name_is_called_by_its_number(check):
    checked = check("deployments:\n- name: one\n- name: null\n- entrypoint: x\n")
    assert checked.places == [("unnamed-deployment", 3, 3), ("unnamed-deployment", 4, 3)]
    assert [each.name for each in checked.file.deployments()] == ["one", "#2", "#3"]


@pytest.mark.parametrize(
    ("second", "words"), [("a.py:x", "only the last one would remain"), ("b.py:y", "another flow")]
)
def test_a_name_that_stands_twice_is_a_warning(check, second, words):
    found = check(f"deployments:\n- name: one\n  entrypoint: a.py:x\n- name: one\n  entrypoint: {second}\n").only
    assert (found.severity, found.code, found.line, found.column) == ("warning", "duplicate-deployment", 4, 9)
    assert words in found.message


# Schedules


@pytest.mark.parametrize(
    ("schedule", "code", "words"),
    [
        ("{cron: '0 0 * * *', interval: 60}", "schedule-kind", "both cron and interval"),
        ("{}", "schedule-kind", "none of"),
        ("{timezone: UTC}", "schedule-kind", "none of"),
        ("{cron: null, interval: null}", "schedule-kind", "none of"),
        ("daily", "schedule-kind", "a schedule is a mapping"),
        ("null", "schedule-kind", "a schedule is a mapping"),
        ("{cron: '0 0 * * *', catchup: false}", "schedule-key", "drops every deployment"),
        ("{cron: '0 0 * * *', max_active_runs: 1}", "schedule-key", "concurrency_limit"),
        ("{schedule: {cron: '0 0 * * *'}}", "schedule-key", "without the key 'schedule'"),
        ("{cron: 5}", "schedule-cron", "it is no text"),
        ("{cron: '{{ x'}", "", ""),
        ("{interval: '60'}", "schedule-interval", "without quotes"),
        ("{rrule: 5}", "schedule-rrule", "it is no text"),
        ("{rrule: '{\"rrule\": 1}'}", "schedule-rrule", ""),
        ("{rrule: '{'}", "schedule-rrule", ""),
        ('{rrule: "DTSTART:99999999999999999999999999\\nRRULE:FREQ=DAILY"}', "schedule-rrule", ""),
    ],
)
def test_schedules_that_prefect_refuses(check, schedule, code, words):
    checked = check(deployment(f"schedules: [{schedule}]"))
    assert checked.errors == ([code] if code else [])
    assert not code or words in f"{checked.only.message} {checked.only.hint}"


def test_both_schedule_and_schedules_are_one_too_many(check):
    found = check(deployment("schedule: {cron: '0 0 * * *'}\n  schedules: []")).only
    assert (found.code, found.line, found.column) == ("schedule-kind", 3, 3)
    assert check(deployment("schedule: {}\n  schedules: [{interval: 5}]")).codes == []


@pytest.mark.parametrize(
    "kind", ["cron: '0 0 * * *'", "interval: 60", "rrule: FREQ=DAILY", "cron: '{{ $CRON }}'", "cron: x, cron: '@daily'"]
)
def test_a_schedule_of_one_kind_with_all_that_it_may_have(check, kind):
    rest = "timezone: UTC, anchor_date: '2024-01-01', active: true, parameters: {}, slug: x, replaces: y, day_or: true"
    assert set(check(deployment(f"schedules: [{{{kind}, {rest}}}]")).codes) <= {"duplicate-key"}
    assert all(name in SCHEDULE for name in ("timezone", "anchor_date", "day_or"))


@pytest.mark.parametrize(
    ("zone", "hint"),
    [("Europe/Berln", "Europe/Berlin"), ("nowhere at all", "IANA"), ("../../etc/passwd", ""), ("", "")],
)
def test_a_time_zone_that_is_not_known_here_is_a_warning(check, zone, hint):
    found = check(deployment(f"schedules: [{{cron: '0 0 * * *', timezone: '{zone}'}}]")).only
    assert (found.severity, found.code) == ("warning", "unknown-timezone")
    assert hint in found.hint


GOOD_CRONS = [
    "* * * * *",
    "@daily",
    "@hourly",
    "@yearly",
    "0 0 * * MON-FRI",
    "0 0 1 JAN *",
    "0 0 L * *",
    "0 0 * * 5#2",
    "0 0 * * L5",
]
GOOD_CRONS += [
    "0 0 * * * *",
    "0 0 * * 7",
    "0 0 * * 0,7",
    "0 0 * feb-apr *",
    "*/5 */2 */3 */4 */2",
    "0-10/3 * * * *",
    "5/15 * * * *",
]
GOOD_CRONS += [
    "0 0 31 2 *",
    "0 0 30 2 *",
    "0 0 * * 6-2",
    " 0  0 * * * ",
    "0 0 * * sun",
    "00 08 * * *",
    "0 0 ? * *",
    "1,2,3 * * * *",
]
BAD_CRONS = [
    "",
    "x",
    "* * * *",
    "60 * * * *",
    "* 24 * * *",
    "0 0 0 * *",
    "0 0 32 * *",
    "0 0 * 13 *",
    "0 0 * * 8",
    "*/0 * * * *",
    "1,,2 * * * *",
]
BAD_CRONS += ["R * * * *", "H H * * *", "@every 1h", "-1 * * * *", "0 0 * * XXX", "a b c d e", "@reboot"]


@pytest.mark.parametrize("cron", GOOD_CRONS)
def test_cron_expressions_that_croniter_reads_are_taken(check, cron):
    assert check(deployment(f"schedules: [{{cron: '{cron}'}}]")).codes == []


@pytest.mark.parametrize("cron", BAD_CRONS)
def test_cron_expressions_that_are_none_are_errors(check, cron):
    found = check(deployment(f"schedules: [{{cron: '{cron}'}}]")).only
    assert (found.severity, found.code, found.line, found.column) == ("error", "schedule-cron", 3, 22)


FIELDS = st.lists(
    st.one_of(
        st.sampled_from(
            ["*", "7", "31", "0-59", "*/90", "5/99", "7/2", "5-7", "3-7/2", "10-5", "00", "0-0/1", "*/0", "1-31/40"]
        ),
        st.from_regex(r"(\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,2})?", fullmatch=True),
    ),
    min_size=1,
    max_size=3,
).map(",".join)


@given(st.lists(FIELDS, min_size=4, max_size=6).map(" ".join))
@example("0 0 * * 7")
@example("0 0 31 4,6 *")
@example("*/61 * * * *")
@example("1/100 * * * *")
@example("0 0 * * 3-7/2")
@example("0 0 * * 7/2")
@example("0 0 * * 7-7")
@example("59/2 23/1 31/31 12/12 6/7")
def test_what_is_taken_for_plain_without_croniter_croniter_takes_too(text):
    if _is_plain_cron(text):
        try:
            croniter.expand(text)
        except CroniterError as error:  # pragma: no cover - the failure
            raise AssertionError(f"{text!r}: {error}") from error


# What pydantic, which reads intervals for Prefect, takes and refuses.
GOOD_INTERVALS = [
    60,
    60.5,
    True,
    "PT1H",
    "P1D",
    "P1Y2M3DT4H5M6.7S",
    "P1W",
    "P1DT",
    "PT1,5H",
    "+P1D",
    "10:00",
    "100:00:00",
    "1:00:00",
    "01:00:00.5",
]
GOOD_INTERVALS += [
    "1 day",
    "1d",
    "2 days",
    "2 DAYS",
    "1 day 01:00",
    "1 day, 01:00:00",
    "1 days01:00",
    "25:00",
    "+01:00:00",
]
BAD_INTERVALS = [
    0,
    -1,
    False,
    0.0,
    "",
    " ",
    "60",
    "60.5",
    "+60",
    "1:00",
    "01:60",
    "01:00:60",
    " 01:00:00",
    "1 hour",
    "0.5 day",
    "P",
    "PT",
    "p1d",
]
BAD_INTERVALS += ["P1H", "PT1D", "-P1D", "-PT1H", "P0D", "00:00", "PT0S", "0 days", "daily", None, [1], {"a": 1}]


@pytest.mark.parametrize("value", GOOD_INTERVALS)
def test_lengths_of_time(value):
    assert _interval_problem(value) == ""


@pytest.mark.parametrize("value", BAD_INTERVALS)
def test_what_is_no_length_of_time(value):
    assert _interval_problem(value) != ""


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY", "RRULE:FREQ=DAILY;INTERVAL=2", "freq=daily", "DTSTART:20240101T000000\\nRRULE:FREQ=DAILY"]
)
def test_recurrence_rules(check, rule):
    assert check(deployment(f'schedules: [{{rrule: "{rule}"}}]')).codes == []


def test_a_recurrence_rule_may_be_a_json_object(check):
    assert check(deployment('schedules: [{rrule: \'{"rrule": "FREQ=DAILY"}\'}]')).codes == []
