"""Regular expressions that are compiled when they are first used.

Most runs use few of them, and each costs up to 1 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import re

_METHODS = ("match", "fullmatch", "search", "finditer", "findall", "sub", "split")


class _LazyPattern:
    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile the pattern, and take its methods for this object's own: only the first use comes here."""
        import re

        pattern = re.compile(self._source, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(pattern, method))
        return getattr(pattern, name)


def lazy_pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Give what behaves like `re.compile(source, flags)` and compiles it when it is first used.

    Args:
        source: The regular expression.
        flags: Those of `re`.
    """
    return cast("re.Pattern[str]", _LazyPattern(source, flags))
