"""Jobs of various lengths whose results can be checked, for crash tests."""

import math
import random
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from benchmarks.gateway_client import Client, bell, experiment, upload
from benchmarks.gateway_submitters import bell_problem

NOISY_DEVICE = "fake_manila"

_NOISE = 0.2
"""How far a frequency on the noisy device may be from that of the ideal circuit; loose, as noise is not the point."""


@dataclass(frozen=True)
class Planned:
    """A job to submit."""

    key: str
    """Its ``Idempotency-Key``."""

    body: dict[str, Any]
    angles: tuple[float, ...] = ()
    """Parameter of each set; none for the ideal Bell pair."""

    def problem(self, record: dict[str, Any]) -> str:
        """What is wrong with the job as the gateway has it; nothing if it is done and its results are right."""
        if record["status"] != "Done":
            return f"{record['status']}, {record['logs']}"
        shots = self.body["shots"]
        if record["shots"] != shots:
            return f"it has {record['shots']} shots, {shots} were submitted"
        results = record["quantum_results"][0]
        if not self.angles:
            return bell_problem(results, shots)
        if len(results) != len(self.angles):
            return f"{len(results)} results for {len(self.angles)} parameter sets"
        pairs = zip(results, self.angles, strict=True)
        wrong = [angle for result, angle in pairs if abs(result.get("11", 0.0) - math.sin(angle / 2) ** 2) > _NOISE]
        return f"wrong results for {len(wrong)} parameter sets" if wrong else ""


class Planner:
    """Makes jobs: most are short, some run for seconds.

    Args:
        client: A client of the gateway; circuits are uploaded at once.
        chance: Decides.
    """

    def __init__(self, client: Client, chance: random.Random) -> None:
        self._chance = chance
        self.experiment = experiment(client)
        self._bell = upload(client, self.experiment, bell())
        self._turned = upload(client, self.experiment, _turned_bell())
        self._made = 0

    def short(self) -> Planned:
        """A job of milliseconds."""
        return self._planned(self._bell, "aer_simulator", self._chance.randint(1000, 2000))

    def many_shots(self) -> Planned:
        """A job of half a second."""
        return self._planned(self._bell, "aer_simulator", self._chance.randint(1_000_000, 2_000_000))

    def sweep(self, sets: int) -> Planned:
        """A job on a noisy device, shot by shot, so that it runs for a while."""
        angles = tuple(self._chance.uniform(0.0, math.pi) for _ in range(sets))
        planned = self._planned(self._turned, NOISY_DEVICE, self._chance.randint(1000, 2000), angles)
        planned.body["options"] = {"method": "statevector"}
        return planned

    def some(self, count: int) -> list[Planned]:
        """A mixture."""
        made = []
        for _ in range(count):
            kind = self._chance.random()
            if kind < 0.85:
                made.append(self.short())
            elif kind < 0.93:
                made.append(self.many_shots())
            else:
                made.append(self.sweep(self._chance.randint(50, 400)))
        return made

    def _planned(self, circuit: str, device: str, shots: int, angles: tuple[float, ...] = ()) -> Planned:
        self._made += 1
        body: dict[str, Any] = {
            "experiment_id": self.experiment,
            "circuit_ids": [circuit],
            "device_id": device,
            "shots": shots,
        }
        if angles:
            body["parameters"] = [[angle] for angle in angles]
        return Planned(f"crash-{self._made}", body, angles)


def _turned_bell() -> QuantumCircuit:
    angle = Parameter("angle")
    circuit = QuantumCircuit(2, name="turned bell")
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit
