"""``POST /flow``: every layer works, or is refused with its name."""

import numpy as np
import pytest
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.api import models
from tests.gateway.rest import AER, SHOTS, Api, device, fields, ok, refused
from tests.interop.exact import assert_distribution, assert_value, bell, in_basis, probabilities, state, turned

T = Parameter("t")
SETS = [[0.3], [2.5]]
TWO = [[[["ZZ", "XI"], [1.0, 0.5]], [["YX"], [1.0]]]]
PLAIN = {"type": "distribution_mitigation", "mitigation_enabled": False}
PACKED = {"type": "packing", "pack_size": 2}


@pytest.fixture(scope="module")
def api(gateway):
    return Api(gateway.client)


def assert_two(job, circuit, values=()):
    """The observables of ``TWO``, for one circuit without a sweep."""
    for found, (paulis, coefficients) in zip(job["quantum_results"][0], TWO[0], strict=True):
        assert_value(found, circuit, SparsePauliOp(paulis, coefficients), SHOTS, values)


def test_a_program_comes_back_as_it_was_sent(api):
    layers = ["transpilation", PLAIN, device(options={"seed_simulator": 1})]
    job = ok(api.post_flow(bell(), *layers, name="n", description="d"), models.FlowJob)
    assert (job["job_type"], job["name"], job["description"]) == ("Hybrid", "n", "d")
    assert [layer["type"] for layer in job["program"]["layers"]] == [
        "input",
        "transpilation",
        "distribution_mitigation",
        "device",
    ]
    assert job["program"]["layers"][-1] == {**layers[-1], "auto_quality": False}
    assert "circuit_ids" not in job
    assert len(job["input_circuit_ids"]) == 1
    end = api.finished(job)
    assert (end["status"], end["program"]) == ("Done", job["program"])


@pytest.mark.parametrize("layers", [[], ["transpilation"], [PLAIN], ["transpilation", PLAIN], ["packing"], [PACKED]])
def test_distributions(api, layers):
    (found,) = api.flow(turned(0.7), *layers, device())["quantum_results"]
    assert_distribution(found, probabilities(turned(0.7)), SHOTS)


@pytest.mark.parametrize(
    "layers",
    [
        [],
        ["estimator"],
        ["transpilation", "estimator"],
        ["observable_split"],
        ["qwc_compute"],
        ["transpilation", "observable_split", "qwc_compute"],
        [PACKED, "transpilation", "estimator"],
        [PACKED, "observable_split"],
    ],
)
def test_expectation_values(api, layers):
    job = api.flow(turned(0.7, measured=False), *layers, device(), observables=TWO)
    assert_two(job, turned(0.7))
    assert np.shape(job["info"]["uncertainty"]) == (1, 2)
    assert all(0 <= error < 0.1 for error in job["info"]["uncertainty"][0])


def test_expectation_values_of_a_sweep_over_several_circuits(api):
    circuits = [turned(T, measured=False), turned(2 * T, measured=False)]
    job = api.flow(circuits, "estimator", device(), observables=TWO * 2, parameters=[SETS, SETS])
    assert np.shape(job["quantum_results"]) == np.shape(job["info"]["uncertainty"]) == (2, 2, 2)
    for rows, circuit in zip(job["quantum_results"], circuits, strict=True):
        for row, (paulis, coefficients) in zip(rows, TWO[0], strict=True):
            for value, values in zip(row, SETS, strict=True):
                assert_value(value, circuit, SparsePauliOp(paulis, coefficients), SHOTS, values)


@pytest.mark.parametrize(
    "layers",
    [
        ["readout_basis"],
        ["readout_basis", "transpilation", PLAIN],
        ["transpilation", "readout_basis", PLAIN],
        [PACKED, "transpilation", "readout_basis"],
        [PACKED, "readout_basis", "transpilation"],
    ],
)
@pytest.mark.parametrize("transpiler", [{}, {"basis_gates": ["rx", "rz", "cz"], "optimization_level": 3}])
def test_readout_bases(api, layers, transpiler):
    layers = [{"type": one, **transpiler} if one == "transpilation" else one for one in layers]
    bases = ["XY", "ZZ", "YX"]
    job = api.flow(turned(T), *layers, device(), readout_bases=bases, parameters=SETS)
    assert job["readout_bases"] == bases
    for row, basis in zip(job["quantum_results"][0], bases, strict=True):
        for found, values in zip(row, SETS, strict=True):
            assert_distribution(found, in_basis(turned(T), basis, values), SHOTS)


def test_a_noisy_device_needs_the_transpilation_layer(api):
    log = api.failed(api.post_flow(bell(), device("fake_torino")))
    assert "'h' on qubits (0,)" in log
    (found,) = api.flow(bell(), "transpilation", device("fake_torino"))["quantum_results"]
    assert found["00"] + found["11"] > 0.85
    job = api.flow(turned(0.7, measured=False), "transpilation", device("fake_torino"), observables=TWO)
    exact = state(turned(0.7)).expectation_value(SparsePauliOp("YX")).real
    assert job["quantum_results"][0][1] == pytest.approx(exact, abs=0.15)


