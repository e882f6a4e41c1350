"""Secrets are masked wherever and however they turn up."""

from __future__ import annotations

import base64
import html
import json
import shlex
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepengine.secrecy.secrets import HIDDEN, Secrets

TOKEN = "ghp_s3cr3tT0ken+with/odd=chars&\"quotes'$x"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n"


def secrets_of(*values):
    secrets = Secrets()
    for value in values:
        secrets.add(value)
    return secrets


FORMS = {
    "plain": str,
    "quote": urllib.parse.quote,
    "quote everything": lambda s: urllib.parse.quote(s, safe=""),
    "quote_plus": urllib.parse.quote_plus,
    "encodeURIComponent": lambda s: urllib.parse.quote(s, safe="!'()*"),
    "lower hex": lambda s: "".join(c if c.isalnum() or c in "_.-~" else f"%{ord(c):02x}" for c in s),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 urlsafe": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 with a line end": lambda s: base64.b64encode(s.encode() + b"\n").decode(),
    "basic 1": lambda s: base64.b64encode(b"u:" + s.encode()).decode(),
    "basic 2": lambda s: base64.b64encode(b"me:" + s.encode()).decode(),
    "basic 3": lambda s: base64.b64encode(b"ann:" + s.encode() + b"more").decode(),
    "base64 wrapped": lambda s: base64.encodebytes(b"x" * 49 + s.encode() + b"y" * 60).decode(),
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "json": json.dumps,
    "json of json": lambda s: json.dumps({"a": s}),
    "repr": repr,
    "repr of bytes": lambda s: repr(s.encode()),
    "shlex": shlex.quote,
    "html": lambda s: html.escape(s, quote=False),
    "broken over lines": lambda s: s[:7] + "\n" + s[7:12] + "\r\n" + s[12:],
    "every character on a line": "\n".join,
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form):
    text = FORMS[form](TOKEN)
    masked = secrets_of(TOKEN).mask(f"before {text} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert HIDDEN in masked
    remains = masked.replace("before", "").replace("after", "").replace(HIDDEN, "")
    assert not any(TOKEN[start : start + 6] in remains for start in range(len(TOKEN) - 6))
    if "base64" in form or "basic" in form:
        clean = "".join(remains.split())
        assert not any(clean[i : i + 8] in text.replace("\n", "") for i in range(len(clean) - 8)) or "wrapped" in form
    else:
        assert len("".join(remains.split())) < 12


def test_base64_inside_other_base64_text_leaves_the_neighbours():
    text = base64.b64encode(b"a-long-user-name:" + TOKEN.encode() + b":and more after it").decode()
    masked = secrets_of(TOKEN).mask(text)
    assert text.startswith(masked.split(HIDDEN)[0])
    assert base64.b64decode(masked.split(HIDDEN)[0][:20]).startswith(b"a-long-user-na")
    assert masked.count(HIDDEN) == 1


def test_a_secret_of_many_lines_is_masked_whole_line_by_line_and_escaped():
    secrets = secrets_of(KEY)
    assert secrets.mask(f"a\n{KEY}b") == "a\n***\n***\n***\n***\nb"
    assert secrets.mask("only AQEFAASCBKcwggSjAgEAAoIB.") == "only ***."
    assert secrets.mask(KEY.replace("\n", "\r\n")) == "***\r\n***\r\n***\r\n***\r\n"
    assert secrets.mask("k=" + json.dumps(KEY)) == 'k="***\\n"'
    as_json = json.dumps({"private_key": KEY})
    assert "MIIEvQ" not in secrets_of(as_json).mask(f"printed: {KEY}")


def test_line_ends_stay_where_they_are():
    assert secrets_of("abcdefgh").mask("1\r\n2 abc\ndef\r\ngh 3\n") == "1\r\n2 ***\n***\r\n*** 3\n"


def test_secrets_that_touch_or_overlap_are_masked_as_one():
    assert secrets_of("abcdef", "defghi").mask("xabcdefghix") == "x***x"
    assert secrets_of("abcd", "abcdefgh").mask("abcdefgh abcdx") == "*** ***x"
    assert secrets_of("abcd", "efgh").mask("abcdefgh") == "***"
    assert secrets_of("aaaa").mask("aaaaaaaaa b") == "*** b"


def test_every_leaf_of_a_secret_value_is_a_secret_and_no_key_is():
    secrets = secrets_of({"username": ["first-user", {"pin": 123456}], "number": 12.5, "flag": True, "none": None})
    assert secrets.mask("username first-user 123456 12.5 True None") == "username *** *** *** True None"


@pytest.mark.parametrize("value", ["", "a", "abc", "true", "False", "none", "NULL", "    ", 1, 999, True, None, {}, []])
def test_what_would_ruin_every_text_is_not_masked(value):
    text = "a abc true False none NULL 1 999 True None    ."
    assert secrets_of(value).mask(text) == text


def test_white_space_around_a_secret_does_not_hide_it():
    assert secrets_of("  the-token\n").mask("a the-token b") == "a *** b"


def test_a_secret_that_is_not_text_for_the_system():
    raw = b"caf\xe9-pass".decode("utf-8", "surrogateescape")
    secrets = secrets_of(raw, "lone \ud800 surrogate", "p\u00e4ssw\u00f6rd")
    assert secrets.mask("x caf\ufffd-pass y") == "x *** y"
    assert secrets.mask("x p%C3%A4ssw%c3%b6rd y p%C3%A4ssw%C3%B6rd") == "x p%C3%A4ssw%c3%b6rd y ***"
    assert secrets.mask(json.dumps("p\u00e4ssw\u00f6rd")) == '"***"'


def test_nothing_is_masked_before_the_first_secret():
    secrets = Secrets()
    assert not secrets
    assert secrets.mask("text") == "text"
    assert not secrets.is_secret("text")
    secrets.add("text")
    assert secrets
    assert secrets.mask("text") == "***"
    secrets.add("more")
    assert secrets.mask("text more") == "*** ***"


def test_what_holds_a_secret_is_secret():
    secrets = secrets_of("the-token", 4711)
    assert secrets.is_secret("https://the-token@host")
    assert secrets.is_secret({"a": [1, {"b": base64.b64encode(b"u:the-token").decode()}]})
    assert secrets.is_secret(4711)
    for value in ["other", 47110, 0.4711, None, True, {"the-token": 1}, []]:
        assert not secrets.is_secret(value)


def test_a_block_of_a_known_type_keeps_its_public_fields():
    secrets = Secrets()
    secrets.add_block(
        "docker-registry-credentials",
        {"username": "discdiver", "password": "pass-word", "registry_url": "localhost:5000", "reauth": True},
    )
    assert secrets.mask("localhost:5000/discdiver/app pass-word") == "localhost:5000/discdiver/app ***"
    secrets.add_block("of-a-third-party", {"username": "somebody"})
    secrets.add_block("secret", {"value": "the-value"})
    secrets.add_block("secret", "bare-value")
    assert secrets.mask("somebody the-value bare-value") == "*** *** ***"


def test_the_environment_gives_up_its_secrets():
    secrets = Secrets()
    secrets.add_environment(
        {
            "GITHUB_TOKEN": "token-value",
            "HOME": "/home/somebody",
            "DATABASE_URL": "postgres://app:p%40ssword@db:5432/app",
            "PIP_INDEX_URL": "https://0123456789abcdef0123@index.example/simple",
            "HTTP_PROXY": "http://somebody@proxy.example:3128",
        }
    )
    text = "token-value /home/somebody p%40ssword p@ssword 0123456789abcdef0123 somebody@proxy.example app"
    assert secrets.mask(text) == "*** /home/somebody *** *** *** somebody@proxy.example app"


class TestDocuments:
    def test_values_keys_and_numbers(self):
        secrets = secrets_of("the-token", 4711)
        document = {"the-token": 1, "a the-token": 2, "x": ["the-token!", 4711, 47110, None, True, 1.5], "y": ("t",)}
        assert secrets.mask_data(document) == {
            "***": 1,
            "a ***": 2,
            "x": ["***!", "***", 47110, None, True, 1.5],
            "y": ["t"],
        }

    def test_two_secret_keys_stay_two(self):
        assert secrets_of("token-a", "token-b").mask_data({"token-a": 1, "token-b": 2}) == {"***": 1, "*** (2)": 2}

    def test_what_json_cannot_have_becomes_text(self):
        class Odd:
            def __str__(self):
                return "odd the-token"

        assert secrets_of("the-token").mask_data({"a": Odd(), "b": b"the-token"}) == {"a": "odd ***", "b": "b'***'"}

    def test_cycles_depth_and_aliases(self):
        secrets = secrets_of("the-token")
        loop = {"a": "the-token"}
        loop["self"] = loop
        assert secrets.mask_data(loop) == {"a": "***", "self": "***"}
        assert secrets.is_secret(loop)
        deep = "the-token"
        for _ in range(3000):
            deep = [deep]
        assert "the-token" not in str(secrets.mask_data(deep))
        shared = ["the-token"]
        for _ in range(60):
            shared = [shared, shared]
        masked = secrets.mask_data(shared)
        while isinstance(masked, list):
            masked = masked[1 if len(masked) > 1 else 0]
        assert masked == "***"
        secrets.add(shared)

    def test_a_document_is_copied_even_without_secrets(self):
        document = {"a": [1]}
        copy = Secrets().mask_data(document)
        assert copy == document
        assert copy["a"] is not document["a"]


secret_texts = st.text(min_size=4, max_size=60).filter(
    lambda text: (
        len(text.strip().replace("\n", "").replace("\r", "")) >= 8 and text.strip() == text and "***" not in text
    )
)


@settings(deadline=None)
@given(
    secret_texts,
    st.text(),
    st.text(),
    st.sampled_from(["plain", "quote everything", "json", "repr", "broken over lines"]),
)
def test_no_form_of_any_secret_survives(secret, before, after, form):
    text = FORMS[form](secret)
    masked = secrets_of(secret).mask(before + text + after)
    assert text not in masked
    assert HIDDEN in masked


@settings(deadline=None)
@given(st.binary(min_size=6, max_size=40).map(lambda data: data.hex()), st.binary(max_size=40), st.binary(max_size=40))
def test_base64_at_any_alignment(secret, before, after):
    text = base64.b64encode(before + secret.encode() + after).decode()
    masked = secrets_of(secret).mask(text)
    assert masked.count(HIDDEN) == 1
    left, right = masked.split(HIDDEN)
    assert text.startswith(left)
    assert text.endswith(right)
    assert len(left) * 6 <= len(before) * 8
    assert len(right.rstrip("=")) * 6 <= len(after) * 8 + 4  # what fills up the last character


@settings(deadline=None)
@given(st.text(), st.lists(st.text(min_size=4)))
def test_text_without_secrets_is_unchanged(text, values):
    secrets = secrets_of(*values)
    if not secrets.is_secret(text):
        assert secrets.mask(text) == text


@pytest.mark.timeout(60)
def test_many_secrets_and_much_text_take_linear_time():
    secrets = secrets_of(*(f"secret/{index}/{'x' * 30}" for index in range(200)))
    text = ("some line of output with nothing in it 0123456789\n" * 20 + "secret/7/" + "x" * 29 + "\n") * 1000
    started = time.monotonic()
    assert secrets.mask(text) == text
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("password", ["pa@ssw0rd1", "pa/ssw0rd1", "pa#ss@w0rd"])
def test_a_password_that_a_url_does_not_encode_is_a_secret(password):
    secrets = Secrets()
    secrets.add_environment({"DATABASE_URL": f"postgresql://user:{password}@host/db"})
    assert password not in secrets.mask(f"it is {password}.")


def test_the_data_of_blocks_in_the_environment_is_secret_before_anything_refers_to_it():
    secrets = Secrets()
    blocks = '{"secret": {"gh": {"value": "QWERTYUI12345678"}}, "docker-registry-credentials": {"r": {"username": "anna-lena"}}}'
    secrets.add_environment({"STEPENGINE_BLOCKS": blocks})
    assert secrets.mask(f"STEPENGINE_BLOCKS={blocks}").count("***") == 1
    assert "anna-lena" in secrets.mask(blocks)
    secrets.add_environment({"STEPENGINE_BLOCKS": "[[not JSON"})
    assert secrets.mask("[[not JSON") == "***"


@pytest.mark.parametrize("at", range(0, 40, 7))
def test_a_text_that_is_cut_out_of_a_longer_one_shows_no_part_of_a_secret(at):
    secret = "abcdefghijklmnopqrstuvwxyz0123456789ABCD"
    secrets = Secrets()
    secrets.add(secret)
    shown = secrets.mask_cut(f"{secret[at:]}\nin between\n{secret[: 40 - at]}")
    assert "in between" in shown
    pieces = [secret[start : start + 8] for start in range(33)]
    assert not [piece for piece in pieces if piece in shown]
    assert "***" in secrets.mask_cut(secret[8:24])


@pytest.mark.parametrize("between", ["\x1b]0;title\x07", "\x1b]8;;x\x1b\\", "\0", "\b\b", "\n#5 0.258 ", "\n\t  "])
def test_what_a_terminal_does_not_show_breaks_no_secret(between):
    secrets = Secrets()
    secrets.add("tok_abcdefghijklmnop")
    shown = secrets.mask(f"tok_abcdef{between}ghijklmnop")
    assert shown == f"***{between}***"
