"""Live output: nothing of a secret is shown early, and nothing else is kept long."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from stepengine.secrecy.secrets import HIDDEN, LineMasker, Secrets, StreamMasker

TOKEN = "ghp_0123456789abcdef"


def secrets_of(*values):
    secrets = Secrets()
    for value in values:
        secrets.add(value)
    return secrets


def lines_of(secrets, lines):
    masker = LineMasker(secrets)
    return [masker.line(line) for line in lines], masker.flush()


def test_lines_pass_at_once_without_secrets_and_with_them():
    for secrets in (Secrets(), secrets_of(TOKEN)):
        assert lines_of(secrets, ["one", "", "two g", "three"]) == ([["one"], [""], ["two g"], ["three"]], [])


def test_a_secret_in_a_line():
    assert lines_of(secrets_of(TOKEN), [f"a {TOKEN} b"]) == ([[f"a {HIDDEN} b"]], [])


def test_a_line_that_may_begin_a_secret_waits_for_the_next():
    shown, rest = lines_of(secrets_of(TOKEN), ["token ghp_0123", "no", "x ghp", "_0123456789abcdef.", "end"])
    assert shown == [[], ["token ghp_0123", "no"], [], [f"x {HIDDEN}", f"{HIDDEN}."], ["end"]]
    assert rest == []


def test_a_line_that_waits_is_shown_at_the_end():
    assert lines_of(secrets_of(TOKEN), ["x ghp_"]) == ([[]], ["x ghp_"])


def test_a_secret_cut_short_at_the_end_is_masked():
    assert lines_of(secrets_of(TOKEN), ["x ghp_0123456789abc"]) == ([[]], [f"x {HIDDEN}"])


def test_a_secret_of_many_lines():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nab\ncd\n-----END KEY-----"
    masker = LineMasker(secrets_of(key))
    shown = [line for text in ["before", *key.split("\n"), "after"] for line in masker.line(text)] + masker.flush()
    assert shown == ["before", *[HIDDEN] * 5, "after"]


def test_base64_wrapped_at_76_columns():
    text = base64.encodebytes(b"user-name-that-is-quite-long-so-that-the-line-is-full:" + TOKEN.encode()).decode()
    masker = LineMasker(secrets_of(TOKEN))
    shown = [line for line in text.splitlines() for line in masker.line(line)] + masker.flush()
    assert len(shown) == 2
    assert shown[0].endswith(HIDDEN)
    assert shown[1] == HIDDEN


def test_one_character_at_a_time():
    masker = StreamMasker(secrets_of(TOKEN))
    shown = "".join(masker.feed(character) for character in f"a {TOKEN} b {TOKEN}") + masker.flush()
    assert "0123" not in shown
    assert shown.count(HIDDEN) == 2
    assert shown.startswith("a ")


def test_a_secret_that_is_added_while_text_is_held():
    secrets = secrets_of(TOKEN)
    masker = StreamMasker(secrets)
    assert masker.feed("x ghp_") == "x "
    secrets.add("ghp_other-token")
    assert masker.feed("other-token y") == f"{HIDDEN} y"


def test_what_repeats_does_not_pile_up():
    masker = StreamMasker(secrets_of("aaaaaaaa"))
    for _ in range(1000):
        assert len(masker.feed("aaaaaaaaaa")) <= 10
        assert len(masker._held) < 8
    assert masker.feed("b").endswith("b")


def test_a_masker_can_be_used_again_after_its_end():
    masker = LineMasker(secrets_of(TOKEN))
    assert masker.line("ghp_") == []
    assert masker.flush() == ["ghp_"]
    assert masker.line("0123456789abcdef") == ["0123456789abcdef"]
    assert masker.flush() == []


def test_a_secret_that_is_indented_or_coloured_line_by_line():
    masker = LineMasker(secrets_of(TOKEN))
    shown = [*masker.line(f"  {TOKEN[:9]}"), *masker.line(f"\t\t{TOKEN[9:]}"), *masker.line("end"), *masker.flush()]
    assert shown == ["  ***", "\t\t***", "end"]
    coloured = f"\x1b[1m{TOKEN[:5]}\x1b[0;31m{TOKEN[5:]}\x1b[0m"
    assert masker.line(coloured) == ["\x1b[1m***\x1b[0;31m***\x1b[0m"]


def test_an_escape_sequence_that_is_cut_short_does_not_show_what_is_before_it():
    masker = StreamMasker(secrets_of(TOKEN))
    shown = masker.feed(f"{TOKEN[:6]}\x1b[3") + masker.feed(f"1m{TOKEN[6:]} end") + masker.flush()
    assert shown == "***\x1b[31m*** end"


pieces = st.lists(
    st.sampled_from(["ab", "abcabd", "abcabe", "c", "\n", "x", "-", "abd", "\r\n", "a", "b", "\n  ", "\x1b[1m"]),
    max_size=30,
)


@settings(deadline=None)
@given(pieces, st.data())
def test_pieces_show_what_the_whole_would(parts, data):
    secrets = secrets_of("abcabd", "bcabe-x")
    text = "".join(parts)
    masker = StreamMasker(secrets)
    shown = []
    position = 0
    while position < len(text):
        size = data.draw(st.integers(3, 8))
        shown.append(masker.feed(text[position : position + size]))
        position += size
    shown.append(masker.flush())
    visible = "".join(shown).replace(HIDDEN, "")
    expected = secrets.mask(text).replace(HIDDEN, "")
    split = sum(part in {"abcabd", "x"} or "c" in part for part in parts)
    assert 0 <= len(visible) - len(expected) <= 2 * split  # the first two characters of each
    assert not secrets.is_secret("".join(shown))


@settings(deadline=None)
@given(pieces)
def test_pieces_of_one_text_are_masked_as_the_whole(parts):
    secrets = secrets_of("abcabd", "bcabe-x")
    text = "".join(parts)
    masker = StreamMasker(secrets)
    assert masker.feed(text) + masker.flush() == secrets.mask(text)


@settings(deadline=None)
@given(st.lists(st.text(alphabet="abcdx", max_size=12), max_size=20))
def test_lines_come_out_as_many_and_in_order(lines):
    secrets = secrets_of("abcdabcd")
    masker = LineMasker(secrets)
    shown = [line for text in lines for line in masker.line(text)] + masker.flush()
    assert len(shown) == len(lines)
    for line, visible in zip(lines, shown, strict=True):
        assert visible == line or HIDDEN in visible
    assert not secrets.is_secret("\n".join(shown))
