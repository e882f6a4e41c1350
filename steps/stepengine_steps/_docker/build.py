"""From the inputs of `build_docker_image` to a built image."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from stepengine.plugin import BuildRequest, Context, StepError, is_secret_name
from stepengine_steps._docker.buildkit import BuildKitBuilder, find_client
from stepengine_steps._docker.classic import ClassicBuilder
from stepengine_steps._docker.dockerfile import auto_dockerfile, needs_buildkit
from stepengine_steps._docker.dockerignore import ignore_file
from stepengine_steps._docker.engine import connect
from stepengine_steps._docker.prefect_images import base_image
from stepengine_steps._docker.reference import check_name, check_tag, check_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepengine_steps._docker.request import Builder

_BUILDKIT_ONLY = ("secrets", "ssh", "cache_to", "push", "build_contexts", "builder")
_CLASSIC_ONLY = ("squash", "isolation", "container_limits")
_ANY_BUILDER = ("extra_hosts", "shmsize", "cache_from")
OWN_BACKENDS = (None, "docker-py", "buildx")


def build_image(inputs: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Build an image.

    Args:
        inputs: The step's inputs, all of them, by name.
        context: The run.

    Returns:
        The step's outputs.

    Raises:
        StepError: an input is wrong, or the build failed.
    """
    name = check_name(inputs["image_name"])
    tag = check_tag(inputs["tag"]) if inputs["tag"] not in (None, "") else time_tag()
    more = check_tags(inputs["additional_tags"])
    request = _request(inputs, [f"{name}:{each}" for each in (tag, *more)], context)
    backend = inputs["build_backend"]
    if backend in OWN_BACKENDS:
        builder = _choose(inputs, request, context)
        with connect(context) as engine:
            image_id = builder.build(request, engine, context)
    else:
        image_id = context.builder(str(backend)).build(request, context)
    return {"image_name": name, "tag": tag, "image": f"{name}:{tag}", "image_id": image_id, "additional_tags": more}


def time_tag() -> str:
    """Give the tag of an image that is given none: the time, UTC, with what a tag cannot hold replaced by `-`."""
    from datetime import datetime, timezone

    return re.sub(r"[^0-9a-z]+", "-", datetime.now(timezone.utc).isoformat(timespec="microseconds").lower())


def _request(inputs: Mapping[str, Any], references: list[str], context: Context) -> BuildRequest:
    directory = context.resolve(str(inputs["path"] or "."))
    if not os.path.isdir(directory):
        raise StepError(f"path: {directory} is not a directory", hint="clone what is elsewhere first, with git_clone")
    if inputs["dockerfile"] == "auto":
        dockerfile, text = "", _auto(inputs, directory, context)
    else:
        dockerfile = _find(str(inputs["dockerfile"]), directory, context)
        text = _read(dockerfile)
    ignore_file(directory, dockerfile)  # one that cannot be read is told before anybody tries
    platform, platforms = inputs["platform"], inputs["platforms"]
    names = [platforms] if isinstance(platforms, str) else list(platforms or ([platform] if platform else []))
    keep = (*_BUILDKIT_ONLY, *_CLASSIC_ONLY, *_ANY_BUILDER)
    return BuildRequest(
        references=tuple(dict.fromkeys(references)),
        directory=directory,
        dockerfile=dockerfile,
        text=text,
        arguments=_arguments({**(inputs["buildargs"] or {}), **(inputs["build_args"] or {})}, context),
        labels={str(key): str(value) for key, value in (inputs["labels"] or {}).items()},
        target=inputs["target"] or None,
        platforms=tuple(str(each) for each in names),
        no_cache=bool(inputs["nocache"]),
        pull=bool(inputs["pull"]),
        network=inputs["network_mode"] or None,
        options={key: inputs[key] for key in keep if inputs[key]},
    )


