"""Sample a sweep: several PUBs with their own shots, and one with a whole array of parameter sets."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_haiqu_provider import SamplerV2


def main() -> None:
    angle = Parameter("angle")
    turn = QuantumCircuit(1)
    turn.ry(angle, 0)
    turn.measure_all()
    angles = np.linspace(0, np.pi, 9)

    sampler = SamplerV2(options={"seed_simulator": 7})
    few, many = sampler.run([(turn, angles[:, None], 50), (turn, angles[:, None], 5000)]).result()

    print("angle   P(1) expected   50 shots   5000 shots")
    for index, value in enumerate(angles):
        rough, fine = (
            result.data.meas[index].get_counts().get("1", 0) / result.data.meas.num_shots for result in (few, many)
        )
        print(f"{value:5.2f}   {np.sin(value / 2) ** 2:13.3f}   {rough:8.3f}   {fine:10.3f}")


if __name__ == "__main__":
    main()
