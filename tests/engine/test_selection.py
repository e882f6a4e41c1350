"""--deployment, --only and --set: what of a file runs, and with which inputs."""

from __future__ import annotations

import pytest

from stepengine.catalogue.registry import Registry
from stepengine.document.nodes import node_at
from stepengine.document.parser import parse_document
from stepengine.errors import UsageError
from stepengine.planning.selection import apply_overrides, parse_sections, select_pipelines
from stepengine.validation import validate_document
from support.checking import BUILD, CLONE, DIRECTORY, PUSH, SHELL

# --deployment

TWO = f"deployments:\n- name: one\n- name: two\n- name: three\n  build:\n  - {SHELL}: {{script: x}}\n- entrypoint: x\n"


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([], [["one", "two", "#4"], ["three"]]),
        (["two"], [["two"]]),
        (["three", "one"], [["one"], ["three"]]),
        (["one", "one"], [["one"]]),
        (["#4"], [["#4"]]),
    ],
)
def test_deployments_are_chosen_by_name(check, names, chosen):
    pipelines = select_pipelines(check(TWO).file, names)
    assert [[each.name for each in pipeline.deployments] for pipeline in pipelines] == chosen


def test_two_deployments_of_one_name_are_both_chosen(check):
    (pipeline,) = select_pipelines(
        check("deployments:\n- {name: a, entrypoint: x}\n- {name: a, entrypoint: y}\n").file, ["a"]
    )
    assert len(pipeline.deployments) == 2


@pytest.mark.parametrize(
    ("text", "name", "hint"),
    [
        (TWO, "tow", "did you mean 'two'?"),
        (TWO, "xyzzy", "the file has: one, two, three, #4"),
        ("name: x", "one", "the file has none"),
        (TWO, "", "the file has: "),
    ],
)
def test_a_deployment_that_is_not_there_is_told_with_those_that_are(check, text, name, hint):
    with pytest.raises(UsageError, match="there is no deployment") as raised:
        select_pipelines(check(text).file, [name])
    assert hint in raised.value.hint
    assert raised.value.exit_code == 2


# --only


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        (None, ("build", "push", "pull")),
        ("build", ("build",)),
        ("push,build", ("build", "push")),
        (" pull , build ,", ("build", "pull")),
        ("push,push", ("push",)),
    ],
)
def test_sections_run_in_their_own_order(text, sections):
    assert parse_sections(text) == sections


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("biuld", "did you mean 'build'?"),
        ("build,x", "there are: build, push, pull"),
        ("", "there are: "),
        (",", "there are: "),
    ],
)
def test_a_section_that_does_not_exist(text, hint):
    with pytest.raises(UsageError) as raised:
        parse_sections(text)
    assert hint in raised.value.hint


# --set


@pytest.fixture
def override(tmp_path):
    """Gives what applies overrides to a text, and gives the document."""

    def apply(text, *overrides):
        document = parse_document(text)
        registry = Registry(str(tmp_path))
        apply_overrides(document, overrides, registry)
        return document, validate_document(document, registry)

    return apply


IMAGE = f"build:\n- {BUILD}:\n    id: build-image\n    image_name: x\npush:\n- {PUSH}: {{image_name: '{{{{ build-image.image_name }}}}'}}\n"


@pytest.mark.parametrize("target", ["build-image", BUILD, "build_docker_image"])
def test_a_step_is_named_by_id_name_or_last_part(override, target):
    document, file = override(IMAGE, f"{target}.image_name=localhost:5000/y")
    assert node_at(document.root, ("build", 0, BUILD, "image_name")).value == "localhost:5000/y"
    assert file.is_valid


def test_an_input_that_the_file_does_not_have_is_added(override):
    _, file = override(IMAGE, "build-image.tag=v1", "build-image.nocache=true")
    step = file.pipelines[0].steps["build"][0]
    assert (step.inputs["tag"], step.inputs["nocache"], file.diagnostics) == ("v1", True, ())


