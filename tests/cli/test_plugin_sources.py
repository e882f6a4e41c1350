"""References into a namespace that a plugin's source adds: `{{ vault.kv.db.password }}`."""

from __future__ import annotations

import pytest

from support.distributions import install

VAULT = """
from stepengine.plugin import ReferenceSource, TemplateError

DATA = {
    ("kv", "db"): {"password": "opensesame", "user": "anna", "hosts": ["one.example", "two.example"]},
    ("kv", "template"): {"text": "{{ $HOME }} {{ vault.kv.db.user }}"},
}

def lookup(path):
    print("asked for", path)
    if path[0] == "sealed":
        raise TemplateError("the vault is sealed", hint="unseal it")
    return DATA[path]

def stepengine_sources(environ, directory):
    yield ReferenceSource("vault", "the test's vault", lookup, lambda: list(DATA), depth=2)
    settings = {("a", "b", "c"): "deep", ("region",): "eu", ("n", 7): "seven"}
    yield ReferenceSource("settings", "the test's settings", settings.__getitem__, lambda: list(settings), secret=False)
"""

SHOW = """\
build:
- run_shell_script:
    id: show
    script: echo {}
"""


@pytest.fixture
def vault(cli):
    install(cli, "my-vault", {"stepengine/vault": "vault_plugin"}, vault_plugin=VAULT)
    return cli


def test_a_reference_into_a_plugins_namespace_gives_its_value_as_a_secret(vault):
    result = vault.result(SHOW.format("{{ vault.kv.db.password }} ok"))
    assert result["pipelines"][0]["steps"][0]["outputs"]["stdout"] == "*** ok"


def test_a_source_may_say_that_its_values_are_no_secrets(vault):
    result = vault.result(SHOW.format('{{ settings.region }} {{ settings["n"][7] }}'))
    assert result["pipelines"][0]["steps"][0]["outputs"]["stdout"] == "eu seven"


def test_a_path_may_have_any_length(vault):
    outcome = vault.run(SHOW.format("{{ settings.a.b.c }} {{ vault.kv.db.hosts[1][:3] }}"))
    assert outcome.code == 0
    assert "deep" in outcome.err


def test_a_whole_value_keeps_its_type(vault):
    vault.write("my_steps.py", "def count(items: list[str]) -> dict:\n    return {'n': len(items)}\n")
    result = vault.result("build:\n- my_steps.count:\n    items: '{{ vault.kv.db.hosts }}'\n")
    assert result["pipelines"][0]["outputs"]["n"] == 2


def test_a_value_is_asked_for_once_in_a_run(vault):
    outcome = vault.run(SHOW.format("{{ vault.kv.db.password }} {{ vault.kv.db.user }} {{ vault.kv.db | length }}"))
    assert outcome.code == 0
    assert (outcome.out + outcome.err).count("asked for ('kv', 'db')") == 1


def test_a_value_is_never_rendered_again(vault):
    vault.write("my_steps.py", "def keep(text):\n    return {'brackets': text.count('{{')}\n")
    result = vault.result("build:\n- my_steps.keep:\n    text: '{{ vault.kv.template.text }}'\n")
    assert result["pipelines"][0]["outputs"]["brackets"] == 2


def test_a_field_of_a_deployment_may_refer_to_it(vault):
    result = vault.result("deployments:\n- name: one\n  work_pool:\n    name: '{{ settings.region }}'\n")
    assert result["deployments"][0]["work_pool"]["name"] == "eu"


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("vault.kv.dbs.password", "there is no vault.kv.dbs.password", "did you mean vault.kv.db?"),
        ("vault.kv.db.pasword", "vault.kv.db has no pasword", "did you mean 'password'?"),
        ("vault.kv", "vault.kv is no value of vault", "write 2 names after it: {{ vault.NAME.NAME }}"),
        ("vault.sealed.x", "the vault is sealed", "unseal it"),
        ("settings.regon", "there is no settings.regon", "did you mean settings.region?"),
        ("settings.zzz", "there is no settings.zzz", "looked in the test's settings"),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("--prefect-compat",)])
def test_a_value_that_the_source_lacks_is_found_before_anything_runs(vault, reference, message, hint, arguments):
    text = (
        "build:\n- run_shell_script:\n    script: touch ran\n"
        + SHOW.format(f"{{{{ {reference} }}}}").partition("\n")[2]
    )
    vault.write("prefect.yaml", text)
    assert vault.stepengine("validate").code == 0
    outcome = vault.stepengine("run", *arguments)
    assert outcome.code == 2
    assert "unresolved-reference" in outcome.err
    assert message in outcome.err
    assert hint in outcome.err
    assert not (vault.directory / "ran").exists()


def test_default_allows_for_a_missing_value(vault):
    result = vault.result(SHOW.format("{{ settings.zzz | default('none') }}"))
    assert result["pipelines"][0]["steps"][0]["outputs"]["stdout"] == "none"


def test_the_plan_shows_which_inputs_are_secret(vault):
    vault.write("prefect.yaml", SHOW.format("{{ vault.kv.db.password }}"))
    plan = vault.stepengine("plan", "--format", "json")
    (given,) = [each for each in plan.json["pipelines"][0]["steps"][0]["inputs"] if each["name"] == "script"]
    assert given == {"name": "script", "state": "secret", "value": "echo ***", "after": []}
    assert "opensesame" not in plan.out + plan.err


