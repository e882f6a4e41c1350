"""The forms of placeholders: what each means, and what is left alone."""

from __future__ import annotations

import pytest

from stepengine.errors import TemplateError
from stepengine.secrecy.secrets import Secrets
from stepengine.templating import RenderError, Scope, compile_template

BLOCKS = {
    ("docker-registry-credentials", "creds"): {
        "username": "ann",
        "password": "hunter2hunter2",
        "registry_url": "https://registry.example",
    },
    ("secret", "supabase-db--user"): {"value": "postgres-user"},
    ("secret", "tree"): {"value": {"key": {"nested-key": "nested-value"}, "list": [{"list-key": "found"}, 1, 2]}},
    ("json", "values"): {"value": {"values": "inside"}},
    ("github-credentials", "a"): {"token": "ghp_0123456789"},
}
OUTPUTS = {
    "build-image": {
        "image": "r/i:t",
        "image_name": "r/i",
        "tag": "t",
        "count": 3,
        "parts": [1, {"x": "deep"}],
        "no": None,
    },
    "build_image": {"tag": "other"},
    "image": "r/i:t",
    "flag": False,
    "empty": "",
    "names": {"0": "zero"},
}


def source(namespace, path):
    return BLOCKS[path] if namespace == "prefect.blocks" else {"region": "eu", "config": {"a": [1, 2]}}[path[0]]


def scope(**changes):
    environment = {"HOME": "/root", "GITHUB_TOKEN": "ghp_abcdefgh", "EMPTY": ""}
    return Scope(OUTPUTS, environment=environment.get, source=source, **changes)


def render(value, **changes):
    template = compile_template(value)
    return value if template is None else template.render(scope(**changes)).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ build-image.image }}", "r/i:t"),
        ("{{build-image.image}}", "r/i:t"),
        ("{{ build-image.image\n  }}", "r/i:t"),
        ("{{\n\tbuild-image.image }}", "r/i:t"),
        ("{{ build_image.tag }}", "other"),
        ("{{ build-image }}", OUTPUTS["build-image"]),
        ("{{ build-image.count }}", 3),
        ("{{ build-image.no }}", None),
        ("{{ build-image.parts }}", [1, {"x": "deep"}]),
        ("{{ build-image.parts[1].x }}", "deep"),
        ("{{ build-image.parts.1.x }}", "deep"),
        ("{{ build-image.parts[-1].x }}", "deep"),
        ("{{ build-image[tag] }}", "t"),
        ("{{ names.0 }}", "zero"),
        ("{{ image[0] }}", "r"),
        ("{{ flag }}", False),
        ("{{ empty }}", ""),
        ("{{ image }}{{ build-image.count }}", "r/i:t3"),
        ("a {{ flag }} {{ build-image.no }}", "a False None"),
        ("{{ build-image.parts }}!", "[1, {'x': 'deep'}]!"),
        (" {{ build-image.count }}", " 3"),
        ("{{ $HOME }}", "/root"),
        ("{{ $EMPTY }}", ""),
        ("{{ $HOME }}/bin", "/root/bin"),
        ("{{ prefect.variables.region }}", "eu"),
        ("{{ prefect.variables.config.a[1] }}", 2),
        ("{{ prefect.blocks.secret.supabase-db--user }}", "postgres-user"),
        ("{{ prefect.blocks.secret.supabase-db--user.value }}", "postgres-user"),
        ("u={{ prefect.blocks.secret.supabase-db--user }};", "u=postgres-user;"),
        ("{{ prefect.blocks.secret.tree.value.key }}", {"nested-key": "nested-value"}),
        ("{{ prefect.blocks.secret.tree.value.key.nested-key }}", "nested-value"),
        ("{{ prefect.blocks.secret.tree.list[0].list-key }}", "found"),
        ("{{ prefect.blocks.json.values.values }}", "inside"),
        ("{{ prefect.blocks.docker-registry-credentials.creds.username }}", "ann"),
        (
            "{{ prefect_docker.docker-registry-credentials.creds\n      }}",
            BLOCKS["docker-registry-credentials", "creds"],
        ),
        ("{{ prefect_docker.docker-registry-credentials.creds.password }}", "hunter2hunter2"),
        ("{{{ image }}}", "{r/i:t}"),
        ("${{ image }}", "$r/i:t"),
        ("{% raw %}{{ image }}{# no #}", "{% raw %}r/i:t{# no #}"),
    ],
)
def test_forms(text, value):
    assert render(text) == value
    assert type(render(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "{single}",
        "{{ }}",
        "{{}}",
        "{{",
        "}}",
        "{{ image",
        "{{ image }",
        "{% if x %}y{% endif %}",
        "{# comment #}",
        "{{.Id}}",
        "docker ps --format '{{ .Names | json }}'",
        "{{range .Mounts}}{{.Source}}{{end}}",
        "{{ json .State }}",
        '{{ index .Config.Labels "a" }}',
        '{{ printf "%s" $x }} {{ . }} {{ $.Name }} {{ $v := .X }}',
        "{{#if x}}y{{/if}}",
        "{{> partial}}",
        "{{- x -}}",
        "{{ hello world }}",
        '{"a": {"b": 1}}',
    ],
)
def test_what_is_no_placeholder_survives_byte_for_byte(text):
    assert render(text) == text