def _arguments(arguments: Mapping[str, Any], context: Context) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, value in arguments.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", str(name)):
            raise StepError(f"buildargs: {name!r} is not a name", hint="use letters, digits and _")
        found[str(name)] = None if value is None else _text(value)
        secret = context.environ.get(str(name)) if value is None else _text(value)
        if secret and is_secret_name(str(name)):
            context.secret(secret)
            context.warn(
                f"the build argument {name} looks like a secret, and the image's history shows build arguments;"
                f" pass it as secrets: {{{name}: …}} and read it with RUN --mount=type=secret,id={name}"
            )
    return found


def _text(value: Any) -> str:
    """Write a YAML scalar as a Dockerfile's author expects it: booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _find(dockerfile: str, directory: str, context: Context) -> str:
    """Find the Dockerfile: relative to the context, as for Prefect's default builder, or to the working directory."""
    candidates = list(
        dict.fromkeys([os.path.normpath(os.path.join(directory, dockerfile)), context.resolve(dockerfile)])
    )
    for path in candidates:
        if os.path.isfile(path):
            return path
    hint = "correct dockerfile, or write dockerfile: auto to do without one"
    raise StepError(f"there is no Dockerfile at {' or '.join(candidates)}", hint=hint)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise StepError(f"cannot read {path}: {error.strerror}", hint="make it readable") from error
    except UnicodeDecodeError as error:
        raise StepError(f"{path} is not UTF-8", hint="save it as UTF-8") from error


def _auto(inputs: Mapping[str, Any], directory: str, context: Context) -> str:
    version = context.project.get("prefect-version")
    base = inputs["base_image"] or base_image(version)
    if not inputs["base_image"] and not version:
        context.warn(
            f"the file has no prefect-version, so the image is based on {base}; set prefect-version or base_image"
        )
    if not re.fullmatch(r"[^\s$\\\"'-][^\s$\\\"']*", str(base)):
        raise StepError(f"base_image: {base!r} is not an image", hint="write NAME:TAG")
    requirements = os.path.isfile(os.path.join(directory, "requirements.txt"))
    text = auto_dockerfile(str(base), os.path.basename(context.directory), requirements=requirements)
    if inputs["persist_dockerfile"]:
        _persist(context.resolve(inputs["dockerfile_output_path"] or "Dockerfile.generated"), text)
    return text


def _persist(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise StepError(f"cannot write {path}: {error.strerror}", hint="correct dockerfile_output_path") from error


def _choose(inputs: Mapping[str, Any], request: BuildRequest, context: Context) -> Builder:
    """Choose the builder: the one that is asked for, else BuildKit where something needs it, else the classic one."""
    backend = inputs["build_backend"]
    needs = [name for name in _BUILDKIT_ONLY if request.options.get(name)]
    needs += ["platforms"] if len(request.platforms) > 1 else []
    if backend == "docker-py" and needs:
        raise StepError(f"{', '.join(needs)}: the builder docker-py cannot do that", hint="write build_backend: buildx")
    wants = needs or request.options.get("cache_from") or needs_buildkit(request.text)
    if backend == "docker-py" or (backend is None and not wants):
        return ClassicBuilder()
    client = find_client(context)
    if client:
        _refuse(request, _CLASSIC_ONLY, "BuildKit")
        return BuildKitBuilder(client)
    if backend is None and not needs and not needs_buildkit(request.text):
        return ClassicBuilder()  # it has a cache_from of its own, for images
    raise StepError(
        f"{', '.join(needs) or 'this build'} needs BuildKit, and no docker client on the PATH has it",
        hint="install docker-buildx-plugin (Debian's docker.io before 23 has BuildKit itself)",
    )


def _refuse(request: BuildRequest, names: tuple[str, ...], builder: str) -> None:
    wrong = [name for name in names if request.options.get(name)]
    if wrong:
        raise StepError(
            f"{', '.join(wrong)}: {builder} does not know that", hint="leave it out, or write build_backend: docker-py"
        )
