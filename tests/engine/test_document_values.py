"""The values of a document are those that Prefect's loader, PyYAML, gives it: equal, of one type, in one order."""

from __future__ import annotations

import datetime as dt
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stepengine.document.parser import parse_document


def value_of(text):
    """Give the value of a text that must be YAML."""
    document = parse_document(text)
    assert document.parsed, (text, document.diagnostics.sorted())
    return None if document.root is None else document.root.value


def same(left, right):
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return len(left) == len(right) and all(
            same(one, other) and same(left[one], right[other]) for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, dt.datetime):
        return left == right and left.tzinfo == right.tzinfo
    return left == right


def check(text):
    assert same(value_of(text), yaml.safe_load(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but words\n",
        "--- a\n...\n",
        "%YAML 1.1\n---\na: 1\n",
        "%OTHER x\n---\na: 1\n",
        "a: b\r\nc:\r\n- d\r\n- |\r\n  e\r\n  f\r\n",
        "a: b\rc: d\r",
        "a: 'it''s'\nb: \"\\x41\\u00e9\\U0001F600\\t\\\\\\/\"\n",
        "a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\nc: |2\n   x\nd: |+\n  x\n\n",
        "a: |\n  \tx\n",
        "? a\n: b\n? c\n",
        "1: a\ntrue: b\nnull: c\n1.5: d\n2024-01-01: e\n",
        "a: [b, [c, d], {e: f}]\ng: {h: i, j: [k]}\n",
        "v: [/data:/data, a:b, http://x/y, -1:2]\nw: {a: b:c}\n",
        "v: {a:b, c: d}\n",
        "{'a':b}\n",
        "a: &x 1\nb: *x\n",
        "a: &x {b: 1}\nc: *x\nd: [*x, *x]\n",
        "a: !!str 1\nb: !!int '2'\nc: !!float 3\nd: !!bool yEs\ne: !!null x\nf: !!timestamp 2024-01-01\n",
        "a: ! 12\nb: ! '12'\nc: !!map {d: 1}\ne: !!seq [f]\n",
        "a: =b\n=: c\n",
        "a: 1\na: 2\nb: 3\na: 4\n",
    ],
)
def test_forms(text):
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\n",
        "base: &base {a: 1, b: 2}\nuse:\n  b: 3\n  <<: *base\n",
        "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nuse:\n  <<: [*one, *two]\n  d: 3\n",
        "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nuse:\n  <<: *one\n  <<: *two\n",
        "one: &one {a: 1}\ntwo: &two {<<: *one, b: 2}\nuse: {<<: *two, c: 3}\n",
        "use: {<<: {a: 1}, b: 2}\n",
        "use: {<<: [], b: 2}\n",
        "'<<': {a: 1}\n",
        "use: {? << : {a: 1}}\n",
        "d: &d {id: build, image: x}\nbuild:\n- step:\n    <<: *d\n    image: y\n- step: {<<: *d}\n",
        "x: &x !!map {a: &y 1, b: *y}\nuse: {<<: *x, c: *y}\n",
    ],
)
def test_merge_keys(text):
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a: *x",
            "a: &x 1\nb: &x 2",
            "a: =",
            "a: <<",
            "- <<",
            "<<: 1",
            "<<: [1]",
            "<<:",
            "? [a]\n: b",
            "? {a: b}\n: c",
        ),
        *("a: !x b", "a: !!python/name:os.system", "a: !!int x", "a: !!bool 12", "a: !!seq b", "a: !!timestamp x"),
        *(
            ": b",
            "a: [",
            "a: {",
            "a: 'b",
            'a: "\\q"',
            "a: b: c",
            "a: @b",
            "a: %b",
            "a\n b: c\n  d",
            "a: b\n--- \nc: d",
            "a:\n\tb: c",
        ),
        *("a: 2024-02-30", "a: 0b_", "a: 2024-01-01 25:00:00", "a: 2024-01-01 10:00:00 +99:00", "\x07", "a: \x00"),
    ],
)
def test_what_prefects_loader_does_not_read_is_an_error(text):
    with pytest.raises((yaml.YAMLError, ValueError, KeyError, AttributeError)):
        yaml.safe_load(text)
    document = parse_document(text)
    assert not document.parsed
    assert [found.severity for found in document.diagnostics.sorted()] == ["error"]


