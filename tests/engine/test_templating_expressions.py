"""Expressions: names with hyphens, what they may do, and what they are kept from."""

from __future__ import annotations

import contextlib
import time

import pytest

from stepengine.secrecy.secrets import Secrets
from stepengine.templating import MISSING, RenderError, Scope, compile_template

OUTPUTS = {
    "build-image": {"image": "r/i:t", "tag": "t", "n": 3, "items": ["b", "a"], "env": {"A": "1"}, "none": None},
    "a-step": {"n": 4},
    "a": 10,
    "b": 3,
    "stdout": "v1.2-3-gabc\n",
}
ENVIRONMENT = {"TOKEN": "secret-token", "HOME": "/root", "EMPTY": ""}


def source(namespace, path):
    return {"prefect.blocks": {"value": {"user": "ann"}}, "prefect.variables": "eu"}[namespace]


def render(text, **changes):
    template = compile_template(text)
    assert not template.problems, template.problems
    return template.render(Scope(OUTPUTS, environment=ENVIRONMENT.get, source=source, **changes)).value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("build-image.tag | upper", "T"),
        ("build-image.tag | default('x')", "t"),
        ("build-image.tags | default('x')", "x"),
        ("build-imag.tag | default('x')", "x"),
        ("build-imag.tag.deeper | d('x')", "x"),
        ("build-image['tag'] ~ '!'", "t!"),
        ("build-image.none | default('x')", None),
        ("build-image.none | default('x', true)", "x"),
        ("nope | default(none)", None),
        ("nope | default(build-image.tag)", "t"),
        ("a-step.n + 1", 5),
        ("a-step.n - 1", 3),
        ("a - b", 7),
        ("a -b", 7),
        ("(- a) + b", -7),
        ("a * b // 2 ** 1 % 7", 1),
        ("a > b and not a == b", True),
        ("$TOKEN | upper", "SECRET-TOKEN"),
        ("$HOME ~ '/bin'", "/root/bin"),
        ("$NOPE | default('none')", "none"),
        ("$NOPE or 'x' if $NOPE is defined else 'y'", "y"),
        ("$EMPTY or 'x'", "x"),
        ("prefect.variables.region | upper", "EU"),
        ("prefect.blocks.json.my--block.user | title", "Ann"),
        ("build-image.items | sort | join(',')", "a,b"),
        ("build-image.items | map('upper') | list", ["B", "A"]),
        ("build-image.items | map('upper')", ["B", "A"]),
        ("build-image.items[0]", "b"),
        ("build-image.items[a - 9]", "a"),
        ("build-image.items[:1]", ["b"]),
        ("build-image.env.items() | list", [("A", "1")]),
        ("build-image.env.keys()", ["A"]),
        ("build-image.env.get('B', 'none')", "none"),
        ("stdout.strip().split('-')[0]", "v1.2"),
        ("stdout.strip().split('-') | first | replace('v', '')", "1.2"),
        ("', '.join(build-image.items)", "b, a"),
        ("stdout | trim | replace('.', '_')", "v1_2-3-gabc"),
        ("stdout.replace('v', 'V').strip()", "V1.2-3-gabc"),
        ("build-image.image is defined", True),
        ("nope.x is defined", False),
        ("nope is not defined", True),
        ("a is number and build-image.tag is string", True),
        ("build-image.tag if build-image is defined else 'none'", "t"),
        ("nope if false else 'x'", "x"),
        ("{'a': build-image.tag, 'b': [a, b]}", {"a": "t", "b": [10, 3]}),
        ("{'a': {'b': 1}}.a.b", 1),
        ("{'b': {'a': {'c': 1}}}['b']['a']", {"c": 1}),
        ("'}}' | upper", "}}"),
        ("'{{ $TOKEN }}'", "{{ $TOKEN }}"),
        ("\"it's\" ~ '\"'", "it's\""),
        ("range(3)", [0, 1, 2]),
        ("range(1, 7, 3) | sum", 5),
        ("build-image.env | tojson", '{"A": "1"}'),
        ("'<a>' | escape", "&lt;a&gt;"),
        ("'a b' | urlencode", "a%20b"),
        ("5", 5),
        ("2.5", 2.5),
        ("1 + 1", 2),
        ("'a' * 3", "aaa"),
        ("(3.14159 | round(2))", 3.14),
        ("'t' in build-image.tag", True),
        ("true", None),
    ],
)
def test_expressions(expression, value):
    if value is None and expression == "true":
        with pytest.raises(RenderError):  # one word is a reference, whatever the word
            render("{{ true }}")
        return
    result = render("{{ " + expression + " }}")
    assert result == value
    assert type(result) is type(value)
    assert render("<{{\n" + expression + "\n}}>") == f"<{value}>"


