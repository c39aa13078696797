"""M3 undoes the readout errors of samples, from calibrations that run in the same job."""

import json
import subprocess
import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, HaiquDependencyError, HaiquInputError, HaiquOptionError, SamplerV2
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.mitigation.finisher import Finisher
from qiskit_haiqu_provider.mitigation.m3 import M3, m3_of
from qiskit_haiqu_provider.mitigation.readout import Outcomes
from qiskit_haiqu_provider.mitigation.recipe import mitigate
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.run.result import RunResult
from tests.mitigation.circuits_for_mitigation import request_of, shares_of, task_of

pytest.importorskip("mthree")  # Python 3.13 has no wheel of it

CHOSEN = {"advanced_mitigation": False, "readout_mitigation_options": {"method": "m3"}}
SETTINGS = MitigationSettings.of(CHOSEN)
ENGINE = LocalEngine()
ERRORS = [(0.02, 0.08), (0.05, 0.01), (0.03, 0.12)]
"""Of each bit the chances that a 0 and a 1 are read wrongly."""


def readout_noise():
    from qiskit_aer.noise import NoiseModel, ReadoutError

    noise = NoiseModel(basis_gates=["rz", "sx", "x", "cx", "id"])
    for qubit, (zero, one) in enumerate(ERRORS):
        noise.add_readout_error(ReadoutError([[1 - zero, zero], [one, 1 - one]]), [qubit])
    return noise


def run(planned, seed=3):
    options = {**ENGINE.default_options("aer_simulator"), "noise_model": readout_noise()}
    ready = RunRequest(device="aer_simulator", tasks=planned.request.tasks, options=options, seed=seed)
    return ENGINE.submit(ready).result()


def words(*, measured=True):
    """A circuit that gives one of two words."""
    circuit = QuantumCircuit(3)
    circuit.ry(1.1, 0)
    circuit.cx(0, 1)
    circuit.x(2)
    if measured:
        circuit.measure_all()
    return circuit


def ideal():
    found = np.zeros(8)
    found[0b100], found[0b111] = np.cos(0.55) ** 2, np.sin(0.55) ** 2
    return found


def dense(result):
    found = np.zeros(8)
    found[result.outcomes[:, 0]] = result.weights
    return found


def test_both_errors_of_every_bit_are_undone():
    planned = mitigate(request_of(task_of(words(), shots=100_000)), target=None, settings=SETTINGS)
    found = planned.finisher.finish(run(planned))
    (result,), (facts,) = found.tasks, found.task_facts
    assert np.allclose(facts["flips"], ERRORS, atol=0.02)
    assert np.abs(dense(result) - ideal()).max() < 0.02
    raw = {word: count / 100_000 for word, count in facts["raw_counts"][0].items()}
    assert abs(raw["100"] - ideal()[0b100]) > 0.05
    assert facts["readout_method"] == "m3"
    assert facts["companions"] == {"calibration": 16}
    assert 1 < facts["mitigation_overhead"][0] < 3
    assert (facts["unmitigated_share"], facts["warnings"]) == (0.0, [])
    assert set(facts["stds"][0]) == {f"{outcome:03b}" for outcome in np.flatnonzero(dense(result))}


def test_the_answer_is_that_of_mthree():
    import mthree

    planned = mitigate(request_of(task_of(words(), shots=4000)), target=None, settings=SETTINGS)
    found = planned.finisher.finish(run(planned))
    facts = found.task_facts[0]
    solver = mthree.M3Mitigation(None)
    matrices = [[[1 - zero, one], [zero, 1 - one]] for zero, one in facts["flips"]]
    solver.cals_from_matrices(list(np.array(matrices, dtype=np.float32)))
    quasi = solver.apply_correction(facts["raw_counts"][0], [0, 1, 2])
    expected = np.zeros(8)
    for word, weight in quasi.nearest_probability_distribution().items():
        expected[int(word, 2)] = weight
    assert np.allclose(dense(found.tasks[0]), expected, atol=1e-4)


