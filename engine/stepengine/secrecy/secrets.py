"""The secrets of a run, and how they are kept out of what is shown.

Nothing is known of how a secret is spelt when it turns up: a program may print it in base64, broken over lines, or
percent-encoded. So each secret is looked for in all its forms (`stepengine.secrecy.forms`), in the text without what
may break one (`stepengine.secrecy.breaks`). Two things cannot be caught: secrets shorter than four characters and words
such as `true`, in free text (as an input they are hidden all the same, because the input is known to be secret); and a
secret that a step changed in a way of its own (a hash, every second letter).
"""

from __future__ import annotations

import re
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any

from stepengine.secrecy.breaks import HIDDEN, Breaks, with_hidden, without_breaks
from stepengine.secrecy.names import is_secret_name, public_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["HIDDEN", "LineMasker", "Secrets", "StreamMasker", "is_secret_name", "public_fields"]

MIN_LENGTH = 4
"""Characters of the shortest text that is masked; masking shorter ones would make every text unreadable."""

MIN_LINE = 8
"""Characters of the shortest line of a secret of many lines that is masked on its own."""

_MAX_BITS = 10_000
"""The largest number that stays one: Python writes no more than 4,300 digits."""

MAX_DEPTH = 200
"""Levels of mappings and lists that `mask_data` goes into."""

_HEAD = 3
"""Characters at the end of a text that make it a possible beginning of a secret."""

# The userinfo of a URL (RFC 3986, section 3.2.1): `user:password@`, or a token alone.
# Many write a password as it is, though `/`, `#` and `@` would have to be encoded: up to the last `@` it may be one.
_USERINFO = r"://(?:[^\s/?#@:]*:([^\s/?#@]+)|([^\s/?#@:]{20,}))@"
_LOOSE_USERINFO = r"://[^\s/?#@:]*:(\S+)@"
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")

Span = tuple[int, int]


