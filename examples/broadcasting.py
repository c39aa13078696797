"""Estimate many observables for many parameter sets: element by element, all combinations, and a grid."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_haiqu_provider import EstimatorV2


def main() -> None:
    turns = ParameterVector("turn", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(turns[0], 0)
    circuit.ry(turns[1], 1)
    circuit.cx(0, 1)

    sets = np.linspace([0, 0], [np.pi, np.pi / 2], 4)  # 4 sets of 2 parameters
    axis = np.linspace(0, np.pi, 5)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)  # 5 x 5 sets
    pubs = {
        "element by element": (circuit, ["ZI", "IZ", "ZZ", "XX"], sets),
        "all combinations": (circuit, [["ZI"], ["IZ"], ["ZZ"]], sets),
        "a grid": (circuit, "ZZ", grid),
    }
    estimator = EstimatorV2(options={"seed_simulator": 7})
    exact = estimator.run(pubs.values(), precision=0).result()
    sampled = estimator.run(pubs.values(), precision=0.02).result()
    with np.printoptions(precision=3, suppress=True):
        for label, true, found in zip(pubs, exact, sampled, strict=True):
            away = np.abs(found.data.evs - true.data.evs).max()
            print(f"{label}: shape {true.data.evs.shape}\n{true.data.evs + 0.0}")
            print(f"with {found.metadata['shots']} shots per circuit: at most {away:.3f} away\n")


if __name__ == "__main__":
    main()
