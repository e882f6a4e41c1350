"""A Docker Engine that builds and pushes nothing, and remembers what it was asked for.

It speaks as much of the engine's API (https://docs.docker.com/reference/api/engine/) as clients need to build with the
classic builder, to tag, pull and push. It runs no containers, and has no BuildKit.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import tarfile
from typing import TYPE_CHECKING, Any

from stepengine.records import Record
from stepengine.testing import engine_answers as answers
from stepengine.testing.engine_answers import digest_of, reference_of
from stepengine.testing.loopback import LoopbackServer, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stepengine.testing.loopback import Request

__all__ = ["Build", "FakeEngine", "Push"]


class Build(Record):
    """A build that the engine was asked for.

    Attributes:
        references: The names with tags that the image got.
        files: The build context's files: path to content.
        dockerfile: The Dockerfile's text.
        arguments: The build arguments.
        labels: The labels.
        target: The stage; empty for the last one.
        platform: The platform; empty for the engine's own.
        image_id: The image's id: the same for the same request.
    """

    references: tuple[str, ...]
    files: Mapping[str, bytes]
    dockerfile: str
    arguments: dict[str, str]
    labels: dict[str, str]
    target: str
    platform: str
    image_id: str


class Push(Record):
    """A push that the engine was asked for.

    Attributes:
        reference: The image's name with its tag.
        digest: What the registry would have called it.
        username: Who pushed it; empty where nobody logged in.
        password: Their password.
    """

    reference: str
    digest: str
    username: str
    password: str


class FakeEngine(LoopbackServer):
    """The engine; use as a context manager.

    Every image can be pulled, every build and push succeeds, unless it is told otherwise.

    Attributes:
        builds: What was built.
        pushes: What was pushed.
        pulls: The names with tags that were pulled.
        images: The images that it has: name with tag to id.
        requests: All requests: method and path, without the API's version.
    """

    def __init__(self) -> None:
        self.builds: list[Build] = []
        self.pushes: list[Push] = []
        self.pulls: list[str] = []
        self.images: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self._failures: dict[str, str] = {}
        self._logins: dict[str, tuple[str, str]] = {}
        super().__init__()

    @property
    def host(self) -> str:
        """What `DOCKER_HOST` is to be."""
        return f"tcp://127.0.0.1:{self.port}"

    def add_image(self, reference: str) -> str:
        """Have an image.

        Returns:
            Its id.
        """
        name = reference_of(reference)
        return self.images.setdefault(name, digest_of("image", name))

    def fail_build(self, message: str) -> None:
        """Fail builds from now on; an empty message lets them succeed again."""
        self._failures["build"] = message

    def fail_push(self, message: str) -> None:
        """Fail pushes from now on, as a registry would: "denied: …"."""
        self._failures["push"] = message

    def fail_pull(self, message: str) -> None:
        """Fail pulls from now on, as where there is no network or no such image."""
        self._failures["pull"] = message

    def require_login(self, registry: str, username: str, password: str) -> None:
        """Refuse pushes to a registry without these credentials."""
        self._logins[registry] = username, password

    def assert_built(self, reference: str) -> Build:
        """Assert that an image was built under a name with a tag, and give its last build."""
        __tracebackhide__ = True
        found = [build for build in self.builds if reference_of(reference) in build.references]
        if not found:
            raise AssertionError(f"{reference} was not built; built was: {_list(self.builds, lambda b: b.references)}")
        return found[-1]

    def assert_pushed(self, reference: str) -> Push:
        """Assert that an image was pushed under a name with a tag, and give its last push."""
        __tracebackhide__ = True
        found = [push for push in self.pushes if push.reference == reference_of(reference)]
        if not found:
            raise AssertionError(
                f"{reference} was not pushed; pushed was: {_list(self.pushes, lambda p: [p.reference])}"
            )
        return found[-1]

    def answer(self, request: Request) -> Response:
        """Answer a request of the API."""
        path = re.sub(r"^/v\d+\.\d+(?=/)", "", request.path)
        self.requests.append((request.method, path))
        for method, pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and request.method in method:
                answered: Response = handler(self, request, *match.groups())
                return answered
        return answers.refusal(501, f"the fake engine does not know {request.method} {path}")

    def _ping(self, _request: Request) -> Response:
        return Response(200, b"OK", "text/plain", {"Api-Version": answers.API_VERSION, "Ostype": "linux"})

    def _version(self, _request: Request) -> Response:
        return answers.document(answers.VERSION)

    def _info(self, _request: Request) -> Response:
        return answers.document({**answers.INFO, "Images": len(set(self.images.values()))})

    def _auth(self, request: Request) -> Response:
        given = json.loads(request.body or b"{}")
        registry = re.sub(r"^https?://|/.*$", "", str(given.get("serveraddress", "")))
        if self._logins.get(registry) not in (None, (given.get("username"), given.get("password"))):
            return answers.refusal(401, "unauthorized: incorrect username or password")
        return answers.document({"Status": "Login Succeeded", "IdentityToken": ""})

    def _build(self, request: Request) -> Response:
        files = _files_of(request.body)
        name = request.parameter("dockerfile") or "Dockerfile"
        if name not in files:
            return answers.refusal(400, f"Cannot locate specified Dockerfile: {name}")
        build = Build(
            references=tuple(map(reference_of, request.query.get("t", []))),
            files=files,
            dockerfile=files[name].decode("utf-8", "replace"),
            arguments=json.loads(request.parameter("buildargs") or "{}"),
            labels=json.loads(request.parameter("labels") or "{}"),
            target=request.parameter("target"),
            platform=request.parameter("platform"),
            image_id=digest_of("build", files, sorted((k, v) for k, v in request.query.items() if k != "t")),
        )
        failure = self._failures.get("build")
        if failure:
            return answers.stream([*answers.build_steps(build.dockerfile), answers.failure(failure)])
        self.builds.append(build)
        self.images.update(dict.fromkeys(build.references, build.image_id))
        end = [answers.aux({"ID": build.image_id}), {"stream": f"Successfully built {build.image_id[7:19]}\n"}]
        tagged = [{"stream": f"Successfully tagged {reference}\n"} for reference in build.references]
        return answers.stream([*answers.build_steps(build.dockerfile), *end, *tagged])

    def _list_images(self, _request: Request) -> Response:
        return answers.document([answers.image(each, self.images) for each in dict.fromkeys(self.images.values())])

    def _pull(self, request: Request) -> Response:
        name, tag = request.parameter("fromImage"), request.parameter("tag")
        separator = "@" if tag.startswith("sha256:") else ":"
        reference = reference_of(f"{name}{separator}{tag}" if tag else name)
        failure = self._failures.get("pull")
        if failure:
            return answers.refusal(404, failure)
        self.pulls.append(reference)
        return answers.stream(answers.pull(reference, self.add_image(reference)))

    def _inspect(self, _request: Request, name: str) -> Response:
        image_id = self._find(name)
        if not image_id:
            return answers.refusal(404, f"No such image: {name}")
        return answers.document(answers.image(image_id, self.images))

    def _remove(self, _request: Request, name: str) -> Response:
        image_id = self._find(name)
        if not image_id:
            return answers.refusal(404, f"No such image: {name}")
        gone = [reference_of(name)] if reference_of(name) in self.images else [*self.images]
        for reference in [each for each in gone if self.images[each] == image_id]:
            del self.images[reference]
        return answers.document([{"Untagged": name}])

    def _tag(self, request: Request, name: str) -> Response:
        image_id = self._find(name)
        if not image_id:
            return answers.refusal(404, f"No such image: {name}")
        self.images[reference_of(f"{request.parameter('repo')}:{request.parameter('tag') or 'latest'}")] = image_id
        return Response(201)

    def _push(self, request: Request, name: str) -> Response:
        tag = request.parameter("tag") or "latest"
        reference = reference_of(f"{name}:{tag}")
        image_id = self.images.get(reference)
        if image_id is None:
            return answers.refusal(404, f"An image does not exist locally with the tag: {name}")
        username, password = _credentials(request.headers.get("x-registry-auth", ""))
        failure = self._failures.get("push")
        if self._logins.get(reference.partition("/")[0]) not in (None, (username, password)):
            failure = "unauthorized: authentication required"
        if failure:
            return answers.stream([*answers.push_begin(name, image_id), answers.failure(failure)])
        push = Push(reference, digest_of("manifest", image_id), username, password)
        self.pushes.append(push)
        return answers.stream([*answers.push_begin(name, image_id), *answers.push_end(tag, image_id, push.digest)])

    def _find(self, name: str) -> str:
        """Give the id of an image by its name, its id or the beginning of that; empty where there is none."""
        found = self.images.get(reference_of(name))
        wanted = name if name.startswith("sha256:") else f"sha256:{name}"
        return found or next((each for each in self.images.values() if each.startswith(wanted)), "")


_ROUTES: tuple[tuple[tuple[str, ...], str, Callable[..., Response]], ...] = (
    (("GET", "HEAD"), "/_ping", FakeEngine._ping),  # noqa: SLF001
    (("GET",), "/version", FakeEngine._version),  # noqa: SLF001
    (("GET",), "/info", FakeEngine._info),  # noqa: SLF001
    (("POST",), "/auth", FakeEngine._auth),  # noqa: SLF001
    (("POST",), "/build", FakeEngine._build),  # noqa: SLF001
    (("GET",), "/images/json", FakeEngine._list_images),  # noqa: SLF001
    (("POST",), "/images/create", FakeEngine._pull),  # noqa: SLF001
    (("GET",), "/images/(.+)/json", FakeEngine._inspect),  # noqa: SLF001
    (("POST",), "/images/(.+)/tag", FakeEngine._tag),  # noqa: SLF001
    (("POST",), "/images/(.+)/push", FakeEngine._push),  # noqa: SLF001
    (("DELETE",), "/images/(.+)", FakeEngine._remove),  # noqa: SLF001
)


def _files_of(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        found = {}
        for member in archive:
            data = archive.extractfile(member) if member.isfile() else None
            if data is not None:
                found[member.name.removeprefix("./")] = data.read()
        return found


def _credentials(header: str) -> tuple[str, str]:
    """Read the header that carries credentials to the engine (API reference, "Authentication")."""
    try:
        given: Any = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)) or b"{}")
        return str(given.get("username", "")), str(given.get("password", ""))
    except (ValueError, binascii.Error, AttributeError):
        return "", ""


def _list(found: Iterable[Any], names: Callable[[Any], Iterable[str]]) -> str:
    return ", ".join(name for each in found for name in names(each)) or "nothing"
