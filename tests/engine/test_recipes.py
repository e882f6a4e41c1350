"""Recipes: their descriptions, and that a value never leaves its place in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stepengine.document.parser import parse_document
from stepengine.recipes.description import read_description
from stepengine.recipes.rendering import encode, expand, render

ROOT = Path(__file__).parents[2] / "recipes"
NAMES = sorted(path.name for path in ROOT.iterdir())
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def load(name):
    described = read_description((ROOT / name / "recipe.toml").read_text(encoding="utf-8"))
    return described, (ROOT / name / "prefect.yaml").read_text(encoding="utf-8")


def filled(data, values):
    if isinstance(data, dict):
        return {key: filled(value, values) for key, value in data.items()}
    if isinstance(data, list):
        return [filled(value, values) for value in data]
    return expand(data, values) if isinstance(data, str) else data


@given(TEXTS)
def test_a_text_is_itself_for_both_parsers(text):
    written = f"- a: {encode(text)}\n  b: 1\n"
    assert parse_document(written).root.value == [{"a": text, "b": 1}]
    assert yaml.safe_load(written) == [{"a": text, "b": 1}]


@pytest.mark.parametrize(
    "text", ["yes", "null", "1.0", "1e3", "0x1f", "12:30", "2024-01-01", "~", "", "a: b", "a #b", "-"]
)
def test_a_text_that_looks_like_something_else_stays_a_text(text):
    assert yaml.safe_load(encode(text)) == text


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_value_in_any_field_gives_the_file_with_that_value(name, data):
    described, template = load(name)
    values = {field.name: data.draw(st.none() | TEXTS) for field in described.fields}
    text = render(template, values)
    assert yaml.safe_load(text) == filled(yaml.safe_load(template), values)
    comments = [line for line in template.splitlines() if line.startswith("#")]
    assert [line for line in text.splitlines() if line.startswith("#")] == comments


STEPS_OF_OTHERS = ("s3", "gcs", "azure")


@pytest.mark.parametrize("name", NAMES)
def test_what_fits_the_patterns_is_valid(name, check):
    described, template = load(name)
    mandatory = {field.name for field in described.fields if field.required or field.default is not None}

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(data=st.data())
    def validates(data):
        values = {}
        for field in described.fields:
            # Hypothesis takes long over a lookahead; the field itself then says whether a text fits.
            texts = st.from_regex(field.pattern.replace("(?=.{1,200}$)", ""), fullmatch=True)
            fitting = texts.filter(lambda text, field=field: len(text) < 200 and not field.problem(text))
            values[field.name] = data.draw(fitting if field.name in mandatory else st.none() | fitting)
        if "directory" in values:
            values["directory"] = "/opt/prefect/project"
        problems = check(render(template, values)).found
        assert [each.code for each in problems] == (["unknown-step"] * 2 if name.endswith(STEPS_OF_OTHERS) else []), (
            problems
        )

    validates()


@pytest.mark.parametrize(
    "template",
    [
        "# <<a>>\n",
        "a: '<<a>>'\n",
        "<<a>>: 1\n",
        "a: [<<a>>]\n",
        "a: |\n  b: <<a>>\n",
        "a: <<b>>\n",
        "a: <<a>> # x\n",
        "a: b\n  - <<a>>\n",
    ],
)
def test_a_field_where_no_value_can_stand_is_refused(template):
    with pytest.raises(ValueError, match=r"prefect\.yaml has"):
        render(template, {"a": "it's: 1"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no summary"),
        ("summary = 1", "no summary"),
        ("summary = 'x'\nfoo = 1", "unknown key 'foo'"),
        ("summary = 'x'\nfields = 1", "no table"),
        ("summary = 'x'\n[fields.'a b']", "'a b'"),
        ("summary = 'x'\n[fields]\na = 1", "field a is no table"),
        ("summary = 'x'\n[fields.a]\nrequired = 'yes'", "required of the field a"),
        ("summary = 'x'\n[fields.a]\nkind = 'x'", "unknown key 'kind'"),
        ("summary = 'x'\n[fields.a]\npattern = '('", "pattern of the field a"),
        ("summary = ", "(?i)invalid value|expected"),
    ],
)
def test_a_description_that_is_none_is_told(text, told):
    with pytest.raises(ValueError, match=told):
        read_description(text)
