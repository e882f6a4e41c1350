"""Pieces of text for the generated pages."""

from __future__ import annotations


def cell(text: str) -> str:
    """Give a text fit for a cell of a table."""
    return text.replace("|", "\\|")


def capitalized(text: str) -> str:
    """Give a text with a capital at its beginning, if that is a word."""
    return text[:1].upper() + text[1:] if text[:1].isalpha() else text
