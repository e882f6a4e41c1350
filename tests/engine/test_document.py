"""From text to nodes or a located error: every form of broken text that users meet, told with its place and remedy."""

from __future__ import annotations

import time

import pytest

from stepengine.document.nodes import Mapping, Sequence, node_at
from stepengine.document.parser import MAX_DEPTH, parse_document


def only_problem(text):
    """Give the one problem of a text."""
    (found,) = parse_document(text).diagnostics.sorted()
    return found


def place(found):
    return found.line, found.column


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("a: {{ x }}\n", (1, 4), 'write "{{ x }}"'),
        ("a: {{ x.y }}\nb: c\n", (1, 4), 'write "{{ x.y }}"'),
        ("a: {{ x }}:latest\n", (1, 4), 'write "{{ x }}:latest"'),
        ("a: {{ x }}/{{ y }}  # both\n", (1, 4), 'write "{{ x }}/{{ y }}"'),
        ("a: {{ x | default('y') }}\n", (1, 4), "write \"{{ x | default('y') }}\""),
        ('a: {{ x | default("y") }}\n', (1, 4), "write '{{ x | default(\"y\") }}'"),
        ("a:\n- {{ x }}\n- b\n", (2, 3), 'write "{{ x }}"'),
        ("a:\n  - {{ x }}/y\n  - b\n", (2, 5), 'write "{{ x }}/y"'),
        ("a: [b, {{ x }}, c]\n", (1, 8), 'write "{{ x }}"'),
        ("a: {b: {{ x }}, c: d}\n", (1, 8), 'write "{{ x }}"'),
        ("a: {b: {{ x }}}\n", (1, 8), 'write "{{ x }}"'),
        ("a: {{\n  x }}\nb: c\n", (1, 4), 'write "{{ x }}"'),
        ("a: {{ $X }}\nb: '{{ y }}'\n", (1, 4), 'write "{{ $X }}"'),
        ("a: b\n{{ x }}\nc: d\n", (2, 1), 'write "{{ x }}"'),
        ("a: {{ x\n", (1, 4), 'write "{{ … }}"'),
    ],
)
def test_an_unquoted_placeholder_is_told_with_the_quoted_form(text, where, hint):
    found = only_problem(text)
    assert (found.code, place(found), found.hint) == ("unquoted-placeholder", where, hint)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{% if x %}\na: b\n{% endif %}\n", (1, 1)),
        ("a: b\n{% for x in y %}\nc: d\n", (2, 1)),
        ("a:\n  - b\n  {# c #}\n  - d\n", (3, 3)),
        ("a: {% if x %}b{% endif %}\n", (1, 4)),
    ],
)
def test_a_jinja_block_is_told_as_what_it_is(text, where):
    found = only_problem(text)
    assert place(found) == where
    assert "Jinja block" in found.message


@pytest.mark.parametrize(
    ("text", "where"),
    [("\ta: b\n", (1, 1)), ("a:\n\tb: c\n", (2, 1)), ("a:\n  b: c\n \td: e\n", (3, 2)), ("- \tb\n", (1, 3))],
)
def test_tabs_are_told_with_their_place(text, where):
    found = only_problem(text)
    assert (place(found), found.code) == (where, "yaml-syntax")
    assert "tab" in found.message
    assert "spaces" in found.hint


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("a:\n  b: 1\n c: 2\n", (3, 2), "indentation"),
        ("a: b\n c: d\n", (2, 3), "indentation"),
        ("- a\nfoo\n- b\n", (2, 1), "neither 'key: value' nor '- item'"),
        ("a: b: c\n", (1, 5), "quote the value"),
        ("a: 'it's'\n", (1, 8), "closing quote"),
        ('a: "b\nc: d\n', (1, 4), "close the quotes"),
        ('a: "\\d"\n', (1, 5), "backslash"),
        ("a: @b\n", (1, 4), "quote the value"),
        ("a: [b\n", (2, 1), "close the bracket"),
        ("a: - b\n", (1, 4), "below the key"),
        ("a: 2024-02-30\n", (1, 4), "quote it"),
        ("a: =\n", (1, 4), "quote it"),
        ("a: <<\n", (1, 4), "quote it"),
        ("x: 1\n? [a]\n: b\n", (2, 3), "use a text"),
        ("<<: 1\n", (1, 5), "alias"),
    ],
)
def test_text_that_is_no_yaml_is_told_with_place_and_remedy(text, where, hint):
    found = only_problem(text)
    assert (place(found), found.severity, found.code) == (where, "error", "yaml-syntax")
    assert hint in found.hint


