"""A worker in a container of the pipeline's image, with stepengine carried in.

The image needs Python 3.10 and nothing else. What is carried stands in `/.stepengine` of the container, never of the
image, and nothing that is secret is part of the container's configuration.
"""

from __future__ import annotations

import io
import os
import tarfile
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from stepengine.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stepengine.catalogue.spec import StepSpec

HOME = "/.stepengine"
ENGINE = f"{HOME}/engine"
LIBRARIES = f"{HOME}/libraries"

_START = (
    "import sys; v = sys.version_info\n"
    "if v < (3, 10): sys.exit('Python %d.%d is too old: stepengine needs 3.10 or later' % v[:2])\n"
    "sys.path[:] = filter(None, sys.path)\n"
    f"sys.path.insert(0, {ENGINE!r}); sys.path.append({LIBRARIES!r})\n"
    "from stepengine.workers.worker import main; main()"
)

_LABELS = {"org.stepengine.purpose": "pull-rehearsal"}
_STARTED_SECONDS = 600
"""How long after it was made a container surely has been started."""

_HEADER = 8
_STDOUT = 1
_KILLED = 137

_PING_SECONDS = 10
_CALL_SECONDS = 600
_END_SECONDS = 30
_MOMENT_SECONDS = 2


def connect(environ: Mapping[str, str], directory: str = "") -> Any | None:
    """Connect to the Docker Engine: the one of `DOCKER_HOST`, else of the current docker context, else the default one.

    Args:
        environ: Where `DOCKER_HOST` and its kin are looked for.
        directory: What a relative `DOCKER_CONFIG` is relative to; empty for this process's directory.

    Returns:
        A client of the docker SDK; None where there is no engine.

    Raises:
        StepError: what says where the engine is cannot be understood.
    """
    host = environ.get("DOCKER_HOST", "")
    found = None if host else _context_endpoint(environ, directory)
    if not host and found is None and os.name == "posix" and not os.path.exists("/var/run/docker.sock"):
        return None  # the SDK costs 94 ms to say so
    import docker

    options = _options(environ, found)
    client = None
    try:
        _try_socket(options.get("base_url") or ("unix:///var/run/docker.sock" if os.name == "posix" else ""))
        client = docker.DockerClient(timeout=_PING_SECONDS, **options)
        client.ping()
    except docker.errors.InvalidConfigFile as error:
        raise StepError(f"Docker's config file is not valid: {error}", hint="correct it, or log in again") from error
    except BaseException as error:
        if client is not None:
            client.close()
        if isinstance(error, Exception):  # no engine answers; how that shows depends on the transport
            return None
        raise
    client.api.timeout = _CALL_SECONDS
    return client


def _try_socket(host: str) -> None:
    """Connect to a Unix socket once: where that fails, the SDK would leave its own socket open."""
    import socket

    path = host.partition("://")[2] if host.startswith(("unix://", "http+unix://")) else ""
    if path:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_PING_SECONDS)
            probe.connect(path)


def _options(environ: Mapping[str, str], found: dict[str, Any] | None) -> dict[str, Any]:
    import docker.utils

    try:
        if found is None:
            # The SDK takes an empty mapping for none given, and reads this process's environment then.
            found = dict(docker.utils.kwargs_from_env({"DOCKER_HOST": "", **environ}))
        else:
            found = {"base_url": found["host"], **_tls(found["tls"], verify=found["verify"])}
        docker.utils.parse_host(found.get("base_url"), os.name == "nt", tls=bool(found.get("tls")))
    except (docker.errors.DockerException, ValueError, OSError) as error:
        hint = "DOCKER_HOST is unix:///run/user/1000/docker.sock or tcp://HOST:2376, say; DOCKER_CERT_PATH a directory"
        raise StepError(f"the Docker Engine's address is not valid: {error}", hint=hint) from error
    return found


def _tls(directory: str, *, verify: bool) -> dict[str, Any]:
    import docker.tls

    ca, certificate, key = (os.path.join(directory, name) for name in ("ca.pem", "cert.pem", "key.pem"))
    if not os.path.isfile(ca):
        return {}
    pair = (certificate, key) if os.path.isfile(certificate) else None
    return {"tls": docker.tls.TLSConfig(client_cert=pair, ca_cert=ca, verify=verify)}


