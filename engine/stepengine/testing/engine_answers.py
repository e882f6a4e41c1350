"""What a Docker Engine says, in the forms of its API."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from stepengine.testing.loopback import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

API_VERSION = "1.43"
"""Of the engine 24.0: the first whose clients need no other."""

VERSION = {
    "Version": "24.0.0",
    "ApiVersion": API_VERSION,
    "MinAPIVersion": "1.12",
    "Os": "linux",
    "Arch": "amd64",
    "KernelVersion": "0",
    "GoVersion": "go1.20",
    "Components": [],
}
INFO = {
    "ID": "fake",
    "Name": "fake",
    "OSType": "linux",
    "Architecture": "x86_64",
    "ServerVersion": "24.0.0",
    "Driver": "",
}
_LAYER_BYTES = 2048


def document(value: Any) -> Response:
    """Give a JSON document."""
    return Response(200, json.dumps(value).encode())


def refusal(status: int, message: str) -> Response:
    """Give an error."""
    return Response(status, json.dumps({"message": message}).encode())


def stream(events: Iterable[Mapping[str, Any]]) -> Response:
    """Give events, a line each."""
    return Response(200, "".join(f"{json.dumps(event)}\r\n" for event in events).encode())


def failure(message: str) -> dict[str, Any]:
    """Give the event of a failure: the answer's status is 200 even so."""
    return {"errorDetail": {"message": message}, "error": message}


def aux(value: Mapping[str, Any]) -> dict[str, Any]:
    """Give the event of a result."""
    return {"progressDetail": {}, "aux": dict(value)}


def digest_of(*values: Any) -> str:
    """Give a digest that is the same for the same values."""
    return f"sha256:{hashlib.sha256(repr(values).encode()).hexdigest()}"


def reference_of(name: str) -> str:
    """Give a name with its tag or digest, without what stands for Docker Hub."""
    short = name.removeprefix("docker.io/").removeprefix("library/")
    return short if "@" in short or ":" in short.rpartition("/")[2] else f"{short}:latest"


def build_steps(dockerfile: str) -> list[dict[str, Any]]:
    """Give the classic builder's events for a Dockerfile's instructions; none is carried out."""
    joined = dockerfile.replace("\\\r\n", " ").replace("\\\n", " ")
    steps = [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    events = []
    for number, step in enumerate(steps, 1):
        events.append({"stream": f"Step {number}/{len(steps)} : {step}\n"})
        events.append({"stream": f" ---> {digest_of(steps[:number])[7:19]}\n"})
    return events


def image(image_id: str, images: Mapping[str, str]) -> dict[str, Any]:
    """Describe an image."""
    references = [reference for reference, found in images.items() if found == image_id]
    return {
        "Id": image_id,
        "RepoTags": [each for each in references if "@" not in each],
        "RepoDigests": [each for each in references if "@" in each],
        "Created": "2020-01-01T00:00:00Z",
        "Os": "linux",
        "Architecture": "amd64",
        "Size": _LAYER_BYTES,
        "Config": {"Labels": {}, "Env": [], "Cmd": None, "Entrypoint": None, "WorkingDir": ""},
        "RootFS": {"Type": "layers", "Layers": [digest_of("layer", image_id)]},
    }


def _layer(image_id: str) -> str:
    return digest_of("layer", image_id)[7:19]


def pull(reference: str, image_id: str) -> list[dict[str, Any]]:
    """Give the events of a pull."""
    layer, tag = _layer(image_id), reference.rpartition(":")[2]
    return [
        {"status": f"Pulling from {reference.rpartition(':')[0]}", "id": tag},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": layer},
        {"status": "Pull complete", "progressDetail": {}, "id": layer},
        {"status": f"Digest: {digest_of('manifest', image_id)}"},
        {"status": f"Status: Downloaded newer image for {reference}"},
    ]


def push_begin(name: str, image_id: str) -> list[dict[str, Any]]:
    """Give the first events of a push."""
    return [
        {"status": f"The push refers to repository [{name}]"},
        {"status": "Preparing", "progressDetail": {}, "id": _layer(image_id)},
    ]


def push_end(tag: str, image_id: str, digest: str) -> list[dict[str, Any]]:
    """Give the last events of a push."""
    done = {"current": _LAYER_BYTES, "total": _LAYER_BYTES}
    return [
        {"status": "Pushing", "progressDetail": done, "id": _layer(image_id)},
        {"status": "Pushed", "progressDetail": {}, "id": _layer(image_id)},
        {"status": f"{tag}: digest: {digest} size: 528"},
        aux({"Tag": tag, "Digest": digest, "Size": 528}),
    ]
