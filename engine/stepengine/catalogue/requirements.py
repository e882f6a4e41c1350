"""Whether what a step requires is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepengine.patterns import lazy_pattern
from stepengine.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.requirements import Requirement


# What nearly all requirements look like; `packaging`, which knows all of PEP 508, costs 35 ms.
_SIMPLE = lazy_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:(?:[<>=!]=|[<>])\s*[0-9]+(?:\.[0-9]+)*)?\Z")


class RequirementState(Record):
    """One requirement of a step.

    Attributes:
        requirement: As it is written.
        satisfied_by: What meets it, in words; empty where nothing does.
        problem: Why nothing does, in one line.
        is_overruling: Whether it is of the distribution that the built-in step stands for, and not of the version: the
            distribution's own step is wanted.
    """

    requirement: str
    satisfied_by: str
    problem: str = ""
    is_overruling: bool = False


def check_requirements(
    requires: Iterable[str], provides: str | None, *, only_provided: bool = False
) -> list[RequirementState]:
    """Check a step's requirements: against the step it is a stand-in for, then against what is installed.

    Prefect asks only whether a module of that name can be imported; here versions, extras and markers count (PEP 508).

    Args:
        requires: Them; each is a requirement, see `requirement_problem`.
        provides: What the step stands for, as `name==version`; None where it stands for nothing else.
        only_provided: Whether nothing of this machine counts: neither what is installed, nor whether a marker holds.
    """
    return [_check(requirement, provides, only_provided=only_provided) for requirement in requires]


def requirement_problem(text: str) -> str:
    """Say in one line why a text is no requirement (PEP 508); empty where it is one."""
    if _SIMPLE.match(text):
        return ""
    if not text.isprintable():  # a line's end in an address would begin another line of what an installer reads
        return f"{text!r} is no requirement: it holds a character that cannot be printed"
    from packaging.requirements import Requirement

    try:
        marker = Requirement(text).marker
        if marker is not None:
            marker.evaluate()
    except (ValueError, KeyError) as error:  # of a marker that compares what cannot be compared, too
        return f"{text!r} is no requirement: {str(error).partition(chr(10))[0]}"
    return ""


def _check(text: str, provides: str | None, *, only_provided: bool) -> RequirementState:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    requirement = Requirement(text)
    if requirement.marker is not None and not only_provided and not requirement.marker.evaluate():
        return RequirementState(text, f"not needed here ({requirement.marker})")
    name, _, version = (provides or "").partition("==")
    if name and canonicalize_name(requirement.name) == name:
        if requirement.url is None and requirement.specifier.contains(version, prereleases=True):
            return RequirementState(text, f"the built-in step, which counts as {name} {version}")
        state = _check_installed(text, requirement, only_provided=only_provided)
        problem = state.problem and f"the built-in step counts as {name} {version}, and {state.problem}"
        return state._replace(problem=problem, is_overruling=True)
    return _check_installed(text, requirement, only_provided=only_provided)


def _check_installed(text: str, requirement: Requirement, *, only_provided: bool) -> RequirementState:
    if only_provided:
        return RequirementState(text, "", "what the lock has for it is not installed")
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
