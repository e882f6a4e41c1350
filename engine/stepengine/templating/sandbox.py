"""Jinja2, bounded: the only module that imports it.

Names come in from outside as `_r0`, `_r1` and so on. What an expression may do is listed, not what it may not: filters,
tests, methods of text and mappings. Whatever an operation makes is weighed, so that no expression can fill the memory.
"""

from __future__ import annotations

import json
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from jinja2 import ChainableUndefined, StrictUndefined, Undefined, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stepengine.errors import TemplateError
from stepengine.templating.expressions import UnknownNameError
from stepengine.templating.scope import RenderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_CHARACTERS = 10_000_000
"""What an operation may take in or give, counted as text with repetitions."""

MAX_REPEATED = 100_000
"""Characters that a multiplication may give."""

MAX_ITEMS = 10_000
"""Elements of `range()` and of what a filter makes one after the other."""

MAX_BITS = 4_096
"""Of an integer."""

MAX_PLACES = 100
"""Decimal places that a number is rounded to."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FILTERS = _words(
    "abs capitalize count d default dictsort e escape first float groupby int items join last length list lower map "
    "max min reject rejectattr replace reverse round select selectattr sort string sum title tojson trim truncate "
    "unique upper urlencode wordcount",
)
_TESTS = _words(
    "boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer iterable le lessthan lower "
    "lt mapping ne none number odd sameas sequence string true undefined upper == != < <= > >=",
)
_TEXT_METHODS = _words(
    "capitalize casefold count endswith find isalnum isalpha isdecimal isdigit islower isnumeric isupper lower lstrip "
    "partition removeprefix removesuffix rfind rpartition rsplit rstrip split splitlines startswith strip swapcase "
    "title upper",
)
_MAPPING_METHODS = ("get", "items", "keys", "values")
_METHODS = (*_TEXT_METHODS, "join", "replace", *_MAPPING_METHODS)
_VIEWS: tuple[type, ...] = (range, tuple, type({}.keys()), type({}.values()), type({}.items()))


class _Undefined(ChainableUndefined, StrictUndefined):
    """Passes `default()` and `is defined`, and nothing else; what is asked of it is undefined as well."""

    __slots__ = ()

    # A list that holds one has no text form either.
    __repr__ = Undefined.__add__


class _Call:
    """A function or method that an expression may call."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def _refuse(what: str) -> TemplateError:
    return TemplateError(what, hint="an expression is for small changes of a value; compute larger ones in a step")


def _weigh(value: Any, *, result: bool = False) -> None:
    """Refuse what is larger than `MAX_CHARACTERS` when written out (a cycle is), and a result with undefined parts."""
    budget = MAX_CHARACTERS
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            budget -= len(item)
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, (list, tuple, set, frozenset)):
            pending.extend(item)
        elif result and isinstance(item, Undefined):
            str(item)  # raises what it has to say
        budget -= 8
        if budget < 0:
            raise _refuse(f"it makes a value of more than {MAX_CHARACTERS:,} characters")


def _listed(value: Any) -> Any:
    """Turn what can be gone through once into a list."""
    if not hasattr(type(value), "__next__"):
        return value
    items = list(islice(value, MAX_ITEMS + 1))
    if len(items) > MAX_ITEMS:
        raise _refuse(f"it goes through more than {MAX_ITEMS:,} elements")
    return items


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Weigh what a filter or method takes and gives."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        args = tuple(_listed(item) for item in args)
        _weigh([args, kwargs])
        result = _listed(function(*args, **kwargs))
        _weigh(result)
        return result

    return guarded


def _replace(text: Any, old: str, new: str, count: int | None = None) -> str:
    whole = str(text)
    if whole.count(old) * len(new) > MAX_CHARACTERS:
        raise _refuse("it replaces too much")
    return whole.replace(old, new, -1 if count is None else count)


