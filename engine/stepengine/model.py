"""A prefect.yaml once it is understood: steps, deployments, and the pipelines that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.diagnostics.diagnostic import one_line
from stepengine.document.nodes import find_node
from stepengine.records import Record

if TYPE_CHECKING:
    from typing import Literal

    from stepengine.catalogue.spec import StepSpec
    from stepengine.diagnostics.diagnostic import Diagnostic
    from stepengine.document.nodes import Mapping, Node, Source
    from stepengine.templating import Template

    Section = Literal["build", "push", "pull"]

AUTO_DIRECTORY = "/opt/prefect/"
"""Where `dockerfile: auto` puts a project, as a directory of its name."""

IMAGE_PATH = ("work_pool", "job_variables", "image")
"""Where a deployment names the image that its worker runs."""

SECTIONS: tuple[Section, ...] = ("build", "push", "pull")
"""In the order in which they run."""


class Step(Record):
    """One entry of a section.

    Attributes:
        section: "build", "push" or "pull".
        name: The step name as it is written.
        id: What later steps refer to it by; empty where it has none.
        requires: The requirements that its name needs.
        inputs: What the file gives it, `id` and `requires` taken out; placeholders not filled in.
        templates: The inputs that hold placeholders, compiled.
        spec: What its name stands for; None where that cannot be told here.
        line: Where its name stands, counted from 1.
        column: The same, in characters.
        node: Its inputs' node, to find the place of one.
    """

    section: Section
    name: str
    id: str
    requires: tuple[str, ...]
    inputs: dict[str, Any]
    templates: dict[str, Template]
    spec: StepSpec | None
    line: int
    column: int
    node: Mapping

    @property
    def short_name(self) -> str:
        """The name's last part."""
        return last_part(self.name)

    @property
    def label(self) -> str:
        """What it is called towards people: its id, or else its short name, on one line."""
        return label_of(self.id, self.name)

    @property
    def is_build(self) -> bool:
        """Whether it builds an image."""
        return self.short_name == "build_docker_image"


class Deployment(Record):
    """An entry of `deployments`.

    Attributes:
        name: Its name; `#N` (counted from 1) where it has none.
        node: Its fields.
        steps: Its pipeline's steps by section: its own, or the file's.
        templated: The fields that hold placeholders: path and compiled template, sections left out.
    """

    name: str
    node: Mapping
    steps: dict[Section, tuple[Step, ...]]
    templated: tuple[tuple[tuple[Any, ...], Template], ...]


class Pipeline(Record):
    """The steps that one deployment, several alike, or the bare file resolve to.

    Attributes:
        steps: By section.
        deployments: Those that share it; empty for the bare file.
    """

    steps: dict[Section, tuple[Step, ...]]
    deployments: tuple[Deployment, ...]

    def all_steps(self) -> list[Step]:
        """Give the steps in the order in which they run."""
        return [step for section in SECTIONS for step in self.steps[section]]


class ProjectFile(Record):
    """A checked prefect.yaml.

    Attributes:
        source: Its text.
        project: The plain values at its top level (`name`, `prefect-version`, …), without sections and deployments.
        pipelines: In the order of their first deployments.
        diagnostics: All problems, in the order of their places.
    """

    source: Source
    project: dict[str, Any]
    pipelines: tuple[Pipeline, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_valid(self) -> bool:
        """Whether it has no error; warnings do not count."""
        return not any(found.severity == "error" for found in self.diagnostics)

    def deployments(self) -> list[Deployment]:
        """Give the deployments in the order of the file."""
        found = [deployment for pipeline in self.pipelines for deployment in pipeline.deployments]
        return sorted(found, key=lambda deployment: deployment.node.offset)


def label_of(step_id: str | None, name: str) -> str:
    """Give what a step is called towards people: its id, or else the last part of its name, on one line."""
    return one_line(step_id or last_part(name))


def last_part(name: str) -> str:
    """Give the function's own name, of a dotted name or of a script's path and a function."""
    return name.rpartition(":" if ":" in name else ".")[2].rpartition(".")[2]


def may_have_image(pipeline: Pipeline) -> bool:
    """Whether a pipeline builds an image, or one of its deployments names one."""
    if any(step.is_build for step in pipeline.steps["build"]):
        return True
    return any(image_node(deployment) is not None for deployment in pipeline.deployments)


def image_node(deployment: Deployment) -> Node | None:
    """Give the node of `work_pool.job_variables.image`, where a deployment names an image."""
    image = find_node(deployment.node, IMAGE_PATH)
    return image if image is not None and isinstance(image.value, str) else None
