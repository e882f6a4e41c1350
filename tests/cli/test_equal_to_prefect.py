"""`pipelines[].outputs` equals what Prefect's own `run_steps` returns for the same steps."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

SHELL = "prefect.deployments.steps.run_shell_script"
DIRECTORY = "prefect.deployments.steps.set_working_directory"
CLONE = "prefect.deployments.steps.git_clone"

FILES = {
    "a script of several lines": [{SHELL: {"id": "many", "script": "echo one\necho two\n\nprintf three\n"}}],
    "both streams": [{SHELL: {"id": "both", "script": "sh -c 'echo out; echo err >&2'"}}],
    "quotes and spaces": [{SHELL: {"script": "printf '%s|' \"a b\" c\\ d ''"}}],
    "an id with hyphens": [
        {SHELL: {"id": "get-hash", "script": "echo abc", "stream_output": False}},
        {SHELL: {"id": "use", "script": "echo v-{{ get-hash.stdout }}-{{ stdout }}"}},
    ],
    "outputs that later steps overwrite": [
        {SHELL: {"id": "a", "script": "echo 1"}},
        {SHELL: {"script": "echo 2"}},
    ],
    "env": [{SHELL: {"script": "printenv GREETING", "env": {"GREETING": "hello there"}}}],
    "expanded variables": [
        {SHELL: {"script": "echo $GREETING $$ $UNKNOWN_ONE", "env": {"GREETING": "hi"}, "expand_env_vars": True}}
    ],
    "variables that are not expanded": [{SHELL: {"script": "echo $HOME"}}],
    "an environment placeholder": [{SHELL: {"script": "echo {{ $PEER_VALUE }}"}}],
    "text that looks like a placeholder": [{SHELL: {"script": "echo {single} {% raw %} {{}}"}}],
    "a directory": [
        {DIRECTORY: {"id": "go", "directory": "sub"}},
        {SHELL: {"script": "cat here"}},
        {DIRECTORY: {"directory": ".."}},
    ],
    "a script in a directory": [{SHELL: {"script": "cat here", "directory": "sub"}}],
    "a clone": [
        {CLONE: {"id": "clone", "repository": "file://ORIGIN"}},
        {SHELL: {"script": "cat flow.py", "directory": "{{ clone.directory }}"}},
    ],
    "a clone of a branch": [{CLONE: {"id": "clone", "repository": "file://ORIGIN", "branch": "dev/x"}}],
    "a clone under a name": [
        {CLONE: {"repository": "file://ORIGIN", "clone_directory_name": "mine", "access_token": None}},
        {SHELL: {"script": "ls {{ directory }}"}},
    ],
    "an empty step": [None, {SHELL: {"script": "echo x"}}, {}],
}


ENVIRON = {"PEER_VALUE": "from the environment"}


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A repository with a file, and a branch with another content of it."""
    path = tmp_path_factory.mktemp("repository") / "origin"

    def git(*arguments):
        command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
        subprocess.run(command, cwd=path, check=True, capture_output=True)

    path.mkdir()
    git("init", "--initial-branch", "main")
    (path / "flow.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-m", "first")
    git("checkout", "-b", "dev/x")
    (path / "flow.py").write_text("x = 2\n")
    git("commit", "-am", "second")
    git("checkout", "main")
    return path


def steps_of(title, origin):
    return json.loads(json.dumps(FILES[title]).replace("ORIGIN", str(origin)))


def prepare(directory):
    (directory / "sub").mkdir(parents=True)
    (directory / "sub" / "here").write_text("the file\n")
    return directory


@pytest.fixture(scope="module")
def expected(prefect, origin, tmp_path_factory):
    """What Prefect gives for each file, and where it ran."""
    directories = {title: prepare(tmp_path_factory.mktemp("peer") / "demos") for title in FILES}
    answers = prefect.run_steps([(steps_of(title, origin), directories[title]) for title in FILES], ENVIRON)
    return {title: (answer, directories[title]) for title, answer in zip(FILES, answers, strict=True)}


@pytest.mark.parametrize("title", FILES)
def test_outputs_are_those_of_prefect(title, cli, origin, expected):
    answer, theirs = expected[title]
    prepare(cli.directory)
    cli.environ.update(ENVIRON)
    cli.write("prefect.yaml", yaml.safe_dump({"build": steps_of(title, origin)}, sort_keys=False))
    outcome = cli.stepengine("run", "--format", "json")
    assert outcome.code == 0, outcome.err
    answer = json.loads(json.dumps(answer).replace(str(theirs), str(cli.directory)))
    assert outcome.json["pipelines"][0]["outputs"] == answer
