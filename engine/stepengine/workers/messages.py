"""How the engine and a worker write what they say to each other: JSON, one message a line."""

from __future__ import annotations

import json
from typing import Any


def encode_message(message: dict[str, Any]) -> bytes:
    """Give a message as the line that it is sent as. What JSON does not have becomes a list (a set), or else a text.

    Raises:
        Exception: it holds itself, or a value whose own methods fail.
    """
    return json.dumps(message, default=_not_data).encode() + b"\n"


def _not_data(value: Any) -> Any:
    return list(value) if isinstance(value, (set, frozenset)) else str(value)
