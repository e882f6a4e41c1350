"""Base images for the tests, made on this machine: no public registry is needed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from service_processes import ServicesError, run, say

SUITE = "bookworm"
ROOTFS_PACKAGES = "python3,python3-pip,python3-venv,python-is-python3,git,ca-certificates"
PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
BUSYBOX = "/bin/busybox"
DOCKER = "/usr/bin/docker"
ROOTFS_SECONDS = 900

# Nobody can publish under `.invalid` (RFC 2606), so these names are certain to be here and nowhere else.
BASE = "stepengine.invalid/base:plain"
BASE_WITH_DIRECTORY = "stepengine.invalid/base:with-directory"
EMPTY = "stepengine.invalid/empty:busybox"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PREFECT_TAGS = {
    BASE_WITH_DIRECTORY: [f"prefecthq/prefect:2.11.5-python{python}" for python in PYTHONS],
    BASE: [f"prefecthq/prefect:3.8.8-python{python}" for python in PYTHONS],
}
RECIPE_LABEL = "stepengine.services.recipe"


def ensure_rootfs(cache: Path) -> Path:
    """Give a Debian root file system with Python, pip and git as a tar file, made once and kept."""
    key = hashlib.sha256(f"{SUITE} {ROOTFS_PACKAGES}".encode()).hexdigest()[:12]
    archive = cache / f"rootfs-{key}.tar"
    if archive.exists():
        return archive
    if os.geteuid() != 0:
        raise ServicesError("the base image is not cached yet, and only root can make it (debootstrap)")
    say("making the base image's file system with debootstrap (once; about a minute)")
    with tempfile.TemporaryDirectory(dir=cache, prefix="rootfs-") as work:
        root = Path(work, "root")
        run(
            "/usr/sbin/debootstrap", "--variant=minbase", f"--include={ROOTFS_PACKAGES}", SUITE, root,
            timeout=ROOTFS_SECONDS,
        )  # fmt: skip
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()  # an image for flows installs into its own Python, as Prefect's do
        partial = Path(work, "rootfs.tar")
        run("tar", "--numeric-owner", "-C", root, "-cf", partial, ".")
        partial.rename(archive)
    return archive


def recipe(archive: Path, settings: dict[str, str]) -> str:
    """Name what the base images are made of: the images are made again when any of it changes."""
    parts = [Path(__file__).read_bytes(), archive.name.encode(), json.dumps(settings).encode()]
    parts += [Path(CERTIFICATES).read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def has_image(name: str, made_of: str) -> bool:
    """Tell whether the engine has an image of this recipe by this name."""
    with contextlib.suppress(ServicesError):
        form = f'{{{{index .Config.Labels "{RECIPE_LABEL}"}}}}'
        return run(DOCKER, "image", "inspect", "--format", form, name).strip() == made_of
    return False


def ensure_images(cache: Path, state: dict[str, Any]) -> None:
    """Make the base images unless they are there, and tag them with the names of Prefect's images."""
    archive = ensure_rootfs(cache)
    settings = {name: os.environ[name] for name in PIP_SETTINGS if os.environ.get(name)}
    # A container has none of this machine's directories, so an index among them is no use to it.
    settings = {name: value for name, value in settings.items() if "file:" not in value}
    made_of = recipe(archive, settings)
    made = [name for name in (BASE, BASE_WITH_DIRECTORY, EMPTY) if not has_image(name, made_of)]
    if made:
        build_images(archive, settings, made_of)
    say(f"made the images {', '.join(made)}" if made else "base images are there")
    for name, tags in PREFECT_TAGS.items():
        for tag in tags:
            run(DOCKER, "tag", name, tag)
    state["images"] = {
        "base": BASE,
        "base_with_directory": BASE_WITH_DIRECTORY,
        "empty": EMPTY,
        "prefect": PREFECT_TAGS[BASE],
        "prefect_with_directory": PREFECT_TAGS[BASE_WITH_DIRECTORY],
    }


def build_images(archive: Path, settings: dict[str, str], made_of: str) -> None:
    """Import the root file system and build the base images on it."""
    rootfs = f"stepengine.invalid/rootfs:{archive.stem.removeprefix('rootfs-')}"
    run(DOCKER, "import", archive, rootfs)
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    variables = {**settings, "PIP_CERT": bundle, "SSL_CERT_FILE": bundle, "PIP_ROOT_USER_ACTION": "ignore"}
    env = "".join(f"ENV {name}={json.dumps(value)}\n" for name, value in variables.items())
    plain = f'FROM {rootfs}\nCOPY certs /etc/ssl/certs\n{env}CMD ["python3"]\n'
    with tempfile.TemporaryDirectory() as context:
        certificates = Path(context, "certs")
        certificates.mkdir()
        shutil.copy(CERTIFICATES, certificates / "ca-certificates.crt")
        build(context, BASE, plain, made_of)
        build(context, BASE_WITH_DIRECTORY, f"FROM {BASE}\nRUN mkdir /opt/my_directory\n", made_of)
    with tempfile.TemporaryDirectory() as context:
        with tarfile.open(Path(context, "root.tar"), "w") as tar:
            tar.add(os.path.realpath(BUSYBOX), "bin/busybox")
        build(context, EMPTY, 'FROM scratch\nADD root.tar /\nCMD ["/bin/busybox", "true"]\n', made_of)


def build(context: str, name: str, dockerfile: str, made_of: str) -> None:
    """Build one image with the builder that every engine has."""
    Path(context, "Dockerfile").write_text(dockerfile)
    env = {**os.environ, "DOCKER_BUILDKIT": "0"}
    run(DOCKER, "build", "--label", f"{RECIPE_LABEL}={made_of}", "--tag", name, context, env=env)
