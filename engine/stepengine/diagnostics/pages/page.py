"""What the catalogue says of one diagnostic."""

from __future__ import annotations

from stepengine.records import Record


class Page(Record):
    """What there is to say of one diagnostic code.

    Attributes:
        code: The stable name.
        severity: "error", "warning", or "error or warning".
        title: What is wrong, in a few words.
        explanation: Why it is a problem, and what to do: paragraphs of Markdown.
        example: A file that causes it.
        line: The line of the example that it is reported at, counted from 1.
        fixed: The same file without it.
        command: The command that reports it.
        encoding: How the example is saved; the fixed file is always UTF-8.
    """

    code: str
    severity: str
    title: str
    explanation: str
    example: str
    line: int
    fixed: str
    command: str = "validate"
    encoding: str = "utf-8"
