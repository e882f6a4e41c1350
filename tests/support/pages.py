"""The project's pages, taken apart: code blocks, headings, links."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

_FENCE = re.compile(r"^```(\w*)[ ]*(.*)$")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block of code, and the words after its language."""

    page: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def word(self, name: str) -> str:
        """Give VALUE of a word NAME=VALUE; empty where there is none."""
        return next((word.partition("=")[2] for word in self.words if word.startswith(f"{name}=")), "")


def pages() -> list[str]:
    """Give the paths of all pages, from the repository's top."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    found = []
    lines = iter(enumerate(read(page).splitlines(), 1))
    for number, line in lines:
        fence = _FENCE.match(line)
        if fence:
            body = []
            for _, inner in lines:
                if inner == "```":
                    break
                body.append(inner)
            text = "".join(f"{each}\n" for each in body)
            found.append(Block(page, number, fence[1], tuple(fence[2].split()), text))
    return found


def prose(page: str) -> str:
    """Give a page without its blocks."""
    return re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """Give what a link may have after `#`: headings, by the rule of the sites that show Markdown."""
    titles = (heading.replace("`", "").lower() for heading in _HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def links(page: str) -> list[str]:
    return _LINK.findall(prose(page))


def table(page: str, heading: str) -> list[list[str]]:
    """Give the rows of the first table below a heading, without its head; each cell's names in backquotes kept."""
    _, _, after = read(page).partition(f"# {heading}\n")
    rows = []
    for line in after.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif rows:
            break
    return rows[2:]


def quoted(text: str) -> list[str]:
    """Give what stands in backquotes."""
    return re.findall(r"`([^`]+)`", text)
