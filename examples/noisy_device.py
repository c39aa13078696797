"""A noisy device and the truth: how the parity of a growing GHZ state fades. Needs the extra ``ibm``."""

from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider


def ghz(width: int) -> QuantumCircuit:
    circuit = QuantumCircuit(width)
    circuit.h(0)
    for qubit in range(width - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def main() -> None:
    backend = HaiquProvider().get_backend("fake_torino")
    pass_manager = generate_preset_pass_manager(backend=backend, optimization_level=3, seed_transpiler=7)
    widths = range(2, 8)
    pubs = []
    for width in widths:
        circuit = pass_manager.run(ghz(width))
        pubs.append((circuit, SparsePauliOp("X" * width).apply_layout(circuit.layout)))

    estimator = EstimatorV2(backend, options={"seed_simulator": 7})
    limits = estimator.run(pubs, precision=0).result()
    sampled = estimator.run(pubs, precision=0.02).result()
    print("<X...X> of a GHZ state is 1 without noise.")
    print("qubits   with noise, exact   with noise, 2500 shots")
    for width, limit, found in zip(widths, limits, sampled, strict=True):
        print(f"{width:6}   {limit.data.evs:17.3f}   {found.data.evs:8.3f} +- {found.data.stds:.3f}")


if __name__ == "__main__":
    main()
