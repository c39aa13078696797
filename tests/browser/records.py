"""Experiments, circuits and jobs to look at, sent as any client sends them."""

import base64
import io
import math
import struct
import time
import zlib

import numpy as np
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter

FINAL = ("Done", "Error", "Cancelled")
HOSTILE = "<script>alert('x')</script>"
POLL_SECONDS = 0.1


def fill(client):
    """Send everything, and wait until the jobs have ended."""
    main = experiment(client, "Bell states and beyond", "Does the new calibration hold up?", "calibration, Ising")
    hostile = experiment(client, HOSTILE, f"{HOSTILE}<img src=x onerror=alert(1)>", HOSTILE)
    circuits = {name: upload(client, main, make()) for name, make in MAKERS.items()}
    angles = [[angle] for angle in np.linspace(0, 2 * math.pi, 25)]
    energies = [[[["ZZ"], [1.0]], [["XX", "YY"], [0.5, 0.5]], [["ZI"], [1.0]]]]
    ansatz = {"circuit_ids": [circuits["ansatz"]], "observables": energies, "shots": 1000}
    jobs = {
        "counts": run(client, main, name="Bell counts", circuit_ids=[circuits["bell"]], shots=4000),
        "wide": run(client, main, name="Fourier transform", circuit_ids=[circuits["qft"]], shots=10_000),
        "values": run(client, main, name="Energies", **ansatz, parameters=[[0.7]]),
        "sweep": run(client, main, name="Energy against angle", **ansatz, parameters=angles),
        "bases": run(client, main, name="Two bases", circuit_ids=[circuits["bell"]], readout_bases=["ZZ", "XX"]),
        "state": run(client, main, name="Exact state", circuit_ids=[circuits["state"]], run_type="StatevectorRun"),
        "failed": run(client, main, name="Too wide", circuit_ids=[circuits["wide"]], options={"method": "statevector"}),
        "transpiled": post(
            client,
            "/circuits/transpile",
            experiment_id=main,
            circuit_ids=[circuits["qft"]],
            device_id="fake_torino",
            name="For Torino",
        ),
        "hostile": run(client, hostile, name=HOSTILE, description=HOSTILE, circuit_ids=[circuits["bell"]]),
    }
    noted = {"landscape": picture(), "final energy": -1.13727, "settings": {"optimizer": "COBYLA", "maxiter": 200}}
    answer = client.post(f"/experiments/{main}/metrics", json={"metrics": noted})
    assert answer.status_code == 200, answer.text
    for job in jobs.values():
        wait(client, job)
    return {
        "experiment": main,
        "hostile-experiment": hostile,
        **{f"circuit-{k}": v for k, v in circuits.items()},
        **jobs,
    }


def post(client, path, **body):
    """The id of what was made."""
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def experiment(client, name, description="", tags=""):
    return post(client, "/experiments/init", name=name, description=description, tags=tags)


def upload(client, experiment_id, circuit):
    file = io.BytesIO()
    qpy.dump(circuit, file, version=16)
    dump = base64.b64encode(file.getvalue()).decode()
    return post(client, "/circuits", experiment_id=experiment_id, name=circuit.name, qpy_dump=dump, hash=circuit.name)


def run(client, experiment_id, **body):
    return post(client, "/run", **{"experiment_id": experiment_id, "device_id": "aer_simulator", **body})


def run_long(client, records):
    """A job that takes much longer than any test."""
    sets = [[angle] for angle in np.linspace(0, 1, 3000)]
    circuit = upload(client, records["experiment"], deep_chain())
    body = {"observables": [[[["Z" * WIDTH], [1.0]]]], "parameters": sets, "shots": 1000}
    return run(client, records["experiment"], name="Deep chain", circuit_ids=[circuit], **body)


def wait(client, job_id):
    """Until the job has ended; its status."""
    while True:
        status = client.get(f"/jobs/{job_id}").json()["status"]
        if status in FINAL:
            return status
        time.sleep(POLL_SECONDS)


def bell():
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def qft():
    circuit = QuantumCircuit(6, name="qft")
    for qubit in range(6):
        circuit.h(qubit)
        for other in range(qubit + 1, 6):
            circuit.cp(math.pi / 2 ** (other - qubit), other, qubit)
    circuit.measure_all()
    return circuit


def ansatz():
    angle = Parameter("θ")
    circuit = QuantumCircuit(2, name="ising-ansatz")
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    circuit.rz(2 * angle, 1)
    circuit.ry(angle, 1)
    return circuit


def state():
    circuit = QuantumCircuit(3, name="three-qubit-state")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.t(1)
    circuit.cx(1, 2)
    return circuit


def too_wide():
    circuit = QuantumCircuit(40, name="too-wide")
    for qubit in range(40):
        circuit.rx(0.3, qubit)
    for qubit in range(39):
        circuit.cx(qubit, qubit + 1)
    circuit.t(range(40))
    circuit.h(range(40))
    circuit.measure_all()
    return circuit


def deep_chain():
    angle = Parameter("a")
    circuit = QuantumCircuit(WIDTH, name="deep-chain")
    for _ in range(30):
        for qubit in range(WIDTH):
            circuit.ry(angle, qubit)
        for qubit in range(WIDTH - 1):
            circuit.cx(qubit, qubit + 1)
    return circuit


WIDTH = 22
MAKERS = {"bell": bell, "qft": qft, "ansatz": ansatz, "state": state, "wide": too_wide}


def picture(size=240):
    """A PNG as clients send it."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)
        for x in range(size):
            height = (math.sin(x / 30) * math.cos(y / 38) + 1) / 2
            rows += bytes((int(40 + 200 * height), int(60 + 120 * (1 - height)), 170))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    image = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    image += chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(image).decode()
