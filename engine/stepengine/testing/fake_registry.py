"""An OCI registry in memory (OCI Distribution Specification 1.1): push and pull of blobs and manifests, and tags."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from stepengine.testing.loopback import LoopbackServer, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepengine.testing.loopback import Request

_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
_NAME = r"/v2/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"


class FakeRegistry(LoopbackServer):
    """The registry; use as a context manager. Docker takes it without TLS, because it is on loopback.

    Attributes:
        blobs: Digest to content.
        manifests: `(repository, digest)` to media type and content.
        tags: `(repository, tag)` to digest.
        requests: All requests: method and path.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.requests: list[tuple[str, str]] = []
        self._uploads: dict[str, bytes] = {}
        self._login = ""
        super().__init__()

    @property
    def address(self) -> str:
        """Its host and port: the beginning of an image's name."""
        return f"127.0.0.1:{self.port}"

    def require_login(self, username: str, password: str) -> None:
        """Refuse all without these credentials, in the scheme Basic."""
        self._login = base64.b64encode(f"{username}:{password}".encode()).decode()

    def assert_has(self, reference: str) -> dict[str, Any]:
        """Assert that an image was pushed, and give its manifest.

        Args:
            reference: Its name with its tag, with or without the registry's address.
        """
        __tracebackhide__ = True
        name, _, tag = reference.removeprefix(f"{self.address}/").rpartition(":")
        digest = self.tags.get((name, tag))
        if digest is None:
            known = ", ".join(f"{repository}:{known_tag}" for repository, known_tag in self.tags) or "nothing"
            raise AssertionError(f"the registry has no {reference}; it has: {known}")
        manifest: dict[str, Any] = json.loads(self.manifests[name, digest][1])
        return manifest

    def answer(self, request: Request) -> Response:
        """Answer a request of the specification."""
        self.requests.append((request.method, request.path))
        if self._login and request.headers.get("authorization") != f"Basic {self._login}":
            challenge = {"WWW-Authenticate": 'Basic realm="fake registry"', **_VERSION}
            return _error(401, "UNAUTHORIZED", "authentication required", challenge)
        for methods, pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, request.path)
            if match and request.method in methods:
                answered: Response = handler(self, request, *match.groups())
                return answered._replace(headers={**_VERSION, **answered.headers})
        return _error(404, "UNSUPPORTED", f"the fake registry does not know {request.method} {request.path}")

    def _ping(self, _request: Request) -> Response:
        return Response(200, b"{}")

    def _list_tags(self, _request: Request, name: str) -> Response:
        tags = sorted(tag for repository, tag in self.tags if repository == name)
        if not tags:
            return _error(404, "NAME_UNKNOWN", "repository name not known to registry")
        return Response(200, json.dumps({"name": name, "tags": tags}).encode())

    def _get_blob(self, _request: Request, _name: str, digest: str) -> Response:
        if digest not in self.blobs:
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        return Response(200, self.blobs[digest], "application/octet-stream", {"Docker-Content-Digest": digest})

    def _begin_upload(self, request: Request, name: str) -> Response:
        """Begin an upload; take a blob that comes along (section "Single POST"), or that another repository has."""
        mounted = request.parameter("mount")
        if mounted in self.blobs:
            return _created(f"/v2/{name}/blobs/{mounted}", mounted)
        if request.parameter("digest"):
            return self._store(name, request.parameter("digest"), request.body)
        upload = secrets.token_hex(16)
        self._uploads[upload] = b""
        return self._accepted(name, upload)

    def _append(self, request: Request, name: str, upload: str) -> Response:
        if upload not in self._uploads:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        self._uploads[upload] += request.body
        return self._accepted(name, upload)

    def _end_upload(self, request: Request, name: str, upload: str) -> Response:
        if upload not in self._uploads:
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return self._store(name, request.parameter("digest"), self._uploads.pop(upload) + request.body)

    def _accepted(self, name: str, upload: str) -> Response:
        end = max(len(self._uploads[upload]) - 1, 0)
        location = f"/v2/{name}/blobs/uploads/{upload}"
        return Response(202, headers={"Location": location, "Range": f"0-{end}", "Docker-Upload-UUID": upload})

    def _store(self, name: str, digest: str, data: bytes) -> Response:
        if digest != _digest(data):
            return _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        self.blobs[digest] = data
        return _created(f"/v2/{name}/blobs/{digest}", digest)

    def _get_manifest(self, _request: Request, name: str, reference: str) -> Response:
        digest = self.tags.get((name, reference), reference)
        found = self.manifests.get((name, digest))
        if found is None:
            return _error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return Response(200, found[1], found[0], {"Docker-Content-Digest": digest})

    def _put_manifest(self, request: Request, name: str, reference: str) -> Response:
        digest = _digest(request.body)
        try:
            manifest = json.loads(request.body)
            parts = [part["digest"] for part in [*manifest.get("layers", []), manifest.get("config")] if part]
        except (ValueError, TypeError, KeyError, AttributeError):
            return _error(400, "MANIFEST_INVALID", "manifest invalid")
        missing = [part for part in parts if part not in self.blobs]
        if missing:
            return _error(404, "MANIFEST_BLOB_UNKNOWN", f"manifest references an unknown blob: {missing[0]}")
        if reference.startswith("sha256:") and reference != digest:
            return _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        media_type = request.headers.get("content-type", "application/vnd.oci.image.manifest.v1+json")
        self.manifests[name, digest] = media_type, request.body
        if not reference.startswith("sha256:"):
            self.tags[name, reference] = digest
        return _created(f"/v2/{name}/manifests/{digest}", digest)


_ROUTES: tuple[tuple[tuple[str, ...], str, Callable[..., Response]], ...] = (
    (("GET",), "/v2/?", FakeRegistry._ping),  # noqa: SLF001
    (("GET",), f"{_NAME}/tags/list", FakeRegistry._list_tags),  # noqa: SLF001
    (("POST",), f"{_NAME}/blobs/uploads/?", FakeRegistry._begin_upload),  # noqa: SLF001
    (("PATCH",), f"{_NAME}/blobs/uploads/([0-9a-f]+)", FakeRegistry._append),  # noqa: SLF001
    (("PUT",), f"{_NAME}/blobs/uploads/([0-9a-f]+)", FakeRegistry._end_upload),  # noqa: SLF001
    (("GET", "HEAD"), f"{_NAME}/blobs/(sha256:[0-9a-f]+)", FakeRegistry._get_blob),  # noqa: SLF001
    (("GET", "HEAD"), f"{_NAME}/manifests/([^/]+)", FakeRegistry._get_manifest),  # noqa: SLF001
    (("PUT",), f"{_NAME}/manifests/([^/]+)", FakeRegistry._put_manifest),  # noqa: SLF001
)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _created(location: str, digest: str) -> Response:
    return Response(201, headers={"Location": location, "Docker-Content-Digest": digest})


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    # Without a detail Docker's engine takes a refusal for something that can pass, and tries again for a minute.
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]}).encode()
    return Response(status, body, headers=headers or _VERSION)
