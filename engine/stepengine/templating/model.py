"""What templates are made of, and what is told of them."""

from __future__ import annotations

from stepengine.records import Record

BLOCKS = "prefect.blocks"
VARIABLES = "prefect.variables"

Path = tuple["str | int", ...]


class Reference(Record):
    """One use of a value that is known only when a step is about to run.

    Attributes:
        text: As written between the braces, white space folded away.
        kind: "output", "environment", "block" or "variable"; in the error of one that a source's own namespace has no
            value for, "source": that it is none of an output shows when it is rendered.
        head: The step's id or the bare output's name; the environment variable's name; `prefect.blocks` or
            `prefect.variables`.
        path: What follows the head. A block's begins with its type's slug and its name, a variable's with its name.
        optional: Whether rendering can succeed without it: guarded by `default()` or `is defined`, or in a part of an
            expression that need not be evaluated.
        offset: Where it begins in its scalar, in characters.
        location: The keys and indices that lead to its scalar, from the value that was compiled.
    """

    text: str
    kind: str
    head: str
    path: Path
    optional: bool
    offset: int
    location: Path

    @property
    def root(self) -> str:
        """What `deferred` is compared with: the head, or `$` for an environment variable."""
        return "$" if self.kind == "environment" else self.head


class Problem(Record):
    """A placeholder that is left as it is.

    Attributes:
        kind: "syntax": meant as an expression, and broken. "foreign": of another language (Go's `{{.Id}}`).
        text: The placeholder as written, white space folded, shortened.
        offset: Where it begins in its scalar, in characters.
        path: The keys and indices that lead to its scalar.
        message: One line: what is wrong.
        hint: One line: what to do; may be empty.
    """

    kind: str
    text: str
    offset: int
    path: Path
    message: str
    hint: str


def fold(text: str, limit: int = 120) -> str:
    """Give a text on one line and of a length that can be shown."""
    folded = " ".join(text[: 4 * limit].split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"