@pytest.mark.parametrize("text", ["a:\tb", "a: b\t", "a: [b\t,\tc]", "a: 'b'\t# c", "a: !\tb", "a: |\t\n b"])
def test_a_tab_between_two_tokens_is_read(text):
    # On purpose: PyYAML refuses tabs that YAML allows (1.1, section 5.1: as separation, never as indentation).
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(text)
    assert parse_document(text).parsed


@pytest.mark.parametrize("text", ["a: !!binary aGk=", "a: !!set {b}", "a: !!omap [b: c]", "a: !!pairs [b: c]"])
def test_values_that_json_does_not_know_are_refused(text):
    # On purpose: no step and no server takes them, and their places would be lost.
    yaml.safe_load(text)
    assert [found.code for found in parse_document(text).diagnostics.sorted()] == ["yaml-tag"]


def test_a_list_inside_of_itself_is_refused():
    # On purpose: PyYAML reads it, and then nothing can write or show it.
    yaml.safe_load("&x [*x]")
    assert [found.code for found in parse_document("&x [*x]").diagnostics.sorted()] == ["recursive-alias"]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff")),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(dt.timezone.utc)),
    st.sampled_from(
        ["{{ a.b }}", "1:30", "0o7", "=", "<<", "~", "yes", "2024-1-1", "1e3", ".5", "- a", "a: b", "#", "'", "x\n\ny "]
    ),
)
TREES = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=8) | st.integers(), below, max_size=4)
    ),
    max_leaves=20,
)
STYLES = st.fixed_dictionaries(
    {
        "default_flow_style": st.sampled_from([None, True, False]),
        "default_style": st.sampled_from([None, "'", '"', "|", ">"]),
        "indent": st.sampled_from([2, 4, 7]),
        "width": st.sampled_from([20, 80, 1000]),
        "allow_unicode": st.booleans(),
        "line_break": st.sampled_from(["\n", "\r\n"]),
        "explicit_start": st.booleans(),
    }
)


@given(TREES, STYLES)
def test_what_is_written_in_any_style_is_read_as_pyyaml_reads_it(tree, style):
    check(yaml.safe_dump(tree, **style))


PIECES = [
    *"ab 01-:{}[],#&*!|>'\"%@`\n?.~=<_/\\",
    "\r\n",
    "é",
    "漢",
    "😀",
    "- ",
    "a: ",
    "\n  ",
    "\n- ",
    "<<: ",
    "*a",
    "&a ",
    "{{ ",
    "}}",
]
PIECES += ["---", "...", "2024-01-01", "1:30", "!!str ", "!!int ", "!!bool ", "<<"]


@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_scraps_of_yaml_that_pyyaml_reads_have_the_same_value(text):
    try:
        expected = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError):
        return  # what it refuses may be read; see the tests above
    document = parse_document(text)
    if document.parsed:
        assert same(None if document.root is None else document.root.value, expected)
    else:
        assert {found.code for found in document.diagnostics.sorted()} <= {"recursive-alias", "yaml-tag"}


@pytest.mark.parametrize("value", ["1" + ":00" * 300 + ".0", "!!int 0x" + "f" * 5000, "!!float 1" + ":00" * 300 + ".0"])
def test_a_number_that_python_cannot_hold_or_write_is_an_error_at_its_place(value):
    document = parse_document(f"a: 1\nb: {value}\n", "prefect.yaml")
    (found,) = document.diagnostics.sorted()
    assert (found.severity, found.line) == ("error", 2)
