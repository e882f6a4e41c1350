"""Sections and steps: form, names, inputs, ids. What Prefect would run is never an error."""

from __future__ import annotations

import pytest

from support.checking import BUILD, CLONE, DIRECTORY, PUSH, SHELL

# What Prefect 3.8.8's loader accepts and its run_step runs; checked against both by hand.
LEGAL = [
    f"build: {{{SHELL}: {{script: make}}}}",
    f"build:\n  {SHELL}:\n    script: make",
    "build: []\npush: {}\npull: null",
    f"build:\n- {{}}\n- {SHELL}: {{script: make}}",
    f"build:\n- {SHELL}: {{script: make, id: null, requires: null}}",
    f"build:\n- {SHELL}: {{script: make, requires: []}}",
    f"build:\n- {SHELL}: {{script: make, requires: ''}}",
    f"build:\n- {SHELL}: {{script: make, requires: false}}",
    f"build:\n- {SHELL}: {{script: make, requires: [pip, packaging]}}",
    f"build:\n- {SHELL}: {{script: make, id: 7}}",
    f"build:\n- {SHELL}: {{script: make, id: one}}\n- {SHELL}: {{script: make, id: one}}",
    f"build:\n- {SHELL}: {{script: make, directory: null, env: null}}",
    f"build:\n- {SHELL}: {{script: make, env: {{A: 1, C: true}}}}",
    f"build:\n- {SHELL}: {{script: 1}}",
    f"build:\n- {SHELL}: {{script: make, stream_output: 'yes'}}",
    f"pull:\n- {CLONE}: {{repository: x, access_token: null, credentials: null, branch: null}}",
    f"pull:\n- {CLONE}: {{repository: x, branch: 3.1, commit_sha: 123}}",
    f"pull:\n- {CLONE}: {{repository: x, credentials: '{{{{ prefect.blocks.github-credentials.mine }}}}'}}",
    f"build:\n- {BUILD}: {{image_name: x, tag: 1.10, buildargs: {{A: b}}, platform: linux/amd64}}",
    f"deployments:\n- name: one\n  pull: []\n  build: null\n- name: two\n  push: {{{PUSH}: {{image_name: x}}}}",
    "build:\n- os.path.join: {a: b}",
    "build:\n- os.getcwd: {}",
    "build:\n- json:dumps: {obj: 1, sort_keys: true}",
    "build:\n- collections.Counter: {a: 1}",
    "unknown: 1\nbuild: []\n1: a",
]


@pytest.mark.parametrize("text", LEGAL)
def test_what_prefect_would_run_is_no_error(check, text):
    assert check(text).errors in ([], ["unknown-input"] if "os.path.join" in text else [])


def test_a_section_may_be_one_step(check):
    checked = check(f"build:\n  {SHELL}:\n    script: make\n    id: one\n")
    assert checked.codes == []
    assert [step.id for step in checked.file.pipelines[0].steps["build"]] == ["one"]


def test_empty_and_null_steps_are_skipped(check):
    checked = check(f"build:\n- null\n- {{}}\n- {SHELL}: {{script: make}}\n-\n")
    assert checked.codes == []
    assert len(checked.file.pipelines[0].steps["build"]) == 1


def test_a_deployments_own_null_section_is_the_files_and_an_empty_one_is_none(check):
    text = f"pull:\n- {DIRECTORY}: {{directory: /x}}\ndeployments:\n- name: a\n  pull: null\n- name: b\n  pull: []\n- name: c\n"
    checked = check(text)
    assert [[each.name for each in pipeline.deployments] for pipeline in checked.file.pipelines] == [["a", "c"], ["b"]]
    assert [len(pipeline.steps["pull"]) for pipeline in checked.file.pipelines] == [1, 0]


def test_the_same_steps_written_twice_are_one_pipeline(check):
    step = f"[{{{SHELL}: {{script: make}}}}]"
    checked = check(f"deployments:\n- name: a\n  build: {step}\n- name: b\n  build: {step}\n")
    assert [[each.name for each in pipeline.deployments] for pipeline in checked.file.pipelines] == [["a", "b"]]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (f"pull:\n- {DIRECTORY}\n", (2, 3), f"write '- {DIRECTORY}:'"),
        (f"pull:\n- {DIRECTORY}: /x\n", (2, 52), "each as 'input: value'"),
        (f"pull:\n- {DIRECTORY}: [a]\n", (2, 52), "each as 'input: value'"),
        ("pull:\n- [a]\n", (2, 3), "step.name"),
        ("pull:\n- 1: {a: b}\n", (2, 3), "'1' is no step name"),
        ("pull:\n- null: {a: b}\n", (2, 3), "'null' is no step name"),
    ],
)
def test_an_entry_that_is_no_step(check, text, place, words):
    found = check(text).only
    assert (found.severity, found.code, (found.line, found.column)) == ("error", "step-form", place)
    assert words in f"{found.message} {found.hint}"


