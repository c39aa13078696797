"""SamplerV2: shots from circuits, on any device of the provider."""

from collections.abc import Iterable, Mapping
from typing import Any, Never, cast

from qiskit.primitives import BaseSamplerV2
from qiskit.primitives.containers.sampler_pub import SamplerPub, SamplerPubLike

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.job import HaiquJob
from qiskit_haiqu_provider.options.definitions import SamplerOptions
from qiskit_haiqu_provider.primitives.base import HaiquPrimitive, as_list
from qiskit_haiqu_provider.run.checks import check_shots
from qiskit_haiqu_provider.run.plan import plan_sampler
from qiskit_haiqu_provider.run.pubs import check_samplable, sampler_pub
from qiskit_haiqu_provider.run_settings import RunSettings


class SamplerV2(HaiquPrimitive, BaseSamplerV2):
    """Samples the classical registers of circuits.

    A PUB is ``circuit``, ``(circuit, values)`` or ``(circuit, values, shots)``. Values have shape
    ``(*shape, num_parameters)``, of a single parameter also ``shape``; the result has for each classical register a
    ``BitArray`` of that ``shape``, with all registers of a shot together. PUBs of one call may have different shots.

    Args:
        backend: A backend of :class:`~qiskit_haiqu_provider.HaiquProvider`, the name of a device, or ``None`` for
            ``aer_simulator``.
        mode: Another name for ``backend``.
        options: :class:`~qiskit_haiqu_provider.SamplerOptions`, or a mapping.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit_haiqu_provider import SamplerV2
        >>> bell = QuantumCircuit(2)
        >>> _ = bell.h(0), bell.cx(0, 1), bell.measure_all()
        >>> counts = SamplerV2(options={"seed_simulator": 7}).run([bell]).result()[0].data.meas.get_counts()
        >>> sorted(counts), sum(counts.values())
        (['00', '11'], 1024)
    """

    def __init__(
        self,
        backend: HaiquBackend | str | None = None,
        *,
        mode: HaiquBackend | str | None = None,
        options: SamplerOptions | Mapping[str, Any] | None = None,
        **misplaced: Never,
    ) -> None:
        self._set_up(backend, mode, options, SamplerOptions, misplaced)

    @property
    def options(self) -> SamplerOptions:
        """The options; change them in place or with ``update``."""
        return cast("SamplerOptions", self._options)

    @property
    def default_shots(self) -> int:
        """Shots of PUBs that do not say."""
        return int(self._options.effective("default_shots").value)

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> HaiquJob:
        """Sample PUBs.

        Args:
            pubs: The PUBs, read once; may be empty.
            shots: Shots of PUBs that do not say. Default: the option ``default_shots``.

        Returns:
            A job whose result is a ``PrimitiveResult`` of ``SamplerPubResult``, metadata ``shots`` and
            ``circuit_metadata``.

        Raises:
            HaiquInputError: If something cannot be run; names the PUB. Nothing was submitted.
            HaiquCostLimitError: If the estimate is above ``max_cost_usd``. Nothing was submitted.
        """
        values = self._options.values()  # once for all that is asked of them
        plan, tasks = plan_sampler(self._coerced(pubs, values["default_shots"] if shots is None else shots))
        return self._backend.submit(tasks, plan, RunSettings.of(values))

    def estimate_cost(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> CostEstimate:
        """What :meth:`run` would cost with the same arguments; nothing is submitted."""
        _, tasks = plan_sampler(self._coerced(pubs, self.default_shots if shots is None else shots))
        return self._backend.price(tasks, self._settings())

    def _coerced(self, pubs: Iterable[SamplerPubLike], shots: int) -> list[SamplerPub]:
        default = check_shots(shots)
        free = self._backend.via == "local"  # elsewhere zeros would be paid for
        coerced = []
        for index, pub in enumerate(as_list(pubs)):
            found = sampler_pub(pub, default, where=f"PUB {index}")
            check_samplable(found.circuit, where=f"PUB {index}", unmeasured=free)
            self._check_circuit(found.circuit, where=f"PUB {index}")
            coerced.append(found)
        return coerced