@pytest.mark.parametrize(
    ("expression", "heads"),
    [
        ("a-b", ["a-b"]),
        ("a - b", ["a", "b"]),
        ("a -b", ["a", "b"]),
        ("a-b | upper", ["a-b"]),
        ("a.x-1 + 2", ["a"]),
        ("x | default(y, true)", ["x", "y"]),
        ("x | map(attribute='y')", ["x"]),
        ("x is divisibleby(y)", ["x", "y"]),
        ("x is not none", ["x"]),
        ("not x", ["x"]),
        ("x.strip().y", ["x"]),
        ("(x).y", ["x"]),
        ("'x' ~ \"y\"", []),
        ("range(x)", ["x"]),
        ("x == y", ["x", "y"]),
        ("{'x': y}", ["y"]),
    ],
)
def test_what_of_an_expression_is_a_reference(expression, heads):
    assert [item.head for item in compile_template("{{ " + expression + " }}").references] == heads


def test_references_of_an_expression_have_their_places():
    text = 'tag={{ build-image.tags | default($TAG ~ "-" ~ prefect.variables.region) }}'
    references = compile_template([text]).references
    assert [item.text for item in references] == ["build-image.tags", "$TAG", "prefect.variables.region"]
    assert all(text[item.offset :].startswith(item.text) and item.location == (0,) for item in references)


@pytest.mark.parametrize(
    ("expression", "optional"),
    [
        ("x | default('y')", [True]),
        ("x.y.z | d('y')", [True]),
        ("(x)['y'] | default('y')", [True]),
        ("x | upper | default('y')", [False]),
        ("x | default(y)", [True, True]),
        ("x is defined", [True]),
        ("x.strip() is defined", [False]),
        ("x if x is defined else y", [True, True, True]),
        ("x if z else y", [True, False, True]),
        ("x or y", [False, True]),
        ("x and y", [False, True]),
        ("x ~ y", [False, False]),
        ("[x | default(1), y]", [True, False]),
    ],
)
def test_what_may_be_missing_is_optional(expression, optional):
    assert [item.optional for item in compile_template("{{ " + expression + " }}").references] == optional


def test_a_block_that_is_missing_can_be_guarded():
    def source(_namespace, path):
        raise KeyError(path)

    scope = Scope(source=source)
    assert compile_template("{{ prefect.blocks.secret.x | default('none') }}").render(scope).value == "none"
    with pytest.raises(RenderError, match="no source has the block secret/x"):
        compile_template("{{ prefect.blocks.secret.x | upper }}").render(scope)


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("a | uper", "there is no filter uper", "did you mean upper?"),
        ("a is defind", "there is no test defind", "did you mean defined?"),
        ("f(a)", "there is no function f", "range"),
        ("a.splitt()", "there is no method splitt", "did you mean split?"),
        ("a.format(b)", "there is no method format", ""),
        ("lipsum()", "there is no function lipsum", ""),
        ("a | attr('x')", "there is no filter attr", ""),
        ("a | center(10)", "there is no filter center", ""),
        ("a | default(", "the expression is broken", ""),
        ("a b | upper", "the expression is broken", ""),
        ("a | default('x'", "the expression is broken", ""),
        ("a | replace('x)", "the expression is broken", ""),
        ("(" * 30 + "a", "the expression is broken", ""),
        ("$A == ", "the expression is broken", ""),
    ],
)
def test_a_broken_expression_says_what_is_wrong_with_it(expression, message, hint):
    [problem] = compile_template("x {{ " + expression + " }}").problems
    assert (problem.kind, problem.offset) == ("syntax", 2)
    assert message in problem.message
    assert hint in problem.hint
    assert "_r" not in problem.message


