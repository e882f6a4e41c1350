"""Which hooks a plugin has, told from its module's text: a run imports no plugin that has nothing for it."""

from __future__ import annotations

import re

from stepengine.catalogue.modules import installed_module

HOOK_NAMES = (
    "stepengine_sources",
    "stepengine_reporters",
    "stepengine_step_wrappers",
    "stepengine_listeners",
    "stepengine_builders",
    "stepengine_recipes",
)
"""Those of `stepengine.hooks.specs`, which costs an import of pluggy."""

_DEFINED = re.compile(rb"^(?:async\s+)?def\s+(stepengine_\w+)", re.MULTILINE)


class Declared:
    """What a module's text tells of its hooks.

    Args:
        target: The module, as an entry point names it.
    """

    def __init__(self, target: str) -> None:
        self._text = _read(target.partition(":")[0])

    def may_have(self, hook: str) -> bool:
        """Whether the module may have a hook: its text has the name, or cannot tell."""
        text = self._text
        return text is None or hook.encode() in text or b"import *" in text

    def unknown(self) -> list[str]:
        """Give the functions that are named like hooks, and are none."""
        found = _DEFINED.findall(self._text or b"")
        return [name for name in (each.decode("utf-8", "replace") for each in found) if name not in HOOK_NAMES]


def _read(module: str) -> bytes | None:
    """Give the text of an installed module; None where it has none, or it cannot be read."""
    found = installed_module(module)
    if found is None:
        return None
    try:
        with open(found[0], "rb") as file:
            return file.read()
    except OSError:
        return None
