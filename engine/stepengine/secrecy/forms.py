"""The forms in which a secret can turn up in text: encoded, escaped, quoted, in lines of its own."""

from __future__ import annotations

import re
from binascii import b2a_base64
from typing import TYPE_CHECKING

from stepengine.secrecy.breaks import without_breaks
from stepengine.secrecy.secrets import MIN_LENGTH, MIN_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ENCODED = 16_384
"""Characters of the longest secret whose encoded forms are looked for as well."""

_COMMON = frozenset({"false", "none", "null", "true"})
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+\Z")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
# What encoders leave as it is: everything reserved encoded (RFC 3986, section 2.2); paths; JavaScript's
# encodeURIComponent; a URL's userinfo; form data (WHATWG URL, section 5.2).
_SAFE = ("", "/", "!'()*", "!$&'()*+,;=:", "*")
_LINE_ENDS = re.compile(r"[\r\n]+|\\r\\n|\\n")
_SHELL_SPECIAL = re.compile(r"([^\w@%+=:,./-])")


def forms_of(secret: str) -> tuple[set[str], set[str]]:
    """Give the forms of a secret, line ends taken out.

    Returns:
        The forms as text, and the base64 forms, whose neighbours may hold a few of the secret's bits. None of them is
        shorter than `MIN_LENGTH`.
    """
    texts: set[str] = set()
    encoded: set[str] = set()
    secret = secret.strip()
    if _is_maskable(secret):
        _add_forms(secret, texts, encoded)
    lines = [line.strip() for line in _LINE_ENDS.split(secret)]
    if len(lines) > 1:
        for line in lines:
            if len(line) >= MIN_LINE and _is_maskable(line):
                texts.add(line)
    texts = {without_breaks(text) for text in texts}
    return {text for text in texts if len(text) >= MIN_LENGTH}, {text for text in encoded if len(text) >= MIN_LENGTH}


def _is_maskable(text: str) -> bool:
    return len(text) >= MIN_LENGTH and text.lower() not in _COMMON


def _add_forms(secret: str, texts: set[str], encoded: set[str]) -> None:
    texts.add(secret)
    if len(secret) > MAX_ENCODED:
        return
    data = _bytes(secret)
    encoded.update(_base64_forms(data))
    hexadecimal = data.hex()
    texts.update((hexadecimal, hexadecimal.upper(), data.decode("utf-8", "replace")))
    if not _PLAIN.match(secret):
        texts.update(_percent_forms(secret))
        texts.update(_quoted_forms(secret))


def _bytes(text: str) -> bytes:
    """Encode as the system does what it handed over (PEP 383)."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _base64_forms(data: bytes) -> Iterator[str]:
    """Give what base64 makes of bytes, wherever they begin in a longer text: at each of three alignments.

    Only the characters that the bytes alone determine; RFC 4648, sections 4 and 5.
    """
    for shift in range(3):
        length = (shift + len(data)) * 8 // 6
        text = b2a_base64(b"\0" * shift + data, newline=False).decode("ascii")[(0, 2, 3)[shift] : length]
        yield text
        yield text.replace("+", "-").replace("/", "_")


def _percent_forms(secret: str) -> Iterator[str]:
    for safe in _SAFE:
        kept = _UNRESERVED.union(safe)
        for digits in ("%%%02X", "%%%02x"):
            text = "".join(
                character if character in kept else "".join(digits % byte for byte in _bytes(character))
                for character in secret
            )
            yield text
            yield text.replace("%20", "+")
            yield text.replace("%", "%25")  # a URL within a URL


def _quoted_forms(secret: str) -> Iterator[str]:
    import json

    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
    yield repr(secret)[1:-1]
    yield secret.replace("\\", "\\\\").replace("'", "\\'")
    yield secret.replace("'", "'\\''")
    yield secret.replace("'", "'\"'\"'")
    yield re.sub(r'(["$`\\])', r"\\\1", secret)
    yield _SHELL_SPECIAL.sub(r"\\\1", secret)
    marked_up = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield marked_up
    yield marked_up.replace('"', "&quot;").replace("'", "&#x27;")  # as Python's html.escape does
    yield repr(_bytes(secret))[2:-1]
