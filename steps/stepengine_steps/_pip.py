"""Which installer installs a requirements file, with what settings, and what its failures mean."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from stepengine.plugin import credentials_in, read_index_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepengine.plugin import Completed, Context

_INCLUDE = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", re.MULTILINE)

# How pip and uv name what failed; uv may break its lines anywhere between words.
_CULPRITS = (
    re.compile(r"No matching distribution found for (?P<what>.+)"),
    re.compile(r"Invalid requirement: (?P<what>.+?)(?: \(from.*| \(at.*)?$", re.MULTILINE),
    re.compile(r"Couldn't parse requirement in .*\n.*cause: .*\n\s*(?P<what>.+)"),
    re.compile(r"Failed building wheel for (?P<what>\S+)"),
    re.compile(r"Failed\s+to\s+(?:build|download|fetch)[^`]*`(?P<what>[^`]+)`"),
    re.compile(r"Because\s+(?P<what>\S+)\s+was\s+not\s+found"),
    re.compile(r"Because\s+there\s+(?:is|are)\s+no\s+versions?\s+of\s+(?P<what>\S+)"),
    re.compile(r"Because\s+only\s[^.]*?you\s+require\s+(?P<what>[^\s,]+)", re.DOTALL),
)


def installer(requirements_file: str, context: Context) -> tuple[list[str], dict[str, str]]:
    """Choose uv or pip.

    Returns:
        The command, and the variables that it needs besides the pipeline's.
    """
    import shutil

    if requirements_file.startswith("-"):
        requirements_file = os.path.join(os.curdir, requirements_file)
    uv = shutil.which("uv", path=context.environ.get("PATH", os.defpath))
    if uv:
        args = [uv, "pip", "install", "--python", context.python, "-r", requirements_file]
        return args, read_index_settings(context.environ, context.python).variables
    args = [context.python, "-m", "pip", "install", "-r", requirements_file]
    return args, {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def hide_credentials(where: str, requirements_file: str, context: Context) -> None:
    """Have the credentials of index addresses and requirements masked: installers print what they fetch."""
    texts = [*read_index_settings(context.environ, context.python).texts, *_requirement_texts(where, requirements_file)]
    for text in texts:
        for secret in credentials_in(text, context.environ):
            context.secret(secret)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _requirement_texts(where: str, requirements_file: str) -> Iterator[str]:
    pending = [os.path.join(where, requirements_file)]
    seen: set[str] = set()
    while pending:
        path = pending.pop()
        if path in seen or "://" in path:
            continue
        seen.add(path)
        text = _read(path)
        pending.extend(os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in _INCLUDE.findall(text))
        yield text


def explain(completed: Completed, python: str) -> tuple[str, str]:
    """Tell from an installer's output what failed.

    Returns:
        What failed, and the remedy; each may be empty.
    """
    output = f"{completed.stderr}\n{completed.stdout}"
    if "No module named pip" in output:
        return f"{python} has no pip", f"install uv, or run: {python} -m ensurepip"
    if "externally-managed-environment" in output or "externally managed" in output:
        return f"{python} belongs to the system, which forbids it (PEP 668)", "run stepengine in a virtual environment"
    for pattern in _CULPRITS:
        if match := pattern.search(output):
            return f"{match['what'].strip()} failed", "check its name and version, and that the index has it"
    return "", ""
