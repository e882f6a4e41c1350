"""Whether a call is the one that was recorded, and what differs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from stepengine.secrecy.names import is_secret_name
from stepengine.secrecy.secrets import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.secrecy.secrets import Secrets
    from stepengine.testing.portable import Portable

_ABSENT = object()
_SHOWN = 200
"""Characters of a value in a message."""


def keepable(value: Any, secrets: Secrets, portable: Portable) -> Any:
    """Give a value as a cassette may hold it: JSON, without secrets, and without paths of this machine.

    Args:
        value: Anything.
        secrets: What is masked, beside all that stands under a name that promises a secret.
        portable: What is written by name.
    """
    from stepengine.testing.portable import map_texts

    masked = hide_named(secrets.mask_data(value))
    kept: Any = json.loads(json.dumps(map_texts(masked, portable.write)))
    return kept


def hide_named(value: Any, *, is_secret: bool = False) -> Any:
    """Mask what stands under a name that promises a secret: `password: …` as it is written is none that a run knows."""
    if isinstance(value, dict):
        return {
            key: hide_named(item, is_secret=is_secret or (isinstance(key, str) and is_secret_name(key)))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [hide_named(item, is_secret=is_secret) for item in value]
    return HIDDEN if is_secret and value is not None and not isinstance(value, bool) and value != "" else value


def differences(recorded: Any, actual: Any, name: str = "") -> Iterator[str]:
    """Tell what differs, a line each; nothing where the two fit.

    Where the recorded value has `***`, anything fits: what is a secret here may not have been known for one there.

    Args:
        recorded: As the cassette has it.
        actual: The same of this run.
        name: Where in the inputs it is.
    """
    if isinstance(recorded, dict) and isinstance(actual, dict):
        for key in dict.fromkeys([*recorded, *actual]):
            inner = f"{name}.{key}" if name else str(key)
            yield from differences(recorded.get(key, _ABSENT), actual.get(key, _ABSENT), inner)
    elif isinstance(recorded, list) and isinstance(actual, list) and len(recorded) == len(actual):
        for index, (first, second) in enumerate(zip(recorded, actual, strict=True)):
            yield from differences(first, second, f"{name}[{index}]")
    elif not _fits(recorded, actual):
        yield f"{name}: recorded {_show(recorded)}, now {_show(actual)}"


def _fits(recorded: Any, actual: Any) -> bool:
    if isinstance(recorded, str) and HIDDEN in recorded and actual is not _ABSENT:
        if recorded == HIDDEN:
            return True
        pattern = ".*".join(map(re.escape, recorded.split(HIDDEN)))
        return isinstance(actual, str) and re.fullmatch(pattern, actual, re.DOTALL) is not None
    if recorded is _ABSENT or actual is _ABSENT:
        return recorded is actual
    # To Python, True is 1; to a step it is not. A whole number is the same with a point.
    return isinstance(recorded, bool) == isinstance(actual, bool) and bool(recorded == actual)


def _show(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