def test_circuits_run_unflipped_and_calibrations_prepare_each_bit_as_0_and_as_1():
    planned = mitigate(request_of(task_of(words(), shots=800)), target=None, settings=SETTINGS)
    part = planned.finisher.parts[0]
    assert not part.target.flips.any()
    (calibration,) = part.companions.ensembles
    assert np.array_equal(calibration.flips.sum(axis=0), [8, 8, 8])
    still = {**CHOSEN, "noise_tailoring": False}
    planned = mitigate(request_of(task_of(words(), shots=800)), target=None, settings=MitigationSettings.of(still))
    assert [(task.num_sets, task.shots) for task in planned.request.tasks] == [(1, 800), (16, 6)]


def test_a_sweep_has_one_set_of_calibrations():
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.measure_all()
    task = task_of(circuit, parameter_values=np.array([[0.0], [np.pi]]), shots=50_000)
    planned = mitigate(request_of(task), target=None, settings=SETTINGS)
    found = planned.finisher.finish(run(planned))
    assert found.task_facts[0]["companions"] == {"calibration": 23}
    assert len(found.task_facts[0]["stds"]) == 2
    for index, word in enumerate((0b00, 0b01)):
        part = slice(*found.tasks[0].offsets[index : index + 2])
        assert found.tasks[0].weights[part][found.tasks[0].outcomes[part, 0] == word][0] > 0.98


def test_bits_measured_midway_stay_as_they_are():
    circuit = QuantumCircuit(2, 2)
    circuit.x([0, 1])
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(1, 1)
    planned = mitigate(request_of(task_of(circuit, shots=50_000)), target=None, settings=SETTINGS)
    found = planned.finisher.finish(run(planned))
    assert found.task_facts[0]["flips"][0] == [0.0, 0.0]
    seen = dict(zip(found.tasks[0].outcomes[:, 0].tolist(), found.tasks[0].weights.tolist(), strict=True))
    assert seen[0b11] == pytest.approx(1 - ERRORS[0][1], abs=0.015)


def test_the_finisher_goes_through_json():
    planned = mitigate(request_of(task_of(words(), shots=800)), target=None, settings=SETTINGS)
    raw = run(planned)
    twin = Finisher.from_json(json.loads(json.dumps(planned.finisher.to_json())))
    one, other = planned.finisher.finish(raw), twin.finish(raw)
    assert np.array_equal(one.tasks[0].weights, other.tasks[0].weights)
    assert json.loads(json.dumps(one.task_facts)) == json.loads(json.dumps(other.task_facts))


def test_a_bit_that_is_wrong_as_often_as_right_is_left_out():
    bits = np.array([[0, 0], [1, 0], [0, 1]], dtype=np.uint8)
    found = M3(np.array([[0.0, 0.6], [0.0, 0.5]]), np.full((2, 2), 100.0)).corrected(
        bits, np.array([0.5, 0.3, 0.2]), shots=100
    )
    assert np.allclose(found.weights, [0.5, 0.3, 0.2], atol=1e-6)
    assert "wrong as often as right" in found.warning


def test_without_a_solution_the_counts_stay_and_a_warning_says_so(monkeypatch):
    monkeypatch.setattr("qiskit_haiqu_provider.mitigation.m3._MOST_DIRECT", 10)
    monkeypatch.setattr("qiskit_haiqu_provider.mitigation.m3._MOST_ROUNDS", 1)
    bits = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(np.uint8)
    weights = np.random.default_rng(2).dirichlet(np.ones(256))
    found = M3(np.full((2, 8), 0.45), np.full((2, 8), 100.0)).corrected(bits, weights, shots=5000)
    assert np.array_equal(found.weights, weights)
    assert "M3 found no solution" in found.warning


