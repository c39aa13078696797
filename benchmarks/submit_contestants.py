"""Who submits: this package through its primitives, and bare httpx with the same requests already written."""

import base64
import itertools
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from qiskit import QuantumCircuit

from benchmarks.submit_answers import EXPERIMENT
from benchmarks.submit_inputs import DEVICE, SHOTS, circuits, sweep
from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.engines.haiqu.circuits import CONCURRENCY
from qiskit_haiqu_provider.run.formats import write_qpy

KEY = "bench"


@dataclass(frozen=True)
class Taken:
    """What one call took."""

    wall: float
    """Seconds until the job was accepted."""

    cpu: float
    """Seconds of this process."""

    requests: int = 0


class Ours:
    """This package. Every call is timed from the primitive's ``run`` to the id of the job.

    Args:
        url: The service.
        home: Folder for what is remembered.
    """

    def __init__(self, url: str, home: Path) -> None:
        self._url = url
        self._home = home
        self._numbers = itertools.count(1_000_000, 1_000_000)
        self._backend = self._opened(home)
        self._submitted(SamplerV2(self._backend), next(circuits()))  # imports and the first connection

    def new(self, size: int) -> tuple[Taken, list[QuantumCircuit]]:
        """Circuits that the service does not have."""
        made = self._made(size)
        return self._submitted(SamplerV2(self._backend), *made), made

    def known(self, submitted: Sequence[QuantumCircuit], *, here: bool) -> Taken:
        """Circuits that the service has, as another process submits them: on this machine, or on one that is new."""
        backend = self._opened(self._home if here else self._home / uuid4().hex)
        if not here:
            self._submitted(SamplerV2(backend), next(circuits()))  # so that the experiment is known
        return self._submitted(SamplerV2(backend), *submitted)

    def swept(self, number: int, *, known: bool) -> Taken:
        """One circuit with many parameter sets and observables; the circuit is known if it was submitted before."""
        circuit, observables, values = sweep(number)
        estimator = EstimatorV2(self._backend)
        if known:
            estimator.run([(circuit, observables[0], values[0])], precision=0.1).job_id()
        pub = (circuit, [[observable] for observable in observables], values)
        return self._timed(lambda: estimator.run([pub], precision=SHOTS**-0.5).job_id())

    def _opened(self, home: Path) -> Any:
        provider = HaiquProvider(api_key=KEY, url=self._url, experiment=str(EXPERIMENT["name"]), home=home)
        return provider.get_backend(DEVICE, via="haiqu")

    def _made(self, size: int) -> list[QuantumCircuit]:
        return list(itertools.islice(circuits(next(self._numbers)), size))

    def _submitted(self, sampler: SamplerV2, *made: QuantumCircuit) -> Taken:
        return self._timed(lambda: sampler.run(list(made), shots=SHOTS).job_id())

    def _timed(self, call: Callable[[], object]) -> Taken:
        counted(self._url)
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return Taken(wall=wall, cpu=cpu, requests=counted(self._url))


class Bare:
    """httpx with as many threads as we have, sending requests that are already written and reading no answer.

    Args:
        url: The service.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
        self._http = httpx.Client(base_url=url, headers={"authorization": KEY}, limits=limits, timeout=60)
        self._http.get("/version")

    def last(self) -> bytes:
        """The body of the last job that the service was sent."""
        return self._http.get("/last").content

    def exchanged(self, submitted: Sequence[QuantumCircuit], job: bytes) -> Taken:
        """Look all circuits up, upload all, and submit the job. No circuits: just submit the job."""
        uploads = [_upload(circuit) for circuit in submitted]
        names = [f"/experiments/{EXPERIMENT['id']}/circuits/{uuid4().hex}" for _ in submitted]
        wall, cpu = time.perf_counter(), time.process_time()
        if submitted:
            with ThreadPoolExecutor(min(CONCURRENCY, len(submitted))) as pool:
                list(pool.map(self._both, names, uploads))
        self._http.post("/run", content=job).raise_for_status()
        return Taken(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu, requests=2 * len(submitted) + 1)

    def _both(self, name: str, upload: bytes) -> None:
        self._http.get(name)
        self._http.post("/circuits", content=upload).raise_for_status()


def counted(url: str) -> int:
    """How many requests there were since this was last asked."""
    return int(httpx.get(f"{url}/count").json()["requests"])


def _upload(circuit: QuantumCircuit) -> bytes:
    body = {
        "experiment_id": EXPERIMENT["id"],
        "name": circuit.name,
        "qpy_dump": base64.b64encode(write_qpy(circuit)).decode(),
        "hash": uuid4().hex,
    }
    return json.dumps(body).encode()
