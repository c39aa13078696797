"""PUBs made whole: coerced by Qiskit's own containers, checked once, every error naming the PUB."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.exceptions import HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.checks import check_precision, check_shots
from qiskit_haiqu_provider.run.circuits import final_measurements, measures

_RESERVED = frozenset(
    {"keys", "values", "items", "shape", "ndim", "size", "self"}
    | {"_data", "_shape", "_SHAPE", "_FIELDS", "_FIELD_TYPES", "_RESTRICTED_NAMES"}
)
"""Names that ``DataBin`` refuses, or cannot be called with."""

_NO_VALUES = BindingsArray()

_PARTS = (tuple, list, QuantumCircuit)
"""Types of PUB-likes. Whether something is a PUB itself takes a microsecond to tell, as those are protocols."""

_T = TypeVar("_T")


def sampler_pub(pub: Any, default_shots: int, *, where: str) -> SamplerPub:
    """A sampler PUB with its shots.

    Raises:
        HaiquInputError: If the PUB is malformed.
    """
    if not isinstance(pub, _PARTS) and isinstance(pub, SamplerPub):
        circuit, values, shots = pub.circuit, pub.parameter_values, pub.shots
    else:
        circuit, values, shots = _parts(pub, 3, where=where, example="(circuit, values, shots)")
    bindings = _bindings(circuit, values, where=where)
    shots = default_shots if shots is None else check_shots(shots, where=f"{where}: shots")
    return SamplerPub(circuit, bindings, shots, validate=False)


def estimator_pub(pub: Any, default_precision: float, *, where: str) -> EstimatorPub:
    """An estimator PUB with its precision.

    Raises:
        HaiquInputError: If the PUB is malformed.
    """
    if not isinstance(pub, _PARTS) and isinstance(pub, EstimatorPub):
        circuit, observables = pub.circuit, pub.observables
        values, precision = pub.parameter_values, pub.precision
    else:
        example = "(circuit, observables, values, precision)"
        circuit, observables, values, precision = _parts(pub, 4, where=where, example=example)
        if observables is None:
            raise HaiquInputError(f"{where} has no observables. Give {example}.")
    bindings = _bindings(circuit, values, where=where)
    array = _observables(circuit, observables, where=where)
    given = default_precision if precision is None else precision
    precision = check_precision(given, where=f"{where}: precision")
    try:
        return EstimatorPub(circuit, array, bindings, precision, validate=False)
    except ValueError as error:
        raise HaiquInputError(
            f"{where}: observables of shape {array.shape} and values of shape {bindings.shape} cannot be broadcast. "
            "Shapes are aligned from the right; axes must be equal or 1. For all combinations give the observables "
            "a trailing axis of length 1."
        ) from error


def check_samplable(circuit: QuantumCircuit, *, where: str, unmeasured: bool = False) -> None:
    """Refuse a circuit that a sampler has nothing to return for.

    Args:
        circuit: The circuit.
        where: What it is, for the message.
        unmeasured: Whether registers that nothing is measured into are fine: all their bits are 0, which costs
            nothing where nothing is paid.

    Raises:
        HaiquCircuitError: If the circuit measures nothing, or a register cannot be a field of the result.
    """
    if not circuit.cregs or not (unmeasured or measures(circuit)):
        raise HaiquCircuitError(
            f"{where}: the circuit has no measurements into a classical register, so there is nothing to sample. "
            "Call circuit.measure_all() first."
        )
    for creg in circuit.cregs:
        if creg.name in _RESERVED:
            raise HaiquCircuitError(
                f"{where}: the classical register '{creg.name}' cannot be a field of the result, because the name is "
                f"reserved by qiskit.primitives.DataBin. Rename it, for example to '{creg.name.strip('_')}_bits'."
            )


def check_estimable(circuit: QuantumCircuit, *, where: str) -> None:
    """Refuse a circuit that ends in measurements: its state has collapsed, and most values with it.

    Measurements whose outcome steers a later operation are fine.

    Raises:
        HaiquCircuitError: If it does.
    """
    measured = final_measurements(circuit)
    if measured:
        raise HaiquCircuitError(
            f"{where}: the circuit ends in measurements (qubits {measured}), so that an estimator would see the "
            "collapsed state. Call circuit.remove_final_measurements(inplace=False) first."
        )


def _parts(pub: Any, most: int, *, where: str, example: str) -> list[Any]:
    """The parts of a PUB-like, missing ones ``None``."""
    parts = [pub] if isinstance(pub, QuantumCircuit) else pub
    if not isinstance(parts, (tuple, list)):
        raise HaiquInputError(f"{where} is a {type(pub).__name__}. Give {example}, later parts optional.")
    if not 1 <= len(parts) <= most:
        raise HaiquInputError(f"{where} has {len(parts)} parts. Give {example}, later parts optional.")
    if not isinstance(parts[0], QuantumCircuit):
        raise HaiquInputError(
            f"{where} begins with a {type(parts[0]).__name__}, not a QuantumCircuit. Give {example}, and wrap a "
            "single PUB in a list: run([pub])."
        )
    return [*parts, *[None] * (most - len(parts))]


def _bindings(circuit: QuantumCircuit, values: Any, *, where: str) -> BindingsArray:
    """Parameter values that fit the circuit."""
    if values is None:
        if not circuit.num_parameters:
            return _NO_VALUES
        values = {}
    by_name = isinstance(values, (BindingsArray, Mapping))
    if not by_name:
        values = _columns(circuit, values, where=where)
    bindings = values
    if not isinstance(values, BindingsArray):
        bindings = _coerced(lambda: BindingsArray.coerce(values), "parameter values", where=where)
    if by_name:
        _check_names(circuit, bindings, where=where)
    for array in bindings.data.values():
        if not np.isfinite(array).all():
            raise HaiquInputError(f"{where}: the parameter values are not all finite. Remove NaN and infinity.")
    return bindings


def _check_names(circuit: QuantumCircuit, bindings: BindingsArray, *, where: str) -> None:
    """Refuse values that do not name the parameters of the circuit."""
    given = {name for names in bindings.data for name in names}
    needed = {parameter.name for parameter in circuit.parameters}
    if needed - given:
        raise HaiquInputError(
            f"{where}: the parameters {', '.join(sorted(needed - given))} have no value. Give values of shape "
            f"(..., {len(needed)}), in the order of circuit.parameters."
        )
    if given - needed:
        raise HaiquInputError(
            f"{where}: the values name parameters that the circuit does not have: "
            f"{', '.join(sorted(given - needed))}. Its parameters: {', '.join(sorted(needed)) or 'none'}."
        )


def _columns(circuit: QuantumCircuit, values: Any, *, where: str) -> dict[Any, Any]:
    """Positional values as a mapping. Their last axis runs over the parameters; a single one may go without."""
    array = _coerced(lambda: np.asarray(values, dtype=np.float64), "parameter values", where=where)
    count = circuit.num_parameters
    if count != 1 and array.shape[-1:] != (count,):
        raise HaiquInputError(
            f"{where}: the circuit has {count} parameters, but the values have shape {array.shape}. "
            f"Give values of shape (..., {count}), in the order of circuit.parameters."
        )
    return {tuple([parameter.name for parameter in circuit.parameters]): array}


def _observables(circuit: QuantumCircuit, observables: Any, *, where: str) -> ObservablesArray:
    """Observables that fit the circuit."""
    try:
        array = _coerced(lambda: ObservablesArray.coerce(observables), "observables", where=where)
    except HaiquInputError:
        # Qiskit calls operators with such coefficients not Hermitian.
        _check_coefficients([each.coeffs for each in _operators(observables)], where=where)
        raise
    _check_coefficients([each.coeffs for each in array.sparse_observables_array().ravel()], where=where)
    if array.size and array.num_qubits != circuit.num_qubits:
        raise HaiquInputError(
            f"{where}: the observables act on {array.num_qubits} qubits, but the circuit has {circuit.num_qubits}. "
            "For a transpiled circuit call observable.apply_layout(circuit.layout) first."
        )
    return array


def _check_coefficients(coefficients: list[Any], *, where: str) -> None:
    """Refuse NaN and infinity."""
    if coefficients and not np.isfinite(np.concatenate(coefficients)).all():
        raise HaiquInputError(
            f"{where}: the coefficients of the observables are not all finite. Remove NaN and infinity."
        )


def _operators(observables: Any) -> Iterator[SparsePauliOp]:
    """The operators with numbers as coefficients in an array-like of observables."""
    if isinstance(observables, SparsePauliOp):
        if observables.coeffs.dtype != object:
            yield observables
    elif isinstance(observables, (list, tuple)):
        for each in observables:
            yield from _operators(each)


def _coerced(coerce: Callable[[], _T], what: str, *, where: str) -> _T:
    """Let Qiskit's containers read the input; their errors get the place and stay as the cause."""
    try:
        return coerce()
    except Exception as error:
        raise HaiquInputError(f"{where}: the {what} cannot be used: {getattr(error, 'message', error)}") from error
