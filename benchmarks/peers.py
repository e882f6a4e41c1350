"""The environments of the contestants: stepengine's own, with its dependencies alone, and that of its peers."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROBES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probes")
REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PACKAGES = (
    "prefect==3.8.8",
    "prefect-docker==0.7.4",
    "fastapi==0.140.*",  # a later one breaks this Prefect
    "go-task-bin",
    "rust-just",
    "doit",
    "ansible-core",
    "uv",
)
SERVER_SECONDS = "60"


def default_directory() -> str:
    """Give the directory that environments are kept in between runs."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "stepengine-benchmarks")


def set_up_peers(directory: str) -> None:
    """Make the peers' environment; what is there is brought up to date."""
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    subprocess.run([program(directory, "python"), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)


def set_up_own(directory: str, pip: str) -> None:
    """Install this tree as a wheel into an environment that has nothing else than it needs.

    Args:
        directory: The environment, made anew.
        pip: A Python that has pip.
    """
    wheels = f"{directory}-wheel"
    for stale in (directory, wheels):
        shutil.rmtree(stale, ignore_errors=True)
    run = [pip, "-m", "pip", "-qq"]
    subprocess.run([*run, "wheel", "--no-deps", "--wheel-dir", wheels, REPOSITORY], check=True)
    subprocess.run([pip, "-m", "venv", "--without-pip", directory], check=True)
    wheel = os.path.join(wheels, os.listdir(wheels)[0])
    subprocess.run([*run, "--python", program(directory, "python"), "install", "--compile", wheel], check=True)


def program(directory: str, name: str) -> str:
    """Give the path of a program of an environment."""
    return os.path.join(directory, "bin", name)


def versions(directory: str) -> dict[str, str]:
    """Give the versions of an environment's distributions by name."""
    listing = [program(directory, "python"), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    done = subprocess.run(listing, check=True, stdout=subprocess.PIPE)
    return {package["name"]: package["version"] for package in json.loads(done.stdout)}


def clean_environment(home: str) -> dict[str, str]:
    """Give an environment without settings of the person who runs this, and with a secret in it, as CI jobs have."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    own = {"HOME": home, "PREFECT_HOME": os.path.join(home, "prefect"), "DO_NOT_TRACK": "1"}
    return {**environ, **own, "GITHUB_TOKEN": "ghp_benchmarksNeedATokenThatIsNone01"}


def with_uv(directory: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Give an environment where uv is found.

    Args:
        directory: The peers' environment, which has it.
        environ: Any other.
    """
    path = os.path.join(environ["HOME"], "programs")
    os.makedirs(path, exist_ok=True)
    if not os.path.lexists(os.path.join(path, "uv")):
        os.symlink(program(directory, "uv"), os.path.join(path, "uv"))
    return {**environ, "PATH": os.pathsep.join([path, environ["PATH"]])}


@contextlib.contextmanager
def prefect_server(directory: str, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a Prefect server; without one each of Prefect's runs would start its own, for 4 to 10 s.

    Args:
        directory: The peers' environment.
        environ: Its environment.

    Yields:
        The environment that makes Prefect's client use it.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {**environ, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    argv = [program(directory, "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(argv, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/api"
        wait = [program(directory, "python"), os.path.join(PROBES, "await_server.py"), f"{url}/health", SERVER_SECONDS]
        subprocess.run(wait, check=True)
        yield {**environ, "PREFECT_API_URL": url}
    finally:
        server.terminate()
        server.wait()
