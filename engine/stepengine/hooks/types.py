"""The records that hook plugins give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from stepengine.events import Listener
    from stepengine.running.context import Context


class ReferenceSource(Record):
    """Where references of a namespace find their values.

    Attributes:
        namespace: "prefect.blocks", "prefect.variables", or a name of its own: "vault" for `{{ vault.kv.db }}`.
        description: Where it looks, in a few words, for messages.
        lookup: Takes a path after the namespace, and gives its value: `(type slug, name)` for a block, `(name,)` for a
            variable; see `depth` for a namespace of its own. A part that is written as a number is one. Raises
            LookupError where it has none, TemplateError where it cannot tell. A value is asked for once in a run,
            however many references there are to it.
        names: Gives what there is, as such paths, for suggestions; empty where that cannot be told, or is not to be.
        secret: Whether the values of a namespace of its own are secrets. Blocks always are, variables never.
        depth: Of a namespace of its own, how many parts of a path name a value; the rest is followed within it, through
            mappings and lists. None where `lookup` takes the path as a whole, of whatever length.
    """

    namespace: str
    description: str
    lookup: Callable[[tuple[Any, ...]], Any]
    names: Callable[[], list[tuple[str, ...]]]
    secret: bool = True
    depth: int | None = None


class Reporter(Record):
    """A way to tell of a run.

    Attributes:
        name: What `--format` selects it by.
        start: Takes the output stream, and gives the callable that takes every event of the run.
    """

    name: str
    start: Callable[[TextIO], Listener]


class BuildRequest(Record):
    """An image that is to be built.

    Attributes:
        references: The names with tags that the image gets.
        directory: The build context; absolute.
        dockerfile: The Dockerfile's path; empty where it is not a file.
        text: The Dockerfile.
        arguments: Build arguments; one without a value takes it from the environment.
        labels: Labels.
        target: The stage to build; None for the last one.
        platforms: The platforms to build for; empty for the builder's own.
        no_cache: Whether to run every instruction anew.
        pull: Whether base images are looked for in their registries.
        network: The network of the `RUN` instructions; None for the default.
        options: The other inputs of `build_docker_image` that the file gives, by name: `secrets`, `cache_from`, `push`.
            A builder refuses what it cannot do.
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


class Builder(Record):
    """A way to build images.

    Attributes:
        name: What `build_backend` selects it by.
        build: Takes the request and the step's context, and gives the image's id or digest. It reports what it does
            by the context; what it raises fails the step.
    """

    name: str
    build: Callable[[BuildRequest, Context], str]


class Recipe(Record):
    """A recipe: a folder that `stepengine init` writes a prefect.yaml from. Nothing in it is ever run.

    Attributes:
        name: What `--recipe` selects it by.
        directory: The folder's absolute path: its `recipe.toml`, its `prefect.yaml`, and further files to be copied.
    """

    name: str
    directory: str


class BuilderName(str):
    """A text that names a builder, as the type of a step's input: validation accepts the builders that there are.

    Beside it a `Literal` names those that the step has itself: `Literal["docker-py"] | BuilderName | None`. The step
    gets a plain text, and asks `Context.builder` for what it names.
    """

    __slots__ = ()
