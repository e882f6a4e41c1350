"""What is to be built, as every builder takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepengine.plugin import Context
    from stepengine_steps._docker.engine import Engine


class BuildRequest(NamedTuple):
    """One build.

    Attributes:
        references: The names with tags that the image gets.
        directory: The build context; absolute.
        dockerfile: The Dockerfile's path; empty where it is not a file.
        text: The Dockerfile.
        arguments: Build arguments; one without a value takes it from the environment.
        labels: Labels.
        target: The stage to build; None for the last one.
        platforms: The platforms to build for; empty for the engine's own.
        no_cache: Whether to run every instruction anew.
        pull: Whether base images are looked for in their registries.
        network: The network of the `RUN` instructions; None for the default.
        options: What only one builder knows, checked to be for this one.
    """

    references: tuple[str, ...]
    directory: str
    dockerfile: str
    text: str
    arguments: Mapping[str, str | None]
    labels: Mapping[str, str]
    target: str | None
    platforms: tuple[str, ...]
    no_cache: bool
    pull: bool
    network: str | None
    options: Mapping[str, Any]


class Builder(Protocol):
    """A way to make an image of a request."""

    name: str

    def build(self, request: BuildRequest, engine: Engine, context: Context) -> str:
        """Build an image, its output shown live.

        Returns:
            Its id.

        Raises:
            StepError: the build failed; it carries the end of the output and names the instruction.
        """
