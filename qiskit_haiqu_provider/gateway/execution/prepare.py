"""From a recipe to a run request: circuits read out, packed and transpiled, and the tasks laid out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target

from qiskit_haiqu_provider.devices.isa import check_isa
from qiskit_haiqu_provider.engines.base import Engine
from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.engines.mitigating import with_mitigation
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.gateway.execution import variants
from qiskit_haiqu_provider.gateway.execution.recipe import RunRecipe
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task


@dataclass(frozen=True)
class Part:
    """One circuit of the job on the device: in one basis, with ``copies`` side by side."""

    circuit: QuantumCircuit
    copies: int = 1
    observables: tuple[SparsePauliOp, ...] | None = None


@dataclass(frozen=True)
class Prepared:
    """A recipe made ready for an engine."""

    recipe: RunRecipe
    circuits: tuple[QuantumCircuit, ...]
    """The circuits as they were sent."""

    parts: tuple[tuple[Part, ...], ...]
    """For each circuit its parts, one per readout basis."""

    request: RunRequest
    logs: tuple[str, ...]


def prepare(
    recipe: RunRecipe, circuits: Sequence[QuantumCircuit], engine: Engine, *, token: str | None = None
) -> Prepared:
    """Make the circuits of a recipe ready and lay out the run request.

    Args:
        recipe: What to run.
        circuits: Its circuits.
        engine: Where to run.
        token: Client token of the submission; by default a new one.

    Raises:
        HaiquInputError: If something in the recipe does not fit the circuits or the device.
    """
    options = _options(recipe, engine)
    target = None if recipe.device == AER else engine.target(recipe.device, options)
    observables = observables_of(recipe, len(circuits))
    parts = tuple(
        tuple(_parts(recipe, circuit, observables[index], target, options, where=f"circuit {index}"))
        for index, circuit in enumerate(circuits)
    )
    tasks = [
        task
        for index, (circuit, group) in enumerate(zip(circuits, parts, strict=True))
        for part in group
        for task in _tasks(recipe, circuit, part, index)
    ]
    request = RunRequest(
        device=recipe.device,
        tasks=tuple(tasks),
        run_type=RunType.STATEVECTOR if recipe.statevector else RunType.RUN,
        seed=options.get("seed_simulator"),
        use_mitigation=recipe.use_mitigation,
        mitigation=recipe.mitigation,
        options=options,
    )
    if token is not None:
        request = replace(request, token=token)
    request = with_mitigation(request, engine, target=target)
    return Prepared(recipe, tuple(circuits), parts, request, tuple(_logs(parts, request)))


def _logs(parts: Sequence[Sequence[Part]], request: RunRequest) -> Iterator[str]:
    """What is worth telling of how the circuits were made ready."""
    for number in sorted({part.copies for group in parts for part in group} - {1}):
        yield f"Packed {number} copies of a circuit side by side."
    if request.finish is not None:
        count = sum(task.num_sets for task in request.tasks)
        yield f"Mitigation runs {count:,} randomised circuits and circuits with known results in their place."
    elif request.use_mitigation:
        yield "Mitigation is done by the vendor."


def _options(recipe: RunRecipe, engine: Engine) -> dict[str, Any]:
    """All options of the device, with a noise model built from its JSON form."""
    given = dict(recipe.options)
    if isinstance(given.get("noise_model"), Mapping):
        from qiskit_aer.noise import NoiseModel  # loaded when something is simulated

        try:
            given["noise_model"] = NoiseModel.from_dict(given["noise_model"])
        except Exception as error:  # a wrong dictionary can raise anything
            raise HaiquInputError(
                f"noise_model: it cannot be read ({error}). Send NoiseModel.to_dict(serializable=True) of Qiskit Aer."
            ) from None
    engine.check_options(recipe.device, given)
    return {**engine.default_options(recipe.device), **given}


def observables_of(recipe: RunRecipe, count: int) -> list[tuple[SparsePauliOp, ...] | None]:
    """The observables of each of ``count`` circuits; ``None`` where circuits are sampled."""
    if recipe.observables is None:
        return [None] * count
    return [
        tuple(
            SparsePauliOp([str(pauli) for pauli in paulis], np.asarray(coeffs, dtype=float)) for paulis, coeffs in group
        )
        for group in recipe.observables
    ]


def _parts(
    recipe: RunRecipe,
    circuit: QuantumCircuit,
    observables: tuple[SparsePauliOp, ...] | None,
    target: Target | None,
    options: Mapping[str, Any],
    *,
    where: str,
) -> list[Part]:
    """The circuit as it runs on the device, once per readout basis."""
    if recipe.statevector:
        return [Part(circuit)]
    gates = None if target is None else frozenset(target.operation_names)
    bases = [variants.full_basis(circuit, basis, where=where) for basis in recipe.readout_bases or ()]
    if observables is not None:
        observables = tuple(variants.full_observable(each, circuit, where=where) for each in observables)
        circuit = variants.without_final_measurements(circuit)
    if bases:  # before the transpiler, which drops what only changes phases in front of a measurement
        before = gates if recipe.transpilation is None else None
        circuits = [variants.read_out_in(circuit, basis, before, where=where) for basis in bases]
    else:
        circuits = [circuit]
    ready = [_on_device(recipe, each, observables, target, options) for each in circuits]
    if target is not None:
        for part in ready:
            check_isa(part.circuit, target, device=recipe.device, where=where, fix=_FIX)
    return ready


_FIX = "Have it transpiled: in /run leave out options.skip_transpilation, in /flow add a transpilation layer."


def _on_device(
    recipe: RunRecipe,
    circuit: QuantumCircuit,
    observables: tuple[SparsePauliOp, ...] | None,
    target: Target | None,
    options: Mapping[str, Any],
) -> Part:
    """The circuit packed and transpiled, with its observables on the qubits where they ended up."""
    copies = _copies(recipe, circuit, target, options)
    if copies > 1:
        circuit = variants.packed(circuit, copies)
        if observables is not None:
            observables = tuple(copy for each in observables for copy in variants.copies_of(each, copies))
    settings = _transpilation(recipe, options)
    if settings is not None and (target is not None or settings):
        circuit = variants.transpiled(circuit, target, settings)
        if observables is not None and circuit.layout is not None:
            observables = tuple(observable.apply_layout(circuit.layout) for observable in observables)
    return Part(circuit, copies, observables)


def _copies(recipe: RunRecipe, circuit: QuantumCircuit, target: Target | None, options: Mapping[str, Any]) -> int:
    """How many copies of a circuit run side by side."""
    if not recipe.pack:
        return 1
    if target is None:
        target = LocalEngine().target(AER, options)
    width, simulated = int(target.num_qubits or 0), "method" in options
    copies = variants.pack_size(circuit.num_qubits, width, recipe.pack_size, simulated=simulated)
    if copies > 1 and recipe.transpilation is None and recipe.device != AER:
        raise HaiquInputError(f"packing: the copies have to be placed on the device. {_FIX}")
    return copies


def _transpilation(recipe: RunRecipe, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """Options of the transpiler; a noise model of the user's is met by the gates that it names."""
    if recipe.transpilation is None:
        return None
    settings = {name: value for name, value in recipe.transpilation.items() if value is not None}
    noise: Any = options.get("noise_model")
    if recipe.device == AER and hasattr(noise, "basis_gates"):
        settings.setdefault("basis_gates", list(noise.basis_gates))
    return settings