@pytest.mark.parametrize("text", ["{{.Id}}", "{{ json .State }}", "{{#if x}}", "{{ hello world }}", "{{-  x}}"])
def test_a_foreign_placeholder_is_reported_with_its_place(text):
    template = compile_template({"script": ["true", f"run {text}"]})
    assert template.references == ()
    [problem] = template.problems
    assert (problem.kind, problem.offset, problem.path) == ("foreign", 4, ("script", 1))
    assert problem.text == " ".join(text.split())


def test_go_statements_are_left_alone_next_to_go_fields_and_references_beside_them_are_not():
    assert (
        render("{{range .Mounts}}{{.Source}}{{else}}{{ image }}{{end}}")
        == "{{range .Mounts}}{{.Source}}{{else}}r/i:t{{end}}"
    )


@pytest.mark.parametrize(
    "text", ["{{ image | }}", "{{ image | default( }}", "{{ (image }}", "{{ a..b | upper }}", "{{ f(image) }}"]
)
def test_a_broken_expression_is_reported_and_stays(text):
    template = compile_template(text)
    assert [problem.kind for problem in template.problems] == ["syntax"]
    assert template.render(scope()).value == text


def test_a_literal_is_no_template():
    for value in ["x", 1, 1.5, True, None, [], {}, {"a": [1, {"b": "{ }"}]}, "{{ }}", {"{{ image }}": 1}]:
        assert compile_template(value) is None


def test_values_deep_inside_are_rendered_and_keys_are_not():
    value = {"env": {"{{ image }}": "{{ image }}", 1: ["a", {"b": "{{ flag }}"}]}, "push": True}
    assert render(value) == {"env": {"{{ image }}": "r/i:t", 1: ["a", {"b": False}]}, "push": True}
    assert value["env"][1][1]["b"] == "{{ flag }}"


def test_references_come_in_order_with_their_places():
    template = compile_template(
        {"a": "x {{ build-image.parts[1].x }}", "b": ["{{ $HOME }}{{  prefect.variables.region }}"]}
    )
    assert [
        (item.text, item.kind, item.head, item.path, item.offset, item.location) for item in template.references
    ] == [
        ("build-image.parts[1].x", "output", "build-image", ("parts", 1, "x"), 5, ("a",)),
        ("$HOME", "environment", "HOME", (), 3, ("b", 0)),
        ("prefect.variables.region", "variable", "prefect.variables", ("region",), 15, ("b", 0)),
    ]
    assert not any(item.optional for item in template.references)


