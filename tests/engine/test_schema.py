"""The JSON Schema of a file: it is one, it knows the keys and steps, and it agrees with validation on structure."""

from __future__ import annotations

import re

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepengine.cli.known_steps import known_steps
from stepengine.entry_points import find_entry_points
from stepengine.schema import meanings
from stepengine.schema.check import SchemaChecker
from stepengine.schema.document import make_schema
from stepengine.schema.steps import FUNCTION
from stepengine.schema.values import annotation_schema
from stepengine.validation import fields
from stepengine.validation.steps import RESERVED
from support.checking import BUILD, CLONE, DIRECTORY, SHELL

STRUCTURE = {
    "empty-file", "id-form", "input-type", "inputs-as-siblings", "missing-input", "not-a-mapping", "schedule-key",
    "schedule-kind", "step-form", "unknown-input", "unknown-key", "unknown-step", "unnamed-deployment", "wrong-type",
}  # fmt: skip
"""What validation tells of a file's form; all else is about its names, its references, and what its values say."""


@pytest.fixture(scope="session")
def entry_points():
    return find_entry_points()


@pytest.fixture(scope="session")
def schema(entry_points, tmp_path_factory):
    return make_schema(known_steps(str(tmp_path_factory.mktemp("nothing")), entry_points, None))


