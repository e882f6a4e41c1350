"""The builder that every engine has: its own `/build` call."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from stepengine.plugin import BuildRequest, Context, StepError
from stepengine_steps._docker.base import ensure_base_images
from stepengine_steps._docker.build_context import load_rules, stream_context, walk_context
from stepengine_steps._docker.config import proxy_arguments, read_config
from stepengine_steps._docker.dockerfile import base_images
from stepengine_steps._docker.progress import Lines, error_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stepengine_steps._docker.engine import Engine

_STEP = re.compile(r"Step (\d+/\d+) : (.*)")
_PROGRESS_BYTES = 1 << 20


class ClassicBuilder:
    """Builds with the engine's classic builder."""

    name = "classic"

    def build(self, request: BuildRequest, engine: Engine, context: Context) -> str:
        """See `Builder`."""
        arguments = {**proxy_arguments(read_config(context), engine.host), **_with_values(request, context)}
        platform = request.platforms[0] if request.platforms else None
        images = base_images(request.text, arguments, request.target, reachable=False)
        ensure_base_images(images, engine, context, pull=request.pull, platform=platform)
        name, body = _body(request)
        params = {
            "t": list(request.references),
            "dockerfile": name,
            "rm": True,
            "forcerm": True,
            "nocache": request.no_cache,
            "buildargs": json.dumps(arguments) if arguments else None,
            "labels": json.dumps(dict(request.labels)) if request.labels else None,
            "target": request.target,
            "platform": platform,
            "networkmode": request.network,
            **_engine_params(request.options),
        }
        events = engine.stream(
            "/build", params=params, headers={"Content-Type": "application/x-tar"}, body=_counted(body, context)
        )
        return _follow(events, context)


def _with_values(request: BuildRequest, context: Context) -> dict[str, str]:
    values = {name: context.environ.get(name) if value is None else value for name, value in request.arguments.items()}
    return {name: value for name, value in values.items() if value is not None}


def _engine_params(options: Any) -> dict[str, Any]:
    hosts = options.get("extra_hosts")
    cached = options.get("cache_from")
    if isinstance(hosts, dict):
        hosts = [f"{host}:{address}" for host, address in sorted(hosts.items())]
    limits = options.get("container_limits") or {}
    return {
        "extrahosts": hosts,
        "cachefrom": json.dumps([cached] if isinstance(cached, str) else cached) if cached else None,
        "shmsize": options.get("shmsize"),
        "squash": options.get("squash"),
        "isolation": options.get("isolation"),
        **{name: limits.get(name) for name in ("memory", "memswap", "cpushares", "cpusetcpus")},
    }


def _body(request: BuildRequest) -> tuple[str, Iterator[bytes]]:
    """Give the name of the Dockerfile in the context, and the context.

    A Dockerfile that is no file of the context goes along under a name made of what it says (the same text keeps the
    engine's cache), and the rules that go along leave it out of every `COPY`.
    """
    rules, _ = load_rules(request.directory, request.dockerfile)
    if name := _name_inside(request.dockerfile, request.directory):
        return name, stream_context(walk_context(request.directory, rules, [name, ".dockerignore"]), {})
    digest = hashlib.sha256(request.text.encode()).hexdigest()[:16]
    name = f".stepengine-{digest}.Dockerfile"
    own = os.path.join(request.directory, ".dockerignore")
    if os.path.isfile(own):
        _, ignored = load_rules(request.directory)
        patterns = f"{ignored}\n{name}\n"
    else:
        patterns = f"{name}\n.dockerignore\n"
    extra = {name: request.text.encode(), ".dockerignore": patterns.encode("utf-8", "surrogateescape")}
    return name, stream_context(walk_context(request.directory, rules), extra)


def _name_inside(dockerfile: str, directory: str) -> str:
    """Give a Dockerfile's name in the context, links followed; empty where it is outside."""
    if not dockerfile:
        return ""
    try:
        relative = os.path.relpath(os.path.realpath(dockerfile), os.path.realpath(directory))
    except ValueError:  # on another drive
        return ""
    return "" if relative.split(os.sep)[0] == os.pardir else relative.replace(os.sep, "/")


def _counted(body: Iterable[bytes], context: Context) -> Iterator[bytes]:
    sent = reported = 0
    for piece in body:
        yield piece
        sent += len(piece)
        if sent - reported >= _PROGRESS_BYTES:
            reported = sent
            context.progress("context", "sending the build context", sent)
    context.progress("context", "sent the build context", sent, sent)


def _follow(events: Iterable[dict[str, Any]], context: Context) -> str:
    lines = Lines(context)
    step = image_id = ""
    for event in events:
        if message := error_of(event):
            raise _failure(message, step, lines.tail())
        for line in lines.feed(str(event.get("stream", ""))):
            if match := _STEP.match(line):
                step = f"step {match[1]}, {match[2].strip()}"
        status, layer = event.get("status"), event.get("id")
        if status and layer:
            detail = event.get("progressDetail") or {}
            context.progress(str(layer), str(status), detail.get("current"), detail.get("total"))
        aux = event.get("aux")
        if isinstance(aux, dict) and "ID" in aux:
            image_id = str(aux["ID"])
    tail = lines.tail()
    if not image_id:
        raise StepError("the engine ended the build without an image", hint="see the engine's log", output=tail)
    return image_id


def _failure(message: str, step: str, output: str) -> StepError:
    place = f"the build failed at {step}" if step else "the build failed"
    hint = "correct that instruction, or what it reads"
    if "BuildKit" in message or "buildkit" in message:
        hint = "add build_backend: buildx"
    elif "no space left" in message:
        hint = "make room: docker system prune"
    return StepError(f"{place}: {message}", hint=hint, output=output)
