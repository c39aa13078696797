"""``use_mitigation`` and the layers of mitigation: done as they are asked for, or refused by name."""

import numpy as np
import pytest
from fastapi.exceptions import RequestValidationError
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp, hellinger_fidelity
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qiskit_haiqu_provider.gateway.catalogue import Catalogue
from qiskit_haiqu_provider.gateway.execution.recipe import RunRecipe
from qiskit_haiqu_provider.gateway.vendors import direct_vendors
from tests.gateway.rest import AER, Api, device, fields, refused
from tests.interop.exact import probabilities, state, turned

T = Parameter("t")
ZZ, XX = SparsePauliOp("ZZ"), SparsePauliOp("XX")
PAIR = [[[["ZZ"], [1.0]], [["XX"], [1.0]]]]
PARTS = ["dynamical_decoupling", "readout_mitigation", "noise_tailoring", "advanced_mitigation"]
OFF = dict.fromkeys(PARTS, False)


def noisy():
    """A device so bad that results without mitigation are far off."""
    model = NoiseModel(basis_gates=["rz", "sx", "x", "cx"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.08, 2), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.97, 0.03], [0.07, 0.93]]))
    return {"noise_model": model.to_dict(serializable=True)}


NOISY = noisy()
MANY = 100_000
"""Shots of which the eighth that companions get is enough for what these tests ask."""


@pytest.fixture(scope="module")
def api(gateway):
    return Api(gateway.client)


def exact(circuit, values=()):
    return [state(circuit, values).expectation_value(each).real for each in (ZZ, XX)]


def facts_of(job):
    """What mitigation did, where there is one circuit with one task."""
    ((facts,),) = job["info"]["mitigation"]
    return facts


def test_values_of_a_run_are_mitigated_and_have_error_bars(api):
    circuit = turned(0.7, measured=False)
    raw = api.run(circuit, observables=PAIR, options=NOISY)
    better = api.run(circuit, observables=PAIR, options=NOISY, use_mitigation=True)
    wrong, values = np.array(raw["quantum_results"][0]), np.array(better["quantum_results"][0])
    errors, ideal = np.array(better["info"]["uncertainty"][0]), np.array(exact(circuit))
    assert np.all(np.abs(values - ideal) < np.abs(wrong - ideal) / 2)
    assert np.all(np.abs(values - ideal) < 4 * errors)
    facts = facts_of(better)
    assert np.all(np.abs(np.array(facts["raw"])[:, 0] - ideal) > np.abs(values - ideal))
    assert facts["unmitigated_share"] == [0.0, 0.0]
    assert better["use_mitigation"] is True
    assert "mitigation" not in raw["info"]
    assert "Mitigation" not in raw["logs"]
    assert f"runs {facts['circuits']} randomised circuits" in better["logs"]


def test_samples_of_a_run_are_mitigated(api):
    circuit = turned(0.7)
    ideal = probabilities(circuit)
    (raw,) = api.run(circuit, options=NOISY)["quantum_results"]
    job = api.run(circuit, options=NOISY, use_mitigation=True, shots=MANY)
    (better,) = job["quantum_results"]
    assert sum(better.values()) == pytest.approx(1)
    assert 1 - hellinger_fidelity(better, ideal) < (1 - hellinger_fidelity(raw, ideal)) / 2
    facts = facts_of(job)
    assert facts["where"] == "client"
    assert facts.keys().isdisjoint({"raw_counts", "stds"})


M3 = {"advanced_mitigation": False, "readout_mitigation_options": {"method": "m3"}}


def test_readout_errors_of_samples_are_undone_by_m3(api):
    pytest.importorskip("mthree")
    circuit = turned(0.7)
    (raw,) = api.run(circuit, options=NOISY)["quantum_results"]
    job = api.run(circuit, options={**NOISY, "error_mitigation_options": M3}, use_mitigation=True)
    (better,) = job["quantum_results"]
    facts = facts_of(job)
    assert (facts["readout_method"], facts["companions"]) == ("m3", {"calibration": 16})
    ideal = probabilities(circuit)
    assert 1 - hellinger_fidelity(better, ideal) < 1 - hellinger_fidelity(raw, ideal)


