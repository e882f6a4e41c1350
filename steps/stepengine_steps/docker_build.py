"""Build a Docker image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.plugin import Context, step
from stepengine_steps._docker.checks import check_image

if TYPE_CHECKING:
    from typing import Any, Literal

    from stepengine.plugin import BuilderName


@step(
    outputs=["image_name", "tag", "image", "image_id", "additional_tags"],
    phase="deployer",
    provides="prefect-docker==0.7.4",
    deprecated=["prefect_docker.projects.steps.build_docker_image"],
    check=check_image,
    touches=["engine", "network", "files"],
)
def build_docker_image(
    image_name: str,
    dockerfile: str = "Dockerfile",
    tag: str | float | None = None,
    additional_tags: list[str] | None = None,
    ignore_cache: bool = False,  # noqa: FBT001, FBT002 - the inputs of Prefect's step
    persist_dockerfile: bool = False,  # noqa: FBT001, FBT002
    dockerfile_output_path: str = "Dockerfile.generated",
    build_backend: Literal["docker-py", "buildx"] | BuilderName | None = None,
    *,
    context: Context,
    base_image: str | None = None,
    path: str | None = None,
    platform: str | None = None,
    platforms: list[str] | str | None = None,
    buildargs: dict[str, str | float | bool | None] | None = None,
    build_args: dict[str, str | float | bool | None] | None = None,
    target: str | None = None,
    nocache: bool = False,
    pull: bool = True,
    labels: dict[str, str | float | bool] | None = None,
    network_mode: str | None = None,
    extra_hosts: dict[str, str] | list[str] | None = None,
    shmsize: int | str | None = None,
    cache_from: list[Any] | dict[str, Any] | str | None = None,
    cache_to: list[Any] | dict[str, Any] | str | None = None,
    secrets: list[Any] | dict[str, Any] | str | None = None,
    ssh: list[str] | str | None = None,
    push: bool = False,
    build_contexts: dict[str, str] | None = None,
    builder: str | None = None,
    squash: bool = False,
    isolation: str | None = None,
    container_limits: dict[str, Any] | None = None,
    rm: bool = True,
    forcerm: bool = True,
) -> dict[str, Any]:
    """Build a Docker image.

    Args:
        image_name: Its name, with the registry if it is to be pushed to one.
        dockerfile: The Dockerfile; `auto` does without: Prefect's image, the project's requirements.txt and its files.
        tag: Its tag; the time where there is none.
        additional_tags: Further tags of the same image.
        ignore_cache: Build even if this run has built the same already.
        persist_dockerfile: With `auto`: keep the Dockerfile.
        dockerfile_output_path: Where to keep it.
        build_backend: `docker-py` for the engine's classic builder, `buildx` for BuildKit; where it is left out,
            BuildKit if an input or the Dockerfile needs it. A plugin may add others.
        context: The run.
        base_image: With `auto`: the image to start from, instead of Prefect's of the file's `prefect-version`.
        path: The build context; the working directory where it is left out.
        platform: The platform to build for (`linux/amd64`).
        platforms: Several of them (buildx).
        buildargs: Build arguments; they can be read in the image's history.
        build_args: The same.
        target: The stage to build.
        nocache: Run every instruction anew.
        pull: Look for newer base images; one that is here serves where none can be had.
        labels: Labels.
        network_mode: The network of the `RUN` instructions.
        extra_hosts: Further hosts, as name to address.
        shmsize: The size of /dev/shm, in bytes.
        cache_from: Images or caches to take layers from.
        cache_to: Where to keep a cache (buildx).
        secrets: Secrets for `RUN --mount=type=secret`: id to value, or a list of `id=ID,env=VARIABLE` or
            `id=ID,src=FILE`.
        ssh: SSH agents or keys for `RUN --mount=type=ssh`: `default`, or `ID=PATH`.
        push: Push the image as it is built (buildx).
        build_contexts: Further build contexts, as name to place (buildx).
        builder: The buildx builder to use.
        squash: Make one layer of the new ones (classic builder).
        isolation: The isolation of containers on Windows (classic builder).
        container_limits: `memory`, `memswap`, `cpushares`, `cpusetcpus` (classic builder).
        rm: Accepted for Prefect's sake: containers of the build are always removed.
        forcerm: The same.

    Returns:
        `image_name`: its name.
        `tag`: its tag.
        `image`: its name and tag, as `name:tag`.
        `image_id`: the engine's ID of it.
        `additional_tags`: its further tags.

    Raises:
        StepError: an input is wrong, no engine answers, or the build failed.
    """
    inputs = locals()
    from stepengine_steps._docker.build import build_image

    return build_image(inputs, context)
