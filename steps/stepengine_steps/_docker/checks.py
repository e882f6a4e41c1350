"""What is wrong with a step's inputs as the file gives them, found before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.plugin import StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def check_image(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Check the name and the tags of an image, where they are no references that only a run resolves."""
    from stepengine_steps._docker.reference import check_name, check_tag

    tags = inputs.get("additional_tags")
    values: list[tuple[Any, Callable[[Any], str]]] = [
        (inputs.get("image_name"), check_name),
        (inputs.get("tag"), check_tag),
    ]
    values += [(tag, check_tag) for tag in tags] if isinstance(tags, list) else []
    for value, check in values:
        if not isinstance(value, str) or not value or "{{" in value:
            continue
        try:
            check(value)
        except StepError as error:
            yield f"{error.message}; {error.hint}"