def test_it_is_a_schema_of_draft_7(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_every_key_that_validation_knows_is_described(schema):
    assert list(meanings.TOP_LEVEL) == list(fields.TOP_LEVEL_KEYS) == list(schema["properties"])
    assert list(meanings.DEPLOYMENT) == list(fields.FIELDS)
    assert list(meanings.WORK_POOL) == list(fields.WORK_POOL)
    assert list(meanings.CONCURRENCY_LIMIT) == list(fields.CONCURRENCY_LIMIT)
    assert sorted(meanings.SCHEDULE) == sorted(fields.SCHEDULE)
    assert sorted(meanings.RESERVED) == sorted(RESERVED)
    deployment = schema["definitions"]["deployment"]["properties"]
    assert list(deployment) == list(fields.FIELDS)
    assert all(each["description"] for each in [*deployment.values(), *schema["properties"].values()])


def test_every_registered_step_is_known_with_its_inputs_described(schema, entry_points):
    named = schema["definitions"]["step"]["properties"]
    assert set(named) == {entry.name for entry in entry_points if entry.group == "stepengine.steps"}
    clone = schema["definitions"]["step stepengine_steps.git:git_clone"]
    assert clone["properties"]["branch"]["description"].startswith("A branch or tag")
    assert clone["properties"]["include_submodules"]["type"] == ["boolean", "string"]
    assert clone["properties"]["include_submodules"]["default"] is False
    assert clone["required"] == ["repository"]
    assert "- `directory`: the clone" in clone["description"]
    old = named["prefect.projects.steps.git_clone_project"]
    assert old["deprecated"] is True
    assert old["deprecationMessage"].endswith("write prefect.deployments.steps.git_clone")


@pytest.mark.parametrize("name", ["a.b", "a.b.c", "pkg.mod:do", "é.ü", "path/to/my steps.py:do", "a_1._b"])
def test_the_dotted_name_of_any_function_is_a_step(name):
    assert re.search(FUNCTION, name)


@pytest.mark.parametrize("name", ["git_clon", "", ".", "a..b", "a.b.", ".a", "1.b", "a.1b", "a b.c", "a-b.c", ":"])
def test_what_no_function_is_called_is_no_step(name):
    assert not re.search(FUNCTION, name)


@pytest.fixture
def verdicts(check, entry_points):
    """Gives what validation, and what the schema says of a text: (is it without problems, is it without errors)."""

    def judge(text):
        checked = check(text)
        by_validate = [each for each in checked.found if is_of_structure(each)]
        document = parse(text)
        by_schema = SchemaChecker(known_steps(str(check.directory), entry_points, document)).check(document)
        assert {each.code for each in by_schema} <= {"schema", *checked.codes}
        by_schema = [each for each in by_schema if each.code == "schema"]
        return verdict(by_validate), verdict(by_schema), by_validate, by_schema

    return judge


def parse(text):
    from stepengine.document.parser import parse_document

    return parse_document(text)


def verdict(found):
    return not found, not any(each.severity == "error" for each in found)


def is_of_structure(found):
    """Whether a problem is one of the file's form: not of a number's spelling, or of a name that may exist."""
    if found.code == "unknown-step":
        return found.message.startswith("there is no step")
    if found.code.startswith("schedule-") and found.code not in STRUCTURE:
        return "it is no text" in found.message or "the interval given here" in found.message
    return found.code in STRUCTURE and "is read as the number" not in found.message


def agree(verdicts, text):
    validated, checked, by_validate, by_schema = verdicts(text)
    assert validated == checked, f"{text}\nvalidate: {by_validate}\nschema: {by_schema}"
    return validated


FILE = """\
name: demo
prefect-version: 3.8.8
build:
- prefect_docker.deployments.steps.build_docker_image:
    id: build-image
    requires: prefect-docker>=0.3.1
    image_name: registry.example.com/demos/hello
    tag: '{{ $TAG }}'
    ignore_cache: '{{ $FRESH }}'
    additional_tags: [latest, '{{ $TAG }}']
    buildargs: {VERSION: "3"}
deployments:
- name: daily
  entrypoint: flows.py:daily
  schedules:
  - cron: 0 8 * * *
    timezone: Europe/Berlin
  concurrency_limit: {limit: 2, collision_strategy: ENQUEUE}
  work_pool:
    name: docker
    job_variables:
      image: '{{ build-image.image }}'
  paused: '{{ $PAUSED }}'
  pull:
    prefect.deployments.steps.set_working_directory:
      directory: /opt
"""


def test_a_good_file_has_no_problem(verdicts):
    assert agree(verdicts, FILE) == (True, True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: demo", "name: 5", (False, False)),
        ("name: demo", "nme: demo", (False, True)),
        ("ignore_cache: '{{ $FRESH }}'", "ignore_cache: maybe", (False, True)),
        ("ignore_cache: '{{ $FRESH }}'", "ignore_cache: [true]", (False, False)),
        ("ignore_cache: '{{ $FRESH }}'", "ignore_cache: null", (False, True)),
        ("additional_tags: [latest, '{{ $TAG }}']", "additional_tags: latest", (False, False)),
        ("additional_tags: [latest, '{{ $TAG }}']", "additional_tags: [latest, 5]", (False, True)),
        ("additional_tags: [latest, '{{ $TAG }}']", "additional_tags: [[latest], '{{ $TAG }}']", (False, False)),
        ("ignore_cache", "build_backend: podman\n    ignore_cache", (False, False)),
        ("ignore_cache", "build_backend: buildx\n    ignore_cache", (True, True)),
        ("ignore_cache", "ignore_cash", (False, False)),
        ("    image_name", "    img_name", (False, False)),
        ("    image_name: registry.example.com/demos/hello\n", "", (False, False)),
        ("    additional_tags", "    context: 1\n    additional_tags", (False, False)),
        ("    id: build-image", "  id: build-image", None),
        ("id: build-image", "id: build image", (False, True)),
        ("id: build-image", "id: 7", (False, True)),
        ("id: build-image", "id: [a]", (False, False)),
        ("id: build-image", "id: {a: b}", (False, False)),
        ("id: build-image", "id: 2024-01-01", (False, True)),
        ("requires: prefect-docker>=0.3.1", "requires: 2024-01-01", (False, False)),
        ("tag: '{{ $TAG }}'", "tag: 2024-01-01", (False, False)),
        ("name: demo", "name: 2024-01-01", (False, False)),
        ("requires: prefect-docker>=0.3.1", "requires: [a, 1]", (False, False)),
        ("requires: prefect-docker>=0.3.1", "requires: 5", (False, False)),
        ("requires: prefect-docker>=0.3.1", "requires: []", (True, True)),
        ("- name: daily\n  entry", "- entry", (False, True)),
        ("entrypoint: flows.py:daily", "entrypont: flows.py:daily", (False, True)),
        ("entrypoint: flows.py:daily", "entrypoint: [x]", (False, False)),
        ("entrypoint: flows.py:daily", "parameters: null", (False, False)),
        ("entrypoint: flows.py:daily", "version: 5", (False, False)),
        ("entrypoint: flows.py:daily", "schedule: {cron: 0 0 * * *}", (False, False)),
        ("entrypoint: flows.py:daily", "schedule: {}", (True, True)),
        ("  - cron: 0 8 * * *\n", "  - catchup: true\n", (False, False)),
        ("  - cron: 0 8 * * *\n", "  - cron: 0 8 * * *\n    interval: 5\n", (False, False)),
        ("  - cron: 0 8 * * *\n", "  - cron: 0 8 * * *\n    interval: null\n", (True, True)),
        ("  - cron: 0 8 * * *\n", "  - null\n  - cron: 0 8 * * *\n", (False, False)),
        ("limit: 2", "limit: '2'", (True, True)),
        ("limit: 2", "limit: two", (False, False)),
        ("limit: 2", "limit: 2.5", (False, False)),
        ("limit: 2", "lim: 2", (False, True)),
        ("paused: '{{ $PAUSED }}'", "paused: 'Yes'", (True, True)),
        ("paused: '{{ $PAUSED }}'", "paused: 2", (False, False)),
        ("job_variables:\n      image: '{{ build-image.image }}'", "job_variables: null", (False, False)),
        ("prefect.deployments.steps.set_working_directory:", "my.own.function:", (True, True)),
        ("prefect.deployments.steps.set_working_directory:", "set_working_dir:", (False, False)),
        ("      directory: /opt", "      directory: /opt\n    x: 1", (False, False)),
        ("build:", "shared: &shared 1\nbuild:", (True, True)),
        ("build:", "shared: 1\nbuild:", (False, True)),
    ],
)
def test_what_is_broken_is_told_by_both(verdicts, old, new, expected):
    assert FILE.count(old) >= 1
    found = agree(verdicts, FILE.replace(old, new, 1))
    assert expected in (found, None)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "text", "1", "build:\n-\n- {}\n- x\n", "build: x", "build: {}", "deployments: {}"]
)
def test_other_documents(verdicts, text):
    agree(verdicts, text)


