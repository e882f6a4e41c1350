"""Inputs that only BuildKit knows, as the flags of Docker's client. A secret's value is never one of them."""

from __future__ import annotations

import csv
import io
import os
import re
from typing import TYPE_CHECKING, Any

from stepengine.plugin import Context, StepError, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ID = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_FORMS = "write secrets as {ID: VALUE}, or as a list of id=ID,env=VARIABLE or id=ID,src=FILE"


# Variables that Docker's client (docs.docker.com/reference/cli/docker, "Environment variables"), buildx
# (docs.docker.com/build/building/variables), the Go programs that they are, or the loader of programs act on.
_OF_THE_CLIENT = re.compile(
    r"""
      PATH | HOME | TMPDIR | SSH_AUTH_SOCK | SSL_CERT_(?:FILE|DIR) | (?:HTTPS?|FTP|NO|ALL)_PROXY
    | DOCKER_(?:API_VERSION|AUTH_CONFIG|BUILDKIT|CERT_PATH|CONFIG|CONTENT_TRUST|CONTENT_TRUST_SERVER|CONTEXT
        |CUSTOM_HEADERS|DEFAULT_PLATFORM|HIDE_LEGACY_COMMANDS|HOST|TLS|TLS_VERIFY|CLI_[A-Z_]+)
    | (?:BUILDX|BUILDKIT|LD|DYLD|XDG)_.*
    """,
    re.IGNORECASE | re.VERBOSE,
)
_USERINFO = re.compile(r"(?:^|://)[^/?#\s]*@")

# Where BuildKit's caches take what must not stand in their settings (docs.docker.com/build/cache/backends).
_CACHE_HINTS = {
    "s3": "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the environment instead",
    "azblob": "have the builder log in by its managed identity, or use a cache of type registry",
    "gha": "set ACTIONS_RUNTIME_TOKEN in the environment instead",
}


def has_userinfo(text: str) -> bool:
    """Tell whether an address has a user name, a token or a password before its host."""
    return _USERINFO.search(text) is not None


def argument_flags(arguments: Mapping[str, str | None], context: Context, variables: dict[str, str]) -> Iterator[str]:
    """Give the `--build-arg` flags.

    Docker's client takes a value that is not there from its environment. A variable that it would act on itself has
    its value in the flag instead, which every user of the machine can read.

    Args:
        arguments: The build arguments; None is the value of the variable of that name.
        context: The run.
        variables: Takes the values.

    Raises:
        StepError: a value has to be in the flag, and holds a secret.
    """
    for name, value in arguments.items():
        if value is None or value == context.environ.get(name):
            yield from ("--build-arg", name)
        elif not _OF_THE_CLIENT.fullmatch(name):
            variables[name] = value
            yield from ("--build-arg", name)
        elif value and (is_secret_name(name) or has_userinfo(value)):
            raise StepError(
                f"the build argument {name} holds a secret, and cannot be kept out of the command of Docker's client",
                hint=f"set {name} in the environment and leave the argument's value out (null), or call it otherwise",
            )
        else:
            yield from ("--build-arg", f"{name}={value}")


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
    """Give the flags for one kind of cache: an image's name, `type=…,…`, a mapping of these keys, or a list of them.

    Raises:
        StepError: a setting is a secret, which every user of the machine could read.
    """
    name = flag.removeprefix("--").replace("-", "_")
    for cache in [caches] if isinstance(caches, (str, dict)) else caches or []:
        text = (
            _fields_text([f"{key}={value}" for key, value in cache.items()]) if isinstance(cache, dict) else str(cache)
        )
        _check_cache(name, text)
        yield from (flag, text)


def _check_cache(name: str, text: str) -> None:
    fields = {
        key.strip().lower(): value
        for line in csv.reader(io.StringIO(text))
        for key, _, value in (field.partition("=") for field in line)
    }
    for key, value in fields.items():
        if value and (is_secret_name(key) or has_userinfo(value)):
            kind = fields.get("type", "").strip().lower()
            raise StepError(
                f"{name}: {key} holds a secret, which would show in the command of Docker's client",
                hint=_CACHE_HINTS.get(kind, "log in with `docker login`, or have the builder itself know it"),
            )


def _fields_text(fields: list[str]) -> str:
    """Join fields as Docker's client splits them: as a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()
