"""What both primitives share: the backend, the options, and how a planned run is submitted."""

from collections.abc import Iterable, Mapping
from typing import Any

from qiskit.providers import BackendV2

from qiskit_haiqu_provider.backend import HaiquBackend, RunSettings
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.primitives.options import Layer, PrimitiveOptions
from qiskit_haiqu_provider.provider import HaiquProvider


class HaiquPrimitive:
    """A backend with options."""

    _options: PrimitiveOptions
    _backend: HaiquBackend

    def _set_up(
        self,
        backend: HaiquBackend | str | None,
        mode: HaiquBackend | str | None,
        options: PrimitiveOptions | Mapping[str, Any] | None,
        kind: type[PrimitiveOptions],
    ) -> None:
        if backend is not None and mode is not None:
            raise HaiquInputError("backend and mode are two names of one argument. Give one of them.")
        self._backend = _as_backend(backend if backend is not None else mode)
        if options is not None and not isinstance(options, (kind, Mapping)):
            raise HaiquInputError(f"options must be {kind.__name__} or a mapping, not {options!r}.")
        values = options.explicit() if isinstance(options, PrimitiveOptions) else options
        self._options = kind(**(values or {})).bind(self._layers)
        self._backend.check_options(self._options.backend_options)

    @property
    def backend(self) -> HaiquBackend:
        """The backend that runs the PUBs."""
        return self._backend

    @property
    def mode(self) -> HaiquBackend:
        """The same as :attr:`backend`, under the name that other providers use."""
        return self._backend

    def _layers(self) -> list[Layer]:
        """Settings that the primitive's options leave open, in the order in which they count."""
        backend = self._backend.options_set()
        translated = {"default_shots": "shots", "seed_simulator": "seed_simulator"}
        from_backend = {name: backend[own] for name, own in translated.items() if own in backend}
        provider = self._backend.provider
        return [("backend options", from_backend), ("provider", getattr(provider, "options", {}))]

    def _settings(self) -> RunSettings:
        options = self._options

        def effective(name: str) -> Any:
            return options.effective(name).value

        return RunSettings(
            options=effective("backend_options"),
            seed=effective("seed_simulator"),
            use_mitigation=effective("use_mitigation"),
            mitigation=effective("mitigation").to_dict(),
            dry_run=effective("dry_run"),
            max_cost_usd=effective("max_cost_usd"),
            name=effective("name"),
            description=effective("description"),
            progress=effective("progress"),
        )


def as_list(pubs: Iterable[Any]) -> list[Any]:
    """The PUBs, read once.

    Raises:
        HaiquInputError: If they are not iterable.
    """
    try:
        return list(pubs)
    except TypeError:
        raise HaiquInputError(
            f"pubs is a {type(pubs).__name__}, not a list of PUBs. Wrap a single PUB in a list: run([pub])."
        ) from None


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