def test_a_step_without_inputs_gets_its_first(override):
    _, file = override(f"build:\n- {SHELL}:\n", "run_shell_script.script=make")
    assert file.pipelines[0].steps["build"][0].inputs == {"script": "make"}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("tag=1.10", "1.10"),
        ("tag=", ""),
        ("tag=a=b", "a=b"),
        ("tag={{ $TAG }}", "{{ $TAG }}"),
        ("tag=[a]", "[a]"),
        ("additional_tags=[a, b]", ["a", "b"]),
        ("additional_tags=['{{ $TAG }}', b]", "['{{ $TAG }}', b]"),
        ("nocache=yes", True),
        ("buildargs={A: 1, B: {c: d}}", {"A": 1, "B": {"c": "d"}}),
        ("labels=", None),
    ],
)
def test_a_value_is_text_where_the_input_is_and_yaml_elsewhere(override, given, value):
    document, _ = override(IMAGE, f"build-image.{given}")
    assert node_at(document.root, ("build", 0, BUILD, given.partition("=")[0])).value == value


def test_the_last_of_several_counts(override):
    document, _ = override(IMAGE, "build-image.tag=a", "build-image.tag=b")
    assert node_at(document.root, ("build", 0, BUILD, "tag")).value == "b"


def test_an_override_is_checked_like_the_file_at_the_steps_place(override):
    with pytest.raises(UsageError, match=r"--set build-image.imagename: build_docker_image has no input") as caught:
        override(IMAGE, "build-image.imagename=x")
    assert caught.value.hint == "did you mean 'image_name'?"
    _, file = override(IMAGE, "build-image.image_name={{ nothing.x }}")
    assert [(each.code, each.line) for each in file.diagnostics] == [("unknown-reference", 4)]


def test_a_step_that_deployments_share_is_set_for_all(override):
    text = f"definitions:\n  build: &build\n  - {SHELL}: {{id: make, script: x}}\ndeployments:\n- {{name: a, build: *build}}\n- {{name: b, build: *build}}\n"
    _, file = override(text, "make.script=y")
    (pipeline,) = file.pipelines
    assert pipeline.steps["build"][0].inputs == {"script": "y"}


def test_steps_of_one_id_are_all_set(override):
    text = "deployments:\n" + "".join(
        f"- name: d{n}\n  build:\n  - {SHELL}: {{id: make, script: x{n}}}\n" for n in range(3)
    )
    _, file = override(text, "make.script=y")
    assert len(file.pipelines) == 1


def test_a_section_of_one_step_and_merged_inputs_can_be_set(override):
    text = (
        f"definitions: {{base: &base {{repository: x, branch: y}}}}\npull:\n  {CLONE}:\n    <<: *base\n    id: clone\n"
    )
    document, _ = override(text, "clone.branch=z")
    assert node_at(document.root, ("pull", CLONE)).value == {"repository": "x", "branch": "z", "id": "clone"}
    assert node_at(document.root, ("definitions", "base", "branch")).value == "y"


@pytest.mark.parametrize("text", ["tag", "tag=x", ".tag=x", "build-image.=x", "=x", "", ".", "build-image.tag"])
def test_an_override_of_another_form_is_told(override, text):
    with pytest.raises(UsageError, match=r"not of the form STEP\.INPUT=VALUE"):
        override(IMAGE, text)


@pytest.mark.parametrize(
    ("target", "hint"),
    [("build_image", "did you mean 'build-image'?"), ("xyzzy", "there are: build-image, push_docker_image")],
)
def test_a_step_that_is_not_there_is_told_with_those_that_are(override, target, hint):
    with pytest.raises(UsageError, match="there is no step") as raised:
        override(IMAGE, f"{target}.tag=x")
    assert raised.value.hint == hint


@pytest.mark.parametrize(
    "text", ["", "- a\n", "name: x\n", "build: x\n", "build:\n- x\n- {a: 1, b: 2}\n- {1: {}}\n- {x: y}\n"]
)
def test_a_file_without_steps_has_none_to_set(override, text):
    with pytest.raises(UsageError, match="there is no step 'a'"):
        override(text, "a.b=c")


def test_a_name_of_several_steps_is_told_with_their_lines(override):
    text = f"build:\n- {DIRECTORY}:\n    directory: a\n- {DIRECTORY}:\n    directory: b\n"
    with pytest.raises(UsageError, match=r"names several steps \(lines 3, 5\)") as raised:
        override(text, "set_working_directory.directory=c")
    assert "give them ids" in raised.value.hint


@pytest.mark.parametrize("value", ["[a", "{a: b", "*x", "a: b: c", "{{ x"])
def test_a_value_that_is_no_yaml_is_told(override, value):
    if "{{" in value:
        override(IMAGE, f"build-image.labels={value}")
        return
    with pytest.raises(UsageError, match="--set labels: "):
        override(IMAGE, f"build-image.labels={value}")
