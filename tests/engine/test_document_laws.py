"""Laws of the document layer: any text is a model or a located error, and places are true."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from stepengine.document.nodes import Mapping, Scalar, Source
from stepengine.document.parser import parse_document

PIECES = [
    "- ",
    "a: ",
    "\n",
    "\n  ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    "{{ x }}",
    "{% if %}",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "!x ",
    "|",
    ">-",
]
PIECES += [
    "'",
    '"',
    "# ",
    "---",
    "...",
    "2024-13-01",
    "0x_",
    "=",
    "\r\n",
    "\r",
    "\ufeff",
    "漢",
    "😀",
    "\x07",
    "\x85",
    "\u2028",
    ": ",
    ",",
]
TEXTS = st.one_of(
    st.text(), st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.text("ab:-[]{},\n &*\"'|#")
)


@given(TEXTS)
def test_any_text_is_a_model_or_an_error_with_a_place_inside_of_it(text):
    document = parse_document(text)
    found = document.diagnostics.sorted()
    assert document.parsed or [each.severity for each in found] == ["error"]
    lines = document.source.text.count("\n") + document.source.text.count("\r") + 1
    for each in found:
        assert 1 <= each.line <= lines
        assert 1 <= each.column <= len(document.source.line(each.line)) + 2
        for words in (each.message, each.hint):
            assert words.isprintable()
        assert each.message


@given(st.binary())
def test_any_bytes_that_are_text_are_a_model_or_an_error(data):
    parse_document(data.decode("utf-8", "surrogateescape"))


NAMES = st.text("abc-_é漢😀", min_size=1, max_size=6)


@given(
    st.lists(NAMES, min_size=1, max_size=8, unique=True),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\ufeff"]),
    st.integers(0, 7),
    st.sampled_from(["*missing", "!tag x", "{{ x }}", "2024-13-01", "=", "0b_"]),
)
def test_the_reported_line_and_column_are_those_of_the_offending_words(names, newline, mark, index, bad):
    lines = [f"{name}: x" for name in names]
    at = index % len(lines)
    lines[at] = f"{names[at]}: {bad}"
    document = parse_document(mark + newline.join(lines))
    (found,) = document.diagnostics.sorted()
    line = document.source.line(found.line)
    assert (found.line, line) == (at + 1, lines[at])
    assert line[found.column - 1 :] == bad


@given(
    st.recursive(
        st.text("abxy 漢", min_size=1, max_size=5).map(str.strip).filter(bool),
        lambda below: st.lists(below, min_size=1, max_size=4) | st.dictionaries(NAMES, below, min_size=1, max_size=4),
        max_leaves=12,
    ),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_each_scalar_stands_where_its_offset_says(tree, flow, newline):
    text = yaml.safe_dump(
        tree, default_flow_style=flow, default_style="'", allow_unicode=True, line_break=newline, width=1000
    )
    document = parse_document(text)
    pending = [document.root]
    while pending:
        node = pending.pop()
        if isinstance(node, Scalar):
            assert document.source.text.startswith(f"'{node.value}'", node.offset)
            line, column = document.source.position(node.offset)
            assert document.source.line(line)[column - 1 :].startswith(f"'{node.value}'")
        elif isinstance(node, Mapping):
            pending += [each for _, key, value in node.items() for each in (key, value)]
        else:
            pending += node.items


@given(st.text("ab\r\n"), st.data())
def test_position_and_line_agree(text, data):
    source = Source("x", text)
    offset = data.draw(st.integers(0, len(text)))
    line, column = source.position(offset)
    assert source.start(line) + column - 1 == offset
    before = text[:offset].replace("\r\n", "\n")
    if text[offset - 1 : offset + 1] != "\r\n":
        assert line == before.count("\n") + before.count("\r") + 1


def test_there_is_no_text_past_the_last_line():
    source = Source("x", "a\nb")
    assert [source.line(number) for number in (0, 1, 2, 3)] == ["", "a", "b", ""]