OWN = """
from typing import Any, Literal

def own(text: str, times: int = 1, kind: Literal["a", "b"] | None = None, more: dict[str, list[int]] | None = None): ...
def open_to_all(text: str, **others): ...
def made(*args): ...
"""

SCALARS = [None, True, 0, 1, -1, 1.5, "", "a", "5", "yes", "x y", "é", "{{ $X }}", "x {{ $X }}", "0 0 * * *", "auto"]
STEPS = [SHELL, CLONE, DIRECTORY, BUILD, "git_clone", "own.own", "own.open_to_all", "own.made", "own.py:own"]
STEPS += ["git_clon", "unknown.step", "prefect.projects.steps.git_clone"]
INPUTS = ["id", "requires", "script", "env", "directory", "repository", "branch", "image_name", "tag", "pull"]
INPUTS += [
    "build_backend",
    "additional_tags",
    "buildargs",
    "platforms",
    "text",
    "times",
    "kind",
    "more",
    "context",
    "x",
]

values = st.recursive(
    st.sampled_from(SCALARS),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(INPUTS), below, max_size=2),
    max_leaves=5,
)


def without_empty(given):
    """Leave out an id and requirements that are empty values of another type: validation takes them for none."""
    return {name: value for name, value in given.items() if value or value is None or name not in RESERVED}


