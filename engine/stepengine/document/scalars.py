"""Plain scalars, resolved by YAML 1.1's rules as Prefect's loader (PyYAML) applies them.

The regular expressions are those of https://yaml.org/type/, with PyYAML's two deviations: a float needs a dot, and
`y`/`n` alone stay text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.patterns import lazy_pattern

if TYPE_CHECKING:
    from datetime import date

_WORDS: dict[str, Any] = {"": None, "~": None}
_WORDS.update(dict.fromkeys(("null", "Null", "NULL")))
_WORDS.update(dict.fromkeys(("yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True))
_WORDS.update(dict.fromkeys(("no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False))

_NUMERIC_FIRST = frozenset("-+.0123456789")

MAX_DIGITS = 1000
"""How long a whole number may be; Python itself does not print one of more than 4300 digits."""

_INT = lazy_pattern(r"[-+]?(?:0b[0-1_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*(?::[0-5]?[0-9])*)\Z")
_FLOAT = lazy_pattern(
    r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_DATE = lazy_pattern(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_TIMESTAMP = lazy_pattern(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?"
    r"(?:[ \t]*(?:Z|([-+])([0-9]{1,2})(?::([0-9]{2}))?))?\Z"
)


def resolve_plain(text: str) -> Any:
    """Give the value of an unquoted scalar: None, bool, int, float, date, datetime, or the text itself.

    Raises:
        ValueError: it has the form of a number or a date, but is none (`2024-13-45`).
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC_FIRST:
        return text
    if _INT.match(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(f"it has more than {MAX_DIGITS} digits")
        try:
            return to_int(text)
        except ValueError:
            raise ValueError("it has no digits") from None
    if _FLOAT.match(text):
        return to_float(text)
    if _DATE.match(text) or _TIMESTAMP.match(text):
        return to_timestamp(text)
    return text


def to_bool(text: str) -> bool:
    """Read what is tagged as a truth value: as where it is not tagged, in any mixture of case.

    Raises:
        ValueError: it is none.
    """
    value = _WORDS.get(text.lower())
    if value is None:
        raise ValueError(f"{text!r} is no truth value")
    return value is True


def to_int(text: str) -> int:
    """Read an integer: decimal, 0b, 0x, octal by a leading 0, or sexagesimal (`1:30` is 90).

    Raises:
        ValueError: it is none, or too long: Python writes no such number.
    """
    if len(text) > MAX_DIGITS:
        raise ValueError(f"it has more than {MAX_DIGITS} digits")
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    if digits[0] in "+-":
        digits = digits[1:]
    if ":" in digits:
        return sign * int(_sexagesimal([int(part) for part in digits.split(":")]))
    if digits == "0":
        return 0
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if digits.startswith("0"):
        return sign * int(digits, 8)
    return sign * int(digits)


def to_float(text: str) -> float:
    """Read a float: decimal, infinite, not a number, or sexagesimal."""
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits[0] == "-" else 1.0
    if digits[0] in "+-":
        digits = digits[1:]
    if digits == ".inf":
        return sign * float("inf")
    if digits == ".nan":
        return float("nan")
    if ":" in digits:
        return sign * float(_sexagesimal([float(part) for part in digits.split(":")]))
    return sign * float(digits)


def _sexagesimal(parts: list[Any]) -> Any:
    # From the last part on, as PyYAML adds them: of floats another order may round to another sum.
    value = parts[0] * 0
    base = 1
    try:
        for part in reversed(parts):
            value += part * base
            base *= 60
    except OverflowError:
        raise ValueError("it is too large a number") from None
    return value


def to_timestamp(text: str) -> date:
    """Read a date or a point in time.

    Raises:
        ValueError: there is no such day or hour.
    """
    from datetime import date, datetime, timedelta, timezone

    if match := _DATE.match(text):
        year, month, day = map(int, match.groups())
        return date(year, month, day)
    match = _TIMESTAMP.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no timestamp")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction = int((match[7] or "0")[:6].ljust(6, "0"))
    zone = None
    if match[8]:
        offset = timedelta(hours=int(match[9]), minutes=int(match[10] or 0))
        zone = timezone(-offset if match[8] == "-" else offset)
    elif text.rstrip().endswith("Z"):
        zone = timezone.utc
    return datetime(year, month, day, hour, minute, second, fraction, tzinfo=zone)
