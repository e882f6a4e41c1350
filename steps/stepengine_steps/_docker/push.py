"""From the inputs of `push_docker_image` to an image in its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.plugin import Context, StepError
from stepengine_steps._docker.config import auth_header, stored_credentials
from stepengine_steps._docker.engine import connect
from stepengine_steps._docker.progress import follow_layers
from stepengine_steps._docker.reference import check_name, check_tag, check_tags, normalize_registry, registry_of
from stepengine_steps._docker.transient import is_refusal, with_retries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepengine_steps._docker.engine import Engine


def push_image(
    image_name: Any, tag: Any, credentials: Mapping[str, Any] | None, additional_tags: Any, context: Context
) -> dict[str, Any]:
    """Push an image under all of its tags.

    Returns:
        The step's outputs.

    Raises:
        StepError: an input is wrong, or a push failed; it says which tags had gone through before.
    """
    name = check_name(image_name)
    main = check_tag(tag) if tag not in (None, "") else "latest"
    more = check_tags(additional_tags)
    registry = registry_of(name)
    login = _login(credentials, registry, context)
    digests: dict[str, str] = {}
    with connect(context) as engine:
        tags = list(dict.fromkeys([main, *more]))
        _check_here(name, tags, engine)
        for each in tags:
            try:
                digests[each] = _push(name, each, login, engine, context)
            except StepError as error:
                raise _failure(f"{name}:{each}", registry, login, list(digests), error) from error
    return {
        "image_name": name,
        "tag": main,
        "image": f"{name}:{main}",
        "additional_tags": more,
        "digest": digests[main],
    }


def _check_here(name: str, tags: list[str], engine: Engine) -> None:
    for tag in tags:
        if engine.inspect(f"{name}:{tag}") is None:
            hint = "build it first, with this name and tag (build_docker_image gives both as outputs)"
            raise StepError(f"the engine has no image {name}:{tag}", hint=hint)


def _login(credentials: Mapping[str, Any] | None, registry: str, context: Context) -> dict[str, str]:
    """Give what to log in with: the step's credentials if they are for this registry, else what Docker knows.

    Without `registry_url` they are for the registry of the image that they are given with. (prefect-docker 0.7.4 sends
    them to Docker Hub then, and pushes without.)
    """
    if not credentials:
        return stored_credentials(registry, context)
    username, password = credentials.get("username"), credentials.get("password")
    if password is not None:
        context.secret(str(password))
    if not username or password is None or password == "":
        missing = "username" if not username else "password"
        raise StepError(f"the credentials have no {missing}", hint="a docker-registry-credentials block has both")
    address = str(credentials.get("registry_url") or "")
    if address and normalize_registry(address) != registry:
        # They would go to a host that they are not for.
        shown = normalize_registry(address)
        context.warn(f"the credentials are for {shown}, and the image goes to {registry}; using Docker's own for that")
        return stored_credentials(registry, context)
    server = "https://index.docker.io/v1/" if registry == "docker.io" else registry
    return {"username": str(username), "password": str(password), "serveraddress": server}


def _push(name: str, tag: str, login: dict[str, str], engine: Engine, context: Context) -> str:
    from urllib.parse import quote

    def attempt() -> str:
        context.write(f"Pushing {name}:{tag}")
        events = engine.stream(
            f"/images/{quote(name, safe='/:')}/push", params={"tag": tag}, headers=auth_header(login)
        )
        digest = ""
        for aux in follow_layers(events, context):
            digest = str(aux.get("Digest") or digest)
        if not digest:
            raise StepError(f"the engine ended the push of {name}:{tag} without a digest")
        return digest

    return with_retries(attempt, f"cannot push {name}:{tag}", context)


def _failure(reference: str, registry: str, login: dict[str, str], done: list[str], error: StepError) -> StepError:
    message = f"cannot push {reference}: {error.message}"
    if done:
        message += f" (pushed before: {', '.join(done)})"
    hint = error.hint
    if is_refusal(error.message):
        if login:
            hint = f"{registry} refuses these credentials: check them, and that they may write to this repository"
        else:
            hint = f"{registry} wants credentials: give the step some, or log in with `docker login {registry}`"
    return StepError(message, hint=hint or "check the network and the registry, then run it again", output=error.output)
