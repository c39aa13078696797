"""Options that check themselves: validated when they are set, deep to update, and able to explain themselves."""

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from qiskit_haiqu_provider.run.checks import unknown_option

Layer = tuple[str, Mapping[str, Any]]
"""Where settings come from, and what it sets."""


class Setting(NamedTuple):
    """The effective value of an option, and where it came from."""

    name: str
    value: Any
    source: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value!r}  ({self.source})"


class Explanation(tuple[Setting, ...]):
    """What :meth:`Options.explain` returns; prints one setting a line."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self))


class _Open:
    """What an option reads as until it is set: the value that counts, wherever it comes from."""

    def __init__(self, default: Any) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, options: "Options | None", owner: type) -> Any:
        return self.default if options is None else options.effective(self._name).value


def option(default: Any, check: Callable[[Any, str], Any], *, env: str | None = None) -> Any:
    """A field with its check, and the environment variable that can set it."""
    metadata = {"check": check, "env": env}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=_Open(default), metadata=metadata)


@dataclass(init=False)
class Options:
    """Base of all option sets: unknown names and wrong values are refused when they are set.

    An option that was not set reads as the value that counts: that of the backend, of the provider, of the
    environment, or else the default. Mappings read as what was set here.
    """

    if TYPE_CHECKING:  # not fields of the dataclass
        _explicit: set[str]
        _layers: Callable[[], Sequence[Layer]]

    def __init__(self, **values: Any) -> None:
        vars(self).update(_explicit=set(), _layers=tuple)
        specs = _specs(type(self))
        vars(self).update({name: _default(specs[name]) for name in _filled_in_place(type(self))})
        if values:
            self.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        specs = _specs(type(self))
        if name not in specs:
            raise unknown_option(name, specs, owner=type(self).__name__)
        checked = specs[name].metadata["check"](value, name)
        if isinstance(checked, Options):
            checked.bind(partial(_inside, self._layers, name))
        object.__setattr__(self, name, checked)
        self._explicit.add(name)

    def update(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Set several options. Nested options are merged: what is not named keeps its value.

        Nothing is set if one of them is wrong.

        Raises:
            HaiquOptionError: If an option does not exist; suggests the nearest.
            HaiquInputError: If a value is not allowed.
        """
        given = {**(values or {}), **more}
        copy.copy(self)._set_all(given)  # refuses everything before anything is set
        self._set_all(given)

    def _set_all(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            current = vars(self).get(name)
            if isinstance(current, Options) and isinstance(value, Mapping):
                current.update(value)
                self._explicit.add(name)
            elif isinstance(current, dict) and isinstance(value, Mapping):
                setattr(self, name, {**current, **value})
            else:
                setattr(self, name, value)

    def update_options(self, **values: Any) -> None:
        """The same as :meth:`update`, under the name that Qiskit's own options have.

        ``shots`` and ``precision``, as libraries for older primitives name them, set the defaults.
        """
        known = _specs(type(self))
        self.update(
            {f"default_{name}" if f"default_{name}" in known else name: value for name, value in values.items()}
        )

    def to_dict(self) -> dict[str, Any]:
        """All options as plain values, those that count."""
        return self.values()

    def explicit(self) -> dict[str, Any]:
        """The options that were set, also to their default; of nested ones what was set inside."""
        own, explicit = vars(self), self._explicit
        found = {name: own[name] for name in _specs(type(self)) if name in explicit} if explicit else {}
        for name in _filled_in_place(type(self)):
            value = own[name]
            inside = value.explicit() if isinstance(value, Options) else value
            if inside or name in explicit:
                found[name] = inside
        return found

    def explain(self) -> Explanation:
        """The effective value of each option and where it came from.

        The first that sets it wins: the call, the primitive's options, the backend's options, the provider's
        options, the environment, the default. Nested options and mappings are merged, name by name.
        """
        return Explanation(self.resolved().values())

    def resolved(self) -> dict[str, Setting]:
        """By name, the effective value of each option and where it came from."""
        layers = self._all_layers()
        return {name: _resolved(spec, layers) for name, spec in _specs(type(self)).items()}

    def values(self) -> dict[str, Any]:
        """By name, the effective value of each option; nested options as mappings of their own."""
        specs, layers = _specs(type(self)), self._all_layers()
        found = _default_values(type(self)).copy()
        found.update({name: _copied(found[name]) for name in _filled_in_place(type(self))})
        for name in dict.fromkeys([name for _, layer in layers for name in layer]):
            if name in specs:
                found[name] = _plain(_resolved(specs[name], layers).value)
        return found

    def effective(self, name: str) -> Setting:
        """The effective value of one option and where it came from."""
        return _resolved(_specs(type(self))[name], self._all_layers())

    def bind(self, layers: Callable[[], Sequence[Layer]]) -> Self:
        """Tell where settings come from that these options leave open."""
        object.__setattr__(self, "_layers", layers)
        for name in _filled_in_place(type(self)):
            nested = vars(self)[name]
            if isinstance(nested, Options):
                nested.bind(partial(_inside, layers, name))
        return self

    def _all_layers(self) -> list[Layer]:
        return [("options", self.explicit()), *self._layers(), ("environment", self._environment())]

    def _environment(self) -> dict[str, Any]:
        """Options that environment variables set, as numbers where they read as such."""
        found = {name: os.environ.get(variable) for name, variable in _variables(type(self)).items()}
        return {name: _number(text) for name, text in found.items() if text}

    def __copy__(self) -> Self:
        return self._twin(copy.copy)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._twin(lambda value: copy.deepcopy(value, memo))

    def _twin(self, copied: Callable[[Any], Any]) -> Self:
        twin = type(self)()
        for name, value in vars(self).items():
            if name in _specs(type(self)):
                object.__setattr__(twin, name, copied(value))
        twin._explicit.update(self._explicit)
        return twin.bind(self._layers)

    def __getstate__(self) -> dict[str, Any]:
        return self.explicit()

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def _read_specs(kind: Any) -> "dict[str, Field[Any]]":
    return {spec.name: spec for spec in fields(kind)}


def _read_variables(kind: Any) -> dict[str, str]:
    return {name: spec.metadata["env"] for name, spec in _specs(kind).items() if spec.metadata["env"]}


def _read_default_values(kind: Any) -> dict[str, Any]:
    return {name: _plain(_default(spec)) for name, spec in _specs(kind).items()}


def _read_filled_in_place(kind: Any) -> tuple[str, ...]:
    return tuple(name for name, value in _default_values(kind).items() if isinstance(value, dict))


# What is looked up for every run is kept.

_specs: "Callable[[Any], dict[str, Field[Any]]]" = cache(_read_specs)
"""The options of a kind of options, by name."""

_variables: Callable[[Any], dict[str, str]] = cache(_read_variables)
"""The environment variables of those options that have one."""

_default_values: Callable[[Any], dict[str, Any]] = cache(_read_default_values)
"""The defaults of those options, nested options as mappings."""

_filled_in_place: Callable[[Any], tuple[str, ...]] = cache(_read_filled_in_place)
"""The names of those options that can be filled without being set: mappings and nested options."""


def check_layer(kinds: Sequence[type[Options]], layer: Layer, *, owner: str) -> None:
    """Refuse a layer of settings with names that none of the kinds of options has, or with wrong values.

    Raises:
        HaiquOptionError: If an option does not exist; suggests the nearest.
        HaiquInputError: If a value is not allowed.
    """
    specs = {name: spec for kind in kinds for name, spec in _specs(kind).items()}
    source, values = layer
    for name, value in values.items():
        if name not in specs:
            raise unknown_option(name, specs, owner=owner)
        specs[name].metadata["check"](value, f"{name} ({source})")


def _default(spec: Any) -> Any:
    """The default of a field."""
    return spec.default.default if spec.default_factory is MISSING else spec.default_factory()


def _inside(layers: Callable[[], Sequence[Layer]], name: str) -> list[Layer]:
    """What layers set inside of a nested option."""
    given = [(source, layer[name]) for source, layer in layers() if name in layer]
    return [(source, inside.explicit() if isinstance(inside, Options) else inside) for source, inside in given]


def _plain(value: Any) -> Any:
    """The value of an option; nested options and mappings as mappings of their own."""
    return value.to_dict() if isinstance(value, Options) else dict(value) if isinstance(value, dict) else value


def _copied(values: dict[str, Any]) -> dict[str, Any]:
    """A mapping of its own, and so are the mappings in it."""
    return {name: _copied(value) if isinstance(value, dict) else value for name, value in values.items()}


def _resolved(spec: "Field[Any]", layers: Sequence[Layer]) -> Setting:
    """The value of one option from the layers that set it, foremost first; nested ones are merged."""
    setting = [(source, layer[spec.name]) for source, layer in layers if spec.name in layer]
    value = _default(spec)
    if not setting:
        return Setting(spec.name, value, "default")
    for source, given in reversed(setting):
        found = spec.metadata["check"](given, spec.name if source == "options" else f"{spec.name} ({source})")
        if isinstance(value, Options):
            value.update(found.explicit() if isinstance(found, Options) else found)
        elif isinstance(value, dict):
            value = {**value, **found}
        else:
            value = found
    return Setting(spec.name, value, setting[0][0])


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
