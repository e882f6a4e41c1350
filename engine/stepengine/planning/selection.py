"""What of a file is to run, and the inputs that the command line sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.catalogue.input_types import split_union
from stepengine.catalogue.spec import StepSpec
from stepengine.diagnostics.diagnostic import did_you_mean
from stepengine.document.nodes import Mapping, Scalar, Sequence
from stepengine.errors import UsageError
from stepengine.model import SECTIONS, last_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stepengine.catalogue.lookup import Catalogue
    from stepengine.document.nodes import Node
    from stepengine.document.parser import Document
    from stepengine.model import Pipeline, ProjectFile


def select_pipelines(file: ProjectFile, names: Iterable[str]) -> tuple[Pipeline, ...]:
    """Choose the pipelines of some deployments.

    Args:
        file: The file.
        names: Deployments; all where there are none.

    Returns:
        Each pipeline once, with the chosen deployments alone.

    Raises:
        UsageError: a name is not in the file.
    """
    wanted = list(names)
    if not wanted:
        return file.pipelines
    known = [deployment.name for deployment in file.deployments()]
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, known, f"the file has: {', '.join(known[:10])}" if known else "the file has none")
            raise UsageError(f"there is no deployment {name!r} in {file.source.name}", hint=hint)
    chosen = []
    for pipeline in file.pipelines:
        deployments = tuple(each for each in pipeline.deployments if each.name in wanted)
        if deployments:
            chosen.append(pipeline._replace(deployments=deployments))
    return tuple(chosen)


def parse_sections(text: str | None) -> tuple[str, ...]:
    """Read `--only build,push`.

    Raises:
        UsageError: a section does not exist.
    """
    if text is None:
        return SECTIONS
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    for name in wanted:
        if name not in SECTIONS:
            hint = did_you_mean(name, SECTIONS, f"there are: {', '.join(SECTIONS)}")
            raise UsageError(f"there is no section {name!r}", hint=hint)
    if not wanted:
        raise UsageError("--only names no section", hint=f"there are: {', '.join(SECTIONS)}")
    return tuple(section for section in SECTIONS if section in wanted)


def apply_overrides(document: Document, overrides: Iterable[str], catalogue: Catalogue) -> None:
    """Put inputs of the command line into the document, as if the file had them.

    Args:
        document: Changed in place, before it is validated.
        overrides: Each `STEP.INPUT=VALUE`; STEP is an id, a step name, or its last part. Where the input is a text the
            value is taken as it is, elsewhere as YAML.
        catalogue: Tells the inputs' types.

    Raises:
        UsageError: one is malformed, or names no step or more than one.
    """
    for override in overrides:
        target, equals, text = override.partition("=")
        step, dot, name = target.strip().rpartition(".")
        if not equals or not dot or not step or not name:
            raise UsageError(
                f"--set {target}: not of the form STEP.INPUT=VALUE", hint="for example: --set build-image.tag=v1"
            )
        for step_name, node in _find_steps(document, step):
            found = catalogue.find(step_name)
            _check_input(target, name, found)
            value, written = _read_value(text, name, found)
            key = node.entries[name][0] if name in node.entries else Scalar(name, node.offset)
            node.entries[name] = (
                key,
                Scalar(value, key.offset, written) if _is_scalar(value) else _to_node(value, key.offset),
            )


def _check_input(target: str, name: str, found: object) -> None:
    """Raise a UsageError where a step has no such input: the file is not to blame."""
    if not isinstance(found, StepSpec) or found.inputs is None or found.accepts_any or name in ("id", "requires"):
        return
    known = [each.name for each in found.inputs]
    if name not in known:
        message = f"--set {target}: {last_part(found.name)} has no input {name!r}"
        raise UsageError(message, hint=did_you_mean(name, known, f"it has: {', '.join(known)}" if known else ""))


def _find_steps(document: Document, wanted: str) -> list[tuple[str, Mapping]]:
    """Give the steps of an id, else of a name, else of the last part of a name, each node once."""
    steps = list(_steps(document))
    matches = (
        [(name, node) for name, node in steps if _id_of(node) == wanted],
        [(name, node) for name, node in steps if name == wanted],
        [(name, node) for name, node in steps if last_part(name) == wanted],
    )
    found = next((match for match in matches if match), [])
    unique = {id(node): (name, node) for name, node in found}
    if not unique:
        known = [_id_of(node) or last_part(name) for name, node in steps]
        raise UsageError(
            f"--set: there is no step {wanted!r}",
            hint=did_you_mean(
                wanted, known, f"there are: {', '.join(dict.fromkeys(known))}" if known else "the file has none"
            ),
        )
    if len(unique) > 1 and found is not matches[0]:
        lines = ", ".join(str(document.source.position(node.offset)[0]) for _, node in unique.values())
        raise UsageError(
            f"--set: {wanted!r} names several steps (lines {lines})", hint="give them ids, and name the id"
        )
    return list(unique.values())


def _id_of(node: Mapping) -> str:
    found = node.get("id")
    return found.value if isinstance(found, Scalar) and isinstance(found.value, str) else ""


def _steps(document: Document) -> Iterator[tuple[str, Mapping]]:
    if not isinstance(document.root, Mapping):
        return
    owners = [document.root]
    deployments = document.root.get("deployments")
    if isinstance(deployments, Sequence):
        owners += [item for item in deployments.items if isinstance(item, Mapping)]
    for owner in owners:
        for section in SECTIONS:
            node = owner.get(section)
            items = node.items if isinstance(node, Sequence) else [node]
            for item in items:
                if isinstance(item, Mapping) and len(item.entries) == 1:
                    yield from _step(item)


def _step(item: Mapping) -> Iterator[tuple[str, Mapping]]:
    name, (key, value) = next(iter(item.entries.items()))
    if isinstance(value, Scalar) and value.value is None:
        value = Mapping({}, value.offset)  # a step without inputs may get its first one here
        item.entries[name] = (key, value)
    if isinstance(name, str) and isinstance(value, Mapping):
        yield name, value


def _read_value(text: str, name: str, found: object) -> tuple[Any, str | None]:
    annotation = ""
    if isinstance(found, StepSpec):
        annotation = next((each.annotation for each in found.inputs or () if each.name == name), "")
    if "str" in split_union(annotation) or "{{" in text:
        return text, None
    from stepengine.document.parser import parse_document

    parsed = parse_document(text, "--set")
    if not parsed.parsed:
        problem = parsed.diagnostics.sorted()[0]
        raise UsageError(f"--set {name}: {problem.message}", hint=problem.hint)
    return (None if parsed.root is None else parsed.root.value), text


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def _to_node(value: Any, offset: int) -> Node:
    if isinstance(value, dict):
        return Mapping({key: (Scalar(key, offset), _to_node(item, offset)) for key, item in value.items()}, offset)
    if isinstance(value, list):
        return Sequence([_to_node(item, offset) for item in value], offset)
    return Scalar(value, offset)
