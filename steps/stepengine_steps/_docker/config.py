"""Docker's own configuration: config.json, and the credentials that it holds or knows a helper for."""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Any

from stepengine.plugin import Context, StepError
from stepengine_steps._docker.reference import HUB, normalize_registry

_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_SECONDS = 60
_PROXIES = {"httpProxy": "HTTP_PROXY", "httpsProxy": "HTTPS_PROXY", "ftpProxy": "FTP_PROXY", "noProxy": "NO_PROXY"}


def config_directory(context: Context) -> str:
    """Give the directory of Docker's configuration: `DOCKER_CONFIG`, else `.docker` in the home directory."""
    if directory := context.environ.get("DOCKER_CONFIG"):
        return context.resolve(directory)
    home = context.environ.get("HOME") or context.environ.get("USERPROFILE") or os.path.expanduser("~")
    return os.path.join(home, ".docker")


def read_config(context: Context) -> dict[str, Any]:
    """Read config.json; empty where there is none.

    Raises:
        StepError: it cannot be read, or is no JSON object.
    """
    path = os.path.join(config_directory(context), "config.json")
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise StepError(
            f"cannot read {path}: {error.strerror}", hint="make it readable, or set DOCKER_CONFIG"
        ) from error
    except ValueError as error:
        raise StepError(f"{path} is not JSON", hint="correct it, or log in again with `docker login`") from error
    if not isinstance(config, dict):
        raise StepError(f"{path} is not a JSON object", hint="correct it, or log in again with `docker login`")
    return config


def proxy_arguments(config: dict[str, Any], host: str) -> dict[str, str]:
    """Give the build arguments for the proxies that config.json names for an engine."""
    proxies = config.get("proxies")
    chosen = (proxies.get(host) or proxies.get("default")) if isinstance(proxies, dict) else None
    if not isinstance(chosen, dict):
        return {}
    found = {_PROXIES[key]: str(value) for key, value in chosen.items() if key in _PROXIES and value}
    return {**found, **{name.lower(): value for name, value in found.items()}}


def stored_credentials(registry: str, context: Context) -> dict[str, str]:
    """Find what Docker knows to log in to a registry with, as its client does: helper, store, config.json.

    The SDK's own look-up searches helpers on this process's PATH and not on the pipeline's, so it is done here.

    Args:
        registry: Its host and port, as `registry_of` gives it.
        context: The run.

    Returns:
        The engine's AuthConfig: `username` and `password`, or `identitytoken`; empty where there is nothing.

    Raises:
        StepError: the configuration is damaged, or a helper failed.
    """
    config = read_config(context)
    helpers = config.get("credHelpers")
    helper = _by_registry(helpers, registry) if isinstance(helpers, dict) else None
    helper = helper or config.get("credsStore")
    if helper:
        found = _ask_helper(str(helper), registry, context)
        if found:
            return found
    auths = config.get("auths")
    entry = _by_registry(auths, registry) if isinstance(auths, dict) else None
    return _decode(entry, registry, context) if isinstance(entry, dict) else {}


def _by_registry(entries: dict[str, Any], registry: str) -> Any:
    if registry in entries:
        return entries[registry]
    return next((value for key, value in entries.items() if normalize_registry(str(key)) == registry), None)


def _ask_helper(helper: str, registry: str, context: Context) -> dict[str, str]:
    program = f"docker-credential-{helper}"
    hint = f"check `{program} get`, or give the step credentials"
    server = _HUB_KEY if registry == HUB else registry
    if os.path.basename(program) != program:
        raise StepError(f"{program!r} in Docker's config.json is not the name of a credential helper")
    try:
        done = context.run([program, "get"], stdin=server.encode(), stream=False, timeout=_HELPER_SECONDS)
    except FileNotFoundError as error:
        raise StepError(
            f"the credential helper {program} is not installed", hint="install it, or give the step credentials"
        ) from error
    except OSError as error:  # TimeoutError is one
        reason = error.strerror or f"no answer within {_HELPER_SECONDS} s"
        raise StepError(f"the credential helper {program} failed: {reason}", hint=hint) from error
    if done.returncode:
        said = (done.stdout.strip() or done.stderr.strip())[-500:]
        if "not found" in said.lower():
            return {}
        raise StepError(f"the credential helper {program} failed for {registry}", hint=hint, output=said)
    try:
        answer = json.loads(done.stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise StepError(f"the credential helper {program} gave no credentials for {registry}", hint=hint) from error
    if not secret:
        return {}
    context.secret(secret)
    if username == "<token>":
        return {"identitytoken": secret, "serveraddress": server}
    return {"username": username, "password": secret, "serveraddress": server}


def _decode(entry: dict[str, Any], registry: str, context: Context) -> dict[str, str]:
    server = _HUB_KEY if registry == HUB else registry
    if token := entry.get("identitytoken"):
        context.secret(str(token))
        return {"identitytoken": str(token), "serveraddress": server}
    username, password = entry.get("username"), entry.get("password")
    if encoded := entry.get("auth"):
        try:
            username, _, password = base64.b64decode(str(encoded), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            hint = f"log in again: docker login {registry}"
            raise StepError(f"Docker's config.json has damaged credentials for {registry}", hint=hint) from error
        password = password.rstrip("\0")
    if not username or not password:
        return {}
    context.secret(str(password))
    return {"username": str(username), "password": str(password), "serveraddress": server}


def auth_header(credentials: dict[str, str]) -> dict[str, str]:
    """Give the header that carries credentials to the engine (API reference, "Authentication")."""
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(credentials).encode()).decode()}
