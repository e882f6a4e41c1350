"""Whether what a step requires is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
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
        if requirement.specifier.contains(version, prereleases=True):
            return RequirementState(text, f"the built-in step, which counts as {name} {version}")
        return RequirementState(text, "", f"the built-in step counts as {name} {version}")
    return _check_installed(text, requirement.name, requirement.specifier)


def _check_installed(text: str, name: str, specifier: object) -> RequirementState:
    from importlib_metadata import PackageNotFoundError, version

    try:
        found = version(name)
    except PackageNotFoundError:
        return RequirementState(text, "", f"{name} is not installed")
    if specifier.contains(found, prereleases=True):  # type: ignore[attr-defined]
        return RequirementState(text, f"{name} {found}, installed")
    return RequirementState(text, "", f"{name} {found} is installed")