inputs = st.fixed_dictionaries(
    {}, optional={"script": st.just("echo"), "repository": st.just("r"), "text": st.just("t")}
)
given_inputs = st.tuples(inputs, st.dictionaries(st.sampled_from(INPUTS), values, max_size=3).map(without_empty))
steps = st.dictionaries(
    st.sampled_from(STEPS), given_inputs.map(lambda pair: {**pair[0], **pair[1]}) | values, max_size=2
)
sections = st.lists(steps | values, max_size=3) | steps | values
schedules = st.dictionaries(st.sampled_from([*fields.SCHEDULE, "schedule", "catchup"]), values, max_size=2)
deployments = st.fixed_dictionaries(
    {"name": st.sampled_from(["one", "two", None, 5])},
    optional={
        **{key: values for key in fields.FIELDS if key not in ("name", "schedule", "schedules")},
        "schedule": schedules | values.filter(lambda each: not isinstance(each, dict)),
        "schedules": st.lists(schedules | values.filter(lambda each: not isinstance(each, dict)), max_size=2),
        "pull": sections,
        "work_pool": st.dictionaries(st.sampled_from([*fields.WORK_POOL, "x"]), values, max_size=3),
        "concurrency_limit": st.dictionaries(st.sampled_from([*fields.CONCURRENCY_LIMIT, "x"]), values, max_size=2),
        "x": values,
    },
)
files = st.fixed_dictionaries(
    {},
    optional={
        "name": values,
        "prefect-version": values,
        "version": values,
        "definitions": values,
        "build": sections,
        "push": sections,
        "pull": sections,
        "deployments": st.lists(deployments | values, max_size=2) | values,
    },
)


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
    deadline=None,
    max_examples=300,
)
@given(files)
def test_schema_and_validation_agree_on_any_documents_structure(check, verdicts, file):
    check.write("own.py", OWN)
    agree(verdicts, yaml.safe_dump(file, sort_keys=False))


GOOD = yaml.safe_load(FILE)


def places(value, path=()):
    """Give the path of each value of a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from places(below, (*path, key))


def changed(value, path, change):
    """Give a copy of a document with one value changed, or left out where the change gives `...`."""
    if not path:
        return change(value)
    copy = value.copy()
    below = changed(copy[path[0]], path[1:], change)
    if below is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = below
    return copy


def with_more(value, key, more):
    return {**value, key: more} if isinstance(value, dict) else [*value, more] if isinstance(value, list) else more


changes = (
    values.map(lambda new: lambda _: new)
    | st.just(lambda _: ...)
    | st.tuples(st.sampled_from([*fields.FIELDS, *fields.SCHEDULE, *INPUTS, *STEPS]), values).map(
        lambda pair: lambda old: with_more(old, *pair)
    )
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from([path for path in places(GOOD) if path]), changes)
def test_they_agree_on_a_good_file_with_one_change(check, verdicts, path, change):
    check.write("own.py", OWN)
    file = changed(GOOD, path, change)
    step = next(iter(file.get("build") or [{}]), None) if isinstance(file.get("build"), list) else None
    for inputs_of_step in step.values() if isinstance(step, dict) else ():
        if isinstance(inputs_of_step, dict) and inputs_of_step != without_empty(inputs_of_step):
            return
    agree(verdicts, yaml.safe_dump(file, sort_keys=False))


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("str", ["a", "{{ x }}"], [1, None, ["a"]]),
        ("int | None", [1, None, "{{ x }}"], ["1", True, 1.0, [1]]),
        ("bool", [True, "{{ x }}"], [0, "true"]),
        ("list[int]", [[], [1, "{{ x }}"], "{{ x }}"], [["a"], 1, {}]),
        ("dict[str, list[str]]", [{}, {"a": ["b"]}], [{"a": "b"}, []]),
        ("list[int] | list[str]", [[1], ["a"]], [[[]], "a"]),
        ("Literal['a', 'b'] | int", ["a", 1, "{{ x }}"], ["c", None]),
        ("Any", [1, None, []], []),
        ("", [1], []),
        ("Path", [1], []),
        ("Optional[str]", ["a", None], [1]),
    ],
)
def test_the_schema_of_an_annotation(annotation, good, bad, entry_points):
    from stepengine.schema.check import _validator

    validator = _validator(annotation_schema(annotation, strict=True))
    assert [value for value in good if not validator.is_valid(value)] == []
    assert [value for value in bad if validator.is_valid(value)] == []
