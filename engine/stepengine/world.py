"""What a plan may ask of the world, and its run may use: nothing is read from anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from stepengine.catalogue.spec import StepSpec
    from stepengine.environments.file_lock import FileLock
    from stepengine.environments.provision import Decision
    from stepengine.environments.store import Environment
    from stepengine.hooks.types import Builder
    from stepengine.model import Pipeline, Step
    from stepengine.planning.plan import Plan
    from stepengine.result import PullPlace
    from stepengine.running.places import OpenedPlace
    from stepengine.running.wrapping import StepWrapper
    from stepengine.secrecy.secrets import Secrets
    from stepengine.templating import Scope
    from stepengine.templating.scope import Namespace

    OpenPullPlace = Callable[[Pipeline, Scope, "World", Plan, Callable[[str], None]], tuple[OpenedPlace, PullPlace]]

    PullPlaceChoice = Literal["auto", "image", "here", "skip"]


class World(Record):
    """What a plan may ask of the world, and its run may use.

    Attributes:
        directory: The file's directory; absolute. Build and push steps start there.
        environ: The environment.
        load: Imports a step's callable.
        decide: Decides what meets the requirements of a step that has some.
        use: Keeps an environment from being removed until what it gives is released.
        resolve: Gives a block's or a variable's value by namespace and path; see `Hooks.resolve`.
        secrets: The run's secrets.
        pull_in: Where pull steps run: in the pipeline's image where that can be, in it or not at all, in a child
            process, or nowhere.
        pull_image: The image that they run in, where it is not the pipeline's; else empty.
        prefect_compat: Whether a reference without a value is dropped, as Prefect does.
        was_interrupted: Tells whether the process has been asked to end.
        wrappers: What is put around each step, the first outermost.
        open_pull_place: Makes the place of a pipeline's pull steps instead of
            `stepengine.pulling.pull.open_pull_place`, whose arguments it takes.
        namespace: Gives what finds values in a source's own namespace; see `Hooks.namespace`.
        builder: Gives a plugin's builder by its name; see `Hooks.builder`.
    """

    directory: str
    environ: Mapping[str, str]
    load: Callable[[StepSpec], Callable[..., Any]]
    decide: Callable[[Step], Decision]
    use: Callable[[Environment], FileLock]
    resolve: Callable[[str, tuple[Any, ...]], Any]
    secrets: Secrets
    pull_in: PullPlaceChoice = "auto"
    pull_image: str = ""
    prefect_compat: bool = False
    was_interrupted: Callable[[], bool] = lambda: False
    wrappers: tuple[StepWrapper, ...] = ()
    open_pull_place: OpenPullPlace | None = None
    namespace: Callable[[str], Namespace | None] = lambda _name: None
    builder: Callable[[str], Builder] | None = None

    def block(self, type_slug: str, name: str) -> Any:
        """Give a block's data, and have it masked from now on."""
        data = self.resolve("prefect.blocks", (type_slug, name))
        self.secrets.add_block(type_slug, data)
        return data