def _join(items: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    found = list(items)
    if attribute is not None:
        found = [_ENVIRONMENT.getitem(item, attribute) for item in found]
    if len(found) * len(separator) > MAX_CHARACTERS:
        raise _refuse("it joins too much")
    return separator.join(map(str, found))


def _round(value: float, precision: int = 0, method: str = "common") -> float:
    from jinja2.filters import do_round

    if abs(precision) > MAX_PLACES:
        raise _refuse(f"it rounds to more than {MAX_PLACES} places")
    return do_round(value, precision, cast("Any", method))


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=None if indent is None else min(indent, 16))


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise _refuse(f"its range has more than {MAX_ITEMS:,} elements")
    return list(numbers)


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, cut down to what is listed in this module."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self) -> None:
        super().__init__(undefined=_Undefined, autoescape=False, optimized=False, cache_size=0)
        self.globals = {"range": _Call(_range)}
        own: dict[str, Callable[..., Any]] = {"replace": _replace, "join": _join, "round": _round, "tojson": _to_json}
        self.filters = {name: _guarded(own.get(name) or self.filters[name]) for name in _FILTERS}
        self.tests = {name: self.tests[name] for name in _TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give a mapping's value, or a method of the listed ones."""
        if isinstance(obj, Undefined) or (isinstance(obj, dict) and attribute in obj):
            return self.getitem(obj, attribute)
        method = _method(obj, attribute)
        return self.undefined(obj=obj, name=attribute) if method is None else _Call(_guarded(method))

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Give an element; never an attribute."""
        if isinstance(obj, (Undefined, dict, list, tuple, str)):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        return self.undefined(obj=obj, name=argument)

    def call(self, _context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what may be called."""
        if isinstance(obj, Undefined):
            str(obj)  # raises what it has to say
        if not isinstance(obj, _Call):
            raise TemplateError("it calls what is no function")
        return obj.function(*args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute, within bounds."""
        if not isinstance(left, Undefined) and not isinstance(right, Undefined):
            if operator == "*":
                _check_product(left, right)
            elif operator == "**":
                _check_power(left, right)
            elif operator == "%" and isinstance(left, str):
                raise _refuse("`%` does not format text here")
        result = super().call_binop(context, operator, left, right)
        _weigh(result)
        return result


def _method(obj: Any, name: str) -> Callable[..., Any] | None:
    if isinstance(obj, str):
        if name == "join":
            return lambda items: _join(items, obj)
        if name == "replace":
            return lambda *args: _replace(obj, *args)
        allowed: tuple[str, ...] = _TEXT_METHODS
    else:
        allowed = _MAPPING_METHODS if isinstance(obj, dict) else ()
    found: Callable[..., Any] | None = getattr(obj, name) if name in allowed else None
    return found


def _check_product(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, str):
        left, right = right, left
    if isinstance(left, str) and isinstance(right, int):
        if len(left) * right > MAX_REPEATED:
            raise _refuse(f"it repeats a text to more than {MAX_REPEATED:,} characters")
    elif not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        raise _refuse("it multiplies what is neither numbers nor a text and a number")
    elif isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_BITS:
        raise _refuse("its number is too large")


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > MAX_BITS:
        raise _refuse("its number is too large")


_ENVIRONMENT = _Environment()


def compile_source(source: str, texts: Sequence[str]) -> tuple[Callable[[list[Any]], Any], set[int]]:
    """Compile an expression whose references are `_r0`, `_r1` and so on.

    Args:
        source: The expression.
        texts: What the user wrote for each of them.

    Returns:
        A function that takes their values (a `RenderError` stands for one that is missing), and the numbers of those
        that may be missing.

    Raises:
        TemplateError: it is no expression.
    """
    try:
        parser = Parser(_ENVIRONMENT, source, state="variable")
        tree = parser.parse_expression()
        _check_calls(tree, texts)
        expression = _ENVIRONMENT.compile_expression(source, undefined_to_none=False)
        optional: set[int] = set()
        _find_optional(tree, optional, free=False)
    except JinjaError as error:
        raise _syntax_error(error.message or "", texts) from error
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as error:
        raise TemplateError("the expression is too complex") from error

    def evaluate(values: list[Any]) -> Any:
        try:
            result = expression(**{f"_r{index}": _variable(value) for index, value in enumerate(values)})
            result = _plain(result)
            _weigh(result, result=True)
        except TemplateError:
            raise
        except Exception as error:  # an expression can fail as any code can
            raise TemplateError(_named(str(error) or type(error).__name__, texts)) from error
        return result

    return evaluate, optional


def _check_calls(tree: nodes.Node, texts: Sequence[str]) -> None:
    calls = [tree] if isinstance(tree, nodes.Call) else []
    for call in (*calls, *tree.find_all(nodes.Call)):
        called = call.node
        if isinstance(called, nodes.Name) and called.name.startswith("_r"):
            raise UnknownNameError(f"there is no function {texts[int(called.name[2:])]}", hint="there is: range")
        if isinstance(called, nodes.Getattr) and called.attr not in _METHODS:
            raise _unknown("method", called.attr, _METHODS)


def _unknown(kind: str, name: str, known: Sequence[str]) -> TemplateError:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return UnknownNameError(f"there is no {kind} {name}", hint=hint)


def _syntax_error(message: str, texts: Sequence[str]) -> TemplateError:
    for kind, known in (("filter", _FILTERS), ("test", _TESTS)):
        start = f"No {kind} named "
        if message.startswith(start):
            return _unknown(kind, message[len(start) :].split("'")[1], known)
    return TemplateError(f"the expression is broken: {_named(message, texts).rstrip('.')}")


def _named(message: str, texts: Sequence[str]) -> str:
    """Put what the user wrote in the place of the variables in a message."""
    for index in range(len(texts) - 1, -1, -1):
        message = message.replace(f"_r{index}", texts[index])
    return message


def _variable(value: Any) -> Any:
    if isinstance(value, RenderError):
        return _Undefined(hint=value.message, exc=cast("Any", lambda _message: value))
    return value


def _plain(value: Any) -> Any:
    """Give a result as YAML could have it."""
    value = _listed(value)
    if isinstance(value, str):
        return str.__str__(value)  # without the markup of `escape`
    if isinstance(value, _VIEWS):
        return list(cast("Iterable[Any]", value))
    if isinstance(value, _Call):
        raise TemplateError("it is a method; call it with ()")
    return value


def _find_optional(node: nodes.Node, found: set[int], *, free: bool) -> None:
    """Collect the numbers of the references without which the expression may have a value."""
    if isinstance(node, nodes.Name):
        if free and node.name.startswith("_r"):
            found.add(int(node.name[2:]))
        return
    for child in node.iter_child_nodes():
        _find_optional(child, found, free=free or _is_bearable(node, child))


def _is_bearable(node: nodes.Node, child: nodes.Node) -> bool:
    """Whether a node may have a value though one of its children is undefined, or is not looked at."""
    match node:
        case nodes.Filter(name="default" | "d"):
            return child is not node.node or _is_chain(child)
        case nodes.Test(name="defined" | "undefined"):
            return _is_chain(child)
        case nodes.CondExpr():
            return child is not node.test
        case nodes.And() | nodes.Or():
            return child is node.right
    return False


def _is_chain(node: nodes.Node) -> bool:
    """Whether a node is a name, or values of it: what is undefined whole where the name is."""
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return isinstance(node, nodes.Name)
