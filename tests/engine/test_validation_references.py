"""References: to what is there, comes later, is elsewhere, or is nothing; in steps, in fields, in expressions."""

from __future__ import annotations

import pytest

from support.checking import BUILD, CLONE, DIRECTORY, PUSH, SHELL

IMAGE = f"build:\n- {BUILD}:\n    id: build-image\n    image_name: x\n"
FIELD = "deployments:\n- name: one\n  work_pool:\n    job_variables:\n      image: %s\n"


@pytest.mark.parametrize(
    "placeholder",
    [
        *(
            "{{ build-image.image }}",
            "{{build-image.image}}",
            "{{ image }}",
            "{{ build-image }}",
            "{{ build-image['image'] }}",
        ),
        *(
            "{{ build-image.image | upper }}",
            "{{ nothing.at.all | default('x') }}",
            "{{ nothing is defined }}",
            "{{ $HOME }}",
        ),
        *(
            "{{ prefect.blocks.secret.x }}",
            "{{ prefect.variables.x }}",
            "{{ prefect_docker.docker-registry-credentials.x }}",
        ),
        *("{{ }}", "{% raw %}", "{single}", "x {{ build-image.tag }} y {{ image_id }}"),
    ],
)
def test_what_has_a_value_is_no_problem(check, placeholder):
    assert check(f'{IMAGE}push:\n- {SHELL}:\n    script: "{placeholder}"\n{FIELD % repr(placeholder)}').codes == []


@pytest.mark.parametrize(
    ("placeholder", "code", "words"),
    [
        ("{{ build_image.image }}", "unknown-reference", "did you mean {{ build-image.image }}?"),
        ("{{ buildimage.image }}", "unknown-reference", "did you mean {{ build-image.image }}?"),
        ("{{ clone-output }}", "unknown-reference", "known here: build-image"),
        ("{{ prefect.projects.directory }}", "unknown-reference", "known here: build-image"),
        ("{{ imagee }}", "unknown-reference", "did you mean 'image'?"),
        ("{{ build-image.img }}", "unknown-output", "did you mean 'image'?"),
        ("{{ build-image.nothing.x }}", "unknown-output", "it has: "),
        ("{{ nothing.x | upper }}", "unknown-reference", "'nothing'"),
        ("{{ image ~ nothing.x }}", "unknown-reference", "'nothing'"),
        ("x{{ build-image.image }}{{ nothing }}", "unknown-reference", "'nothing'"),
    ],
)
def test_what_has_no_value_is_an_error_at_the_name(check, placeholder, code, words):
    found = check(f'{IMAGE}push:\n- {SHELL}:\n    script: "{placeholder}"\n').only
    assert (found.severity, found.code, found.line) == ("error", code, 7)
    assert words in f"{found.message} {found.hint}"
    line = f'    script: "{placeholder}"'
    root = "nothing" if "nothing" in words else placeholder.strip("{ }").split(".")[0]
    assert line[found.column - 1 :].startswith(root)


def test_compatibility_makes_them_warnings(check):
    text = f"build:\n- {SHELL}: {{script: '{{{{ nothing.x }}}}'}}\n- {BUILD}: {{image_name: x, id: a}}\n- {SHELL}: {{script: '{{{{ a.x }}}}'}}\n"
    checked = check(text, prefect_compat=True)
    assert checked.codes == ["unknown-reference", "unknown-output"]
    assert checked.errors == []


def test_a_reference_over_two_lines_is_found(check):
    text = f"{IMAGE}push:\n- {PUSH}:\n    image_name: '{{{{ build-image.nothing\n      }}}}'\n"
    assert check(text).places == [("unknown-output", 7, 21)]


def test_a_reference_in_a_block_scalar_is_told_on_its_own_line(check):
    text = f"{IMAGE}push:\n- {SHELL}:\n    script: |\n      echo one\n      echo {{{{ nothing.x }}}}\n"
    assert check(text).places == [("unknown-reference", 9, 15)]


