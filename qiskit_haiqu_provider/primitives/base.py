"""What both primitives share: the backend, the options, and how a planned run is submitted."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquOptionError
from qiskit_haiqu_provider.options.definitions import RunOptions
from qiskit_haiqu_provider.provider import HaiquProvider
from qiskit_haiqu_provider.run_settings import RunSettings

_OWN_NAMES = {
    "shots": "Set default_shots, or give shots to run().",
    "memory": "The shots are always kept, in a BitArray.",
    "seed_simulator": "Set the option seed_simulator of the primitive.",
}
"""Options of a backend that primitives have under their own names."""


class HaiquPrimitive:
    """A backend with options."""

    _options: RunOptions
    _backend: HaiquBackend

    def _set_up(
        self,
        backend: HaiquBackend | str | None,
        mode: HaiquBackend | str | None,
        options: RunOptions | Mapping[str, Any] | None,
        kind: type[RunOptions],
        misplaced: Mapping[str, Any],
    ) -> None:
        for name in misplaced:
            raise _misplaced(name, misplaced[name], owner=type(self).__name__, kind=kind)
        if backend is not None and mode is not None:
            raise HaiquInputError("backend and mode are two names of one argument. Give one of them.")
        self._backend = _as_backend(backend if backend is not None else mode)
        if options is not None and not isinstance(options, (kind, Mapping)):
            raise HaiquInputError(f"options must be {kind.__name__} or a mapping, not {options!r}.")
        values = options.explicit() if isinstance(options, RunOptions) else options
        self._options = kind(**(values or {})).bind(self._backend.layers)
        self._check_options()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._options.bind(self._backend.layers)

    def _check_options(self) -> None:
        """Refuse options that nothing would read."""
        engine_options = self._options.backend_options
        self._backend.check_options(engine_options)
        for name, instead in _OWN_NAMES.items():
            if name in engine_options:
                raise HaiquOptionError(f"backend_options has no '{name}' for primitives. {instead}")

    @property
    def backend(self) -> HaiquBackend:
        """The backend that runs the PUBs."""
        return self._backend

    @property
    def mode(self) -> HaiquBackend:
        """The same as :attr:`backend`, under the name that other providers use."""
        return self._backend

    def _check_circuit(self, circuit: QuantumCircuit, *, where: str) -> None:
        self._backend.check_circuit(circuit, where=where, options=self._options.backend_options)

    def _settings(self) -> RunSettings:
        return RunSettings.of(self._options.values())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._backend!r})"


def as_list(pubs: Iterable[Any]) -> list[Any]:
    """The PUBs, read once.

    Raises:
        HaiquInputError: If they are not iterable.
    """
    first = pubs[0] if isinstance(pubs, tuple) and pubs else pubs
    if isinstance(first, QuantumCircuit):
        given = "a circuit" if first is pubs else "a tuple that begins with a circuit"
        if first is pubs or not all(isinstance(pub, (QuantumCircuit, tuple)) for pub in pubs):
            raise HaiquInputError(f"pubs is {given}, not a list of PUBs. Wrap a single PUB in a list: run([pub]).")
    try:
        return list(pubs)
    except TypeError:
        raise HaiquInputError(
            f"pubs is a {type(pubs).__name__}, not a list of PUBs. Wrap a single PUB in a list: run([pub])."
        ) from None


_OPTION_NAMES = {"seed": "seed_simulator", "shots": "default_shots", "precision": "default_precision"}
"""What options are called in the constructors of other primitives."""


def _misplaced(name: str, value: Any, *, owner: str, kind: type[RunOptions]) -> TypeError:
    """The error for an argument that does not exist; where it is an option, it says how to give it."""
    option = _OPTION_NAMES.get(name, name)
    known = option in {spec.name for spec in fields(kind)}
    hint = f"Give options={{'{option}': {value!r}}}." if known else "Its arguments are backend, mode and options."
    return TypeError(f"{owner} has no argument '{name}'. {hint}")


def _as_backend(backend: Any) -> HaiquBackend:
    if isinstance(backend, HaiquBackend):
        return backend
    if backend is None or isinstance(backend, str):
        return HaiquProvider().get_backend(backend or "aer_simulator")
    if isinstance(backend, BackendV2):
        raise HaiquInputError(
            f"backend is a {type(backend).__name__}, which is not of this provider. "
            "Get one from HaiquProvider().get_backend(name), or use qiskit.primitives.BackendSamplerV2."
        )
    raise HaiquInputError(f"backend must be a backend of HaiquProvider or a device name, not {backend!r}.")