def test_a_near_miss_of_a_namespace_is_suggested(vault):
    vault.write("prefect.yaml", SHOW.format("{{ valt.kv.db.password }}"))
    outcome = vault.stepengine("validate")
    assert outcome.code == 2
    assert "did you mean {{ vault.kv.db.password }}?" in outcome.err


def test_a_near_miss_of_blocks_and_variables_is_suggested(cli):
    cli.write("prefect.yaml", SHOW.format("{{ prefect.block.secret.x }} {{ prefect.variable.y }}"))
    outcome = cli.stepengine("validate")
    assert "did you mean {{ prefect.blocks.secret.x }}?" in outcome.err
    assert "did you mean {{ prefect.variables.y }}?" in outcome.err


def test_a_step_of_the_namespaces_name_goes_before_it(vault):
    result = vault.result(
        "build:\n- run_shell_script:\n    id: vault\n    script: echo mine\n"
        "- run_shell_script:\n    id: show\n    script: echo {{ vault.stdout }}\n"
    )
    assert result["pipelines"][0]["outputs"]["show"]["stdout"] == "mine"


def test_a_reference_to_a_later_step_of_the_namespaces_name_means_the_step(vault):
    text = SHOW.format("{{ vault.kv.db.password }}") + "- run_shell_script:\n    id: vault\n    script: echo mine\n"
    outcome = vault.run(text)
    assert outcome.code == 2
    assert "reference-to-later" in outcome.err


OPEN = "build:\n- my_steps.give: {}\n- run_shell_script:\n    id: show\n    script: echo {{ vault.kv.db.pasword }}\n"


def test_an_output_that_is_known_only_once_it_is_there_goes_before_the_namespace(vault):
    vault.write("my_steps.py", "def give():\n    return {'vault': {'kv': {'db': {'pasword': 'mine'}}}}\n")
    outcome = vault.run(OPEN, "--format", "json")
    assert outcome.code == 0
    assert outcome.json["pipelines"][0]["outputs"]["show"]["stdout"] == "mine"
    assert "warning: show's script: vault.kv.db has no pasword [unresolved-reference]" in outcome.err
    assert "the outputs of give are not known before it has run: one may be meant" in outcome.err


def test_what_neither_such_a_step_nor_the_source_has_fails_the_step_that_needs_it(vault):
    vault.write("my_steps.py", "def give():\n    return {}\n")
    outcome = vault.run(OPEN)
    assert outcome.code == 1
    assert "vault.kv.db has no pasword" in outcome.err


def test_a_pull_steps_input_may_refer_to_it(vault):
    text = SHOW.format("{{ settings.region }}").replace("build", "pull")
    outcome = vault.run(text, "--pull-in", "here", "--format", "json")
    assert outcome.json["pipelines"][0]["outputs"]["show"]["stdout"] == "eu"


LOUD = """
import pathlib
pathlib.Path(__file__).with_suffix(".imported").touch()
from stepengine.plugin import ReferenceSource
def stepengine_sources():
    yield ReferenceSource("vault", "x", {}.__getitem__, list)
"""


@pytest.mark.parametrize(
    ("script", "imported"),
    [
        ("echo plain", False),
        ("echo {{ first.stdout }} {{ stdout }} {{ $HOME }}", False),
        ("echo {{ prefect.variables.known }}", False),
        ("echo {{ vault.x | default('none') }}", True),
    ],
)
def test_a_plugin_is_imported_only_where_a_reference_may_be_its(cli, script, imported):
    install(cli, "loud", {"stepengine/loud": "loud"}, loud=LOUD)
    cli.environ["STEPENGINE_VARIABLES"] = '{"known": "k"}'
    text = "build:\n- run_shell_script:\n    id: first\n    script: echo 1\n" + SHOW.format("").partition("\n")[2]
    outcome = cli.run(text.replace("echo \n", script + "\n"))
    assert outcome.code == 0, outcome.err
    assert (cli.directory / "site" / "loud.imported").exists() is imported


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("'a.b', 'x', {}.__getitem__, list", "no reference can name the namespace 'a.b'"),
        ("'prefect', 'x', {}.__getitem__, list", "no reference can name the namespace 'prefect'"),
        ("'', 'x', {}.__getitem__, list", "no reference can name the namespace ''"),
        ("'vault', 'x', {}.__getitem__, list, depth=0", "the depth of the namespace vault is 0, and not 1 or more"),
    ],
)
def test_a_source_that_no_reference_can_reach_is_left_out_with_a_word(cli, arguments, told):
    source = f"from stepengine.plugin import ReferenceSource\ndef stepengine_sources():\n    yield ReferenceSource({arguments})\n"
    install(cli, "odd", {"stepengine/odd": "odd_source"}, odd_source=source)
    cli.write("prefect.yaml", SHOW.format("{{ vault.x }}"))
    outcome = cli.stepengine("validate")
    assert outcome.code == 2
    assert f"warning: something of the plugin odd of odd 1.2 is left out: {told}" in outcome.err
