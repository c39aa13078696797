"""The official client: mitigated runs, by its own flags and by layers of its own."""

import numpy as np
import pytest
from exact import finished, probabilities, state, turned
from haiqu.sdk.hybrid import HybridProgram, layers
from qiskit.quantum_info import SparsePauliOp, hellinger_fidelity
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

SHOTS = 4000
AER = "aer_simulator"
ZZ, XX = SparsePauliOp("ZZ"), SparsePauliOp("XX")
EXACT = [state(turned(0.7)).expectation_value(each).real for each in (ZZ, XX)]


def noise():
    """A device so bad that results without mitigation are far off."""
    model = NoiseModel(basis_gates=["rz", "sx", "x", "cx"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.08, 2), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.97, 0.03], [0.07, 0.93]]))
    return model


@pytest.fixture(params=["run", "legacy.run"])
def submit(request, haiqu):
    """A run on the bad device, submitted."""
    call = haiqu.run if request.param == "run" else haiqu.legacy.run

    def send(circuit, *, flags=None, use_mitigation=True, **more):
        options = {"noise_model": noise(), "seed_simulator": 9}
        if flags is not None:
            options["error_mitigation_options"] = flags
        return call(circuit, shots=SHOTS, device_id=AER, use_mitigation=use_mitigation, options=options, **more)

    return send


def test_values_are_mitigated_and_have_error_bars(submit):
    circuit = turned(0.7, measured=False)
    (raw,) = finished(submit(circuit, observables=[ZZ, XX], use_mitigation=False))
    flags = {"readout_mitigation": True, "noise_tailoring": True}
    job = submit(circuit, observables=[ZZ, XX], flags=flags)
    (better,) = finished(job)
    assert np.all(np.abs(np.subtract(better, EXACT)) < np.abs(np.subtract(raw, EXACT)) / 2)
    assert np.shape(job.info["uncertainty"]) == (1, 2)
    assert np.all(np.abs(np.subtract(better, EXACT)) < 5 * np.array(job.info["uncertainty"][0]))


def test_the_client_s_own_flags_are_enough(submit):
    job = submit(turned(0.7, measured=False), observables=[ZZ, XX])
    (better,) = finished(job)
    assert np.allclose(better, EXACT, atol=0.1)
    ((facts,),) = job.info["mitigation"]
    assert facts["circuits"] > 32


def test_distributions_are_mitigated(submit):
    ideal = probabilities(turned(0.7))
    (raw,) = finished(submit(turned(0.7), use_mitigation=False))
    (better,) = finished(submit(turned(0.7), flags={"readout_mitigation": True, "noise_tailoring": True}))
    assert sum(better.values()) == pytest.approx(1)
    assert 1 - hellinger_fidelity(better, ideal) < (1 - hellinger_fidelity(raw, ideal)) / 2


def test_layers_of_a_program(haiqu):
    parts = [layers.NoiseTailoringLayer(), layers.DynamicalDecouplingLayer(), layers.AdvancedObsMitigationLayer()]
    last = layers.DeviceLayer(device_id=AER, options={"noise_model": noise().to_dict(serializable=True)})
    program = HybridProgram(layers=[layers.InputLayer(), layers.TranspilationLayer(), *parts, last])
    job = haiqu.flow(program, turned(0.7, measured=False), SHOTS, None, [ZZ, XX])
    (found,) = finished(job)
    assert np.allclose(found, EXACT, atol=0.1)
    ((facts,),) = job.info["mitigation"]
    assert "calibration" not in facts["companions"]


def test_a_dry_run_of_a_mitigated_run(haiqu):
    job = haiqu.dry_run(turned(0.7), shots=SHOTS, device_id=AER, use_mitigation=True)
    while job.status.value not in ("Done", "Error"):
        job.retrieve_status()
    assert job.status.value == "Done", job.logs
    assert "32 randomised circuits" in job.logs
