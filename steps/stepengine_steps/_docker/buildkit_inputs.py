"""Inputs that only BuildKit knows, as the flags of Docker's client. A secret's value is never one of them."""

from __future__ import annotations

import csv
import io
import os
import re
from typing import TYPE_CHECKING, Any

from stepengine.plugin import Context, StepError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ID = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_FORMS = "write secrets as {ID: VALUE}, or as a list of id=ID,env=VARIABLE or id=ID,src=FILE"


def secret_flags(secrets: Any, context: Context, variables: dict[str, str]) -> Iterator[str]:
    """Give the `--secret` flags.

    Args:
        secrets: A mapping of ids to values; or a list of `id=ID,env=VARIABLE` or `id=ID,src=FILE`, or of mappings with
            these keys, or with `value`.
        context: The run.
        variables: Takes the values: Docker's client reads them from its environment.

    Raises:
        StepError: a secret is not well formed, or its variable or file is not there.
    """
    if not secrets:
        return
    if isinstance(secrets, dict):
        entries = [{"id": name, "value": value} for name, value in secrets.items()]
    else:
        entries = [_fields(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    for number, entry in enumerate(entries):
        name = str(entry.get("id", ""))
        if not _ID.fullmatch(name):
            raise StepError(f"secrets: {name!r} is not an id", hint=_FORMS)
        yield "--secret"
        yield _source(name, entry, number, context, variables)


def _fields(secret: Any) -> dict[str, Any]:
    if isinstance(secret, dict):
        return secret
    if not isinstance(secret, str) or "=" not in secret:
        raise StepError("secrets: an entry is not well formed", hint=_FORMS)
    fields = dict(field.partition("=")[::2] for field in next(csv.reader([secret])))
    return {{"source": "src", "file": "src"}.get(key.strip(), key.strip()): value for key, value in fields.items()}


def _source(name: str, entry: dict[str, Any], number: int, context: Context, variables: dict[str, str]) -> str:
    if (value := entry.get("value")) is not None:
        variable = f"STEPENGINE_BUILD_SECRET_{number}"
        variables[variable] = str(value)
        context.secret(str(value))
        return f"id={name},env={variable}"
    if path := entry.get("src"):
        path = context.resolve(str(path))
        if not os.path.isfile(path):
            raise StepError(
                f"the secret {name} is in no file {path}", hint="correct src, or take it from a variable: env="
            )
        return _fields_text([f"id={name}", f"src={path}"])
    variable = str(entry.get("env") or name)
    if not context.environ.get(variable):
        raise StepError(
            f"the secret {name} is in no variable {variable}", hint=f"set {variable}, or name another with env="
        )
    context.secret(context.environ[variable])
    return _fields_text([f"id={name}", f"env={variable}"])


def ssh_flags(ssh: Any) -> Iterator[str]:
    """Give the `--ssh` flags: `default`, `ID=SOCKET` or `ID=KEY`, one or a list."""
    for entry in [ssh] if isinstance(ssh, str) else ssh or []:
        yield from ("--ssh", str(entry))


def cache_flags(flag: str, caches: Any) -> Iterator[str]:
    """Give the flags for one kind of cache: an image's name, `type=…,…`, a mapping of these keys, or a list of them."""
    for cache in [caches] if isinstance(caches, (str, dict)) else caches or []:
        yield flag
        yield (
            _fields_text([f"{key}={value}" for key, value in cache.items()]) if isinstance(cache, dict) else str(cache)
        )


def _fields_text(fields: list[str]) -> str:
    """Join fields as Docker's client splits them: as a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()