def test_a_reference_deep_in_an_input_is_told_where_it_stands(check):
    text = f"build:\n- {SHELL}:\n    script: x\n    env:\n      A: '{{{{ one }}}}'\n      B: b\n      C: 'x {{{{ two.y }}}}'\n"
    assert check(text).places == [("unknown-reference", 5, 14), ("unknown-reference", 7, 16)]


def test_a_step_that_comes_later_is_named_with_its_line(check):
    text = f"build:\n- {SHELL}: {{script: '{{{{ later.stdout }}}}'}}\npush:\n- {SHELL}: {{id: later, script: x}}\n"
    found = check(text).only
    assert (found.severity, found.code, found.line) == ("error", "reference-to-later", 2)
    assert "push, line 4" in found.message


def test_a_step_cannot_refer_to_itself(check):
    found = check(f"build:\n- {SHELL}: {{id: me, script: '{{{{ me.stdout }}}}'}}\n").only
    assert found.code == "reference-to-later"
    assert "the step's own outputs" in found.message


def test_another_deployments_step_is_named_with_that_deployment(check):
    text = (
        f"deployments:\n- name: one\n  build:\n  - {SHELL}: {{id: mine, script: x}}\n  version: '{{{{ mine.stdout }}}}'\n"
        "- name: two\n  version: '{{ mine.stdout }}'\n"
    )
    found = check(text).only
    assert (found.severity, found.code, found.line, found.column) == ("error", "reference-to-elsewhere", 7, 16)
    assert "(one)" in found.message


@pytest.mark.parametrize("placeholder", ["{{ clone.directory }}", "{{ directory }}", "x/{{ clone.directory }}"])
def test_outputs_of_pull_steps_are_not_there_for_a_deployments_fields(check, placeholder):
    text = (
        f"pull:\n- {CLONE}: {{id: clone, repository: x}}\n- {DIRECTORY}: {{directory: '{{{{ clone.directory }}}}'}}\n"
    )
    found = check(f"{text}deployments:\n- name: one\n  entrypoint: '{placeholder}'\n").only
    assert (found.severity, found.code, found.line) == ("error", "reference-to-worker", 6)


@pytest.mark.parametrize(
    "root", ["event.payload", "flow_run.id", "ctx.flow_run.id", "deployment.name", "automation.id"]
)
@pytest.mark.parametrize(
    "field",
    [
        "triggers: [{parameters: {x: %s}}]",
        "parameters: {x: %s}",
        "description: %s",
        "work_pool: {job_variables: {x: %s}}",
    ],
)
def test_what_the_server_renders_later_is_left_alone_in_the_fields_that_it_renders(check, root, field):
    assert check(f"deployments:\n- name: one\n  {field % repr(f'{{{{ {root} }}}}')}\n").codes == []


def test_what_the_server_renders_later_is_a_reference_elsewhere(check):
    assert check("deployments:\n- name: one\n  version: '{{ flow_run.id }}'\n").errors == ["unknown-reference"]
    assert check(f"build:\n- {SHELL}: {{script: '{{{{ flow_run.id }}}}'}}\n").errors == ["unknown-reference"]


@pytest.mark.parametrize("name", ["ARCHIVER_SCRATCH_FOLDER", "X", "A1", "_HIDDEN", "WORK_POOL"])
def test_a_bare_name_like_a_variables_in_a_field_is_a_warning(check, name):
    found = check(FIELD % f"'a:{{{{ {name} }}}}'").only
    assert (found.severity, found.code, found.line, found.column) == ("warning", "unset-name", 5, 20)
    assert found.hint == f"write {{{{ ${name} }}}} to say so"


@pytest.mark.parametrize("name", ["archiver", "Folder", "A.B", "A-B", "1A"])
def test_any_other_name_in_a_field_is_an_error(check, name):
    assert check(FIELD % f"'{{{{ {name} }}}}'").errors == ["unknown-reference"]


