"""Telling other languages' placeholders from broken expressions: Go's templates, Handlebars."""

from __future__ import annotations

import re

STRINGS = re.compile(r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """, re.VERBOSE | re.DOTALL)
"""String literals of an expression."""

_GO = re.compile(
    r"""[-.\#/!>^&*%@~=:`?,;|+<\\)\]}]     # no expression begins so
    | \$[^A-Za-z_]? \Z | \$\. | \$\w*\s*:?=(?!=)
    | (?:range|if|else|end|with|template|define|block|break|continue)\b(?!\s*[.|\[(-])
    """,
    re.VERBOSE,
)
_GO_FIELD = re.compile(r"(?:^|[\s(|])\.(?:[A-Za-z_$]|\Z|[\s)|])|:=|\$\.")
_MEANT = re.compile(r"\||\$[A-Za-z_]|\bprefect\.|[()]")


def is_foreign(content: str) -> bool:
    """Whether a placeholder's content is certainly of another language: Go's templates, Handlebars."""
    return bool(_GO.match(content) or _GO_FIELD.search(STRINGS.sub('""', content)))


def is_meant(content: str) -> bool:
    """Whether what does not parse was meant as an expression: it has a filter, a call, or a reference of ours."""
    return bool(_MEANT.search(STRINGS.sub('""', content)))