def test_the_prefix_of_a_collection_means_a_block_and_a_step_of_such_an_id_stays_a_step():
    [block] = compile_template("{{ prefect_aws.aws-credentials.prod.region_name }}").references
    assert (block.kind, block.head, block.path) == (
        "block",
        "prefect.blocks",
        ("aws-credentials", "prod", "region_name"),
    )
    for text in ["{{ prefect_build.image }}", "{{ prefect_build.image.digest }}", "{{ prefect.projects.directory }}"]:
        assert compile_template(text).references[0].kind == "output"


@pytest.mark.parametrize(
    "text",
    [
        "{{ event.data.name }}",
        "at {{ flow_run.id }}",
        "{{ ctx.a | upper }}",
        "{{ event.a ~ image }}",
        "{{ $HOME }}",
        "{{ prefect.variables.region }}",
    ],
)
def test_what_another_system_renders_later_is_left_alone(text):
    deferred = frozenset({"event", "flow_run", "ctx", "$", "prefect.variables"})
    assert compile_template(text, deferred=deferred) is None
    assert compile_template(text + "{{ image }}", deferred=deferred).render(scope()).value == text + "r/i:t"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{ build-imag.tag }}", "there is no output build-imag", "build-image"),
        ("{{ build-image.tags }}", "build-image has no output tags", "did you mean tag?"),
        ("x{{ clone-output }}", "clone-output has no value", "known here"),
        ("{{ image.x }}", "image has no output x", ""),
        ("{{ $NOPE }}", "environment variable NOPE is not set", "default"),
        ("{{ prefect.blocks.secret.nope }}", "no source has the block secret/nope", "STEPENGINE_BLOCKS"),
        ("{{ prefect.blocks.github-credentials.a.tokn }}", "has no tokn", "did you mean token?"),
        ("{{ prefect.variables.nope }}", "no source has the variable nope", "STEPENGINE_VARIABLES"),
        ("{{ prefect.variables.config.b }}", "the variable has no config.b", ""),
        ("x{{ prefect.blocks.secret.tree }}", "is a mapping, which cannot stand inside text", "name one of its values"),
        (
            "x{{ prefect.blocks.secret.tree.list }}",
            "is a list, which cannot stand inside text",
            "name one of its values",
        ),
        ("{{ build-image.tag | upper ~ nope }}", "nope has no value", ""),
    ],
)
def test_a_missing_value_is_an_error_that_names_it(text, message, hint):
    template = compile_template({"a": [text]})
    with pytest.raises(RenderError) as caught:
        template.render(scope())
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.location == ("a", 0)
    assert text[caught.value.offset :].startswith(caught.value.reference.text)


def test_a_source_speaks_for_itself():
    def refuse(namespace, path):
        raise TemplateError("the blocks file is readable by others", hint="chmod 600")

    with pytest.raises(RenderError, match="readable by others") as caught:
        compile_template("{{ prefect.blocks.secret.x }}").render(Scope(source=refuse))
    assert caught.value.hint == "chmod 600"
    with pytest.raises(RenderError, match="no source has the block secret/x"):
        compile_template("{{ prefect.blocks.secret.x }}").render(Scope())


def test_a_bare_name_is_an_environment_variable_in_the_fields_of_a_deployment_alone():
    assert render("{{ HOME }}", bare_environment=True) == "/root"
    with pytest.raises(RenderError, match="HOME has no value"):
        render("{{ HOME }}")


def test_outputs_that_are_added_later_are_seen():
    outputs = {}
    later = Scope(outputs)
    outputs["a"] = 1
    assert compile_template("{{ a }}").render(later).value == 1
    assert later.names() == ["a"]


def test_what_a_step_does_to_a_block_that_it_got_is_not_seen_by_the_next():
    template = compile_template("{{ prefect.blocks.docker-registry-credentials.creds }}")
    template.render(scope()).value.clear()
    assert template.render(scope()).value["username"] == "ann"


def test_a_value_is_rendered_once():
    hostile = {"stdout": "{{ $GITHUB_TOKEN }} {{ prefect.blocks.secret.tree }} {{ 1 + 1 }}"}
    for text in ["{{ stdout }}", "{{ stdout | string }}", "{{ (stdout) }}"]:
        assert (
            compile_template(text).render(Scope(hostile, environment={"GITHUB_TOKEN": "t"}.get)).value
            == hostile["stdout"]
        )
    assert compile_template("<{{ stdout }}>").render(Scope(hostile)).value == f"<{hostile['stdout']}>"


