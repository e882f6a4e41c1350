"""Laws of validation: any document is checked without an exception, and what is told is true to the text."""

from __future__ import annotations

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepengine.catalogue.registry import Registry
from stepengine.diagnostics.pages import PAGES
from stepengine.diagnostics.text import render_diagnostic
from stepengine.document.parser import parse_document
from stepengine.terminal import Style
from stepengine.validation import validate_document
from stepengine.validation.fields import CONCURRENCY_LIMIT, FIELDS, SCHEDULE, TOP_LEVEL_KEYS, WORK_POOL
from support.checking import BUILD, CLONE, DIRECTORY, PUSH, SHELL

STEPS = [
    SHELL,
    CLONE,
    DIRECTORY,
    BUILD,
    PUSH,
    "git_clone",
    "prefect.projects.steps.git_clone",
    "get_clone",
    "os.getcwd",
    "json:dumps",
]
STEPS += ["a.b", "x", "", ".", "a..b", ":", 1, None]
INPUTS = [
    "id",
    "requires",
    "script",
    "directory",
    "repository",
    "image_name",
    "tag",
    "dockerfile",
    "additional_tags",
    "env",
    "x",
    1,
    None,
]
SCALARS = [
    None,
    True,
    0,
    1,
    -1,
    1.5,
    float("nan"),
    10**50,
    "",
    "a",
    "one",
    "x\ny",
    "é漢",
    "{{ one.stdout }}",
    "{{ two }}",
    "{{ A }}",
    "{{ x",
]
SCALARS += [
    "{{ prefect.blocks.a.b }}",
    "{{ $X }}",
    "{{.Id}}",
    "{{ a | default( }}",
    "{{ a.b | upper }}",
    "{{ event.x }}",
    "{{ one.no }}",
]
SCALARS += ["0 0 * * *", "@daily", "* *", "PT1H", "FREQ=DAILY", "UTC", "auto", "/x", "prefect-docker>=1", "a | b"]

values = st.recursive(
    st.sampled_from(SCALARS),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from([*INPUTS, *SCHEDULE]), below, max_size=3)
    ),
    max_leaves=6,
)
steps = st.dictionaries(
    st.sampled_from(STEPS), st.dictionaries(st.sampled_from(INPUTS), values, max_size=4) | values, max_size=2
)
sections = st.lists(steps, max_size=3) | steps | values
schedules = st.dictionaries(st.sampled_from([*SCHEDULE, "schedule", "catchup"]), values, max_size=3)
deployments = st.dictionaries(st.sampled_from([*FIELDS, "job_variables", 1]), values, max_size=4).flatmap(
    lambda fields: st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["one", "two", None, 5]),
            "build": sections,
            "pull": sections,
            "schedules": st.lists(schedules, max_size=2),
            "work_pool": st.dictionaries(st.sampled_from([*WORK_POOL, "x"]), values, max_size=3),
            "concurrency_limit": st.dictionaries(st.sampled_from([*CONCURRENCY_LIMIT, "x"]), values, max_size=2),
        },
    ).map(lambda own: {**fields, **own})
)
files = st.fixed_dictionaries(
    {},
    optional={
        "build": sections,
        "push": sections,
        "pull": sections,
        "deployments": st.lists(deployments, max_size=3) | values,
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(files, st.dictionaries(st.sampled_from([*TOP_LEVEL_KEYS, "version", 1]), values, max_size=2), st.booleans())
def test_any_document_is_checked_and_each_problem_told_once_at_its_place(tmp_path, file, rest, compat):
    written = {**rest, **file}
    text = yaml.safe_dump(written, sort_keys=False)
    checked = validate_document(parse_document(text), Registry(str(tmp_path)), "here", prefect_compat=compat)
    assert len(set(checked.diagnostics)) == len(checked.diagnostics)
    assert list(checked.diagnostics) == sorted(checked.diagnostics, key=lambda found: (found.line, found.column))
    for found in checked.diagnostics:
        page = PAGES[found.code]
        assert found.severity in page.severity.split(" or ") or (compat and found.severity == "warning")
        assert 1 <= found.column <= len(checked.source.line(found.line)) + 1
        assert found.message.isprintable()
        assert found.hint.isprintable()
        assert len(render_diagnostic(found, checked.source, Style(enabled=False)).splitlines()) in (1, 2, 3, 4)
    assert checked.is_valid == all(found.severity == "warning" for found in checked.diagnostics)
    names = [deployment.name for deployment in checked.deployments()]
    entries = written.get("deployments")
    assert len(names) == sum(isinstance(each, dict) for each in (entries if isinstance(entries, list) else ()))


KEYS = st.sampled_from([*FIELDS, *WORK_POOL, *SCHEDULE]).flatmap(
    lambda key: st.integers(0, len(key) - 1).map(lambda at: key[:at] + "q" + key[at + 1 :])
)


@given(KEYS, st.integers(0, 3))
def test_an_unknown_key_is_told_on_its_own_line(tmp_path_factory, key, before):
    text = "deployments:\n- name: one\n" + "".join(f"  # {number}\n" for number in range(before)) + f"  {key}: null\n"
    checked = validate_document(parse_document(text), Registry("."), "here")
    found = next(each for each in checked.diagnostics if each.code in ("unknown-key", "wrong-type"))
    assert checked.source.line(found.line)[2:].startswith(key)
