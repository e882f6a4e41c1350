"""Blocks and variables from the environment: `STEPENGINE_BLOCKS` and `STEPENGINE_VARIABLES`, both JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.plugin import ReferenceSource, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BLOCKS = "STEPENGINE_BLOCKS"
VARIABLES = "STEPENGINE_VARIABLES"


def stepengine_sources(environ: Mapping[str, str], directory: str) -> Iterator[ReferenceSource]:  # noqa: ARG001 - the hook's
    """Give the two sources; a variable that is not set gives none.

    Args:
        environ: The environment of the run.
        directory: The directory of the file; not used.

    Raises:
        TemplateError: a variable does not hold a JSON object.
    """
    if environ.get(BLOCKS):
        yield mapping_source("prefect.blocks", BLOCKS, _read(environ, BLOCKS))
    if environ.get(VARIABLES):
        yield mapping_source("prefect.variables", VARIABLES, _read(environ, VARIABLES))


def mapping_source(namespace: str, description: str, data: Mapping[str, Any]) -> ReferenceSource:
    """Make a source of a mapping.

    Args:
        namespace: "prefect.blocks" or "prefect.variables".
        description: Where the data comes from.
        data: Type slug to name to block data, or name to variable.
    """
    is_blocks = namespace == "prefect.blocks"

    def lookup(path: tuple[Any, ...]) -> Any:
        value: Any = data
        for part in path:
            if not isinstance(value, dict):
                raise LookupError(part)  # noqa: TRY004 - it is the data that lacks it
            value = value[part]
        return value

    def names() -> list[tuple[str, ...]]:
        if not is_blocks:
            return [(name,) for name in data]
        return [(slug, name) for slug, blocks in data.items() if isinstance(blocks, dict) for name in blocks]

    return ReferenceSource(namespace, description, lookup, names)


def _read(environ: Mapping[str, str], name: str) -> dict[str, Any]:
    import json

    try:
        data = json.loads(environ[name])
    except ValueError as error:
        # The position alone: the text around it is secret.
        place = f"character {error.pos}" if isinstance(error, json.JSONDecodeError) else "its beginning"
        raise TemplateError(f"{name} is not JSON, at {place}", hint=_FORMS[name]) from None
    if not isinstance(data, dict):
        raise TemplateError(f"{name} is not a JSON object", hint=_FORMS[name])
    return data


_FORMS = {
    BLOCKS: 'for example {"secret": {"my-token": {"value": "…"}}}: block type, name, data',
    VARIABLES: 'for example {"region": "eu-west-1"}: name, value',
}
