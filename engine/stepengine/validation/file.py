"""The file as a whole: its top level, its pipelines, and the order of the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.lookup import NothingOffered
from stepengine.document.nodes import Mapping, Scalar, Sequence
from stepengine.model import AUTO_DIRECTORY, SECTIONS, Deployment, Pipeline, ProjectFile, Step
from stepengine.validation.deployments import DeploymentReader
from stepengine.validation.fields import TOP_LEVEL_KEYS, unknown_key_hint
from stepengine.validation.pipelines import check_auto_directory, check_references
from stepengine.validation.steps import SectionReader

if TYPE_CHECKING:
    from stepengine.catalogue.lookup import Catalogue, Offered
    from stepengine.diagnostics.diagnostic import Diagnostics
    from stepengine.document.parser import Document
    from stepengine.model import Section


def validate_document(
    document: Document,
    catalogue: Catalogue,
    directory_name: str = "DIRECTORY",
    offered: Offered | None = None,
    *,
    prefect_compat: bool = False,
) -> ProjectFile:
    """Check a document.

    Args:
        document: What `parse_document` gave.
        catalogue: Where step names are looked up.
        directory_name: What the file's directory is called: `dockerfile: auto` names one of the image after it.
        offered: What plugins add beside steps; None for nothing.
        prefect_compat: Whether a reference without a value is a warning: it is dropped, as Prefect does.

    Returns:
        The file, with all diagnostics; without pipelines where it is no mapping.
    """
    diagnostics = document.diagnostics
    offered = offered or NothingOffered()
    root = document.root
    pipelines: tuple[Pipeline, ...] = ()
    project: dict[str, Any] = {}
    if isinstance(root, Mapping):
        project = _read_top_level(root, diagnostics)
        pipelines = _read_pipelines(root, SectionReader(diagnostics, catalogue, offered), diagnostics)
        auto_directory = AUTO_DIRECTORY + directory_name
        owners = {step.id: pipeline for pipeline in pipelines for step in pipeline.all_steps() if step.id}
        for pipeline in pipelines:
            check_references(pipeline, owners, diagnostics, offered.namespaces, prefect_compat=prefect_compat)
            check_auto_directory(pipeline, auto_directory, diagnostics)
    elif document.parsed and root is None:
        diagnostics.warning("empty-file", "the file is empty: nothing would run", 0, "`build:` and a step make a start")
    elif root is not None:
        diagnostics.error("not-a-mapping", "a prefect.yaml is a mapping", root.offset, "begin with `name: my-project`")
    return ProjectFile(document.source, project, pipelines, tuple(diagnostics.sorted()))


def _read_top_level(root: Mapping, diagnostics: Diagnostics) -> dict[str, Any]:
    project = {}
    for name, key, node in root.items():
        if name not in TOP_LEVEL_KEYS:
            is_anchored = diagnostics.source.text[node.offset : node.offset + 1] == "&"
            if not is_anchored:  # else it is there for its aliases
                hint = unknown_key_hint(name, "at the top level")
                diagnostics.warning("unknown-key", f"unknown key {key.text!r} at the top level", key.offset, hint)
        elif name in ("name", "prefect-version"):
            if isinstance(node, Scalar) and (node.value is None or isinstance(node.value, str)):
                project[name] = node.value
            else:
                written = f'write {name}: "{node.text}"' if isinstance(node, Scalar) else f"give {name} a text"
                diagnostics.error("wrong-type", f"{name!r} must be a text", node.offset, written)
    return project


def _read_pipelines(root: Mapping, reader: SectionReader, diagnostics: Diagnostics) -> tuple[Pipeline, ...]:
    shared = {section: reader.read(root, section) or () for section in SECTIONS}
    deployments = _read_deployments(root, diagnostics, reader, shared)
    if not deployments:
        return (Pipeline(shared, ()),)
    grouped: dict[Any, list[Deployment]] = {}
    keys = _PipelineKeys()
    for deployment in deployments:
        grouped.setdefault(keys.key(deployment.steps), []).append(deployment)
    return tuple(Pipeline(group[0].steps, tuple(group)) for group in grouped.values())


class _PipelineKeys:
    """Tells which deployments have the same step lists; what they share is compared by identity first."""

    def __init__(self) -> None:
        self._by_identity: dict[int, tuple[Any, str]] = {}

    def key(self, steps: dict[Section, tuple[Step, ...]]) -> tuple[str, ...]:
        return tuple(self._section_key(steps[section]) for section in SECTIONS)

    def _section_key(self, section: tuple[Step, ...]) -> str:
        found = self._by_identity.get(id(section))
        if found is None:
            text = repr([(step.name, step.id, step.requires, step.inputs) for step in section])
            found = self._by_identity[id(section)] = (section, text)
        return found[1]


def _read_deployments(
    root: Mapping, diagnostics: Diagnostics, sections: SectionReader, shared: dict[Section, tuple[Step, ...]]
) -> list[Deployment]:
    node = root.get("deployments")
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return []
    if not isinstance(node, Sequence):
        hint = "put '- ' before each deployment's name"
        diagnostics.error("wrong-type", "'deployments' must be a list", node.offset, hint)
        return []
    reader = DeploymentReader(diagnostics, sections, shared)
    found = [reader.read(item, number) for number, item in enumerate(node.items, 1)]
    return [deployment for deployment in found if deployment is not None]
