"""The fake registry: an OCI client pushes and pulls; Docker's own engine does so, too."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from stepengine.testing import FakeRegistry


class Client:
    """As much of an OCI client as the specification's workflows need."""

    def __init__(self, registry: FakeRegistry, login: str = "") -> None:
        self._base = f"http://{registry.address}"
        self._login = login

    def __call__(self, method, path, data=None, **headers):
        url = path if path.startswith("http") else self._base + path
        request = urllib.request.Request(url, data=data, method=method)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if self._login:
            request.add_header("Authorization", f"Basic {base64.b64encode(self._login.encode()).decode()}")
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, dict(response.headers), response.read()

    def refused(self, *arguments, **headers):
        with pytest.raises(urllib.error.HTTPError) as caught:
            self(*arguments, **headers)
        with caught.value as error:
            body = error.read()
            return error.code, json.loads(body)["errors"][0]["code"] if body else ""


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def push(client, repository, tag, *blobs):
    for blob in blobs:
        _, headers, _ = client("POST", f"/v2/{repository}/blobs/uploads/", b"")
        client("PUT", f"{headers['Location']}?digest={digest(blob)}", blob)
    parts = [{"mediaType": "application/octet-stream", "digest": digest(blob), "size": len(blob)} for blob in blobs]
    manifest = json.dumps({"schemaVersion": 2, "config": parts[0], "layers": parts[1:]}).encode()
    media = "application/vnd.oci.image.manifest.v1+json"
    status, headers, _ = client("PUT", f"/v2/{repository}/manifests/{tag}", manifest, Content_Type=media)
    assert status == 201
    return manifest, headers["Docker-Content-Digest"]


def test_a_client_pushes_and_pulls(stepengine_registry):
    client = Client(stepengine_registry)
    assert client("GET", "/v2/")[0] == 200
    manifest, pushed = push(client, "demos/app", "v1", b"{}", b"layer")
    for reference in ("v1", pushed):
        status, headers, body = client("GET", f"/v2/demos/app/manifests/{reference}")
        assert (status, body, headers["Docker-Content-Digest"]) == (200, manifest, digest(manifest))
        assert headers["Content-Type"] == "application/vnd.oci.image.manifest.v1+json"
    assert client("HEAD", f"/v2/demos/app/blobs/{digest(b'layer')}")[1]["Content-Length"] == "5"
    assert client("GET", f"/v2/demos/app/blobs/{digest(b'layer')}")[2] == b"layer"
    assert json.loads(client("GET", "/v2/demos/app/tags/list")[2]) == {"name": "demos/app", "tags": ["v1"]}
    assert stepengine_registry.assert_has(f"{stepengine_registry.address}/demos/app:v1")["layers"][0]["size"] == 5
    with pytest.raises(AssertionError, match="has no demos/app:v2; it has: demos/app:v1"):
        stepengine_registry.assert_has("demos/app:v2")


def test_blobs_come_at_once_in_pieces_or_from_another_repository(stepengine_registry):
    client = Client(stepengine_registry)
    assert client("POST", f"/v2/a/blobs/uploads/?digest={digest(b'once')}", b"once")[0] == 201
    _, headers, _ = client("POST", "/v2/a/blobs/uploads/", b"")
    _, headers, _ = client("PATCH", headers["Location"], b"in ")
    _, headers, _ = client("PATCH", headers["Location"], b"pieces")
    assert headers["Range"] == "0-8"
    assert client("PUT", f"{headers['Location']}?digest={digest(b'in pieces')}", b"")[0] == 201
    assert client("POST", f"/v2/b/blobs/uploads/?mount={digest(b'once')}&from=a", b"")[0] == 201


def test_what_does_not_fit_is_refused(stepengine_registry):
    client = Client(stepengine_registry)
    _, headers, _ = client("POST", "/v2/a/blobs/uploads/", b"")
    assert client.refused("PUT", f"{headers['Location']}?digest={digest(b'x')}", b"y") == (400, "DIGEST_INVALID")
    assert client.refused("PUT", "/v2/a/blobs/uploads/00", b"") == (404, "BLOB_UPLOAD_UNKNOWN")
    unknown = json.dumps({"layers": [{"digest": digest(b"nowhere")}]}).encode()
    assert client.refused("PUT", "/v2/a/manifests/v1", unknown) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert client.refused("PUT", "/v2/a/manifests/v1", b"no JSON") == (400, "MANIFEST_INVALID")
    assert client.refused("GET", "/v2/a/manifests/v1") == (404, "MANIFEST_UNKNOWN")
    assert client.refused("HEAD", f"/v2/a/blobs/{digest(b'x')}") == (404, "")
    assert client.refused("GET", "/v2/a/tags/list") == (404, "NAME_UNKNOWN")
    assert client.refused("DELETE", "/v2/a/manifests/v1") == (404, "UNSUPPORTED")


def test_it_may_want_a_login(stepengine_registry):
    stepengine_registry.require_login("me", "password")
    assert Client(stepengine_registry).refused("GET", "/v2/") == (401, "UNAUTHORIZED")
    assert Client(stepengine_registry, "me:wrong").refused("GET", "/v2/") == (401, "UNAUTHORIZED")
    push(Client(stepengine_registry, "me:password"), "a", "v1", b"{}")
    stepengine_registry.assert_has("a:v1")


@pytest.mark.docker
def test_a_real_engine_pushes_and_pulls(stepengine_project, stepengine_registry, services):
    stepengine_registry.require_login("me", "long-password")
    name = f"{stepengine_registry.address}/demos/app"
    services.run("tag", services.empty, f"{name}:v1")
    try:
        credentials = {"username": "me", "password": "long-password", "registry_url": stepengine_registry.address}
        inputs = {"image_name": name, "tag": "v1", "credentials": credentials}
        wrong = {**inputs, "credentials": {**credentials, "password": "another-password"}}
        stepengine_project.run_step("push_docker_image", wrong).assert_failed("refuses these credentials")
        outcome = stepengine_project.run_step("push_docker_image", inputs).assert_succeeded()
        repository, tag = f"{name}:v1".removeprefix(f"{stepengine_registry.address}/").split(":")
        assert stepengine_registry.tags[repository, tag] == outcome.outputs["digest"]
        services.run("image", "rm", f"{name}:v1")
        stepengine_registry._login = ""
        services.run("pull", "--quiet", f"{name}:v1")
    finally:
        services.run("image", "rm", "--force", f"{name}:v1")
