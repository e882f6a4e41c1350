"""Base images: pulled before the build, so that one that is here already serves where the registry does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.plugin import Context, StepError
from stepengine_steps._docker.config import auth_header, stored_credentials
from stepengine_steps._docker.progress import follow_layers
from stepengine_steps._docker.reference import registry_of, split_domain
from stepengine_steps._docker.transient import is_refusal, with_retries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepengine_steps._docker.dockerfile import BaseImage
    from stepengine_steps._docker.engine import Engine


def ensure_base_images(
    images: Sequence[BaseImage], engine: Engine, context: Context, *, pull: bool, platform: str | None
) -> None:
    """Have the engine hold every image that a build starts from.

    Args:
        images: What the Dockerfile asks for.
        engine: The engine.
        context: The run.
        pull: Whether to look for a newer one even where the engine has one of that name.
        platform: The build's platform; the engine's own where it is None.

    Raises:
        StepError: an image can neither be pulled nor is it here.
    """
    for image in images:
        here = engine.inspect(image.name) is not None
        if here and (not pull or "@" in image.name):
            continue  # a digest names one image for ever
        wanted = image.platform or platform

        def attempt(name: str = image.name, wanted: str | None = wanted) -> None:
            _pull(name, wanted, engine, context)

        try:
            if here:
                attempt()
            else:
                with_retries(attempt, f"cannot pull {image.name}", context)
        except StepError as error:
            if not here:
                raise _missing(image.name, error) from error
            context.warn(f"cannot pull {image.name} ({error.message}); building on the one that is here")


def _pull(name: str, platform: str | None, engine: Engine, context: Context) -> None:
    bare, at, digest = name.partition("@")
    domain, path = split_domain(bare)
    path, _, tag = path.partition(":")
    repository = f"{domain}/{path}" if domain else path
    try:
        credentials = stored_credentials(registry_of(bare), context)
    except StepError as error:
        context.warn(f"{error.message}; pulling {name} without credentials")
        credentials = {}
    params = {"fromImage": repository, "tag": digest if at else tag or "latest", "platform": platform}
    context.write(f"Pulling {name}")
    headers = auth_header(credentials) if credentials else None
    for _ in follow_layers(engine.stream("/images/create", params=params, headers=headers), context):
        pass


def _missing(name: str, error: StepError) -> StepError:
    if is_refusal(error.message) or "not found" in error.message or "does not exist" in error.message:
        hint = f"check the name and tag; for a private image: docker login {registry_of(name)}"
    else:
        hint = "check the network, or build or pull it on this machine first"
    return StepError(f"the base image {name} can neither be pulled nor is it here: {error.message}", hint=hint)
