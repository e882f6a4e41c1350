"""The connection to a Docker Engine."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stepengine.plugin import Context, StepError
from stepengine_steps._docker.config import config_directory, read_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_CONNECT_SECONDS = 30
_QUOTED = 80


class Engine:
    """A Docker Engine: the calls that the steps make, with errors that say what to do.

    Args:
        client: The SDK's low-level client, connected.
        host: Its address, for messages.
    """

    def __init__(self, client: Any, host: str) -> None:
        self._client = client
        self.host = host

    def inspect(self, image: str) -> dict[str, Any] | None:
        """Describe an image that the engine has; None where it has none of that name or id."""
        import docker.errors
        import requests

        try:
            return dict(self._client.inspect_image(image))
        except docker.errors.NotFound:
            return None
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise StepError(f"the engine cannot say whether it has {image}: {explain(error)}") from error

    def stream(
        self,
        path: str,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Make a call that the engine answers with a stream of events, for as long as it takes.

        The SDK's own methods take their credentials from this process's environment and end a stream that is silent for
        a minute, so the request is made here. Leaving the iteration early closes the connection, which the engine takes
        as a request to stop.

        Args:
            path: The call, as in the engine's API reference: `/build`.
            params: Query parameters; those that are None are left out.
            headers: Further headers.
            body: The request's body, in pieces.

        Raises:
            StepError: the engine refused, or the connection broke.
        """
        import requests

        url = f"{self._client.base_url}/v{self._client.api_version}{path}"
        given = {name: value for name, value in params.items() if value is not None}
        try:
            with self._client.post(
                url, params=given, headers=headers, data=body, stream=True, timeout=(_CONNECT_SECONDS, None)
            ) as response:
                if not response.ok:
                    raise StepError(_answer(response))
                yield from _events(response.iter_content(None))
        except requests.exceptions.RequestException as error:
            raise StepError(f"the connection to the Docker Engine at {self.host} broke: {explain(error)}") from error


def _events(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (_event(line) for line in lines if line.strip())
    if rest.strip():
        yield _event(rest)


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise StepError(f"the engine answered what is no event: {_quote(line.decode('utf-8', 'replace'))}")
    return event


def _quote(text: str) -> str:
    folded = " ".join(text[:400].split())
    return repr(folded if len(folded) <= _QUOTED else f"{folded[:_QUOTED]}…")


def _answer(response: Any) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"the engine answered {response.status_code} {response.reason}"


def explain(error: BaseException) -> str:
    """Give the innermost reason of an error, in its own words: the outer ones only say that there was one."""
    explanation = getattr(error, "explanation", None)
    if explanation:
        return str(explanation)
    seen = {id(error)}
    while not isinstance(error, json.JSONDecodeError):
        cause = error.__cause__ or error.__context__
        if cause is None or id(cause) in seen:
            break
        seen.add(id(cause))
        error = cause
    if isinstance(error, json.JSONDecodeError):  # beneath it is only how the parser works
        return f"the answer is not an engine's: {_quote(str(error.doc))}"
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__)


@contextmanager
def connect(context: Context) -> Iterator[Engine]:
    """Connect to the engine that the pipeline's environment names.

    As for Docker's own client: `DOCKER_HOST`, else the current docker context, else the platform's default socket.

    Raises:
        StepError: no engine answers there.
    """
    import docker

    host, options = _address(context)
    try:
        _try_socket(host)
        client = docker.APIClient(version="auto", timeout=_CONNECT_SECONDS, **options)
    except docker.errors.InvalidConfigFile as error:
        raise StepError(f"Docker's config file is not valid: {error}", hint="correct it, or log in again") from error
    except (docker.errors.DockerException, OSError, ValueError) as error:
        raise _unreachable(host, error) from error
    try:
        yield Engine(client, host)
    finally:
        client.close()


def _try_socket(host: str) -> None:
    """Connect to a Unix socket once: where that fails, the SDK would leave its own socket open."""
    import socket

    path = host.partition("://")[2] if host.startswith(("unix://", "http+unix://")) else ""
    if path:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_CONNECT_SECONDS)
            probe.connect(path)


def _address(context: Context) -> tuple[str, dict[str, Any]]:
    import docker.utils

    environ = context.environ
    if not environ.get("DOCKER_HOST") and (found := _context_endpoint(context)):
        return str(found["base_url"]), found
    # The SDK takes an empty mapping for none given, and reads this process's environment then.
    try:
        options: dict[str, Any] = dict(docker.utils.kwargs_from_env({"DOCKER_HOST": "", **environ}))
    except docker.errors.TLSParameterError as error:
        raise StepError(f"DOCKER_CERT_PATH: {error}", hint="it must hold ca.pem, cert.pem and key.pem") from error
    options.setdefault("base_url", None)
    default = "npipe:////./pipe/docker_engine" if os.name == "nt" else "unix:///var/run/docker.sock"
    return str(options["base_url"] or default), options


def _context_endpoint(context: Context) -> dict[str, Any] | None:
    """Read the endpoint of the docker context in use, which the SDK does not do by itself."""
    import hashlib

    import docker.errors

    name = context.environ.get("DOCKER_CONTEXT") or read_config(context).get("currentContext")
    if not name or name == "default":
        return None
    key = hashlib.sha256(str(name).encode()).hexdigest()
    directory = os.path.join(config_directory(context), "contexts")
    path = os.path.join(directory, "meta", key, "meta.json")
    try:
        with open(path, encoding="utf-8") as file:
            endpoint = json.load(file)["Endpoints"]["docker"]
            host = str(endpoint["Host"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "choose another with `docker context use`, or set DOCKER_HOST"
        raise StepError(f"the docker context {name!r} cannot be read", hint=hint) from error
    tls = os.path.join(directory, "tls", key, "docker")
    try:
        return {"base_url": host, **_tls(tls, verify=not endpoint.get("SkipTLSVerify"))}
    except docker.errors.TLSParameterError as error:
        hint = f"{tls} must hold ca.pem, cert.pem and key.pem; or choose another with `docker context use`"
        raise StepError(f"the docker context {name!r} cannot be used: {error}", hint=hint) from error


def _tls(directory: str, *, verify: bool) -> dict[str, Any]:
    import docker.tls

    ca, certificate, key = (os.path.join(directory, name) for name in ("ca.pem", "cert.pem", "key.pem"))
    if not os.path.isfile(ca):
        return {}
    pair = (certificate, key) if os.path.isfile(certificate) else None
    return {"tls": docker.tls.TLSConfig(client_cert=pair, ca_cert=ca, verify=verify)}


def _unreachable(host: str, error: BaseException) -> StepError:
    from urllib.parse import urlsplit

    reason = explain(error)
    try:
        parts = urlsplit(host)
        shown = host.replace(f"{parts.netloc.rpartition('@')[0]}@", "") if "@" in parts.netloc else host
    except ValueError:
        shown = host
    if "ermission denied" in reason:
        hint = "join the group `docker` and log in anew, or set DOCKER_HOST to an engine of your own"
    else:
        hint = "start Docker, or set DOCKER_HOST to where it is (unix:///run/user/1000/docker.sock, tcp://HOST:2376)"
    return StepError(f"no Docker Engine answers at {shown}: {reason}", hint=hint)