def _context_endpoint(environ: Mapping[str, str], base: str) -> dict[str, Any] | None:
    """Read the endpoint of the docker context in use; None where that is the default one."""
    import hashlib
    import json

    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    given = environ.get("DOCKER_CONFIG")
    directory = os.path.join(base, os.path.expanduser(given)) if given else os.path.join(home, ".docker")
    config_path = os.path.join(directory, "config.json")
    name = environ.get("DOCKER_CONTEXT", "")
    try:
        if not name:
            with open(config_path, encoding="utf-8") as file:
                name = json.load(file).get("currentContext") or ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, AttributeError) as error:
        hint = "correct it, or log in again with `docker login`"
        raise StepError(f"Docker's config file {config_path} cannot be read", hint=hint) from error
    if not name or name == "default":
        return None
    contexts, key = os.path.join(directory, "contexts"), hashlib.sha256(str(name).encode()).hexdigest()
    try:
        with open(os.path.join(contexts, "meta", key, "meta.json"), encoding="utf-8") as file:
            endpoint = json.load(file)["Endpoints"]["docker"]
            tls = os.path.join(contexts, "tls", key, "docker")
            return {"host": str(endpoint["Host"]), "tls": tls, "verify": not endpoint.get("SkipTLSVerify")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "choose another with `docker context use`, or set DOCKER_HOST"
        raise StepError(f"the docker context {name!r} cannot be read", hint=hint) from error


def ensure_image(client: Any, image: str, report: Callable[[str], None]) -> None:
    """Have an image on the engine: as it is there, or else pulled.

    Raises:
        StepError: it is neither there nor to be pulled.
    """
    import docker
    import requests

    try:
        client.images.get(image)
        return
    except docker.errors.ImageNotFound:
        report(f"pulling {image}")
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        hint = "correct the image's name, or rehearse elsewhere: --pull-in here, --pull-in skip"
        raise StepError(f"the image {image} cannot be looked for: {_reason(error)}", hint=hint) from error
    try:
        client.images.pull(image)
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        hint = "build or pull it, or rehearse elsewhere: --pull-in here, --pull-in skip"
        raise StepError(f"the image {image} cannot be pulled: {_reason(error)}", hint=hint) from error


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "explanation", None) or error).split())


