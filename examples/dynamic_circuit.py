"""Several registers and a dynamic circuit: teleport a qubit, and check it shot by shot."""

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

from qiskit_haiqu_provider import SamplerV2


def teleport(angle: float) -> QuantumCircuit:
    """Send the state ``ry(angle)|0>`` from qubit 0 to qubit 2."""
    z_bit, x_bit, out = ClassicalRegister(1, "z_bit"), ClassicalRegister(1, "x_bit"), ClassicalRegister(1, "out")
    circuit = QuantumCircuit(QuantumRegister(3, "q"), z_bit, x_bit, out)
    circuit.ry(angle, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure(0, z_bit[0])
    circuit.measure(1, x_bit[0])
    with circuit.if_test((x_bit, 1)):
        circuit.x(2)
    with circuit.if_test((z_bit, 1)):
        circuit.z(2)
    circuit.measure(2, out[0])
    return circuit


def main() -> None:
    angle = 2 * np.pi / 3
    data = SamplerV2(options={"seed_simulator": 7}).run([teleport(angle)], shots=8000).result()[0].data
    print(f"expected P(1) at the far end: {np.sin(angle / 2) ** 2:.3f}")
    sent = data.out.array[:, 0]
    messages = 2 * data.x_bit.array[:, 0] + data.z_bit.array[:, 0]
    for message in range(4):
        chosen = sent[messages == message]
        print(f"message {message:02b}: {len(chosen):4} shots, P(1) = {chosen.mean():.3f}")


if __name__ == "__main__":
    main()