@pytest.mark.parametrize("text", ["build: make\n", "build: 1\n", "build: true\n"])
def test_a_section_is_a_list(check, text):
    assert check(text).places == [("wrong-type", 1, 8)]


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (f"pull:\n- {DIRECTORY}:\n  directory: /x\n", (3, 3), "stand beside its name instead of below it: directory"),
        (f"pull:\n- {DIRECTORY}:\n  directory: /x\n", (3, 3), "indent them to column 7"),
        (f"pull:\n- {CLONE}:\n    repository: x\n  branch: y\n", (4, 3), "'branch' stands beside the step"),
        (f"pull:\n- {CLONE}:\n    repository: x\n  {SHELL}:\n    script: y\n", (4, 3), "a second step in one entry"),
        (
            f"pull:\n  {CLONE}:\n    repository: x\n  {SHELL}:\n    script: y\n",
            (4, 3),
            "put '- ' before each step's name",
        ),
    ],
)
def test_inputs_beside_the_name(check, text, place, words):
    found = check(text).only
    assert (found.severity, found.code, (found.line, found.column)) == ("error", "inputs-as-siblings", place)
    assert words in f"{found.message} {found.hint}"


# Names


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("prefect.deployments.steps.get_clone", CLONE),
        ("prefect.deployments.steps.clone_repo", ""),
        ("prefect.deployments.steps.shell_script", SHELL),
        ("prefect.deployments.steps.run_shell", SHELL),
        ("prefect.deployment.steps.git_clone", CLONE),
        ("prefect_docker.deployments.steps.build_docker_images", BUILD),
        ("prefect_dokcer.deployments.steps.build_docker_image", BUILD),
        ("prefct.deployments.steps.git_clone", CLONE),
        ("prefect.deployments.git_clone", CLONE),
        ("get_clone", "git_clone"),
        ("shell_script", "run_shell_script"),
        ("build_docker", "build_docker_image"),
    ],
)
def test_a_misspelt_step_is_an_error_with_the_one_that_is_meant(check, name, meant):
    found = check(f"pull:\n- {name}: {{}}\n").only
    assert (found.severity, found.code, found.line, found.column) == ("error", "unknown-step", 2, 3)
    assert meant in found.hint
    assert name in found.message


@pytest.mark.parametrize(
    ("section", "requires", "severity"),
    [
        ("build", "", "error"),
        ("push", "prefect-aws>=0.3", "warning"),
        ("pull", "", "warning"),
        ("pull", "prefect-aws", "warning"),
    ],
)
def test_a_step_of_a_package_that_is_not_here_may_be_elsewhere(check, section, requires, severity):
    found = check(
        f"{section}:\n- prefect_aws.deployments.steps.push_to_s3: {{bucket: x, requires: '{requires}'}}\n"
    ).only
    assert (found.severity, found.code) == (severity, "unknown-step")
    assert "there is no package prefect_aws" in found.message
    assert found.hint == (
        "its inputs are checked once what it requires is there: stepengine run --install"
        if requires
        else "install what has it, and add 'requires: prefect-aws'"
    )
    assert "pull_with_block" not in found.hint  # it sounds alike, and does something else


@pytest.mark.parametrize(
    "name", ["''", "'.'", "'a..b'", "'a b.c'", "'1.2'", "'a.b:'", "':a'", "'a:b:c'", "'..a'", "'a\\n.b'", "'../x.y'"]
)
def test_a_name_that_nothing_can_have_is_an_error(check, name):
    assert check(f"build:\n- {name}: {{}}\n").errors == ["unknown-step"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("prefect.projects.steps.git_clone_project", CLONE),
        ("prefect.projects.steps.git_clone", CLONE),
        ("prefect.projects.steps.run_shell_script", SHELL),
        ("prefect_docker.projects.steps.build_docker_image", BUILD),
    ],
)
def test_an_old_name_is_told_once_a_file(check, old, new):
    text = f"pull:\n- {old}: {{repository: x, script: x, image_name: x}}\n"
    checked = check(text + f"- {old}: {{repository: x, script: x, image_name: x}}\n")
    (found,) = [each for each in checked.found if each.code == "deprecated-name"]
    assert (found.severity, found.line, found.column) == ("warning", 2, 3)
    assert found.hint == f"write {new}"


# Inputs


