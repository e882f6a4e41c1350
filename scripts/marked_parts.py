"""Parts of a page that are generated, between `<!-- NAME:begin -->` and `<!-- NAME:end -->`."""

from __future__ import annotations

import re


def replace_parts(text: str, parts: dict[str, str], page: str) -> str:
    """Replace the marked parts of a page.

    Args:
        text: The page.
        parts: Name to new content.
        page: The page's path, for messages.

    Raises:
        ValueError: the page lacks a part, or has one that nothing fills.
    """
    marked = re.compile(r"(<!-- ([\w ]+):begin -->\n).*?(<!-- \2:end -->)", re.DOTALL)
    found = [match[2] for match in marked.finditer(text)]
    if sorted(found) != sorted(parts):
        raise ValueError(f"{page} has the marked parts {sorted(found)}, and there are {sorted(parts)} to fill")
    return marked.sub(lambda match: f"{match[1]}{parts[match[2]]}\n{match[3]}", text)
