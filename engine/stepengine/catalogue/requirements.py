"""Whether what a step requires is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from stepengine.model import Step


class RequirementState(Record):
    """One requirement of a step.

    Attributes:
        requirement: As it is written.
        satisfied_by: What meets it, in words; empty where nothing does.
        problem: Why nothing does, in one line.
        is_malformed: Whether it is no requirement at all.
    """

    requirement: str
    satisfied_by: str
    problem: str = ""
    is_malformed: bool = False


def check_requirements(step: Step) -> list[RequirementState]:
    """Check a step's requirements: against the step it is a stand-in for, then against what is installed.

    Prefect asks only whether a module of that name can be imported; here versions, extras and markers count (PEP 508).
    """
    return [_check(requirement, step) for requirement in step.requires]


def _check(text: str, step: Step) -> RequirementState:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        return RequirementState(text, "", f"{text!r} is no requirement: {reason}", is_malformed=True)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return RequirementState(text, f"not needed here ({requirement.marker})")
    provides = step.spec.options.provides if step.spec is not None else None
    name, _, version = (provides or "").partition("==")
    if name and canonicalize_name(requirement.name) == name:
        if requirement.url is None and requirement.specifier.contains(version, prereleases=True):
            return RequirementState(text, f"the built-in step, which counts as {name} {version}")
        return RequirementState(text, "", f"the built-in step counts as {name} {version}")
    problem = _lacking(requirement, set())
    if problem:
        return RequirementState(text, "", problem)
    from importlib_metadata import version as installed_version

    return RequirementState(text, f"{requirement.name} {installed_version(requirement.name)}, installed")


def _lacking(requirement: Requirement, seen: set[str]) -> str:
    """Say in one line why what is installed does not meet a requirement, its extras included; empty where it does."""
    from importlib_metadata import PackageNotFoundError, distribution
    from packaging.requirements import Requirement

    try:
        found = distribution(requirement.name)
    except (PackageNotFoundError, ValueError):
        return f"{requirement.name} is not installed"
    if not requirement.specifier.contains(found.version, prereleases=True):
        return f"{requirement.name} {found.version} is installed"
    if requirement.url is not None and requirement.url != _direct_url(found.read_text("direct_url.json")):
        return f"{requirement.name} {found.version} is installed, but not from that address"
    for extra in requirement.extras:
        for line in found.requires or ():
            needed = Requirement(line)
            only_so = needed.marker is not None and not needed.marker.evaluate({"extra": ""})
            if not only_so or line in seen or not needed.marker.evaluate({"extra": extra}):  # type: ignore[union-attr]
                continue
            seen.add(line)
            problem = _lacking(needed, seen)
            if problem:
                return f"the extra {extra!r} lacks something: {problem}"
    return ""


def _direct_url(text: str | None) -> str | None:
    """Give the address that a distribution was installed from, as its record has it.

    https://packaging.python.org/en/latest/specifications/direct-url-data-structure/
    """
    import json

    try:
        record = json.loads(text or "null")
        if not isinstance(record, dict):
            return None
        vcs = record.get("vcs_info") or {}
        prefix = f"{vcs['vcs']}+" if vcs else ""
        revision = f"@{vcs['requested_revision']}" if vcs.get("requested_revision") else ""
        return f"{prefix}{record['url']}{revision}"
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
