"""Diagnostics as people read them: one line of what, the line with a caret, one line of what to do."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepengine.diagnostics.diagnostic import Diagnostic, Diagnostics, did_you_mean, one_line, suggest
from stepengine.diagnostics.text import render_diagnostic
from stepengine.document.nodes import Source
from stepengine.terminal import Style

PLAIN = Style(enabled=False)


def render(text, line, column, *, message="wrong", hint="", severity="error", style=PLAIN):
    return render_diagnostic(
        Diagnostic(severity, "a-code", message, line, column, hint), Source("prefect.yaml", text), style
    )


def test_the_whole_form():
    assert render("a: 1\nb:  bad\n", 2, 5, hint="mend it") == (
        "prefect.yaml:2:5: error: wrong [a-code]\n  2 | b:  bad\n    |     ^\n  help: mend it"
    )


def test_a_warning_without_a_hint():
    assert (
        render("a: 1\n", 1, 1, severity="warning") == "prefect.yaml:1:1: warning: wrong [a-code]\n  1 | a: 1\n    | ^"
    )


def test_the_margin_is_as_wide_as_the_number():
    lines = render("\n" * 999 + "a: b\n", 1000, 4).splitlines()
    assert lines[1:] == ["  1000 | a: b", "       |    ^"]


@pytest.mark.parametrize("text", ["", "\n", "   \n", "\t\r\n"])
def test_an_empty_line_is_not_shown(text):
    assert render(text, 1, 1) == "prefect.yaml:1:1: error: wrong [a-code]"


@pytest.mark.parametrize(
    ("text", "column", "shown", "caret"),
    [
        ("a:\tb", 4, "a: b", 3),
        ("漢字: x", 5, "漢字: x", 6),
        ("é: x", 4, "é: x", 3),
        ("e\u0301: x", 5, "e\u0301: x", 3),
        ("😀😀: x", 5, "😀😀: x", 6),
        ("ｆｕｌｌ: x", 7, "ｆｕｌｌ: x", 10),
        ("a: b", 5, "a: b", 4),
    ],
)
def test_the_caret_stands_below_the_character_however_wide_those_before_are(text, column, shown, caret):
    _, line, below = render(text, 1, column).splitlines()
    assert line == f"  1 | {shown}"
    assert below == f"    | {' ' * caret}^"


@pytest.mark.parametrize("column", [1, 50, 61, 200, 399, 400, 401])
def test_a_long_line_is_cut_around_the_place(column):
    text = "".join(chr(ord("a") + number % 26) for number in range(400))
    _, line, below = render(text, 1, column).splitlines()
    assert len(line) == 126
    caret = below.index("^")
    assert (line + " ")[caret] == (text + " ")[column - 1]


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x9b", "\u202e", "\u2028", "\x85", "\x00", "\ud800"])
def test_nothing_of_a_file_reaches_the_terminal_but_text(character):
    shown = render(f"a: {character}[31mb", 1, 4)
    assert character not in shown
    assert len(shown.splitlines()) == 3
    assert shown.splitlines()[2].index("^") == 9


def test_a_message_is_one_line_whatever_names_it_repeats():
    diagnostics = Diagnostics(Source("x", "a: b"))
    diagnostics.error("a-code", "no 'a\nb\x1b[31m'", 0, "write\tit")
    (found,) = diagnostics.sorted()
    assert (found.message, found.hint) == ("no 'a b\ufffd[31m'", "write it")


@given(st.text(), st.integers(1, 300), st.text())
def test_any_line_and_message_are_shown_on_as_many_lines_as_there_are(text, column, message):
    line = text.replace("\n", " ").replace("\r", " ")
    shown = render(line, 1, min(column, len(line) + 1), message=one_line(message), hint="x")
    lines = shown.split("\n")
    assert len(lines) == (4 if one_line(line).strip() else 2)
    assert all(each.isprintable() for each in lines)


@given(st.text(st.characters(categories=["L", "N", "Mn", "So"]), max_size=100), st.data())
def test_the_caret_is_below_its_character(text, data):
    column = data.draw(st.integers(1, len(text) + 1))
    if not one_line(text).strip():
        return
    below = render(text, 1, column).splitlines()[2]
    cells = sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in one_line(text)[: column - 1]
    )
    assert below == f"    | {' ' * cells}^"


def test_colours_do_not_change_the_words():
    coloured = render("a: b", 1, 4, hint="x", style=Style(enabled=True))
    assert "\x1b[1;31merror\x1b[0m: wrong" in coloured
    assert "\x1b[33mwarning\x1b[0m" in render("a: b", 1, 4, severity="warning", style=Style(enabled=True))


# Their order, and each once


def test_problems_are_sorted_by_place_and_told_once():
    diagnostics = Diagnostics(Source("x", "a\nb\nc"))
    diagnostics.warning("w", "later", 4)
    diagnostics.error("e", "first", 0)
    diagnostics.warning("w", "same place", 0)
    diagnostics.error("e", "first", 0)
    diagnostics.error("d", "first", 0)
    assert [(found.line, found.code, found.message) for found in diagnostics.sorted()] == [
        (1, "d", "first"),
        (1, "e", "first"),
        (1, "w", "same place"),
        (3, "w", "later"),
    ]


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("build_image", ["build-image", "push-image"], "build-image"),
        ("Build-Image", ["build_image"], "build_image"),
        ("scrpt", ["script", "shell"], "script"),
        ("xyzzy", ["script", "shell"], ""),
        ("x", [], ""),
        ("", ["a"], ""),
    ],
)
def test_the_nearest_word(word, known, near):
    assert suggest(word, known) == near
    assert did_you_mean(word, known, "else") == (f"did you mean {near!r}?" if near else "else")
