"""The schema in an editor: what a real YAML language server makes of it."""

from __future__ import annotations

import pytest

SCHEMA = ".vscode/prefect.schema.json"
MODELINE = f"# yaml-language-server: $schema={SCHEMA}\n"
CLEAN = f"""{MODELINE}name: demo
build:
- git_clone:
    id: clone
    repository: https://github.com/example/flows.git
    include_submodules: '{{{{ $WITH_SUBMODULES }}}}'
    directories: '{{{{ $DIRECTORIES }}}}'
- my_steps.shout:
    text: hello
    times: 2
push:
- push_docker_image:
    image_name: registry.example.com/demo
    build_backend: buildx
pull:
- prefect.deployments.steps.set_working_directory:
    directory: /opt
deployments:
- name: daily
  entrypoint: flows.py:daily
  schedules:
  - cron: 0 8 * * *
  work_pool:
    name: docker
    job_variables:
      image: '{{{{ clone.directory }}}}'
"""
STEPS = '''
def shout(text: str, times: int = 1) -> dict[str, str]:
    """Say something loudly.

    Args:
        text: What to say.
        times: How often.
    """
    return {"said": text.upper() * times}
'''


class Editor:
    """A directory with a schema, and files in it as an editor shows them."""

    def __init__(self, cli, server):
        self._cli = cli
        self._server = server
        self._number = 0
        cli.write("my_steps.py", STEPS)
        cli.write("prefect.yaml", CLEAN)
        outcome = cli.stepengine("schema")
        assert outcome.code == 0, outcome.err
        cli.write(SCHEMA, outcome.out)

    def open(self, text):
        self._number += 1
        path = self._cli.write(f"prefect-{self._number}.yaml", text)
        return path, self._server.open(path)

    def problems(self, text):
        """Give each problem's line, counted from 1, and message."""
        return [(each["range"]["start"]["line"] + 1, each["message"]) for each in self.open(text)[1]]

    def at_mark(self, method, text):
        """Ask for something at the place of `|` in a text."""
        before, _, after = text.partition("|")
        path, _ = self.open(before + after)
        return self._server.at(method, path, before.count("\n"), len(before) - before.rfind("\n") - 1)

    def completions(self, text):
        """Give what is offered at the place of `|`: each label, with its documentation."""
        found = self.at_mark("completion", text)
        items = found["items"] if isinstance(found, dict) else found
        return {item["label"]: _text(item.get("documentation")) for item in items}

    def hover(self, text):
        found = self.at_mark("hover", text)
        return "" if found is None else _text(found["contents"])


def _text(told):
    return told.get("value", "") if isinstance(told, dict) else told or ""


@pytest.fixture
def editor(cli, language_server):
    return Editor(cli, language_server)


def test_a_file_without_problems_has_none_and_a_placeholder_may_stand_for_any_value(editor):
    assert editor.problems(CLEAN) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("include_submodules: '{{ $WITH_SUBMODULES }}'", "include_submodule: true", 7, "include_submodule"),
        ("include_submodules: '{{ $WITH_SUBMODULES }}'", "include_submodules: [true]", 7, "true or false"),
        ("include_submodules: '{{ $WITH_SUBMODULES }}'", "include_submodules: maybe", 7, "true or false"),
        ("directories: '{{ $DIRECTORIES }}'", "directories: [[flows]]", 8, "a text"),
        ("    repository: https://github.com/example/flows.git\n", "", 4, "repository"),
        ("times: 2", "times: twice", 11, "a whole number"),
        ("times: 2", "time: 2", 11, "time"),
        ("build_backend: buildx", "build_backend: podman", 15, "buildx"),
        ("- git_clone:", "- git_clon:", 4, "there is no such step"),
        ("entrypoint:", "entrypont:", 21, "entrypont"),
        ("- cron: 0 8 * * *", "- cron: 0 8 * * *\n    catchup: true", 24, "catchup"),
        ("- git_clone:", "- prefect.projects.steps.git_clone:", 4, "prefect.projects.steps.git_clone is an old name"),
    ],
)
def test_a_problem_is_marked_at_its_line(editor, old, new, line, words):
    assert old in CLEAN
    problems = editor.problems(CLEAN.replace(old, new))
    assert [found for found in problems if found[0] == line and words in found[1]], problems


def test_inputs_of_a_step_are_offered_with_what_they_mean(editor):
    offered = editor.completions(f"{MODELINE}build:\n- git_clone:\n    repository: x\n    |\n")
    assert offered["branch"].startswith("A branch or tag; the default branch")
    assert {"id", "requires", "commit_sha"} <= set(offered)
    assert "repository" not in offered
    assert "script" not in offered


def test_inputs_of_a_function_beside_the_file_are_offered(editor):
    offered = editor.completions(f"{MODELINE}build:\n- my_steps.shout:\n    text: x\n    |\n")
    assert offered["times"].startswith("How often.")


def test_steps_are_offered_with_what_they_do_and_old_names_are_not(editor):
    offered = editor.completions(f"{MODELINE}pull:\n- |\n")
    told = next(text for label, text in offered.items() if label.endswith("git_clone"))
    assert "Clone a git repository" in told
    assert not [label for label in offered if ".projects." in label]


def test_keys_of_a_deployment_are_offered_with_what_they_mean(editor):
    offered = editor.completions(f"{MODELINE}deployments:\n- name: daily\n  e|\n")
    assert offered["entrypoint"].startswith("Where the flow is")
    assert {"schedules", "work_pool", "pull"} <= set(offered)


def test_values_are_offered(editor):
    step = f"{MODELINE}push:\n- push_docker_image:\n    image_name: x\n"
    assert {"docker-py", "buildx"} <= set(editor.completions(f"{step}    build_backend: |\n"))
    assert {"true", "false"} <= set(editor.completions(f"{step}    ignore_cache: |\n"))


def test_hovering_shows_the_meaning(editor):
    marked = CLEAN.replace("include_submodules", "include_sub|modules")
    assert "Whether to clone its submodules" in editor.hover(marked)
    assert "Clone a git repository into the working directory" in editor.hover(CLEAN.replace("git_clone", "git_cl|one"))
    assert "How often." in editor.hover(CLEAN.replace("times", "ti|mes"))
    assert "Where its runs run" in editor.hover(CLEAN.replace("work_pool", "work_p|ool"))
