"""Whether a value fits an annotation, read as text: types are never imported to check a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

FITS = ""

_NAMES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "None": "null",
    "BuilderName": "the name of a plugin's builder",
}
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "BuilderName": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "None": (type(None),),
    "list": (list,),
    "List": (list,),
    "Sequence": (list,),
    "tuple": (list,),
    "dict": (dict,),
    "Dict": (dict,),
    "Mapping": (dict,),
}
_SCALARS = (str, int, float, bool)


def split_union(annotation: str) -> list[str]:
    """Split `X | Y`, `Optional[X]` and `Union[X, Y]` into their members."""
    annotation = annotation.strip().strip("'\"")
    if annotation.startswith("Optional[") and annotation.endswith("]"):
        return [*split_union(annotation[9:-1]), "None"]
    separator = "|"
    if annotation.startswith("Union[") and annotation.endswith("]"):
        annotation, separator = annotation[6:-1], ","
    members, depth, start = [], 0, 0
    for index, character in enumerate(annotation):
        depth += (character == "[") - (character == "]")
        if character == separator and depth == 0:
            members.append(annotation[start:index].strip())
            start = index + 1
    return [*members, annotation[start:].strip()]


def literal_choices(inner: str) -> list[str]:
    """Give the choices of a `Literal[…]` as texts.

    Args:
        inner: What follows its opening bracket.
    """
    return [choice.strip().strip("'\"") for choice in inner.rstrip("]").split(",")]


def describe_type(annotation: str) -> str:
    """Say in words what an annotation asks for."""
    members = [member for member in split_union(annotation) if member != "None"]
    return " or ".join(_describe(member) for member in members)


def _describe(member: str) -> str:
    name, _, inner = member.partition("[")
    if name == "Literal":
        return "one of " + inner.rstrip("]")
    return _NAMES.get(name.lower(), _NAMES.get(name, member))


def mismatch(value: Any, annotation: str) -> str:
    """Tell whether a value of the file fits an annotation.

    Returns:
        `""` where it fits, or where the annotation is one that only Python knows; "convertible" where it is another
        kind of scalar, which steps take with more or less luck; "wrong" where no step could take it.
    """
    if not annotation:
        return FITS
    verdicts = [_member_mismatch(value, member) for member in split_union(annotation)]
    if FITS in verdicts:
        return FITS
    return "convertible" if "convertible" in verdicts else "wrong"


def _member_mismatch(value: Any, member: str) -> str:
    if isinstance(value, str) and "{{" in value:
        return FITS  # a placeholder may become anything
    name, _, inner = member.partition("[")
    if name == "Literal":
        return FITS if str(value) in literal_choices(inner) else "wrong"
    kinds = _KINDS.get(name)
    if kinds is None:
        return FITS  # Any, a class, a type variable: only running can tell
    if isinstance(value, bool) and bool not in kinds:
        return "convertible" if name in ("str", "int", "float") else "wrong"
    if isinstance(value, kinds):
        return _items_mismatch(value, inner)
    return "convertible" if isinstance(value, _SCALARS) and name in ("str", "int", "float", "bool") else "wrong"


def literals(annotation: str) -> list[str]:
    """Give the values that the `Literal` of an annotation has, as text."""
    members = (member.partition("[") for member in split_union(annotation))
    return [choice for name, _, inner in members if name == "Literal" for choice in literal_choices(inner)]


def with_builders(annotation: str, names: Iterable[str]) -> str:
    """Give an annotation in which the builders that there are stand for `BuilderName`."""
    members = split_union(annotation)
    if "BuilderName" not in members:
        return annotation
    choices = ", ".join(repr(name) for name in dict.fromkeys([*literals(annotation), *names]))
    others = [member for member in members if member != "BuilderName" and not member.startswith("Literal[")]
    return " | ".join([f"Literal[{choices}]" if choices else "str", *others])


def _items_mismatch(value: Any, inner: str) -> str:
    if not inner:
        return FITS
    arguments = inner[: inner.rfind("]")]
    if isinstance(value, list):
        verdicts = {mismatch(item, arguments) for item in value}
    elif isinstance(value, dict):
        verdicts = {mismatch(item, arguments.partition(",")[2]) for item in value.values()}
    else:
        return FITS
    return "wrong" if "wrong" in verdicts else "convertible" if "convertible" in verdicts else FITS


def misfit(value: Any, annotation: str) -> tuple[tuple[Any, ...], Any, str]:
    """Find what of a value does not fit an annotation.

    Returns:
        The keys and indices that lead to it, itself, and the annotation that it should fit; the value as a whole where
        it is of the wrong kind.
    """
    for member in split_union(annotation):
        name, _, inner = member.partition("[")
        if not inner or not isinstance(value, (list, dict)) or not isinstance(value, _KINDS.get(name, ())):
            continue
        arguments = inner[: inner.rfind("]")]
        wanted = arguments if isinstance(value, list) else arguments.partition(",")[2]
        verdict = _items_mismatch(value, inner)
        for key, item in enumerate(value) if isinstance(value, list) else value.items():
            if mismatch(item, wanted) == verdict != FITS:
                path, found, annotated = misfit(item, wanted)
                return (key, *path), found, annotated
    return (), value, annotation