@pytest.mark.parametrize(
    ("step", "given", "meant"),
    [
        (DIRECTORY, "path: /x", "it has: directory"),
        (CLONE, "repository: x, reference: main", "it has: "),
        (CLONE, "repository: x, destination: y", "it has: "),
        (CLONE, "repository: x, directory: y", "did you mean 'directories'?"),
        (CLONE, "repositry: x", "did you mean 'repository'?"),
        (SHELL, "scripts: x", "did you mean 'script'?"),
        (SHELL, "script: x, working_directory: y", ""),
        (SHELL, "script: x, stream-output: true", "did you mean 'stream_output'?"),
        (BUILD, "image_name: x, image_tag: y", "did you mean 'tag'?"),
        (BUILD, "image_nam: y", "did you mean 'image_name'?"),
        (SHELL, "script: x, scripts: y", "it has: "),
    ],
)
def test_an_unknown_input_is_told_with_the_one_that_is_meant(check, step, given, meant):
    checked = check(f"pull:\n- {step}: {{{given}}}\n")
    found = next(each for each in checked.found if each.code == "unknown-input")
    assert found.severity == "error"
    assert meant in found.hint
    key = checked.file.source.line(2)[found.column - 1 :].partition(":")[0]
    assert repr(key) in found.message


def test_variables_may_be_numbers_and_booleans(check):
    assert check(f"build:\n- {SHELL}: {{script: x, env: {{A: 1, B: 1.5, C: true, D: e, E: '3.10'}}}}\n").codes == []


def test_a_misspelt_input_is_not_told_as_missing_too(check):
    assert check(f"build:\n- {SHELL}: {{scrip: make}}\n").codes == ["unknown-input"]


def test_inputs_that_are_no_names_are_told_once(check):
    assert check(f"build:\n- {SHELL}: {{script: make, 1: a, null: b}}\n").codes == ["unknown-input"] * 2


@pytest.mark.parametrize("inputs", ["", " {}", " null", " {id: x}"])
def test_a_missing_input_is_told_at_the_name(check, inputs):
    found = check(f"build:\n- {SHELL}:{inputs}\n").only
    assert (found.severity, found.code, found.line, found.column) == ("error", "missing-input", 2, 3)
    assert found.hint == "write 'script: …' below it"


@pytest.mark.parametrize(
    ("step", "given", "severity", "words"),
    [
        (BUILD, "image_name: x, additional_tags: latest", "error", "write a list: [latest]"),
        (BUILD, "image_name: [x]", "error", "must be a text, not a list"),
        (BUILD, "image_name: null", "error", "must be a text, not null"),
        (BUILD, "image_name: x, tag: 3.10", "warning", "read as the number 3.1, not as 3.10"),
        (BUILD, "image_name: x, tag: yes", "warning", "this is true or false"),
        (BUILD, "image_name: x, ignore_cache: 'no'", "warning", "should be true or false"),
        (SHELL, "script: x, env: [A=b]", "error", "must be a mapping, not a list"),
        (SHELL, "script: x, shell: null", "warning", "leave the line out"),
        (SHELL, "script: x, env: {A: b, C: null}", "error", "'env.C' must be a text or a number or true or false, not"),
        (SHELL, "script: x, env: {A: b, C: [1]}", "error", "not a list"),
        (SHELL, "script: x, env: {A: b, C: {d: e}}", "error", "not a mapping"),
        (SHELL, "script: x, env: {A: b, C: 3.10}", "warning", "'env.C' is read as the number 3.1, not as 3.10"),
        (BUILD, "image_name: x, additional_tags: [a, 3.10]", "warning", 'write "3.10"'),
        (BUILD, "image_name: x, additional_tags: [a, [b]]", "error", "'additional_tags.1' must be a text, not a list"),
        (DIRECTORY, "directory: 2024-01-01", "error", "not a date"),
    ],
)
def test_a_value_of_another_type(check, step, given, severity, words):
    found = check(f"build:\n- {step}: {{{given}}}\n").only
    assert (found.severity, found.code) == (severity, "input-type")
    assert words in f"{found.message} {found.hint}"


@pytest.mark.parametrize("value", ["'{{ a.b }}'", "['{{ a.b }}']"])
def test_a_placeholder_may_become_any_type(check, value):
    text = f"build:\n- os.getcwd: {{id: a}}\n- {BUILD}: {{image_name: x, additional_tags: {value}}}\n"
    assert "input-type" not in check(text).codes


@pytest.mark.parametrize("value", ["{x: '{{ a.b }}'}", "['{{ a.b }}', [x]]"])
def test_what_is_around_a_placeholder_keeps_its_type(check, value):
    text = f"build:\n- os.getcwd: {{id: a}}\n- {BUILD}: {{image_name: x, additional_tags: {value}}}\n"
    assert check(text).errors == ["input-type"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1.5", "'requires' must be"),
        ("{a: b}", "'requires' must be"),
        ("[1]", "'requires' must be"),
        ("[null]", "'requires' must be"),
    ],
)
def test_requires_is_a_text_or_a_list_of_texts(check, value, message):
    found = check(f"build:\n- {SHELL}: {{script: x, requires: {value}}}\n").only
    assert (found.severity, found.code) == ("error", "wrong-type")
    assert message in found.message


