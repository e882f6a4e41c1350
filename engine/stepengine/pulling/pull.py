"""Where the pull steps of a pipeline are rehearsed: in its image, in a child process, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepengine.errors import StepError, TemplateError
from stepengine.model import AUTO_DIRECTORY, IMAGE_PATH, image_node, may_have_image
from stepengine.result import PullPlace

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepengine.model import Deployment, Pipeline, Step
    from stepengine.planning.plan import Plan
    from stepengine.running.places import OpenedPlace
    from stepengine.templating import Scope
    from stepengine.world import World


def open_pull_place(
    pipeline: Pipeline, scope: Scope, world: World, plan: Plan, note: Callable[[str], None]
) -> tuple[OpenedPlace, PullPlace]:
    """Make the place where a pipeline's pull steps run.

    Args:
        pipeline: It; its build and push steps have run.
        scope: Their outputs, which tell the image.
        world: What the run may use.
        plan: What runs.
        note: Receives one line where the place is not the one that users would expect.

    Raises:
        StepError: `--pull-in image` cannot be had, or the place cannot be made.
    """
    image = "" if world.pull_in == "here" else world.pull_image or image_of(pipeline, scope)
    if not image and world.pull_in == "image":
        hint = "build one, set the deployment's work_pool.job_variables.image, or name one: --pull-in image=NAME:TAG"
        raise StepError("--pull-in image: the pipeline has no image", hint=hint)
    if image:
        from stepengine.pulling.container import connect

        client = connect(world.environ, world.directory)
        if client is not None:
            return _open_container(client, image, pipeline, world, plan, note)
        if world.pull_in == "image":
            raise StepError("--pull-in image: no Docker Engine answers", hint="start it, or set DOCKER_HOST")
        note(f"no Docker Engine answers: the pull steps run in a child process instead of {image}")
    elif world.pull_in == "auto" and may_have_image(pipeline):
        note("the image is not known here: the pull steps run in a child process; --pull-in image=NAME:TAG names one")
    return _open_child(world, plan)


def _open_container(
    client: Any, image: str, pipeline: Pipeline, world: World, plan: Plan, note: Callable[[str], None]
) -> tuple[OpenedPlace, PullPlace]:
    from stepengine.pulling.container import ContainerTransport, ensure_image
    from stepengine.workers.worker_place import WorkerPlace

    try:
        ensure_image(client, image, note)
    except BaseException:
        client.close()
        raise
    carried = [step.spec for step in pipeline.steps["pull"] if step.spec is not None and step.spec.is_carried]
    place = WorkerPlace(
        ContainerTransport(client, image, carried),
        f"in a container of {image}",
        project=plan.file.project,
        block=world.block,
    )
    return place, PullPlace("image", image, place.directory)


def _open_child(world: World, plan: Plan) -> tuple[OpenedPlace, PullPlace]:
    from stepengine.pulling.throwaway import ThrowawayTransport
    from stepengine.workers.worker_place import WorkerPlace

    transport = ThrowawayTransport(world.directory, world.environ)
    place = WorkerPlace(
        transport,
        "in a child process",
        project=plan.file.project,
        block=world.block,
        directory=transport.directory,
    )
    return place, PullPlace("here", None, place.directory)


def image_of(pipeline: Pipeline, scope: Scope) -> str:
    """Give the image that a pipeline's worker would run: the last one that it built, else the first deployment's."""
    for step in reversed(pipeline.steps["build"]):
        if step.is_build:
            # An output of a name like the id's would hide it among all outputs.
            found = scope.ids.get(step.id) if step.id else scope.outputs
            image = found.get("image") if isinstance(found, Mapping) else None
            if isinstance(image, str):
                return image
    for deployment in pipeline.deployments:
        image = _named_image(deployment, scope)
        if isinstance(image, str) and image:
            return image
    return ""


def _named_image(deployment: Deployment, scope: Scope) -> Any:
    """Give the image as the deployment will have it; None where it names none, or one that nothing here can tell."""
    node, template = image_node(deployment), dict(deployment.templated).get(IMAGE_PATH)
    if node is None or template is None:
        return None if node is None else node.value
    kept = scope.with_policy("keep", bare_environment=True)
    try:
        value = template.render(kept).value
    except TemplateError:  # the field's own failure, which is told when the deployment is made
        return None
    return None if kept.missed else value


def pull_failure_hint(pipeline: Pipeline, directory: str, step: Step, place: PullPlace | None) -> str:
    """Say what a failed pull step may need to know of the place where it ran."""
    if place is None:
        return ""
    repository = step.inputs.get("repository")
    if place.kind == "image" and isinstance(repository, str) and repository.startswith(("file:", "/", ".", "~")):
        return "a container has none of this machine's directories; --pull-in here runs the pull steps on this machine"
    if step.short_name != "set_working_directory":
        return ""
    if place.kind == "here":
        return (
            "it ran on this machine; the worker's may have the directory: --pull-in image=NAME:TAG, or --pull-in skip"
        )
    auto = any(each.is_build and each.inputs.get("dockerfile") == "auto" for each in pipeline.steps["build"])
    if auto:
        return f"dockerfile: auto put the project into {AUTO_DIRECTORY}{os.path.basename(directory)}"
    return f"the directory is looked for in the image {place.image}"