def test_packing_on_a_noisy_device(api):
    job = api.flow(
        bell(), PACKED, "transpilation", "readout_basis", device("fake_montreal"), readout_bases=["XX", "ZZ"]
    )
    assert "2 copies" in job["logs"]
    for found in job["quantum_results"][0]:
        assert found["00"] + found["11"] > 0.85


@pytest.mark.parametrize("layers", [[], ["transpilation"]])
@pytest.mark.parametrize("shots", [1, 1000])
def test_exact_states(api, layers, shots):
    job = api.flow([turned(0.7), bell()], *layers, "statevector", shots=shots)
    for (real, imaginary), circuit in zip(job["quantum_results"], (turned(0.7), bell()), strict=True):
        assert np.allclose(np.array(real) + 1j * np.array(imaginary), state(circuit).data)


def test_exact_states_of_a_sweep(api):
    job = api.flow(turned(T), "statevector", parameters=SETS)
    for (real, imaginary), values in zip(job["quantum_results"][0], SETS, strict=True):
        assert np.allclose(np.array(real) + 1j * np.array(imaginary), state(turned(T), values).data)


def test_quality(api):
    job = api.flow(bell(), "transpilation", device("fake_montreal", auto_quality=True))
    (score,) = job["info"]["quality_assessment"]["per_circuit"].values()
    assert 0.8 < score == job["quality"] < 1


def test_dry_run(api):
    job = api.flow(bell(), "transpilation", device("fake_torino"), dry_run=True)
    assert job["quantum_results"] is None
    assert job["estimated_qpu_cost"]["converted"]["unit"] == "USD"
    assert job["time"] == 0
    assert job["info"]["pre_device_pipeline_time"] > 0


@pytest.mark.parametrize(
    ("layers", "more", "field"),
    [
        (["estimator", device()], {}, "observables"),
        (["qwc_compute", device()], {}, "observables"),
        (["observable_split", device()], {}, "observables"),
        ([PLAIN, device()], {"observables": TWO}, "observables"),
        (["readout_basis", device()], {}, ""),
        ([device()], {"readout_bases": ["ZZ"]}, ""),
        (["readout_basis", "estimator", device()], {"readout_bases": ["ZZ"]}, "program.layers"),
        (["estimator", PLAIN, device()], {"observables": TWO}, "program.layers"),
        (["transpilation", "packing", device()], {}, "program.layers"),
        (["transpilation", "transpilation", device()], {}, "program.layers.2.transpilation"),
        (["packing", "statevector"], {}, "program.layers"),
        (["readout_basis", "statevector"], {"readout_bases": ["ZZ"]}, "program.layers"),
        (["input", device()], {}, "program.layers"),
        ([device(), device()], {}, "program.layers"),
        (["transpilation"], {}, "program.layers"),
        (["unknown", device()], {}, "program.layers.1"),
        ([{"type": "packing", "pack_size": 1}, device()], {}, "program.layers.1.packing.pack_size"),
        ([{"type": "transpilation", "magic": 1}, device()], {}, "transpilation_options"),
        ([{"type": "device"}], {}, "program.layers.1.device.device_id"),
        ([device(auto_quality=True), device()], {}, "program.layers"),
        (["readout_basis", device(auto_quality=True)], {"readout_bases": ["ZZ"]}, "readout_bases"),
        (["statevector"], {"observables": TWO}, "run_type"),
        ([device()], {"shots": 0}, "shots"),
        ([device()], {"circuit_ids": []}, "circuit_ids"),
        ([device()], {"program": {"layers": []}}, "program.layers"),
        ([device()], {"program": {"schema_version": 2, "layers": []}}, "program.schema_version"),
        ([device()], {"program": None}, "program"),
        ([device()], {"device_credentials": {"a": 1}}, "device_credentials.a"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(api, layers, more, field):
    assert fields(api.post_flow(bell(), *layers, **more))[0] == field


def test_steps_of_a_run_are_no_options_of_a_device_layer(api):
    answer = api.post_flow(bell(), device("fake_torino", options={"skip_transpilation": True}))
    assert "no option 'skip_transpilation'" in refused(answer, 400)


def test_a_pack_size_that_does_not_fit_says_what_does(api):
    many = {"type": "packing", "pack_size": 200}
    assert "at most 13" in api.failed(api.post_flow(bell(), many, "transpilation", device("fake_montreal")))


def test_unknown_devices_are_404(api):
    assert "no device 'nothing'" in refused(api.post_flow(bell(), device("nothing")), 404)


def test_what_the_official_client_sends(api):
    """Every key of the layers is there, most of them null."""
    transpilation = dict.fromkeys(models.TranspilationOptions.model_fields, None)
    flags = {
        "mitigation_enabled": False,
        "advanced_mitigation": True,
        "readout_mitigation": False,
        "noise_tailoring": True,
        "dynamical_decoupling": True,
        "readout_mitigation_options": {},
    }
    layers = [{"type": "transpilation", **transpilation}, {"type": "estimator", **flags}, device(AER, options={})]
    job = api.flow(turned(0.7, measured=False), *layers, observables=TWO, parameters=None, device_credentials={})
    assert_two(job, turned(0.7))
    assert job["program"]["layers"][2] == {"type": "estimator", **flags}
