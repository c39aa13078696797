"""The workflow of the Haiqu cloud, offline and free: a gateway on this machine plays the cloud.

pip install 'qiskit-haiqu-provider[ibm,gateway]'. For the cloud itself leave out the gateway: set HAIQU_API_KEY, and
make the provider with HaiquProvider().
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider import EstimatorV2, HaiquConnectionError, HaiquProvider, SamplerV2

COMMAND = [sys.executable, "-m", "qiskit_haiqu_provider.cli"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, gateway(Path(folder, "gateway")) as (url, key):
        work(url, key, home=Path(folder, "mine"))


def work(url: str, key: str, home: Path) -> None:
    provider = HaiquProvider(url=url, api_key=key, experiment="Entanglement", home=home)
    wait_for(provider)
    backend = provider.get_backend("fake_torino", via="haiqu")
    print(f"{backend}, calibration {backend.calibration}")

    # Circuits are transpiled here, so that you see what will run.
    angle = Parameter("angle")
    ansatz = QuantumCircuit(2)
    ansatz.ry(angle, 0)
    ansatz.cx(0, 1)
    circuit = generate_preset_pass_manager(3, backend=backend, seed_transpiler=7).run(ansatz)
    observables = [[SparsePauliOp(pauli).apply_layout(circuit.layout)] for pauli in ("ZZ", "XX")]
    pub = (circuit, observables, np.linspace(0, np.pi / 2, 5)[:, None])

    # An estimator: what it would cost, then the run, refused if it cost more than a dollar.
    estimator = EstimatorV2(backend, options={"seed_simulator": 7, "name": "sweep", "max_cost_usd": 1.0})
    print(estimator.estimate_cost([pub], precision=0.03))
    job = estimator.run([pub], precision=0.03)
    for line in job.plan.jobs:
        print("plan:", line)
    data = job.result()[0].data
    print("ZZ:", data.evs[0].round(2), "XX:", data.evs[1].round(2), "stds up to", data.stds.max().round(3))
    print("log:", job.logs().splitlines()[-1], "| used:", job.usage())

    # A sampler, on the same backend.
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    device_bell = generate_preset_pass_manager(3, backend=backend, seed_transpiler=7).run(bell)
    sampled = SamplerV2(backend, options={"seed_simulator": 7}).run([device_bell], shots=2000)
    print("counts:", sampled.result()[0].data.meas.get_counts())

    # A result from elsewhere, noted in the same experiment; noting it again changes nothing.
    elsewhere = AerSimulator().run(bell, shots=2000, seed_simulator=7).result()
    noted = provider.log(elsewhere, circuit=bell, name="bell on Aer", metrics={"shots": 2000})
    print("noted once:", noted == provider.log(elsewhere, circuit=bell))

    # Another program, perhaps on another machine: the id is enough, and the experiment tells which jobs there are.
    other = HaiquProvider(url=url, api_key=key, experiment="Entanglement", home=home.with_name("others"))
    again = other.job(job.job_id())
    print("found again:", bool(np.array_equal(again.result()[0].data.evs, data.evs)))
    print("newest:", other.jobs()[0])


@contextmanager
def gateway(home: Path) -> Iterator[tuple[str, str]]:
    """A gateway in a process of its own: its address, and a key."""
    environment = {**os.environ, "HAIQU_HOME": str(home)}
    make_key = [*COMMAND, "keys", "create", "--user", "ada"]
    key = subprocess.run(make_key, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    serve = [*COMMAND, "serve", "--port", "0", "--workers", "1"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}  # its log of requests
    with subprocess.Popen(serve, env=environment, text=True, **streams) as server:
        try:
            yield server.stdout.readline().split()[-1], key
        finally:
            server.terminate()


def wait_for(provider: HaiquProvider) -> None:
    """Wait until the gateway answers."""
    while True:
        try:
            provider.experiments()
        except HaiquConnectionError:
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main()
