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


@pytest.fixture
def origin(tmp_path):
    """A repository with a file, and a branch with another content of it."""
    path = tmp_path / "origin"

    def git(*arguments):
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments],
            cwd=path,
            check=True,
            capture_output=True,
        )

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


@pytest.mark.parametrize("title", FILES)
def test_outputs_are_those_of_prefect(title, cli, prefect, origin, tmp_path):
    steps = json.loads(json.dumps(FILES[title]).replace("ORIGIN", str(origin)))
    theirs, ours = tmp_path / "peer" / "demos", cli.directory
    for directory in (theirs, ours):
        (directory / "sub").mkdir(parents=True)
        (directory / "sub" / "here").write_text("the file\n")
    cli.environ["PEER_VALUE"] = "from the environment"
    cli.write("prefect.yaml", yaml.safe_dump({"build": steps}, sort_keys=False))
    outcome = cli.stepengine("run", "--format", "json")
    assert outcome.code == 0, outcome.err
    expected = prefect.run_steps(steps, theirs, {"PEER_VALUE": "from the environment", "HOME": cli.environ["HOME"]})
    expected = json.loads(json.dumps(expected).replace(str(theirs), str(ours)))
    assert outcome.json["pipelines"][0]["outputs"] == expected