class ContainerTransport:
    """A container whose main process is a worker.

    Args:
        client: The docker SDK's client; from now on the transport's, which closes it.
        image: The image; it is on the engine.
        carried: The steps that are carried in, with their libraries.

    Raises:
        StepError: the container cannot be made or started.
    """

    def __init__(self, client: Any, image: str, carried: Iterable[StepSpec]) -> None:
        import docker
        import requests

        self.lost: StepError | None = None
        self.name = f"stepengine-pull-{os.urandom(6).hex()}"
        self._client = client
        self._image = image
        self._errors = bytearray()
        self._lines = bytearray()
        self._status: int | None = None
        self._at_end = self._ended = False
        self._attached: Any = None
        self._socket: Any = None
        self._waiting = threading.Thread(target=self._wait, daemon=True)
        try:
            _sweep(client)
            # The SDK sets StdinOnce with stdin_open: where this process is killed, the worker's standard input ends,
            # so it ends too, and its container goes by itself.
            container = client.containers.create(
                image,
                name=self.name,
                entrypoint=["python3", "-c", _START],
                command=[],
                stdin_open=True,
                auto_remove=True,
                labels=_LABELS,
                log_config=docker.types.LogConfig(type="none"),  # what comes through the pipes may be secret
            )
            container.put_archive("/", _archive(carried))
            self._attached = _attach(client, container.id)
            # On POSIX the SDK hands out a file over the socket that can be written to.
            self._socket = getattr(self._attached, "_sock", self._attached)
            self._waiting.start()
            container.start()
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            self.end()
            raise self._not_started(_reason(error)) from error
        except BaseException:
            self.end()
            raise

    def _wait(self) -> None:
        """Learn the exit status, which goes with the container."""
        with suppress(Exception):  # the engine is gone, or never started the container
            self._status = self._client.api.wait(self.name, timeout=None, condition="removed")["StatusCode"]

    def _not_started(self, reason: str) -> StepError:
        if self.lost is not None:
            return self.lost
        if "python3" in reason:
            hint = "put Python 3.10 or later into the image, or rehearse elsewhere: --pull-in here, --pull-in skip"
            return StepError(f"the image {self._image} has no python3: pull steps cannot run in it", hint=hint)
        return StepError(f"no container of {self._image} can be started: {' '.join(reason.split())}")

    def send(self, data: bytes) -> None:
        """Write to the worker's standard input."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Read a line of the worker's standard output; its standard error is kept for `end`.

        The engine multiplexes both into frames: https://docs.docker.com/reference/api/engine/ (ContainerAttach).
        """
        while b"\n" not in self._lines:
            header = self._read(_HEADER)
            if len(header) < _HEADER:
                return bytes(self._lines)
            payload = self._read(int.from_bytes(header[4:], "big"))
            if header[0] == _STDOUT:
                self._lines += payload
            else:
                self._errors += payload
        line, _, rest = bytes(self._lines).partition(b"\n")
        self._lines = bytearray(rest)
        return line + b"\n"

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                chunk = self._socket.recv(size - len(data))
            except OSError:  # the connection broke: `end` finds out why
                chunk = b""
            if not chunk:
                self._at_end = True
                break
            data += chunk
        return bytes(data)

    def end(self) -> str:
        """Remove the container; see `Transport.end`."""
        if self._ended:
            return ""
        import docker
        import requests

        self._client.api.timeout = _END_SECONDS
        if self._at_end and self._waiting.is_alive():
            self._waiting.join(_MOMENT_SECONDS)
        status = self._status
        try:
            self._client.api.remove_container(self.name, force=True, v=True)
        except docker.errors.APIError:  # it has gone by itself, or is about to
            pass
        except (docker.errors.DockerException, requests.exceptions.RequestException):
            hint = f"a container named {self.name} may be left; `docker rm --force {self.name}` removes it"
            self.lost = StepError("the Docker Engine went away during the rehearsal", hint=hint)
        finally:
            self._close()
        self._ended = True  # not sooner: after an interruption it is tried again
        if self._waiting.is_alive():  # the engine goes on for a moment where it had begun to remove the container
            self._waiting.join(_MOMENT_SECONDS)
        self._client.close()
        said = self._errors[-4000:].decode("utf-8", "replace").strip()
        ended = "" if status is None else f"exit status {status}"
        if status == _KILLED:
            ended += " (killed; out of memory, perhaps)"
        return f"{ended}\n{said}"

    def _close(self) -> None:
        for each in (getattr(self._attached, "_response", None), self._attached, self._socket):
            if each is not None:
                with suppress(OSError):
                    each.close()


def _sweep(client: Any) -> None:
    """Remove containers that were made and never started: their process was killed in between, and nobody else will."""
    labels = [f"{name}={value}" for name, value in _LABELS.items()]
    for found in client.api.containers(all=True, filters={"label": labels, "status": ["created"]}):
        if time.time() - found["Created"] > _STARTED_SECONDS:
            with suppress(Exception):  # another run does the same just now
                client.api.remove_container(found["Id"], v=True)


def _attach(client: Any, container_id: str) -> Any:
    parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    return client.api.attach_socket(container_id, params=parameters)


def _archive(carried: Iterable[StepSpec]) -> bytes:
    """Make a tar archive of what is carried in."""
    import importlib.util

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        _add_package(archive, "stepengine", ENGINE)
        specs = list(carried)
        own = {(spec.target.partition(":")[0].partition(".")[0], spec.is_built_in) for spec in specs}
        for package, is_built_in in sorted(own):
            _add_package(archive, package, ENGINE if is_built_in else LIBRARIES)
        for name in sorted({name for spec in specs for name in spec.options.libraries or ()}):
            if importlib.util.find_spec(name) is not None:
                _add_package(archive, name, LIBRARIES)
    return buffer.getvalue()


def _add_package(archive: tarfile.TarFile, package: str, under: str) -> None:
    import importlib.util

    spec = importlib.util.find_spec(package)
    if spec is None or not spec.has_location:
        raise StepError(f"the package {package} cannot be carried into a container: it has no files")
    is_package = bool(spec.submodule_search_locations)
    source = next(iter(spec.submodule_search_locations)) if spec.submodule_search_locations else str(spec.origin)

    def readable(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        name = os.path.basename(member.name)
        if name == "__pycache__" or "/tests/" in member.name:
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644  # the image's user need not be root
        return member

    name_there = package if is_package else os.path.basename(source)
    archive.add(os.path.realpath(source), f"{under.lstrip('/')}/{name_there}", filter=readable)