def _tasks(recipe: RunRecipe, circuit: QuantumCircuit, part: Part, index: int) -> list[Task]:
    """The work of one part: one task, or one per observable where they are to be split."""
    shots = None if recipe.statevector else -(-recipe.shots // part.copies)
    values = values_of(recipe, circuit, part.circuit, index)
    task = Task(circuit=part.circuit, parameter_values=values, observables=part.observables, shots=shots, pub=index)
    if part.observables is None or not recipe.split_observables:
        return [task]
    return [replace(task, observables=(observable,)) for observable in part.observables]


def values_of(recipe: RunRecipe, sent: QuantumCircuit, ready: QuantumCircuit, index: int) -> NDArray[np.float64]:
    """Parameter values of shape ``(sets, parameters)``; the transpiler may have removed or re-ordered parameters."""
    if recipe.parameters is None:
        if sent.num_parameters:
            names = ", ".join(parameter.name for parameter in list(sent.parameters)[:5])
            raise HaiquInputError(f"parameters: circuit {index} has parameters without values: {names}.")
        return np.empty((1, 0))
    rows = recipe.parameters[index]
    values = np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    if values.shape[1] != sent.num_parameters:
        raise HaiquInputError(
            f"parameters: circuit {index} has {sent.num_parameters} parameters, but {values.shape[1]} values are given "
            "in a set. Give one value per parameter, in the order of circuit.parameters."
        )
    column = {parameter: position for position, parameter in enumerate(sent.parameters)}
    return values[:, [column[parameter] for parameter in ready.parameters]]
