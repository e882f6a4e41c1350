"""Builders of images that plugins add, selected by `build_backend`."""

from __future__ import annotations

import pytest

from support.distributions import install

BUILDER = """
from stepengine.plugin import Builder, StepError

def stepengine_builders():
    yield Builder("kaniko", build)

def build(request, context):
    {body}
"""
SAY = (
    "for name in ('references', 'text', 'arguments', 'labels', 'platforms', 'target', 'options'):\n"
    "    context.write(f'{name}={getattr(request, name)}')\n"
    "return 'sha256:1234'"
)
FILE = """\
build:
- build_docker_image:
    id: image
    image_name: registry.example/app
    tag: v1
    dockerfile: Dockerfile
    build_backend: kaniko
    additional_tags: [latest]
    buildargs: {A: 1}
    labels: {team: blue}
    platform: linux/arm64
    target: final
    cache_from: [registry.example/cache]
"""


@pytest.fixture
def kaniko(cli):
    """Gives a project with a Dockerfile, and a plugin with the body of a builder's function."""
    cli.write("Dockerfile", "FROM scratch\nLABEL a=b\n")
    cli.environ["DOCKER_HOST"] = "tcp://127.0.0.1:1"  # no engine is asked

    def make(body: str = SAY, name: str = "my-kaniko"):
        module = name.replace("-", "_")
        text = BUILDER.format(body=body.replace("\n", "\n    "))
        install(cli, name, {f"stepengine/{name}": module}, **{module: text})
        return cli

    return make


def test_a_plugins_builder_builds_the_image(kaniko):
    cli = kaniko()
    outcome = cli.run(FILE, "--format", "json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["pipelines"][0]["steps"][0]["outputs"] == {
        "image_name": "registry.example/app",
        "tag": "v1",
        "image": "registry.example/app:v1",
        "image_id": "sha256:1234",
        "additional_tags": ["latest"],
    }
    for line in (
        "references=('registry.example/app:v1', 'registry.example/app:latest')",
        "text=FROM scratch",
        "arguments={'A': '1'}",
        "labels={'team': 'blue'}",
        "platforms=('linux/arm64',)",
        "target=final",
        "options={'cache_from': ['registry.example/cache']}",
    ):
        assert f"  {line}\n" in outcome.err


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "raise ValueError('no oven')",
            "the builder kaniko (the plugin my-kaniko of my-kaniko 1.2) failed: ValueError: no oven",
        ),
        ("raise SystemExit", "the builder kaniko (the plugin my-kaniko of my-kaniko 1.2) failed: SystemExit"),
        ("raise StepError('out of flour', hint='buy some')", "error: out of flour"),
        ("return None", "the builder kaniko (the plugin my-kaniko of my-kaniko 1.2) gives no image (a NoneType)"),
        ("return ''", "the builder kaniko (the plugin my-kaniko of my-kaniko 1.2) gives no image (a str)"),
    ],
)
def test_a_builder_that_fails_fails_the_step(kaniko, body, told):
    outcome = kaniko(body).run(FILE)
    assert outcome.code == 1
    assert told in outcome.err


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("kanico", "did you mean 'kaniko'?"),
        ("build-x", "did you mean 'buildx'?"),
        ("zzz", "there are: docker-py, buildx, kaniko"),
    ],
)
def test_the_name_of_no_builder_is_found_before_anything_runs(kaniko, name, hint):
    cli = kaniko()
    cli.write("prefect.yaml", FILE.replace("kaniko", name))
    outcome = cli.stepengine("validate")
    assert outcome.code == 2
    assert f"prefect.yaml:7:20: error: 'build_backend': there is no builder '{name}' [input-type]" in outcome.err
    assert hint in outcome.err


@pytest.mark.parametrize("value", ["5", "[kaniko]", "true"])
def test_what_is_no_name_is_refused(kaniko, value):
    cli = kaniko()
    cli.write("prefect.yaml", FILE.replace("kaniko", value))
    outcome = cli.stepengine("validate")
    assert outcome.code == 2
    assert "'build_backend' must be one of" in outcome.err
    assert "or the name of a plugin's builder" in outcome.err


def test_a_name_that_only_the_run_tells_is_looked_up_then(kaniko):
    cli = kaniko()
    cli.environ["BACKEND"] = "kanico"
    outcome = cli.run(FILE.replace("kaniko", "'{{ $BACKEND }}'"))
    assert outcome.code == 1
    assert "there is no builder 'kanico'" in outcome.err
    assert "did you mean 'kaniko'?" in outcome.err
    cli.environ["BACKEND"] = "kaniko"
    assert cli.stepengine("run").code == 0


def test_two_builders_of_one_name_fail_the_step_that_asks_for_it(kaniko):
    kaniko()
    outcome = kaniko(name="other-kaniko").run(FILE)
    assert outcome.code == 1
    assert (
        "the builder kaniko has several providers: my-kaniko of my-kaniko 1.2 and other-kaniko of other-kaniko 1.2"
        in outcome.err
    )


@pytest.mark.parametrize("backend", ["docker-py", "buildx"])
def test_a_built_in_builder_imports_no_plugin(kaniko, backend):
    cli = kaniko()
    cli.write("site/my_kaniko.py", "def stepengine_builders(): ...\nraise RuntimeError('imported')\n")
    cli.write("prefect.yaml", FILE.replace("kaniko", backend))
    outcome = cli.stepengine("validate")
    assert outcome.code == 0
    assert "imported" not in outcome.err


STEP = "def build(*, context: 'Context'):\n    return {'id': context.builder('kaniko').build(None, context)}\n"


def test_a_step_may_ask_for_a_builder_and_is_told_where_there_are_none(kaniko):
    cli = kaniko("return 'sha256:1'")
    cli.write("my_steps.py", f"from stepengine.plugin import Context\n{STEP}")
    cli.environ["PYTHONPATH"] += f":{cli.directory}"
    assert cli.result("build:\n- my_steps.build: {}\n")["pipelines"][0]["outputs"] == {"id": "sha256:1"}
    outcome = cli.run("pull:\n- my_steps.build: {}\n", "--pull-in", "here")
    assert outcome.code == 1
    assert "the builder kaniko cannot be used here: plugins are where stepengine runs" in outcome.err


@pytest.mark.parametrize(("name", "code"), [("kaniko", 0), ("docker-py", 0), ("kanico", 2)])
def test_the_schema_knows_the_builders_as_validation_does(kaniko, name, code):
    cli = kaniko()
    cli.write("prefect.yaml", FILE.replace("kaniko", name))
    assert cli.stepengine("validate").code == code
    assert cli.stepengine("schema", "--check").code == code