def test_a_value_from_the_environment_is_not_rendered():
    environment = {"A": "{{ $B }}", "B": "b"}.get
    assert compile_template("{{ $A }}-{{ $B }}").render(Scope(environment=environment)).value == "{{ $B }}-b"


class TestTaint:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("{{ $GITHUB_TOKEN }}", "***"),
            ("https://{{ $GITHUB_TOKEN }}@host/{{ image }}", "https://***@host/r/i:t"),
            ("{{ $GITHUB_TOKEN | upper }}", "***"),
            ("{{ 'yes' if $GITHUB_TOKEN else 'no' }}", "***"),
            ("{{ prefect.blocks.secret.tree }}", "***"),
            ("{{ prefect.blocks.docker-registry-credentials.creds }}", "***"),
            ("{{ prefect_docker.docker-registry-credentials.creds.password }}", "***"),
            ("{{ prefect_docker.docker-registry-credentials.creds.username }}", "ann"),
            ("{{ prefect.variables.region }}", "eu"),
            ("{{ $HOME }}", "/root"),
            ("{{ $NOPE | default('x') }}", "x"),
        ],
    )
    def test_what_came_from_a_secret_is_hidden(self, text, shown):
        rendered = compile_template({"a": [text], "b": 1}).render(scope(secrets=Secrets()))
        assert rendered.shown == {"a": [shown], "b": 1}
        assert rendered.tainted == ("***" in shown)
        assert (rendered.shown is rendered.value) == (not rendered.tainted)

    @pytest.mark.parametrize(
        "text",
        [
            "{{ $GITHUB_TOKEN | upper }}",
            "{{ $GITHUB_TOKEN | reverse }}",
            "{{ $GITHUB_TOKEN[2:] }}",
            "{{ $GITHUB_TOKEN ~ 'x' }}",
        ],
    )
    def test_the_result_of_an_expression_that_touched_a_secret_is_a_secret(self, text):
        secrets = Secrets()
        value = compile_template(text).render(scope(secrets=secrets)).value
        assert secrets.mask(f"got {value}.") == "got ***."
        assert secrets.mask("got ghp_abcdefgh.") == "got ***."

    def test_a_word_of_the_file_is_no_secret(self):
        secrets = Secrets()
        compile_template("{{ 'prod' if $GITHUB_TOKEN else 'test' }}").render(scope(secrets=secrets))
        assert secrets.mask("prod") == "prod"

    def test_an_output_that_holds_a_secret_is_tainted(self):
        secrets = Secrets()
        secrets.add("ghp_abcdefgh")
        rendered = compile_template("{{ url }}").render(Scope({"url": ["https://ghp_abcdefgh@host"]}, secrets=secrets))
        assert rendered.shown == "***"

    def test_public_fields_of_a_block_stay_readable_in_text(self):
        secrets = Secrets()
        compile_template("{{ prefect.blocks.docker-registry-credentials.creds }}").render(scope(secrets=secrets))
        assert secrets.mask("ann pushed with hunter2hunter2") == "ann pushed with ***"

    def test_an_error_about_a_secret_does_not_quote_it(self):
        with pytest.raises(RenderError) as caught:
            render("{{ {'a': 1}[$GITHUB_TOKEN] | upper }}", secrets=Secrets())
        assert "ghp_abcdefgh" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_value_that_a_secret_chooses_and_others_know_is_not_made_a_secret():
    secrets = Secrets()
    scope = Scope(
        {"img": {"tag": "main"}}, environment={"MY_TOKEN": "tok_0123456789"}.get, secrets=secrets, missing="error"
    )
    rendered = compile_template("{{ img.tag if $MY_TOKEN else 'none' }}").render(scope)
    assert (rendered.value, rendered.tainted) == ("main", True)
    assert secrets.mask("deploying main to the domain") == "deploying main to the domain"
