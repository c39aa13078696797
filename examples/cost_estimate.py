"""Know before you run: circuits, shots, memory and price, a dry run, and a limit."""

import numpy as np
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider


def main() -> None:
    circuit = efficient_su2(8, reps=2)
    bonds = [("ZZ", [qubit, qubit + 1], -1.0) for qubit in range(7)]
    fields = [("X", [qubit], -0.5) for qubit in range(8)]
    energy = SparsePauliOp.from_sparse_list(bonds + fields, num_qubits=8)
    pubs = [
        (circuit, energy, np.zeros((100, circuit.num_parameters))),
        (circuit, "Z" * 8, np.zeros((20, circuit.num_parameters))),
    ]
    backend = HaiquProvider(options={"max_cost_usd": 5}).get_backend()
    estimator = EstimatorV2(backend)

    for precision in (0.05, 0.01, 0):
        estimate = estimator.estimate_cost(pubs, precision=precision)
        print(f"precision {precision}: {estimate.circuits} circuit executions, {estimate.shots:,} shots")
        for line in estimate.lines:
            print(f"  PUB {line.index}: {line.circuits} circuit executions, {line.shots:,} shots, {line.usd:.2f} USD")

    estimator.options.dry_run = True
    print(f"\ndry run: {estimator.run(pubs).result()}")


if __name__ == "__main__":
    main()
