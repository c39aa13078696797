"""EstimatorV2: expectation values of observables, on any device of the provider."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Never, cast

from qiskit.primitives import BaseEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.job import HaiquJob
from qiskit_haiqu_provider.options.definitions import EstimatorOptions
from qiskit_haiqu_provider.primitives.base import HaiquPrimitive, as_list
from qiskit_haiqu_provider.run.checks import check_precision
from qiskit_haiqu_provider.run.plan import plan_estimator
from qiskit_haiqu_provider.run.pubs import check_estimable, estimator_pub
from qiskit_haiqu_provider.run_settings import RunSettings


class EstimatorV2(HaiquPrimitive, BaseEstimatorV2):
    """Estimates expectation values.

    A PUB is ``(circuit, observables)``, ``(circuit, observables, values)`` or
    ``(circuit, observables, values, precision)``. The shape of the observables and the shape of the values (without
    their last axis, which a single parameter needs not have) are broadcast against each other; the result has ``evs``
    and ``stds`` of the broadcast shape.
    ``stds`` are the standard errors of ``evs``: 0 for exact values, and for identities, which need no measurement.

    ``precision`` is the standard error wanted for a single Pauli: every measurement circuit takes
    ``ceil(1 / precision**2)`` shots. ``precision=0`` asks for the exact value, which simulators can give: with noise
    it is the limit of infinitely many shots.

    Args:
        backend: A backend of :class:`~qiskit_haiqu_provider.HaiquProvider`, the name of a device, or ``None`` for
            ``aer_simulator``.
        mode: Another name for ``backend``.
        options: :class:`~qiskit_haiqu_provider.EstimatorOptions`, or a mapping.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> from qiskit_haiqu_provider import EstimatorV2
        >>> bell = QuantumCircuit(2)
        >>> _ = bell.h(0), bell.cx(0, 1)
        >>> EstimatorV2().run([(bell, ["ZZ", "XX", "ZI"])], precision=0).result()[0].data.evs.round(6)
        array([1., 1., 0.])
    """

    def __init__(
        self,
        backend: HaiquBackend | str | None = None,
        *,
        mode: HaiquBackend | str | None = None,
        options: EstimatorOptions | Mapping[str, Any] | None = None,
        **misplaced: Never,
    ) -> None:
        self._set_up(backend, mode, options, EstimatorOptions, misplaced)

    @property
    def options(self) -> EstimatorOptions:
        """The options; change them in place or with ``update``."""
        return cast("EstimatorOptions", self._options)

    @property
    def default_precision(self) -> float:
        """Target standard error of PUBs that do not say."""
        return _precision(self._options.values())

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> HaiquJob:
        """Estimate PUBs.

        Args:
            pubs: The PUBs, read once; may be empty.
            precision: Target standard error of PUBs that do not say. Default: the option ``default_precision``.

        Returns:
            A job whose result is a ``PrimitiveResult`` of ``PubResult`` with ``evs`` and ``stds``, metadata
            ``target_precision``, ``shots`` (of each measurement circuit; 0 where exact) and ``circuit_metadata``.

        Raises:
            HaiquInputError: If something cannot be run; names the PUB. Nothing was submitted.
            HaiquCostLimitError: If the estimate is above ``max_cost_usd``. Nothing was submitted.
        """
        values = self._options.values()  # once for all that is asked of them
        plan, tasks = plan_estimator(self._coerced(pubs, _precision(values) if precision is None else precision))
        return self._backend.submit(tasks, plan, RunSettings.of(values))

    def estimate_cost(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> CostEstimate:
        """What :meth:`run` would cost with the same arguments; nothing is submitted."""
        _, tasks = plan_estimator(self._coerced(pubs, self.default_precision if precision is None else precision))
        return self._backend.price(tasks, self._settings())

    def _coerced(self, pubs: Iterable[EstimatorPubLike], precision: float) -> list[EstimatorPub]:
        default = check_precision(precision)
        coerced = []
        for index, pub in enumerate(as_list(pubs)):
            found = estimator_pub(pub, default, where=f"PUB {index}")
            check_estimable(found.circuit, where=f"PUB {index}")
            self._check_circuit(found.circuit, where=f"PUB {index}")
            coerced.append(found)
        return coerced


def _precision(values: Mapping[str, Any]) -> float:
    """The precision that counts, of the effective values of the options."""
    shots = values["default_shots"]
    return float(values["default_precision"]) if shots is None else 1.0 / math.sqrt(shots)