class Secrets:
    """The secrets of one run: what was added is masked everywhere from then on."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pending: list[str] = []
        # The first `MIN_LENGTH` characters of each form lead to the forms, the longest first; whether it is base64.
        self._forms: dict[str, list[tuple[str, bool]]] = {}
        self._heads: set[str] = set()
        self._longest = 0

    def __len__(self) -> int:
        """How many there are: while that is the same, what was masked stays masked as it is."""
        return len(self._values)

    def add(self, value: Any) -> None:
        """Add a secret: a text, a number of four digits or more, or all of those in a mapping or list."""
        for text in _leaves(value):
            if len(text.strip()) >= MIN_LENGTH and text not in self._values:
                self._values.add(text)
                self._pending.append(text)

    def add_block(self, type_slug: str, data: Any) -> None:
        """Add a block's data, but for the fields that `public_fields` names."""
        if isinstance(data, dict):
            public = public_fields(type_slug)
            for field, value in data.items():
                if field not in public:
                    self.add(value)
        else:
            self.add(data)

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Add the values of the variables named like secrets, and the passwords in URLs of all others."""
        for name, value in environ.items():
            if is_secret_name(name):
                self.add(value)
            elif name == "STEPENGINE_BLOCKS":
                self._add_blocks(value)
            else:
                self.add_urls(value)

    def add_urls(self, value: Any) -> None:
        """Add the passwords of the URLs in a text, or in anything of a mapping or list."""
        for text in _leaves(value):
            if "://" not in text or "@" not in text:
                continue
            for pattern in (_USERINFO, _LOOSE_USERINFO):
                for match in re.finditer(pattern, text):
                    password = next(filter(None, match.groups()))
                    self.add([password, _decoded(password)])

    def add_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Add what a file has under names of secrets, at any depth, and the passwords in URLs of all else."""
        self.add_urls(inputs)
        for name, value in inputs.items():
            if is_secret_name(str(name)):
                self.add([text for text in _leaves(value) if "{{" not in text])
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict):
                    self.add_inputs(part)

    def _add_blocks(self, text: str) -> None:
        """Add the data of all blocks of `STEPENGINE_BLOCKS`: steps inherit it, whatever they refer to."""
        import json

        try:
            types = json.loads(text)
            for slug, blocks in types.items():
                for data in blocks.values():
                    self.add_block(slug, data)
        except (ValueError, AttributeError, RecursionError):  # the source of blocks tells what is wrong with it
            self.add(text)

    def is_secret(self, value: Any) -> bool:
        """Whether a secret, in whatever form, is in a text, a number, or anything in a mapping or list."""
        if not self._values:
            return False
        if isinstance(value, (int, float)):
            return str(value) in self._values
        return any(self._found(without_breaks(text)) for text in _leaves(value))

    def mask(self, text: str) -> str:
        """Give a text with `***` for each secret; a secret broken over lines leaves the line ends in their places."""
        if not self._values or len(text) < MIN_LENGTH:
            return text
        flat = without_breaks(text)
        spans = self._found(flat)
        return with_hidden(text, Breaks(text).originals(spans)) if spans else text

    def mask_cut(self, text: str) -> str:
        """Mask a text that was cut out of a longer one.

        The end of a secret at its beginning is hidden as well, and the beginning of one at its end.
        """
        if not self._values:
            return text
        flat = without_breaks(text)
        hits = self._hits(flat)
        spans = self._spans(flat, hits)
        begun = self._open_end(flat, hits)
        if len(flat) - begun >= MIN_LINE:
            spans.append((begun, len(flat)))
        ended = self._closed_start(flat)
        if ended >= MIN_LINE:
            spans.append((0, ended))
        return with_hidden(text, Breaks(text).originals(_merged(spans))) if spans else text

    def mask_data(self, value: Any) -> Any:
        """Give a copy of a JSON document without secrets, in keys as well.

        What JSON cannot have becomes text; a list or mapping within itself, or deeper than `MAX_DEPTH`, is hidden.
        """
        return _DataMasker(self).masked(value, 0)

    def _compile(self) -> None:
        from stepengine.secrecy.forms import forms_of

        pending, self._pending = self._pending, []
        for secret in pending:
            texts, encoded = forms_of(secret)
            for form in texts | encoded:
                forms = self._forms.setdefault(form[:MIN_LENGTH], [])
                if all(known != form for known, _ in forms):
                    forms.append((form, form not in texts))
                    forms.sort(key=lambda item: -len(item[0]))
                self._heads.add(form[:_HEAD])
                self._longest = max(self._longest, len(form))

    def _found(self, flat: str) -> list[Span]:
        hits = self._hits(flat)
        return self._spans(flat, hits) if hits else []

    def _hits(self, flat: str) -> list[int]:
        """Give where, in a text without line ends, the first characters of a form are."""
        if self._pending:
            self._compile()
        forms = self._forms
        return [start for start in range(len(flat) - MIN_LENGTH + 1) if flat[start : start + MIN_LENGTH] in forms]

    def _spans(self, flat: str, hits: list[int]) -> list[Span]:
        """Give where secrets are: in order, none touching the next."""
        spans: list[Span] = []
        for start in hits:
            for form, encoded in self._forms[flat[start : start + MIN_LENGTH]]:
                if flat.startswith(form, start):
                    end = start + len(form)
                    spans.append(_widened(flat, start, end) if encoded else (start, end))
                    break
        return _merged(spans) if spans else spans

    def _open_end(self, flat: str, hits: list[int]) -> int:
        """Give where, at the end of a text, a secret may begin: at the earliest; the text's length if it cannot."""
        size = len(flat)
        for start in hits:
            if size - start >= self._longest:
                continue
            rest = flat[start:]
            if any(len(form) > size - start and form.startswith(rest) for form, _ in self._forms[rest[:MIN_LENGTH]]):
                return start
        return size - _HEAD if flat[-_HEAD:] in self._heads else size

    def _closed_start(self, flat: str) -> int:
        """Give how many characters at the beginning of a text are the end, or the middle, of a secret: at the most."""
        head, longest = flat[:MIN_LENGTH], 0
        for form, encoded in [form for forms in self._forms.values() for form in forms]:
            at = form.find(head) if len(head) == MIN_LENGTH else -1
            while at >= 0:
                rest = form[at:]
                if flat.startswith(rest) or rest.startswith(flat):
                    size = min(len(rest), len(flat))
                    longest = max(longest, _widened(flat, 0, size)[1] if encoded else size)
                at = form.find(head, at + 1)
        return longest