def test_errors_are_those_of_each_preparation():
    """Bit 0 is never wrong; bit 1 is read as 1 in one of four shots where it is 0, and never wrong where it is 1."""
    flips = np.array([[False, False], [True, True]])
    bits = np.array([[0, 0], [0, 1], [0, 0]], dtype=np.uint8)
    outcomes = Outcomes(bits, np.array([0.75, 0.25, 1.0]), np.array([0, 2, 3]))
    found = m3_of([(flips, outcomes)], shots=4)
    assert np.allclose(found.errors, [[0, 0.25], [0, 0]])
    assert np.allclose(found.shots, 4)
    drawn = np.mean([found.drawn(np.random.default_rng(seed)).errors for seed in range(200)], axis=0)
    assert np.allclose(drawn, found.errors, atol=0.1)


def test_a_sampler_gives_counts_that_add_up_and_a_dry_run_counts_calibrations(provider):
    backend = provider.get_backend("fake_manila", seed_simulator=5)
    circuit = transpile(words(), backend, seed_transpiler=1)
    sampler = SamplerV2(backend, options={"use_mitigation": True, "mitigation": CHOSEN})
    found = sampler.run([circuit], shots=4000).result()[0]
    assert found.data.meas.num_shots == 4000
    facts = found.metadata["haiqu"]["mitigation"]
    raw, better = facts["raw_counts"][0], found.metadata["haiqu"]["distributions"][0]
    assert better["100"] + better["111"] > (raw["100"] + raw["111"]) / sum(raw.values()) + 0.01
    assert facts["stds"][0].keys() == better.keys()
    estimate = sampler.estimate_cost([circuit], shots=4000)
    assert estimate.shots == facts["shots"] <= 4500


def test_expectation_values_are_refused_and_told_how_to_have_them(provider):
    backend = provider.get_backend("fake_manila")
    circuit = transpile(words(measured=False), backend, seed_transpiler=1)
    observable = SparsePauliOp("ZZZ").apply_layout(circuit.layout)
    estimator = EstimatorV2(backend, options={"use_mitigation": True, "mitigation": CHOSEN})
    with pytest.raises(HaiquInputError, match=r"PUB 0.*'m3'.*SamplerV2"):
        estimator.run([(circuit, observable)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"readout_mitigation_options": {"method": "m3"}}, "Set advanced_mitigation=False"),
        ({**CHOSEN, "readout_mitigation": False}, "no effect while readout_mitigation is False"),
        ({"readout_mitigation_options": {"methot": "m3"}}, "Did you mean 'method'"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(HaiquOptionError, match=message):
        MitigationSettings.of(settings)


def test_an_unknown_method_is_refused():
    with pytest.raises(HaiquInputError, match=r"\['method'\] must be one of \['twirled', 'm3'\], not 'm4'"):
        MitigationSettings.of({"readout_mitigation_options": {"method": "m4"}})
    assert MitigationSettings.of({"readout_mitigation_options": {"method": "twirled"}}).flips


_WITHOUT = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "mthree":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import importlib.util
found = importlib.util.find_spec
def hiding(name, *more):
    return None if name == "mthree" else found(name, *more)
importlib.util.find_spec = hiding
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings
try:
    MitigationSettings.of({"advanced_mitigation": False, "readout_mitigation_options": {"method": "m3"}})
except ImportError as error:
    print(type(error).__name__, error)
"""


def test_without_mthree_the_error_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(HaiquDependencyError.__name__)
    assert "pip install 'qiskit-haiqu-provider[m3]'" in done.stdout


def test_results_may_be_probabilities():
    planned = mitigate(request_of(task_of(words(), shots=4000)), target=None, settings=SETTINGS)
    raw = run(planned)
    shares = RunResult(tuple(map(shares_of, raw.tasks)))
    one, other = planned.finisher.finish(raw).tasks[0], planned.finisher.finish(shares).tasks[0]
    assert np.allclose(dense(one), dense(other), atol=1e-6)
