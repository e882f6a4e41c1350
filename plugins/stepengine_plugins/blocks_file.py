"""Blocks and variables from a file that only its owner can read.

It is YAML: `blocks:` (type slug, name, data) and `variables:` (name, value). `STEPENGINE_BLOCKS_FILE` names it; else it
is `stepengine/blocks.yaml` in the user's configuration directory.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from stepengine.plugin import ReferenceSource, TemplateError
from stepengine_plugins.environment import mapping_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "STEPENGINE_BLOCKS_FILE"


def stepengine_sources(environ: Mapping[str, str], directory: str) -> Iterator[ReferenceSource]:
    """Give the sources of the blocks file; none where there is no such file.

    Args:
        environ: The environment of the run.
        directory: The directory of the file, which `STEPENGINE_BLOCKS_FILE` may be relative to.

    Raises:
        TemplateError: others can read the file, or it is not of the form above.
    """
    named = environ.get(VARIABLE)
    path = os.path.join(directory, os.path.expanduser(named)) if named else default_path(environ)
    if not named and not os.path.exists(path):
        return
    data = _read(path)
    for key, namespace in (("blocks", "prefect.blocks"), ("variables", "prefect.variables")):
        part = data.get(key)
        if part is None:
            continue
        if not isinstance(part, dict):
            raise TemplateError(f"{key!r} in {path} must be a mapping", hint=_FORM)
        yield mapping_source(namespace, path, part)


def default_path(environ: Mapping[str, str]) -> str:
    """Give the place of the blocks file where none is named.

    The XDG base directory specification's on POSIX, `%APPDATA%` on Windows.
    """
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    base = environ.get("APPDATA") if os.name == "nt" else environ.get("XDG_CONFIG_HOME")
    return os.path.join(base or os.path.join(home, ".config"), "stepengine", "blocks.yaml")


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            _refuse_if_shared(path, os.fstat(file.fileno()))
            text = file.read()
    except OSError as error:
        raise TemplateError(f"the blocks file {path} cannot be read: {error.strerror}") from error
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise TemplateError(f"the blocks file {path} is not YAML{place}", hint=_FORM) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise TemplateError(f"the blocks file {path} must be a mapping", hint=_FORM)
    return data


def _refuse_if_shared(path: str, status: os.stat_result) -> None:
    if os.name != "posix":
        return
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise TemplateError(f"others can read the blocks file {path}", hint=f"chmod 600 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise TemplateError(f"the blocks file {path} belongs to another user", hint="use a file of your own")


_FORM = "it has `blocks:` (type, name, data) and `variables:` (name, value)"