def test_a_run_has_the_documented_flags_unless_it_gives_others(api):
    told = facts_of(api.run(turned(0.7), options=NOISY, use_mitigation=True))
    assert any("noise_tailoring is off" in warning for warning in told["warnings"])
    assert "calibration" not in told["companions"]
    options = {**NOISY, "error_mitigation_options": {"noise_tailoring": True, "advanced_mitigation": False}}
    told = facts_of(api.run(turned(0.7), options=options, use_mitigation=True))
    assert (told["warnings"], told["companions"]) == ([], {"calibration": 16})
    assert "mitigation" not in api.run(turned(0.7), options=options)["info"]


@pytest.mark.parametrize(
    ("layers", "companions", "randomizations"),
    [
        ([{"type": "estimator", "mitigation_enabled": True, "noise_tailoring": True}], {"clifford", "mirror"}, 16),
        ([{"type": "estimator", "mitigation_enabled": True, **OFF, "readout_mitigation": True}], {"calibration"}, 16),
        ([{"type": "estimator", "mitigation_enabled": True, **OFF}], set(), 1),
        (["noise_tailoring", "estimator"], set(), 16),
        (["dynamical_decoupling", "estimator"], set(), 1),
        (["advanced_readout_mitigation", "qwc_compute"], {"calibration"}, 16),
        (["noise_tailoring", "dynamical_decoupling", "advanced_obs_mitigation"], {"clifford", "mirror"}, 16),
        ([{"type": "estimator", "mitigation_enabled": True, **OFF}, "noise_tailoring"], set(), 16),
        (["noise_tailoring", {"type": "estimator", "mitigation_enabled": True, **OFF}], set(), 16),
    ],
)
def test_every_layer_does_its_part(api, layers, companions, randomizations):
    two = turned(0.7, measured=False)
    two.cx(1, 0)
    job = api.flow(two, "transpilation", *layers, device(AER, options=NOISY), observables=PAIR)
    facts = facts_of(job)
    assert facts["companions"].keys() <= companions
    assert bool(facts["companions"]) == bool(companions)
    assert facts["randomizations"] == randomizations
    assert np.shape(job["quantum_results"]) == np.shape(job["info"]["uncertainty"]) == (1, 2)


@pytest.mark.parametrize("layer", ["distribution_mitigation", "advanced_dist_mitigation"])
def test_distributions_of_a_program_are_mitigated(api, layer):
    ideal = probabilities(turned(0.7))
    (raw,) = api.flow(turned(0.7), "transpilation", device(AER, options=NOISY))["quantum_results"]
    job = api.flow(turned(0.7), "transpilation", layer, device(AER, options=NOISY), shots=MANY)
    (better,) = job["quantum_results"]
    assert 1 - hellinger_fidelity(better, ideal) < (1 - hellinger_fidelity(raw, ideal)) / 2
    assert not facts_of(job)["companions"].keys() & {"calibration"}


def test_a_device_that_is_simulated_with_its_noise_is_mitigated_on_its_own_gates(api):
    flags = {"type": "estimator", "mitigation_enabled": True, "noise_tailoring": True}
    job = api.flow(turned(0.7, measured=False), "transpilation", flags, device("fake_torino"), observables=PAIR)
    assert facts_of(job)["dynamical_decoupling"] is False  # a simulator has no slow noise to undo
    assert np.all(np.abs(job["quantum_results"][0] - np.array(exact(turned(0.7)))) < 0.1)


def test_sweeps_bases_and_split_observables_keep_their_nesting(api):
    sets, on = [[0.3], [2.5]], {"use_mitigation": True, "options": NOISY}
    swept = api.run(turned(T, measured=False), observables=PAIR, parameters=sets, **on)
    assert np.shape(swept["quantum_results"]) == np.shape(swept["info"]["uncertainty"]) == (1, 2, 2)
    for index, values in enumerate(sets):
        assert np.allclose(np.array(swept["quantum_results"])[0, :, index], exact(turned(T), values), atol=0.15)
    based = api.run(turned(T), readout_bases=["ZZ", "XY"], parameters=sets, **on)
    assert np.shape(based["quantum_results"]) == (1, 2, 2)
    assert [len(circuit) for circuit in based["info"]["mitigation"]] == [2]
    layers = ["observable_split", {"type": "estimator", "mitigation_enabled": True}, device(AER, options=NOISY)]
    split = api.flow(turned(0.7, measured=False), *layers, observables=PAIR)
    assert [len(circuit) for circuit in split["info"]["mitigation"]] == [2]
    assert np.shape(split["quantum_results"]) == (1, 2)


