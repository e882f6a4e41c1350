"""What a template is rendered with, and how a reference finds its value in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepengine.errors import TemplateError
from stepengine.secrecy.secrets import is_secret_name, public_fields
from stepengine.templating.model import BLOCKS, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final, Literal

    from stepengine.secrecy.secrets import Secrets
    from stepengine.templating.model import Path, Reference

    Namespace = Callable[[Path], tuple[Any, bool]]
    """Gives the value of a path, and whether it is a secret."""


class _Missing:
    """The value of a template that has none; see `MISSING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()
"""What rendering gives for a whole-value placeholder without a value, under the policy "drop"."""


BLOCKS_FILE = "~/.config/stepengine/blocks.yaml, or what STEPENGINE_BLOCKS_FILE names"


class RenderError(TemplateError):
    """A template could not be rendered.

    Attributes:
        reference: The reference without a value; None where an expression failed for another reason.
        location: The keys and indices that lead to the scalar, from the value that was compiled.
        offset: Where the placeholder or reference begins in that scalar, in characters.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        reference: Reference | None = None,
        location: Path = (),
        offset: int = 0,
    ) -> None:
        super().__init__(message, hint=hint)
        self.reference = reference
        self.location = location if reference is None else reference.location
        self.offset = offset if reference is None else reference.offset


class Scope:
    """The values that templates are rendered with; nothing is read from anywhere else.

    Args:
        outputs: The outputs so far, as Prefect's `run_steps` keeps them: step ids, and the flattened names.
        ids: The outputs by step id alone. A flattened name of a later step may hide an id (P#9346): a path that leads
            nowhere from the name is followed from the id.
        environment: Gives an environment variable's value, or None: `environ.get`.
        source: Called with `("prefect.blocks", (type slug, name))` for a block's data and with
            `("prefect.variables", (name,))` for a variable's value. Raises LookupError or TemplateError where there is
            none.
        namespace: Called with the head of a dotted reference that is no output, for what finds values in the namespace
            of that name; gives None where no source has one.
        secrets: The run's secrets: what is read of a secret value is added to them.
        missing: What a reference without a value does. "error": raises `RenderError`. "drop": as in Prefect, a
            whole-value output leaves its mapping or list, a missing block is an error, and anything else becomes an
            empty text. "keep": the placeholder stays as it is written.
        bare_environment: Whether a bare name that is no output is looked for in the environment, as
            `prefect deploy` does in the fields of a deployment.

    Attributes:
        missed: The errors that the policies "drop" and "keep" did without, in order.
    """

    def __init__(
        self,
        outputs: Mapping[str, Any] | None = None,
        *,
        ids: Mapping[str, Any] | None = None,
        environment: Callable[[str], str | None] = lambda _name: None,
        source: Callable[[str, Path], Any] | None = None,
        namespace: Callable[[str], Namespace | None] = lambda _name: None,
        secrets: Secrets | None = None,
        missing: Literal["error", "drop", "keep"] = "error",
        bare_environment: bool = False,
    ) -> None:
        self.outputs: Mapping[str, Any] = {} if outputs is None else outputs  # the very same: it grows
        self.ids: Mapping[str, Any] = {} if ids is None else ids
        self.environment = environment
        self.source = source
        self.namespace = namespace
        self.secrets = secrets
        self.missing = missing
        self.bare_environment = bare_environment
        self.missed: list[RenderError] = []

    def with_policy(self, missing: Literal["error", "drop", "keep"], *, bare_environment: bool = False) -> Scope:
        """Give a scope of the same values, which does otherwise with a reference that has none."""
        return Scope(
            self.outputs,
            ids=self.ids,
            environment=self.environment,
            source=self.source,
            namespace=self.namespace,
            secrets=self.secrets,
            missing=missing,
            bare_environment=bare_environment,
        )

    def names(self) -> list[str]:
        """Give the names that a reference to an output can begin with."""
        return [str(name) for name in self.outputs]

    def value_of(self, reference: Reference) -> tuple[Any, bool]:
        """Give a reference's value, and whether it is secret.

        Raises:
            RenderError: it has none.
        """
        kind = reference.kind
        if kind == "output":
            return self._output(reference)
        if kind == "environment":
            value = self.environment(reference.head)
            if value is None:
                raise RenderError(
                    f"the environment variable {reference.head} is not set",
                    hint=f"set it, or allow for it: {{{{ ${reference.head} | default('…') }}}}",
                    reference=reference,
                )
            return value, self._environment_secret(reference.head, value)
        if kind == "block":
            return self._block(reference)
        value = follow(self._from_source(reference, reference.path[:1]), reference.path[1:])
        if value is MISSING:
            raise RenderError(f"the variable has no {dotted(reference.path)}", reference=reference)
        return value, self._holds_secret(value)

    def _output(self, reference: Reference) -> tuple[Any, bool]:
        head, path = reference.head, reference.path
        value = self.outputs.get(head, MISSING)
        if value is MISSING and self.bare_environment and not path:
            text = self.environment(head)
            if text is not None:
                return text, self._environment_secret(head, text)
        if path and value is MISSING and (finds := self.namespace(head)) is not None:
            return self._in_namespace(reference, finds)
        if path and value is not MISSING:
            value = follow(value, path)
            if value is MISSING and head in self.ids:
                value = follow(self.ids[head], path)
        if value is MISSING:
            raise self._no_output(reference)
        return value, self._holds_secret(value)

    def _in_namespace(self, reference: Reference, finds: Namespace) -> tuple[Any, bool]:
        try:
            value, secret = finds(reference.path)
        except TemplateError as error:
            raise RenderError(error.message, hint=error.hint, reference=reference._replace(kind="source")) from error
        if secret and self.secrets is not None:
            self.secrets.add(value)
        return value, secret or self._holds_secret(value)

    def _environment_secret(self, name: str, value: str) -> bool:
        if is_secret_name(name):
            if self.secrets is not None:
                self.secrets.add(value)
            return True
        return self._holds_secret(value)

    def _holds_secret(self, value: Any) -> bool:
        return self.secrets is not None and self.secrets.is_secret(value)

    def _block(self, reference: Reference) -> tuple[Any, bool]:
        slug, name, *rest = reference.path
        data = self._from_source(reference, reference.path[:2])
        public = public_fields(str(slug))
        if self.secrets is not None:
            self.secrets.add_block(str(slug), data)
        path = tuple(rest)
        if isinstance(data, dict) and len(data) == 1 and "value" in data and path[:1] != ("value",):
            data = data["value"]
        value = follow(data, path)
        if value is MISSING:
            raise RenderError(
                f"the block {slug}/{name} has no {dotted(path)}",
                hint=_suggestion(str(path[0]), [str(key) for key in data] if isinstance(data, dict) else []),
                reference=reference,
            )
        secret = not (path and path[0] in public) or self._holds_secret(value)
        return _copied(value), secret

    def _from_source(self, reference: Reference, path: Path) -> Any:
        what: Literal["block", "variable"] = "block" if reference.head == BLOCKS else "variable"
        message = f"no source has the {what} {'/'.join(map(str, path))}"
        if self.source is None:
            raise RenderError(message, hint=how_to_give(what, path), reference=reference)
        try:
            return self.source(reference.head, path)
        except TemplateError as error:
            raise RenderError(error.message, hint=error.hint, reference=reference) from error
        except LookupError as error:
            raise RenderError(message, hint=how_to_give(what, path), reference=reference) from error

    def _no_output(self, reference: Reference) -> RenderError:
        head, path, text = reference.head, reference.path, reference.text
        if head not in self.outputs:
            hint = _suggestion(head, self.names())
            if "-" in head and not hint:
                hint = "write spaces around a minus: a name may contain hyphens"
            return RenderError(f"{text} has no value: there is no output {head}", hint=hint, reference=reference)
        value = self.outputs[head]
        known = [str(key) for key in value] if isinstance(value, dict) else []
        return RenderError(
            f"{text} has no value: {head} has no output {dotted(path)}",
            hint=_suggestion(str(path[0]), known),
            reference=reference,
        )


def follow(value: Any, path: Path) -> Any:
    """Follow a path through mappings, lists and (an index) text; `MISSING` where it leads nowhere."""
    for part in path:
        if isinstance(value, dict):
            if part in value:
                value = value[part]
            elif isinstance(part, int) and str(part) in value:
                value = value[str(part)]
            else:
                return MISSING
        elif isinstance(part, int) and isinstance(value, (list, tuple, str)):
            try:
                value = value[part]
            except IndexError:
                return MISSING
        else:
            return MISSING
    return value


def _copied(value: Any) -> Any:
    """Copy a source's data, so that a step that changes its inputs does not change what others get."""
    if isinstance(value, (dict, list)):
        from copy import deepcopy

        return deepcopy(value)
    return value


def dotted(path: Path) -> str:
    """Give a path as it is written."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def how_to_give(what: Literal["block", "variable"], path: Path) -> str:
    """Say how a block or a variable can be given.

    Args:
        what: Which of the two.
        path: `(type slug, name)` or `(name,)`.
    """
    shown = "{…}" if what == "block" else "…"
    for name in reversed(path):
        shown = f'{{"{name}": {shown}}}'
    return f"set STEPENGINE_{what.upper()}S='{shown}', or write it under '{what}s:' in the blocks file ({BLOCKS_FILE})"


def _suggestion(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known here: {fold(', '.join(sorted(known)))}" if known else ""
