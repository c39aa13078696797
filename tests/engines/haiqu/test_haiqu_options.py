"""Options of the service's devices: what there is, what is refused, and what does not fit into the cloud."""

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.api.models import TranspilationOptions
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.haiqu.limits import active_qubits
from qiskit_haiqu_provider.engines.haiqu.options import (
    MITIGATION,
    check_limits,
    check_options,
    default_options,
)
from qiskit_haiqu_provider.engines.local.options import default_options as local_options
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquInputError, HaiquOptionError
from qiskit_haiqu_provider.options.definitions import MitigationOptions
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task

DEVICES = pytest.mark.parametrize(
    "device", ["aer_simulator", "ionq_simulator", "fake_torino", "ibm_fez", "aws_iqm_garnet", "iqm_sirius"]
)


# What there is.


@DEVICES
def test_defaults_pass_their_own_checks(device):
    options = default_options(device)
    check_options(device, options)
    assert (options["shots"], options["memory"], options["skip_transpilation"]) == (1024, False, True)
    assert (options["api"], options["use_packing"]) == ("auto", False)


@DEVICES
def test_a_seed_that_is_not_set_is_fine_everywhere(device):
    check_options(device, {**default_options(device), "seed_simulator": None})


def test_devices_have_the_options_that_mean_something_to_them():
    aer = default_options("aer_simulator")
    assert local_options(noisy=False).items() <= aer.items()
    assert default_options("fake_torino").keys() == aer.keys()
    assert default_options("fake_torino")["noise_model"] == "device"
    ionq = default_options("ionq_simulator")
    assert {"noise_model", "seed_simulator"} <= ionq.keys()
    assert "method" not in ionq
    fez = default_options("ibm_fez")
    assert "use_fractional_gates" in fez
    assert fez.keys().isdisjoint({"noise_model", "seed_simulator", "method"})
    assert "use_fractional_gates" not in aer
    assert "seed_simulator" in default_options("aws_sv1", simulator=True)
    assert "seed_simulator" not in default_options("aws_sv1")


def test_mitigation_has_the_defaults_of_the_options():
    assert {**MitigationOptions().to_dict(), **MITIGATION} == MitigationOptions().to_dict()


def test_defaults_are_fresh_where_they_can_be_changed():
    default_options("aer_simulator")["transpilation_options"]["optimization_level"] = 3
    assert default_options("aer_simulator")["transpilation_options"] == {}


# What is refused.


@pytest.mark.parametrize(
    ("device", "options", "reason"),
    [
        (
            "aer_simulator",
            {"skip_transpiling": True},
            "no option 'skip_transpiling'. Did you mean 'skip_transpilation'",
        ),
        ("ibm_fez", {"seed_simulator": 5}, "ibm_fez does not have this option, only simulators do"),
        ("ibm_fez", {"method": "statevector"}, "only aer_simulator and fake_"),
        ("ibm_fez", {"noise_model": "aria-1"}, "only aer_simulator and ionq_simulator do"),
        ("aer_simulator", {"use_fractional_gates": True}, "only devices of IBM do"),
        ("fake_torino", {"use_fractional_gates": False}, "only devices of IBM do"),
        ("ionq_simulator", {"method": "statevector"}, "only aer_simulator and fake_"),
        ("fake_torino", {"noise_model": None}, "with its own noise, always"),
        ("fake_torino", {"noise_model": {"errors": []}}, "with its own noise, always"),
        (
            "aer_simulator",
            {"skip_transpilation": True, "transpilation_options": {"dt": 1e-9}},
            "Set skip_transpilation=False",
        ),
        ("aer_simulator", {"use_packing": False, "pack_size": 2}, "Set use_packing=True"),
        ("fake_torino", {"use_packing": True, "skip_transpilation": True}, "Set skip_transpilation=False"),
        ("aer_simulator", {"transpilation_options": {"level": 1}}, "no option 'level'"),
    ],
)
def test_options_that_do_not_exist_or_do_not_fit_are_refused(device, options, reason):
    with pytest.raises(HaiquOptionError, match=reason):
        check_options(device, options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"shots": 0}, "shots must be at least 1"),
        ({"shots": 10**9}, "at most"),
        ({"memory": 1}, "memory must be True or False"),
        ({"seed_simulator": -1}, "seed_simulator must be None or a whole"),
        ({"method": "guess"}, "method must be one of"),
        ({"matrix_product_state_max_bond_dimension": 0}, "at least 1"),
        ({"skip_transpilation": "yes"}, "skip_transpilation must be True or False"),
        ({"use_packing": 1}, "use_packing must be"),
        ({"pack_size": 1}, "pack_size must be None or a whole number of at least 2"),
        ({"pack_size": True}, "pack_size must be None or a whole number"),
        ({"auto_quality": None}, "auto_quality must be"),
        ({"api": "rest"}, "api must be one of"),
        ({"noise_model": "device"}, "noise_model must be a qiskit_aer.noise.NoiseModel"),
        ({"noise_model": {"errors": {1, 2}}}, "values that JSON does not have"),
        ({"transpilation_options": None}, "must be a mapping"),
        ({"transpilation_options": [1]}, "must be a mapping"),
        (
            {"transpilation_options": {"optimization_level": 4}},
            r"transpilation_options\.optimization_level: .*less than",
        ),
        ({"transpilation_options": {"coupling_map": [[0]]}}, r"transpilation_options\.coupling_map"),
    ],
)
def test_wrong_values_are_refused(options, reason):
    with pytest.raises(HaiquInputError, match=reason):
        check_options("aer_simulator", options)


