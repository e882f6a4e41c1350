"""What plugins and the context offer to a step in an isolated environment."""

from __future__ import annotations

import os
import signal
import time

import pytest

from support.distributions import install

STEPS = """
from __future__ import annotations
import time
import tone
from stepengine.plugin import Context

def act(given: str, *, context: Context):
    context.logger.warning("it is %s", context.secret("opensesame"))
    context.check_cancelled()
    return {"given": given, "cancelled": context.cancelled}

def build(*, context: Context):
    context.builder("kaniko")

def wait(told: str, *, context: Context):
    open(told, "w").close()
    try:
        while True:
            time.sleep(0.05)
    except KeyboardInterrupt:
        with open(told, "w") as file:
            file.write(str(context.cancelled))
        raise
"""
PLUGIN = """
from stepengine.plugin import ReferenceSource, StepWrapper

def stepengine_sources():
    yield ReferenceSource("vault", "a test", {("a", "b"): "from the vault"}.__getitem__, list, secret=False)

def stepengine_step_wrappers():
    yield StepWrapper("a test", wrap)

def wrap(call, inputs):
    print("before", call.place.description)
    return {**call.proceed(inputs), "wrapped": True}
"""


@pytest.fixture
def isolated(cli, package_index):
    """A project with steps that require a package, and a plugin."""
    package_index.add("tone", "1.0", {"tone.py": ""})
    cli.environ = package_index.environ(cli.environ)
    cli.environ["XDG_CACHE_HOME"] = str(cli.directory.parent / "cache")
    install(cli, "my-vault", {"stepengine/vault": "vault_plugin"}, vault_plugin=PLUGIN)
    cli.write("my_steps.py", STEPS)
    return cli


def step(name: str, **inputs: str) -> str:
    lines = "".join(f"    {key}: '{value}'\n" for key, value in inputs.items())
    return f"build:\n- my_steps.{name}:\n    requires: tone\n{lines}"


def test_values_wrappers_the_logger_and_secrets_work_there(isolated):
    outcome = isolated.run(step("act", given="{{ vault.a.b }}"), "--install", "--format", "json")
    assert outcome.code == 0, outcome.err
    (pipeline,) = outcome.json["pipelines"]
    assert pipeline["outputs"] == {"given": "from the vault", "cancelled": False, "wrapped": True}
    lines = [line.strip() for line in outcome.err.splitlines()]
    assert "before in an environment for tone" in lines
    assert "warning: it is ***" in lines


def test_a_builder_is_refused_there_with_a_word(isolated):
    outcome = isolated.run(step("build"), "--install")
    assert outcome.code == 1
    assert "the builder kaniko cannot be used here: plugins are where stepengine runs" in outcome.err


def test_a_step_there_learns_that_the_run_is_to_end(isolated):
    told = isolated.directory / "told"
    isolated.write("prefect.yaml", step("wait", told=str(told)))
    with isolated.start("run", "--install") as process:
        deadline = time.monotonic() + 60
        while not told.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert told.read_text() == "True"