@pytest.mark.parametrize(
    "expression",
    [
        "build-image.tag.__class__",
        "().__class__ | string",
        "build-image['__class__'] | string",
        "(a).__init__ | string",
        "(build-image.items | first).__class__ | string",
        "build-image.items | map(attribute='__class__') | list | string",
        "build-image.items | map(attribute='__doc__') | join",
        "[nope]",
        "range.__self__ | string",
        "(stdout.strip) | string",
        "cycler.__init__.__globals__ | string",
    ],
)
def test_nothing_of_python_can_be_reached(expression):
    template = compile_template("{{ " + expression + " }}")
    if not template.problems:
        with pytest.raises(RenderError):
            template.render(Scope(OUTPUTS))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "expression",
    [
        "'a' * 10 ** 9",
        "10 ** 9 * 'a'",
        "9 ** (9 ** 9)",
        "a ** 100000",
        "[0] * 10 ** 9",
        "[[[0] * 1000] * 1000] * 1000",
        "range(10 ** 12)",
        "range(10 ** 9) | list",
        "range(99999) | map('string') | join('x' * 1000)",
        "range(9999) | map(attribute='x', default='y' * 100000) | join",
        "range(9999) | map(attribute='x', default='y' * 100000) | list | string",
        "range(9999) | map(attribute='x', default='y' * 100000) | list | tojson",
        "('a' * 100000) | replace('a', 'b' * 100000)",
        "('a' * 100000).replace('a', 'b' * 100000)",
        "('x' * 100000).join(range(9999) | map('string') | list)",
        "'%1000000000d' % 1",
        "a | round(10 ** 9)",
        "a / 0",
        "a + 'x'",
        "a.b.c",
        "'x' | int + nope",
    ],
)
def test_a_bomb_is_refused_and_not_run(expression):
    started = time.monotonic()
    with pytest.raises(RenderError) as caught:
        render("{{ " + expression + " }}")
    assert time.monotonic() - started < 5
    assert len(caught.value.message) < 400
    assert "_r0" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    ["not " * 900 + "a", "a" + " | upper" * 450, "-" * 3000 + "a", "[" * 39 + "a" + "]" * 39, "a" + " + a" * 900],
)
def test_deep_expressions_are_a_problem_or_a_value_and_no_crash(text):
    template = compile_template("{{ (" + text + ") }}")
    if not template.problems:
        with contextlib.suppress(RenderError):
            template.render(Scope(OUTPUTS))


def test_an_untouched_secret_taints_all_the_same_and_a_missing_one_does_not():
    secrets = Secrets()
    scope = Scope(OUTPUTS, environment=ENVIRONMENT.get, secrets=secrets)
    assert compile_template("{{ a if a else $TOKEN }}").render(scope).shown == "***"
    assert compile_template("{{ $OTHER_TOKEN | default('x') }}").render(scope).shown == "x"


@pytest.mark.parametrize(("missing", "value"), [("drop", {}), ("keep", {"a": "{{ nope | upper }}"})])
def test_a_missing_value_in_an_expression_follows_the_policy(missing, value):
    scope = Scope({}, missing=missing)
    assert compile_template({"a": "{{ nope | upper }}"}).render(scope).value == value
    assert [error.reference.text for error in scope.missed] == ["nope"]
    if missing == "drop":
        assert compile_template("{{ nope | upper }}").render(scope).value is MISSING