def test_noise_of_ionq_must_be_a_name():
    check_options("ionq_simulator", {"noise_model": "aria-1"})
    with pytest.raises(HaiquInputError, match="name of a noise model"):
        check_options("ionq_simulator", {"noise_model": {"errors": []}})


def test_noise_of_aer_may_be_a_model_or_its_dictionary():
    from qiskit_aer.noise import NoiseModel

    check_options("aer_simulator", {"noise_model": NoiseModel()})
    check_options("aer_simulator", {"noise_model": NoiseModel().to_dict(serializable=True)})
    check_options("aer_simulator", {"noise_model": None})


def test_options_that_go_together_pass():
    check_options("fake_torino", {"use_packing": True, "pack_size": 2, "skip_transpilation": False})
    check_options("aer_simulator", {"use_packing": True, "skip_transpilation": True})
    check_options("aer_simulator", {"transpilation_options": {"optimization_level": 2, "seed_transpiler": 7}})
    for name in TranspilationOptions.model_fields:
        default = TranspilationOptions.model_fields[name].default
        check_options("ibm_fez", {"transpilation_options": {name: default}, "skip_transpilation": False})


# Limits.


def used(count, *, width=None, measured=True):
    circuit = QuantumCircuit(width or count, count)
    circuit.h(range(count))
    if measured:
        circuit.measure(range(count), range(count))
    return circuit


def checked(device, circuit, *, simulator=True, cloud=True, options=None, run_type=RunType.RUN, **fields):
    task = Task(circuit=circuit, parameter_values=[[]], pub=3, **fields)
    request = RunRequest(
        device=device, tasks=(task,), run_type=run_type, options={**default_options(device), **(options or {})}
    )
    record = DeviceRecord(id=device, via="haiqu", vendor="", num_qubits=200, simulator=simulator)
    check_limits(request, record, cloud=cloud)


@pytest.mark.parametrize(
    ("device", "limit", "options"),
    [
        ("aer_simulator", 24, {}),
        ("aer_simulator", 24, {"method": "statevector"}),
        ("aer_simulator", 12, {"noise_model": {"errors": []}}),
        ("fake_torino", 12, {}),
        ("fake_torino", 12, {"method": "density_matrix"}),
    ],
)
def test_the_cloud_simulates_so_many_qubits(device, limit, options):
    checked(device, used(limit, width=133), options=options)
    with pytest.raises(HaiquCapacityError, match=rf"PUB 3: the circuit uses {limit + 1} qubits.*at most {limit}"):
        checked(device, used(limit + 1), options=options)
    checked(device, used(limit + 1), options={**options, "method": "matrix_product_state"})
    checked(device, used(limit + 1), options=options, cloud=False)


def test_other_methods_and_devices_have_no_limit():
    checked("aer_simulator", used(40), options={"method": "stabilizer"})
    checked("ionq_simulator", used(29))
    checked("ibm_fez", used(100), simulator=False)


def test_the_cloud_computes_statevectors_of_so_many_qubits():
    state = {"run_type": RunType.STATEVECTOR, "shots": None}
    checked("aer_simulator", used(24), **state)
    with pytest.raises(HaiquCapacityError, match="a statevector of at most 24"):
        checked("aer_simulator", used(3, width=25), **state)  # a statevector has all qubits
    observables = (SparsePauliOp("Z" + "I" * 29),)
    exact = {"observables": observables, "shots": None}
    checked("aer_simulator", used(23, width=30, measured=False), **exact)
    with pytest.raises(HaiquCapacityError, match="uses 25 qubits"):
        checked("aer_simulator", used(24, width=30, measured=False), **exact)


@pytest.mark.parametrize("cloud", [True, False])
@pytest.mark.parametrize(
    ("device", "simulator", "options", "reason"),
    [
        ("ibm_fez", False, {}, "PUB 3: precision=0 .*measured by a machine"),
        ("fake_torino", True, {}, "PUB 3: precision=0 .*with the noise"),
        ("aer_simulator", True, {"noise_model": {"errors": []}}, "PUB 3: precision=0 .*with the noise"),
    ],
)
def test_exact_values_are_refused_where_there_are_none(device, simulator, options, reason, cloud):
    observables = (SparsePauliOp("ZZ"),)
    with pytest.raises(HaiquInputError, match=reason):
        checked(
            device,
            used(2, measured=False),
            simulator=simulator,
            options=options,
            cloud=cloud,
            observables=observables,
            shots=None,
        )


def test_only_qubits_that_take_part_count():
    circuit = QuantumCircuit(133, 1)
    circuit.h(7)
    circuit.cx(7, 8)
    circuit.delay(100, 20)
    circuit.barrier()
    circuit.measure(8, 0)
    task = Task(circuit=circuit, parameter_values=[[]])
    assert active_qubits(task) == 2
    observable = SparsePauliOp.from_sparse_list([("ZX", [7, 100], 1.0)], 133)
    assert active_qubits(Task(circuit=circuit, parameter_values=[[]], observables=(observable,))) == 3
