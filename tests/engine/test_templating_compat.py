"""Prefect's own behaviour where a value is missing (3.8.8), and that plain files do not pay for expressions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stepengine.templating import MISSING, RenderError, Scope, compile_template


def source(namespace, path):
    raise LookupError(path)


def render(value, missing="drop"):
    scope = Scope({"a": {"b": 1}, "text": "x"}, environment={"SET": "s"}.get, source=source, missing=missing)
    return compile_template(value).render(scope).value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"x": "{{ nope }}", "y": 1}, {"y": 1}),
        ({"x": "{{ a.nope }}", "y": "{{ a.b }}"}, {"y": 1}),
        ({"x": "{{ a.b.c.d }}"}, {}),
        ({"x": ["{{ nope }}", "{{ text }}", "z"]}, {"x": ["x", "z"]}),
        ({"x": {"y": "{{ nope }}"}}, {"x": {}}),
        ({"x": "a {{ nope }} b"}, {"x": "a  b"}),
        ({"x": " {{ nope }}"}, {"x": " "}),
        ({"x": "{{ nope }}{{ nope }}"}, {"x": ""}),
        ({"x": "{{ $NOPE }}"}, {"x": ""}),
        ({"x": "{{ $NOPE }}-{{ $SET }}"}, {"x": "-s"}),
        ({"x": "{{ prefect.variables.nope }}"}, {"x": ""}),
        ({"x": "v{{ prefect.variables.nope }}"}, {"x": "v"}),
        ({"x": "{{ text[0] }}"}, {"x": "x"}),
        ({"x": "{{{ text }}}"}, {"x": "{x}"}),
    ],
)
def test_a_missing_value_is_dropped_as_prefect_drops_it(value, expected):
    assert render(value) == expected


def test_a_value_that_is_dropped_whole_is_missing():
    assert render("{{ nope }}") is MISSING
    assert not MISSING
    assert repr(MISSING) == "MISSING"


def test_a_missing_block_is_an_error_in_prefect_too():
    with pytest.raises(RenderError):
        render("{{ prefect.blocks.secret.nope }}")
    assert render("{{ prefect.blocks.secret.nope }}", "keep") == "{{ prefect.blocks.secret.nope }}"


@pytest.mark.parametrize(
    "text", ["{{ nope }}", "a {{nope.x}} {{ $NOPE }}", "{{  nope | upper\n}}", "{{ prefect.variables.nope }}"]
)
def test_what_has_no_value_can_stay_as_it_is_written(text):
    assert render({"x": [text, "{{ text }}"]}, "keep") == {"x": [text, "x"]}


def test_what_was_missing_is_told():
    scope = Scope({}, missing="drop")
    compile_template({"x": "{{ nope }}", "y": "{{ $NOPE }}"}).render(scope)
    assert [(error.reference.text, error.location) for error in scope.missed] == [("nope", ("x",)), ("$NOPE", ("y",))]


def test_a_file_without_expressions_does_not_import_jinja():
    program = (
        "import sys\n"
        "from stepengine.templating import Scope, compile_template\n"
        "compile_template({'x': ['{{ a.b }} {{ $HOME }} {{.Id}} {{ prefect.blocks.secret.x }}']})\n"
        "heavy = {'jinja2', 'dataclasses', 'inspect', 'json', 'copy', 'difflib', 'urllib.parse'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run(
        [sys.executable, "-S", "-c", "import sys; sys.path[:] = " + repr(sys.path) + "\n" + program], check=True
    )
