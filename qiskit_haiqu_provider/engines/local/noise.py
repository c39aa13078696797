"""Device noise for the qubits that a run uses.

Building Aer's noise model of a whole 133-qubit device takes seconds, that of the few active qubits milliseconds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.providers import BackendV2, Options
from qiskit.transpiler import Target

from qiskit_haiqu_provider.exceptions import HaiquInputError


class _TargetBackend(BackendV2):
    """The least that Aer reads a noise model from."""

    def __init__(self, target: Target) -> None:
        super().__init__(name="part of a device")
        self._target = target

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: Any, **options: Any) -> Any:
        raise NotImplementedError


def part_of(target: Target, qubits: Sequence[int]) -> Target:
    """The Target of some qubits alone, renumbered in the given order."""
    position = {qubit: index for index, qubit in enumerate(qubits)}
    properties = target.qubit_properties
    part = Target(
        num_qubits=len(qubits),
        dt=target.dt,
        qubit_properties=None if properties is None else [properties[qubit] for qubit in qubits],
    )
    for name in target.operation_names:
        where = target[name]
        operation = target.operation_from_name(name)
        if where is None or None in where:
            part.add_instruction(operation, name=name)
            continue
        inside = {
            tuple(position[qubit] for qubit in qargs): found
            for qargs, found in where.items()
            if all(qubit in position for qubit in qargs)
        }
        if inside:
            part.add_instruction(operation, inside, name=name)
    return part


def device_noise(target: Target, qubits: Sequence[int]) -> Any:
    """Aer's noise model of some qubits of a device, renumbered in the given order."""
    from qiskit_aer.noise import NoiseModel  # loaded when something is simulated

    return NoiseModel.from_backend(_TargetBackend(part_of(target, qubits)))


def confusions(noise_model: Any, qubits: Sequence[int]) -> list[NDArray[np.float64]]:
    """For each qubit the matrix ``[true, seen]`` of readout probabilities; identity where readout is perfect.

    Raises:
        HaiquInputError: If measurements have other errors than these.
    """
    everywhere = np.eye(2)
    local: dict[int, NDArray[np.float64]] = {}
    for error in noise_model.to_dict()["errors"]:
        if error["type"] != "roerror":
            if "measure" in error["operations"]:
                raise _inexact("quantum errors of measurements")
            continue
        matrix = np.array(error["probabilities"])
        if matrix.shape != (2, 2):
            raise _inexact("readout errors of several qubits together")
        places = error.get("gate_qubits")
        if places is None:
            everywhere = matrix
        else:
            local.update({place[0]: matrix for place in places})
    return [local.get(qubit, everywhere) for qubit in qubits]


def _inexact(what: str) -> HaiquInputError:
    return HaiquInputError(
        f"noise_model: it has {what}, for which there are no exact values here. Give a precision above 0."
    )


def with_readout_errors(
    probabilities: NDArray[np.float64], matrices: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Outcome probabilities as seen through readout errors.

    Args:
        probabilities: Shape ``(2**k,)``; bit ``j`` of an outcome is qubit ``j``.
        matrices: For each qubit the matrix ``[true, seen]``.
    """
    width = len(matrices)
    tensor = probabilities.reshape((2,) * width)
    for qubit, matrix in enumerate(matrices):
        axis = width - 1 - qubit
        tensor = np.moveaxis(np.tensordot(matrix, tensor, axes=([0], [axis])), 0, axis)
    seen: NDArray[np.float64] = tensor.reshape(-1)
    return seen
