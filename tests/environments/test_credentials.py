"""Credentials of indexes and of requirements, and secrets of steps: shown nowhere, kept nowhere."""

from __future__ import annotations

import json
import os

import pytest

LOGIN = "ada:s3cr3t-w0rd/x"
SECRET = "s3cr3t-w0rd/x"
QUOTED = "s3cr3t-w0rd%2Fx"
KIT = """\
import os
def show(**inputs):
    value = os.environ["DEPLOY_TOKEN"]
    print("it is", value)
    return {"token": value, "other": "a" + value}
def fail():
    value = os.environ["DEPLOY_TOKEN"]
    raise ValueError("no " + value)
def arguments():
    found = []
    for each in os.listdir("/proc"):
        if each.isdigit():
            try:
                found.append(open(f"/proc/{each}/cmdline", "rb").read().decode("utf-8", "replace"))
            except OSError:
                pass
    return {"found": any("s3cr3t-w0" + "rd" in each for each in found)}
"""


@pytest.fixture
def index(package_index):
    package_index.add("kit", "1.0", {"kit.py": KIT})
    package_index.require_login(LOGIN)
    return package_index


def assert_nowhere(directory):
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                with open(path, "rb") as file:
                    data = file.read()
                assert SECRET.encode() not in data, path
                assert QUOTED.encode() not in data, path


def assert_unseen(outcome):
    for text in outcome.out, outcome.err:
        assert SECRET not in text
        assert QUOTED not in text


def test_an_indexs_password_is_shown_nowhere_and_kept_nowhere(either_project, index):
    either_project.environ |= {name: index.url_for(LOGIN) for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")}
    for requires in ("kit", "gone"):
        either_project.write_steps(("kit.arguments", requires))
        outcome = either_project.stepengine("run", "--install", "--verbose", "--format", "json")
        assert outcome.code == (0 if requires == "kit" else 4), outcome.err
        assert_unseen(outcome)
        if requires == "kit":
            assert outcome.json["pipelines"][0]["outputs"]["found"] is False
    assert_nowhere(either_project.cache)
    outcome = either_project.stepengine("env", "list", "--format", "json")
    assert_unseen(outcome)


def test_a_requirements_password_is_shown_nowhere_and_kept_nowhere(either_project, index):
    address = index.url_for(LOGIN).replace("simple/", "files/kit-1.0-py3-none-any.whl")
    either_project.write_steps(("kit.arguments", f"kit @ {address}"))
    outcome = either_project.stepengine("run", "--install", "--verbose", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert_unseen(outcome)
    assert outcome.json["pipelines"][0]["outputs"]["found"] is False
    for command in (["env", "list"], ["env", "list", "--format", "json"], ["plan"], ["validate"]):
        assert_unseen(either_project.stepengine(*command))
    assert_nowhere(either_project.cache)
    refused = either_project.stepengine("lock")
    assert refused.code == 4
    assert_unseen(refused)
    assert not (either_project.directory / "prefect.lock.toml").exists()


def test_a_variable_gives_a_requirements_password(either_project, index):
    address = index.url.replace("://", "://ada:${KIT_WORD}@").replace("simple/", "files/kit-1.0-py3-none-any.whl")
    either_project.environ["KIT_WORD"] = QUOTED
    either_project.write_steps(("kit.arguments", f'"kit @ {address}"'))
    outcome = either_project.stepengine("run", "--install", "--verbose", "--format", "json")
    assert outcome.code == 0, outcome.err
    assert_unseen(outcome)
    assert_nowhere(either_project.cache)
    assert either_project.stepengine("lock").code == 0
    assert_nowhere(either_project.directory)


def test_a_steps_secrets_are_masked_in_output_outputs_and_failures(isolated, package_index):
    package_index.add("kit", "1.0", {"kit.py": KIT})
    isolated.environ["DEPLOY_TOKEN"] = SECRET
    isolated.environ["STEPENGINE_BLOCKS"] = json.dumps({"secret": {"word": {"value": "bl0ck-w0rd-1"}}})
    isolated.write(
        "prefect.yaml",
        "build:\n- kit.show:\n    requires: kit\n    word: '{{ prefect.blocks.secret.word }}'\n- kit.fail:\n    requires: kit\n",
    )
    for extra in ([], ["--secret", "DEPLOY_TOKEN"]):
        outcome = isolated.stepengine("run", "--install", "--format", "json", *extra)
        assert outcome.code == 1
        assert "ValueError: no ***" in outcome.json["error"]["message"]
        assert outcome.json["pipelines"][0]["steps"][0]["outputs"] == {"token": "***", "other": "a***"}
        assert "it is ***" in outcome.err
        assert_unseen(outcome)
    assert_nowhere(isolated.cache)