@pytest.mark.parametrize(
    ("value", "severity"),
    [("7", "warning"), ("1.5", "warning"), ("true", "warning"), ("[a]", "error"), ("{a: b}", "error")],
)
def test_an_id_is_a_text(check, value, severity):
    found = check(f"build:\n- {SHELL}: {{script: x, id: {value}}}\n").only
    assert (found.severity, found.code) == (severity, "wrong-type")


@pytest.mark.parametrize("value", ["''", "null", "0", "false", "[]"])
def test_an_empty_id_is_none(check, value):
    checked = check(f"build:\n- {SHELL}: {{script: x, id: {value}}}\n")
    assert checked.codes == []
    assert checked.file.pipelines[0].steps["build"][0].id == ""


def test_an_id_that_stands_twice_is_a_warning_at_the_second(check):
    text = f"build:\n- {SHELL}:\n    id: one\n    script: a\npush:\n- {SHELL}:\n    id: one\n    script: b\n"
    found = check(text).only
    assert (found.severity, found.code, found.line, found.column) == ("warning", "duplicate-id", 7, 9)
    assert "line 2" in found.hint


def test_a_step_may_warn_of_its_inputs(check):
    found = check(f"build:\n- {SHELL}:\n    script: a | b\n").only
    assert (found.severity, found.code) == ("warning", "step-check")
    assert "shell: true" in found.message


def test_an_input_too_large_for_placeholders_is_told_with_its_place(check):
    lines = ["a0: &a0 ['{{ x }}', y, y, y, y, y, y, y, y, y]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    checked = check("definitions:\n  " + "\n  ".join(lines) + f"\nbuild:\n- {SHELL}: {{script: x, env: *a5}}\n")
    assert "yaml-limit" in checked.errors


def test_where_auto_puts_the_project(check):
    text = f"build:\n- {BUILD}: {{image_name: x, dockerfile: auto}}\npull:\n- {DIRECTORY}: {{directory: %s}}\n"
    found = check(text % "/opt/my_directory").only
    assert (found.severity, found.code, found.line) == ("warning", "pull-directory", 4)
    assert "/opt/prefect/project" in found.message
    for directory in ("/opt/prefect/other", "/opt/prefect/project2", "/opt/prefect/project/../x", "/opt/prefect"):
        assert check(text % directory).codes == ["pull-directory"]
    for directory in ("/opt/prefect/project", "/opt/prefect/project/flows/", "flows", "'{{ $X }}'"):
        assert check(text % directory).codes == []
    assert check(text.replace("auto", "Dockerfile") % "/opt/x").codes == []


def test_the_context_is_no_input_even_of_a_step_that_takes_any(check):
    (check.directory / "mine.py").write_text(
        "from stepengine.plugin import Context\ndef make(*, run: Context, **more): ...\n"
    )
    found = check("build:\n- mine.make: {run: 1, other: 2}\n").only
    assert (found.severity, found.code) == ("error", "unknown-input")
    assert "no input 'run'" in found.message


CHECKED = """
from stepengine.plugin import step

def check(inputs):
    {check}

@step(check=check)
def make(script, tags=None): ...
"""


@pytest.fixture
def check_of_a_third_party(check, monkeypatch):
    """Gives what checks a step of another distribution whose own check has a body."""
    from stepengine.catalogue import registry
    from stepengine.entry_points import STEPS, EntryPoint

    def run(body, text):
        name = f"checked_{abs(hash(body))}"
        (check.directory.parent / f"{name}.py").write_text(CHECKED.format(check=body))
        monkeypatch.syspath_prepend(str(check.directory.parent))
        entry = EntryPoint(STEPS, "loud.make", f"{name}:make", "loud 1.0")
        monkeypatch.setattr(registry, "find_entry_points", lambda: [entry])
        return check(text)

    return run


def test_what_a_third_partys_check_changes_is_not_what_the_step_gets(check_of_a_third_party):
    checked = check_of_a_third_party(
        "inputs['tags'].append('x'); inputs['script'] = ''; return []", "build:\n- loud.make: {script: a, tags: [b]}\n"
    )
    assert checked.codes == []
    assert checked.file.pipelines[0].steps["build"][0].inputs == {"script": "a", "tags": ["b"]}


@pytest.mark.parametrize("body", ["raise SystemExit(0)", "raise ValueError(inputs)", "return 1"])
def test_a_third_partys_check_that_fails_is_a_warning(check_of_a_third_party, body):
    found = check_of_a_third_party(body, "build:\n- loud.make: {script: a}\n").only
    assert (found.severity, found.code) == ("warning", "step-check")
    assert "the check of loud.make failed" in found.message
