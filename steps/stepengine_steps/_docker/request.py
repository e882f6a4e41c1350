"""What the two built-in builders have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from stepengine.plugin import BuildRequest, Context
    from stepengine_steps._docker.engine import Engine


class Builder(Protocol):
    """A way to have the engine make an image of a request."""

    name: str

    def build(self, request: BuildRequest, engine: Engine, context: Context) -> str:
        """Build an image, its output shown live.

        Returns:
            Its id.

        Raises:
            StepError: the build failed; it carries the end of the output and names the instruction.
        """
