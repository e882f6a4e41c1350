"""Whether what a step requires is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(text)
        is_needed = requirement.marker is None or requirement.marker.evaluate()
    except (ValueError, KeyError) as error:  # of a marker that compares what cannot be compared, too
        reason = str(error).partition("\n")[0]
        return RequirementState(text, "", f"{text!r} is no requirement: {reason}", is_malformed=True)
    if not is_needed:
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

    try:
        found = distribution(requirement.name)
    except (PackageNotFoundError, ValueError):
        return f"{requirement.name} is not installed"
    try:
        is_wanted = requirement.specifier.contains(found.version, prereleases=True)
        needed_for = {extra: list(_needed_for(extra, found.requires or ())) for extra in requirement.extras}
    except (ValueError, TypeError, KeyError):  # a requirement from before PEP 440, no version, a marker of no name
        return f"{requirement.name} is installed, but its metadata cannot be read"
    if not is_wanted:
        return f"{requirement.name} {found.version} is installed"
    if requirement.url is not None and requirement.url != _direct_url(found.read_text("direct_url.json")):
        return f"{requirement.name} {found.version} is installed, but not from that address"
    for extra, requirements in needed_for.items():
        for needed in requirements:
            if str(needed) in seen:
                continue
            seen.add(str(needed))
            problem = _lacking(needed, seen)
            if problem:
                return f"the extra {extra!r} lacks something: {problem}"
    return ""


def _needed_for(extra: str, lines: Iterable[str]) -> Iterator[Requirement]:
    """Give the requirements of a distribution that only an extra has.

    Raises:
        ValueError, KeyError: a line is no requirement, or its marker cannot be evaluated.
    """
    from packaging.requirements import Requirement

    for line in lines:
        needed = Requirement(line)
        marker = needed.marker
        if marker is not None and not marker.evaluate({"extra": ""}) and marker.evaluate({"extra": extra}):
            yield needed


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