class StreamMasker:
    """Masks text that comes in pieces; what may be the beginning of a secret waits for what follows.

    At most the length of the longest secret is held back, and only what has the first three characters of one: of a
    secret in several pieces, its first one or two characters may be shown.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._held = ""
        self._hidden = 0  # so many characters at the beginning of `_held` belong to a secret that began before it
        self._after_hidden = False  # the last that was shown is `HIDDEN`
        self._shown = ""  # the last characters before `_held`: fewer than make a possible beginning

    def feed(self, text: str) -> str:
        """Take a piece, and give what can be shown."""
        if not self._secrets and not self._held:
            return text
        return self._advance(self._held + text, last=False)

    def flush(self) -> str:
        """Give the rest, at the end of the text; what may have been a secret cut short is masked."""
        result = self._advance(self._held, last=True) if self._held else ""
        self._shown = ""
        return result

    def _advance(self, text: str, *, last: bool) -> str:
        before = len(self._shown)
        flat = self._shown + without_breaks(text)
        hits = self._secrets._hits(flat)  # noqa: SLF001 - two halves of one thing
        spans = self._secrets._spans(flat, hits)  # noqa: SLF001
        cut = max(before, self._secrets._open_end(flat, hits))  # noqa: SLF001
        if self._hidden:
            spans = _merged([(before, before + self._hidden), *spans])
        if last:
            if len(flat) - cut >= MIN_LINE:
                spans = _merged([*spans, (cut, len(flat))])
            cut = len(flat)
        joined = self._hidden > 0 and self._after_hidden
        self._hidden = max((end - cut for start, end in spans if start < cut < end), default=0)
        breaks = Breaks(text)
        end = breaks.original(cut - before) if cut < len(flat) else len(text)
        self._held = text[end:]
        shown = [(max(first, before) - before, min(after, cut) - before) for first, after in spans]
        self._shown = flat[:cut][1 - _HEAD :]
        result = with_hidden(text[:end], breaks.originals(span for span in shown if span[0] < span[1]))
        if result:
            self._after_hidden = result.endswith(HIDDEN)
        return result.removeprefix(HIDDEN) if joined else result


class LineMasker:
    """Masks text that comes line by line."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._stream = StreamMasker(secrets)
        self._partial = ""

    def line(self, line: str) -> list[str]:
        """Take a line without its end, and give the lines that can be shown: none, one, or several."""
        *lines, self._partial = (self._partial + self._stream.feed(line + "\n")).split("\n")
        return lines

    def flush(self) -> list[str]:
        """Give the lines that are left, at the end of the text."""
        rest, self._partial = self._partial + self._stream.flush(), ""
        return rest.removesuffix("\n").split("\n") if rest else []


class _DataMasker:
    """One pass over a document."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._open: set[int] = set()
        self._done: dict[int, Any] = {}

    def masked(self, value: Any, depth: int) -> Any:
        if isinstance(value, int) and value.bit_length() > _MAX_BITS:
            return self._secrets.mask(hex(value))
        if value is None or isinstance(value, (bool, int, float)):
            is_number = not isinstance(value, float) or isfinite(value)
            return HIDDEN if self._secrets.is_secret(value) else value if is_number else str(value)
        if not isinstance(value, (dict, list, tuple, set, frozenset)):
            return self._secrets.mask(_text_of(value))
        identity = id(value)
        if identity in self._done:
            return self._done[identity]
        if identity in self._open or depth >= MAX_DEPTH:
            return HIDDEN
        self._open.add(identity)
        result = self._container(value, depth + 1)
        self._open.discard(identity)
        self._done[identity] = result
        return result

    def _container(self, value: Any, depth: int) -> Any:
        if not isinstance(value, dict):
            return [self.masked(item, depth) for item in value]
        result: dict[Any, Any] = {}
        for key, item in value.items():
            shown = self.masked(key if isinstance(key, (str, int, float, type(None))) else _text_of(key), depth)
            number = 1
            while shown in result:  # two secret keys
                number += 1
                shown = f"{HIDDEN} ({number})"
            result[shown] = self.masked(item, depth)
        return result


def _text_of(value: Any) -> str:
    """Give a value as text; of one that has none (its own code fails, a number of thousands of digits) the type."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a third party's `__str__` may raise anything
        return f"<{type(value).__name__}>"


def _leaves(value: Any) -> Iterable[str]:
    """Give the texts and numbers in a value as text; each mapping and list once."""
    if isinstance(value, str):
        yield str(value)
        return
    pending = [value]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield str(item)
        elif isinstance(item, bool) or item is None:
            continue
        elif isinstance(item, (int, float)):
            yield _text_of(item)
        elif isinstance(item, bytes):
            yield item.decode("utf-8", "replace")
        elif isinstance(item, (dict, list, tuple, set, frozenset)) and id(item) not in seen:
            seen.add(id(item))
            pending.extend(item.values() if isinstance(item, dict) else item)
        elif not isinstance(item, (dict, list, tuple, set, frozenset)):
            with suppress(Exception):  # a value of a third party: what a template would show of it
                yield str(item)


def _decoded(text: str) -> str:
    """Undo percent-encoding."""
    data = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match.group(1).decode()), text.encode("utf-8", "replace")
    )
    return data.decode("utf-8", "replace")


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Make one of all spans that touch."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _widened(flat: str, start: int, end: int) -> Span:
    """Take in the base64 characters that hold a secret's first and last bits together with those of its neighbours."""
    if start and flat[start - 1] in _BASE64:
        start -= 1
    if end < len(flat) and flat[end] in _BASE64:
        end += 1
    while end < len(flat) and flat[end] == "=":
        end += 1
    return start, end