def test_a_dry_run_counts_companions(api):
    logs = [
        api.run(turned(0.7, measured=False), observables=PAIR, dry_run=True, use_mitigation=use, shots=1000)["logs"]
        for use in (False, True)
    ]
    shots = [int(log.split("shots: ")[1].split(" ")[0].strip(",.").replace(",", "")) for log in logs]
    assert shots[0] == 2000
    assert 3500 < shots[1] <= 4000


def test_circuits_that_measure_midway_keep_readout_mitigation_and_say_so(api):
    circuit = turned(0.7)
    circuit.measure(0, 0)
    told = facts_of(api.run(circuit, options=NOISY, use_mitigation=True))
    assert told["companions"] == {"calibration": 16}
    assert any("advanced_mitigation was left out" in warning for warning in told["warnings"])


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"run_type": "StatevectorRun", "device_id": ""}, "use_mitigation"),
        ({"options": {"error_mitigation_options": {"readout_mitigation_options": {"a": 1}}}}, "use_mitigation"),
        ({"options": {"error_mitigation_options": {**M3, "advanced_mitigation": True}}}, "use_mitigation"),
        ({"options": {"error_mitigation_options": M3}, "observables": PAIR}, "use_mitigation"),
        ({"options": {"error_mitigation_options": {"twirl": True}}}, "options.error_mitigation_options"),
        ({"options": {"error_mitigation_options": {"noise_tailoring": 1}}}, "options.error_mitigation_options"),
    ],
)
def test_what_a_run_cannot_have_is_refused_by_name(api, more, field):
    assert fields(api.post_run(turned(0.7), use_mitigation=True, **more)) == [field]


@pytest.mark.parametrize(
    ("layers", "more", "field"),
    [
        (["noise_tailoring", "transpilation"], {}, "program.layers.1.noise_tailoring"),
        (["advanced_dist_mitigation", "readout_basis"], {"readout_bases": ["ZZ"]}, "program.layers.1"),
        (["advanced_obs_mitigation"], {}, "observables"),
        (["advanced_dist_mitigation"], {"observables": PAIR}, "observables"),
        (["noise_tailoring", "noise_tailoring"], {}, "program.layers.2.noise_tailoring"),
        ([{"type": "distribution_mitigation", "readout_mitigation_options": {"a": 1}}], {}, "use_mitigation"),
    ],
)
def test_layers_that_do_not_fit_are_refused_by_name(api, layers, more, field):
    (found,) = fields(api.post_flow(turned(0.7), *layers, device(), **more))
    assert found.startswith(field)


def test_copies_of_each_evaluation_count_as_evaluations(api):
    asked = {"parameters": [[0.1]] * 10_000, "observables": [[[["ZZ"], [1]]] * 70], "use_mitigation": True}
    assert "too many for one job" in refused(api.post_run(turned(T), **asked), 422)[0]["msg"]


def test_a_vendor_that_compiles_is_refused_before_there_is_a_job():
    catalogue = Catalogue(direct_vendors({"coda"}))
    recipe = RunRecipe(device="coda_iqm", shots=10, use_mitigation=True)
    with pytest.raises(RequestValidationError) as caught:
        catalogue.check_mitigation(recipe, {})
    (issue,) = caught.value.errors()
    assert issue["loc"] == ("body", "use_mitigation")
    assert "Coda compiles every circuit" in issue["msg"]


def test_quality_is_that_of_the_mitigated_results(api):
    last = device(AER, options=NOISY, auto_quality=True)
    layers = [], ["distribution_mitigation"]
    raw, better = (api.flow(turned(0.7), "transpilation", *more, last, shots=MANY) for more in layers)
    assert raw["quality"] < better["quality"]
    found = hellinger_fidelity(better["quantum_results"][0], probabilities(turned(0.7)))
    assert better["quality"] == pytest.approx(found, abs=0.002)
