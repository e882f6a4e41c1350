"""Secrets: `{{ vault.GROUP.NAME }}`, from a TOML file that only its owner can read.

The file is `vault.toml` beside the prefect.yaml, or the one that the variable ACME_VAULT names.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from stepengine.plugin import ReferenceSource, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def stepengine_sources(environ: Mapping[str, str], directory: str) -> Iterator[ReferenceSource]:
    """Give the source `vault`.

    Args:
        environ: The environment of the run.
        directory: The directory of the prefect.yaml.
    """
    path = os.path.join(directory, environ.get("ACME_VAULT") or "vault.toml")

    def look_up(names: tuple[Any, ...]) -> Any:
        group, name = names
        return read_vault(path)[group][name]

    def known_names() -> list[tuple[str, ...]]:
        return [(group, name) for group, secrets in read_vault(path).items() for name in secrets]

    yield ReferenceSource(namespace="vault", description=path, lookup=look_up, names=known_names, depth=2)


def read_vault(path: str) -> dict[str, dict[str, Any]]:
    """Read the file.

    Args:
        path: Where it is.

    Returns:
        The secrets of each group by their names; none where there is no file.

    Raises:
        TemplateError: others can read it, or it is no such file.
    """
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with open(path, "rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                raise TemplateError(f"others can read {path}", hint=f"chmod 600 {path}")
            groups = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # What a parser says may show a part of the file.
        raise TemplateError(f"{path} cannot be read as TOML", hint="correct the file") from error
    if not all(isinstance(secrets, dict) for secrets in groups.values()):
        raise TemplateError(f"{path} has a value in no group", hint='write [GROUP] above it, then NAME = "value"')
    return groups
