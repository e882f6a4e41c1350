"""Push a Docker image to its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.plugin import Context, step
from stepengine_steps._docker.checks import check_image

if TYPE_CHECKING:
    from typing import Any, Literal

    from stepengine.plugin import BuilderName


@step(
    outputs=["image_name", "tag", "image", "additional_tags", "digest"],
    phase="deployer",
    provides="prefect-docker==0.7.4",
    deprecated=["prefect_docker.projects.steps.push_docker_image"],
    check=check_image,
    touches=["engine", "network"],
)
def push_docker_image(
    image_name: str,
    tag: str | float | None = None,
    credentials: dict[str, Any] | None = None,
    additional_tags: list[str] | None = None,
    ignore_cache: bool = False,  # noqa: ARG001, FBT001, FBT002 - the runner's business
    build_backend: Literal["docker-py", "buildx"] | BuilderName | None = None,  # noqa: ARG001
    *,
    context: Context,
) -> dict[str, Any]:
    """Push a Docker image to its registry.

    Args:
        image_name: Its name, with the registry.
        tag: Its tag; `latest` where there is none.
        credentials: `username`, `password` and `registry_url`; Docker's own where there are none, or where they are
            for another registry than the image's. Without `registry_url` they are for the image's registry.
        additional_tags: Further tags to push.
        ignore_cache: Push even if this run has pushed the same already.
        build_backend: Accepted for Prefect's sake.
        context: The run.

    Returns:
        `image_name`: its name.
        `tag`: its tag.
        `image`: its name and tag, as `name:tag`.
        `additional_tags`: the further tags that were pushed.
        `digest`: what the registry calls its content, as `sha256:…`.

    Raises:
        StepError: an input is wrong, no engine answers, it has no such image, or the registry refuses it.
    """
    from stepengine_steps._docker.push import push_image

    return push_image(image_name, tag, credentials, additional_tags, context)
