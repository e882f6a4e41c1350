"""Values made to hurt: deep, endless, huge, or odd."""

from __future__ import annotations

import pytest

from stepengine.errors import TemplateError
from stepengine.templating import RenderError, Scope, compile_template


def test_a_value_inside_itself_is_refused_only_if_it_holds_a_placeholder():
    plain = ["x"]
    plain.append(plain)
    assert compile_template(plain) is None
    looped = ["{{ x }}"]
    looped.append(looped)
    with pytest.raises(TemplateError, match="nested too deeply"):
        compile_template(looped)


def test_depth():
    deep = "{{ image }}"
    for _ in range(90):
        deep = [deep]
    assert "r/i:t" in str(compile_template(deep).render(Scope({"image": "r/i:t"})).value)
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(TemplateError, match="nested too deeply"):
        compile_template(deep)


def test_aliases_that_multiply():
    value = ["{{ image }}"]
    for _ in range(40):
        value = [value, value]
    with pytest.raises(TemplateError, match="too large"):
        compile_template(value)
    value = ["x"]
    for _ in range(90):
        value = [value, value]
    assert compile_template(value) is None


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    [
        "{{ ",
        "{",
        "{{ a.b }} ",
        '{{ "',
        "{{ '",
        "{{ '\"",
        '{{ \'""',
        "{{ '}",
        "{{ ' {{ \" ",
        "{{ ) }}",
        "{{.Id}}",
        "{{ ( ",
        "{{ a[ ",
        "{{ x } ",
        "{{ a-",
        '{{ "\\"',
        "{{ a\n",
    ],
)
def test_a_megabyte_of_braces_takes_linear_time(piece):
    template = compile_template(piece * (1_000_000 // len(piece)))
    assert template is None or template.references or template.problems


def test_an_output_without_a_text_form_is_an_error_with_a_place():
    class Odd:
        def __str__(self):
            raise ValueError

    with pytest.raises(RenderError, match="no text form: ValueError") as caught:
        compile_template(["-{{ odd }}"]).render(Scope({"odd": Odd()}))
    assert caught.value.location == (0,)
    odd = Odd()
    assert compile_template("{{ odd }}").render(Scope({"odd": odd})).value is odd


def test_an_output_that_compares_oddly_is_passed_on():
    class Array:
        def __eq__(self, other):
            raise ValueError("ambiguous")

        __hash__ = None

    array = Array()
    assert compile_template({"a": "{{ array }}"}).render(Scope({"array": array})).value["a"] is array