def test_a_bare_name_like_a_variables_in_a_step_is_an_error_that_says_how_to_write_it(check):
    found = check(f"build:\n- {SHELL}: {{script: '{{{{ MY_NAME }}}}'}}\n").only
    assert (found.severity, found.code) == ("error", "unknown-reference")
    assert found.hint == "if the environment variable is meant, write {{ $MY_NAME }}"


def test_a_step_with_unknown_outputs_may_give_any(check):
    check.write("mine.py", "def make():\n    pass\n")
    text = "build:\n- mine.make: {id: a}\n- %s: {script: '{{ b }} {{ a.anything }}'}\ndeployments:\n- name: one\n  version: '{{ c }}'\n"
    assert check(text % SHELL).codes == []


@pytest.mark.parametrize(
    ("placeholder", "code"),
    [
        ("{{ $X | default( }}", "expression-syntax"),
        ("{{ a.b | nofilter }}", "expression-syntax"),
        ("{{ prefect.blocks.x.y | }}", "expression-syntax"),
        ("{{.Id}}", "foreign-placeholder"),
        ("{{ range .Items }}", "foreign-placeholder"),
        ("{{#if x}}", "foreign-placeholder"),
    ],
)
def test_what_is_no_reference(check, placeholder, code):
    found = check(f'build:\n- {SHELL}:\n    script: "docker ps {placeholder}"\n').only
    assert (found.severity, found.code) == ("warning" if code.startswith("foreign") else "error", code)
    assert (found.line, found.column) == (3, 24)


# All at once, in order, each once


def test_all_problems_are_told_at_once_in_the_order_of_their_places(check):
    text = (
        f"unknown: 1\nbuild:\n- {SHELL}:\n    scrip: x\n- get_clone: {{}}\n- {SHELL}: {{script: '{{{{ a.b }}}}'}}\n"
        "deployments:\n- version: 1.0\n  schedules:\n  - cron: x\n  - {}\n  version: '{{ c }}'\n"
    )
    assert [(code, line) for code, line, _ in check(text).places] == [
        ("unknown-key", 1),
        ("unknown-input", 4),
        ("unknown-step", 5),
        ("unnamed-deployment", 8),
        ("schedule-cron", 10),
        ("schedule-kind", 11),
        ("duplicate-key", 12),
    ]


def test_a_problem_of_what_many_share_is_told_once(check):
    shared = f"- {SHELL}: {{script: '{{{{ nothing.x }}}}', extra: 1}}\n"
    deployments = "".join(
        f"- name: d{number}\n  build: *build\n  work_pool: *pool\n  version: 'v{number}'\n  push:\n  - {PUSH}: {{image_name: x{number}}}\n"
        for number in range(120)
    )
    text = f"definitions:\n  build: &build\n  {shared}  pool: &pool {{nam: x, job_variables: {{image: '{{{{ a.b }}}}'}}}}\ndeployments:\n{deployments}"
    checked = check(text)
    assert len(checked.file.pipelines) == 120
    assert [(code, line) for code, line, _ in checked.places] == [
        ("unknown-reference", 3),
        ("unknown-input", 3),
        ("unknown-key", 4),
        ("unknown-reference", 4),
    ]


def test_the_files_sections_are_told_once_whoever_uses_them(check):
    text = f"build:\n- {SHELL}: {{script: '{{{{ a.b }}}}'}}\n- get_clone: {{}}\ndeployments:\n"
    text += "".join(f"- name: d{number}\n  pull:\n  - {DIRECTORY}: {{directory: /{number}}}\n" for number in range(50))
    assert check(text).errors == ["unknown-reference", "unknown-step"]


def test_ten_thousand_deployments_are_checked(check):
    text = (
        IMAGE
        + "deployments:\n"
        + "".join(f"- name: d{n}\n  version: '{{{{ build-image.tag }}}}'\n" for n in range(9_999))
    )
    checked = check(text + "- name: last\n  version: '{{ build-image.no }}'\n")
    assert checked.places == [("unknown-output", 20_005, 16)]
    assert len(checked.file.deployments()) == 10_000
