"""A circuit that is run again gives what it gives when it is new, whatever else has changed."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer.noise import NoiseModel, ReadoutError

from qiskit_haiqu_provider import HaiquInputError, SamplerV2
from qiskit_haiqu_provider.engines.local import again


def circuit():
    made = QuantumCircuit(2)
    made.h(0)
    made.cx(0, 1)
    made.measure_all()
    return made


def shots_of(made, *, shots=100, sets=None, **options):
    seed = options.pop("seed", 7)
    sampler = SamplerV2(options={"seed_simulator": seed, "backend_options": options})
    values = None if sets is None else np.empty((sets, 0))
    return sampler.run([(made, values, shots)]).result()


def flipping():
    model = NoiseModel()
    model.add_all_qubit_readout_error(ReadoutError([[0, 1], [1, 0]]))
    return model


WAYS = {
    "as before": {},
    "another seed": {"seed": 8},
    "more shots": {"shots": 3000},
    "several sets": {"sets": 5},
    "no set": {"sets": 0},
    "another method": {"method": "matrix_product_state"},
    "a stabilizer": {"method": "stabilizer"},
    "single precision": {"precision": "single"},
    "noise": {"noise_model": flipping()},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_run_is_the_same_as_with_a_new_circuit(way):
    made = circuit()
    for _ in range(3):
        shots_of(made)
    for _ in range(2):
        found, expected = shots_of(made, **way), shots_of(circuit(), **way)
        np.testing.assert_array_equal(found[0].data.meas.array, expected[0].data.meas.array)
        told = [dict(result.metadata["haiqu"]) for result in (found, expected)]
        assert told[0].pop("job_id") != told[1].pop("job_id")
        assert told[0] == told[1]


def test_a_circuit_that_changes_is_run_as_it_is():
    made = QuantumCircuit(1, 1)
    made.measure(0, 0)
    seen = []
    for _ in range(6):
        seen += [*shots_of(made)[0].data.c.get_counts()]
        made.data.insert(0, x_on(made))
    assert seen == ["0", "1"] * 3


def x_on(made):
    other = QuantumCircuit(made.qubits)
    other.x(0)
    return other.data[0]


def test_what_is_refused_is_refused_again():
    made = circuit()
    for _ in range(3):
        shots_of(made)
        with pytest.raises(HaiquInputError, match="method"):
            shots_of(made, method="guess")


def test_large_runs_are_not_kept(monkeypatch):
    monkeypatch.setattr(again, "_MOST_BYTES", 0)
    made = circuit()
    for _ in range(3):
        shots_of(made)
    assert all(entry.circuit() is not made for entry in again._LOWERED._entries.values())