@pytest.mark.parametrize(
    ("text", "code", "where", "words"),
    [
        ("a: b\n---\nc: d\n", "several-documents", (2, 1), "several"),
        ("x: &foo 1\na: *fo\n", "undefined-alias", (2, 4), "did you mean 'foo'?"),
        ("a: *x\n", "undefined-alias", (1, 4), "define it"),
        ("a: &x [*x]\n", "recursive-alias", (1, 8), "inside of what &x names"),
        ("a: &x {b: {c: *x}}\n", "recursive-alias", (1, 15), "inside of what &x names"),
        ("a: &x 1\nb: &x 2\n", "duplicate-anchor", (2, 4), "line 1"),
        ("a: !Ref b\n", "yaml-tag", (1, 4), "!Ref"),
        ("a: !!int x\n", "yaml-tag", (1, 4), "'x' is no int"),
    ],
)
def test_what_yaml_or_prefect_does_not_allow_has_a_code_of_its_own(text, code, where, words):
    found = only_problem(text)
    assert (found.code, place(found)) == (code, where)
    assert words in f"{found.message} {found.hint}"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("a: b\x07\n", (1, 5), "U+0007"),
        ("a: \x1b[31m\n", (1, 4), "U+001B"),
        ("n\0a\0m\0e\0", (1, 2), "save the file as UTF-8"),
        ("a: b\nc: \ud800\n", (2, 4), "surrogate"),
        ("a: \ufffe\n", (1, 4), "U+FFFE"),
    ],
)
def test_characters_that_may_not_stand_in_a_file_are_named(text, where, words):
    found = only_problem(text)
    assert (found.code, place(found)) == ("yaml-syntax", where)
    assert words in f"{found.message} {found.hint}"


def test_a_key_that_stands_twice_is_a_warning_at_the_second_and_the_last_counts():
    document = parse_document("a: 1\nb: 2\na: 3\n")
    (found,) = document.diagnostics.sorted()
    assert (found.severity, found.code, place(found)) == ("warning", "duplicate-key", (3, 1))
    assert "line 1" in found.hint
    assert document.root.value == {"a": 3, "b": 2}


def test_keys_that_yaml_takes_for_one_are_duplicates():
    assert [found.code for found in parse_document("1: a\n0x1: b\n").diagnostics.sorted()] == ["duplicate-key"]


def test_merging_twice_is_no_duplicate():
    assert parse_document("x: &x {a: 1}\ny: {<<: *x, <<: *x, a: 2}\n").diagnostics.sorted() == []


def test_merged_values_keep_the_place_where_they_are_written():
    document = parse_document("base: &base\n  image: x\nuse:\n  <<: *base\n  tag: y\n")
    image = node_at(document.root, ("use", "image"))
    assert document.source.position(image.offset) == (2, 10)


@pytest.mark.parametrize("text", ["", "\n\n", "# words alone\n", "---\n", "--- # x\n...\n"])
def test_a_file_without_a_value_is_no_error(text):
    document = parse_document(text)
    assert document.parsed
    assert document.diagnostics.sorted() == []
    assert document.root is None or document.root.value is None


@pytest.mark.parametrize(("text", "kind"), [("- a\n", Sequence), ("a: b\n", Mapping)])
def test_the_root_may_be_any_node(text, kind):
    assert isinstance(parse_document(text).root, kind)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_places_are_right_whatever_ends_a_line(newline):
    text = newline.join(["# words", "a: b", "漢字: x", "😀: {c: *d}", ""])
    document = parse_document(text)
    (found,) = document.diagnostics.sorted()
    assert place(found) == (4, 8)
    assert document.source.line(4) == "😀: {c: *d}"


def test_a_byte_order_mark_does_not_shift_places():
    document = parse_document("\ufeffname: *x\n")
    assert place(document.diagnostics.sorted()[0]) == (1, 7)
    assert document.source.line(1) == "name: *x"


def test_flow_scalars_with_a_colon_are_read_like_everywhere_else():
    document = parse_document("first: 1\nvolumes: [/data:/data, 'b']\nlater: {a: *x}\n")
    assert place(document.diagnostics.sorted()[0]) == (3, 12)
    document = parse_document("volumes: [/data:/data]\nb:\n  c: &x [d]\n")
    assert document.root.value == {"volumes": ["/data:/data"], "b": {"c": ["d"]}}
    assert document.source.position(node_at(document.root, ("b", "c", 0)).offset) == (3, 10)


def test_a_scalar_keeps_what_is_written_where_its_value_is_another():
    document = parse_document('a: 1.10\nb: "1.10"\nc: ~\nd: !!str 0x1F\n')
    texts = {name: node.text for name, _, node in document.root.items()}
    assert texts == {"a": "1.10", "b": "1.10", "c": "~", "d": "0x1F"}
    assert document.root.value == {"a": 1.1, "b": "1.10", "c": None, "d": "0x1F"}


def test_nesting_is_bounded():
    assert parse_document("[" * MAX_DEPTH + "]" * MAX_DEPTH).parsed
    found = only_problem("a:\n " + "[" * 10_000)
    assert (found.code, place(found)) == ("yaml-limit", (2, MAX_DEPTH + 1))


def test_nesting_by_aliases_is_bounded():
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]" for n in range(1, 50)]
    found = only_problem("\n".join(lines))
    assert found.code == "yaml-limit"
    assert found.line == 11


def test_aliases_of_aliases_do_not_eat_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    started = time.monotonic()
    found = only_problem("\n".join(lines))
    assert found.code == "yaml-limit"
    assert time.monotonic() - started < 20


def test_merges_of_merges_do_not_eat_the_memory():
    lines = ["a0: &a0 {k: v}"] + [
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: v}}" for n in range(1, 30)
    ]
    assert only_problem("\n".join(lines)).code == "yaml-limit"


def deployment(number):
    return (
        f"- name: deployment-{number}\n  entrypoint: flows/flow_{number}.py:main\n  tags: [a, b]\n  parameters: {{x: {number}}}\n"
        f"  work_pool:\n    name: docker\n    job_variables:\n      image: '{{{{ build-image.image }}}}'\n"
        f"  schedules:\n  - cron: '{number % 60} 8 * * *'\n    timezone: UTC\n"
    )


@pytest.mark.parametrize(("count", "padding"), [(120, 1_900), (10_000, 0)])
def test_large_files_are_read(count, padding):
    text = "deployments:\n" + "".join(
        deployment(number) + f"  description: {'x' * padding}\n" for number in range(count)
    )
    assert len(text) > 250_000
    document = parse_document(text)
    assert len(document.root.value["deployments"]) == count
    last = node_at(document.root, ("deployments", count - 1, "name"))
    assert document.source.position(last.offset) == (2 + 12 * (count - 1), 9)


def test_the_python_parser_gives_what_the_c_parser_gives(monkeypatch):
    text = "a: &x {b: [1, 2.5, 'c']}\nd: *x\ne: |\n  f\ng: !!str 1\nh:\n- i: {j: k}\n"
    native = parse_document(text)
    monkeypatch.setitem(__import__("sys").modules, "_ruamel_yaml", None)
    python = parse_document(text)
    assert python.root.value == native.root.value
    for path in [("a", "b", 1), ("d", "b", 2), ("e",), ("g",), ("h", 0, "i", "j")]:
        assert node_at(python.root, path).offset == node_at(native.root, path).offset
    assert [place(found) for found in parse_document("a: b\nc: *x\n").diagnostics.sorted()] == [(2, 4)]
    assert parse_document("a: [\n").diagnostics.sorted()[0].code == "yaml-syntax"
    assert place(parse_document("a: b\x07").diagnostics.sorted()[0]) == (1, 5)


# Through the command: what only bytes can be


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_command_reads_files_with_a_byte_order_mark(cli, encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    (cli.directory / "prefect.yaml").write_bytes(mark + "é漢: *cafe\n".encode(encoding))
    found = cli.stepengine("validate", "--format", "json").json["files"][0]["diagnostics"]
    assert [(each["code"], each["line"], each["column"]) for each in found] == [("undefined-alias", 1, 5)]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"name: demo\nx: caf\xe9\n", (2, 7)),
        (b"\xff\xfen\0a\0\n", (1, 3)),
        (b"\x80", (1, 1)),
        (b"a: \xed\xa0\x80", (1, 4)),
    ],
)
def test_the_command_tells_of_bytes_that_are_no_text(cli, data, where):
    (cli.directory / "prefect.yaml").write_bytes(data)
    outcome = cli.stepengine("validate", "--format", "json")
    assert outcome.code == 2
    (found,) = outcome.json["files"][0]["diagnostics"]
    assert (found["code"], (found["line"], found["column"])) == ("encoding", where)
