"""Targets from records: faithful gates, explicit qubits, and calibration from the snapshot of the same device."""

import math
import pickle
import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction, Parameter
from qiskit.circuit.library import CXGate, CZGate, RZZGate, SXGate
from qiskit.converters import dag_to_circuit
from qiskit.quantum_info import Operator, Statevector
from qiskit.transpiler import InstructionProperties, Target, generate_preset_pass_manager

from qiskit_haiqu_provider.devices.calibration import calibration_note, load_twin, no_errors_note, twin_name
from qiskit_haiqu_provider.devices.fakes import fake_records, load_fake, snapshot
from qiskit_haiqu_provider.devices.fractional import wrapped_rzz
from qiskit_haiqu_provider.devices.isa import check_isa
from qiskit_haiqu_provider.devices.native import NATIVE_GATES, GPI2Gate, GPIGate, MSGate, ZZGate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.devices.targets import ASSUMED, MOST_PAIRED, target_from_record
from qiskit_haiqu_provider.exceptions import HaiquCircuitError


def record(name="device", num_qubits=5, names=("rz", "sx", "x", "cx"), pairs=None, **more):
    return DeviceRecord(
        id=name,
        via="haiqu",
        vendor="Vendor",
        num_qubits=num_qubits,
        simulator=False,
        operation_names=tuple(names),
        coupling_map=pairs,
        **more,
    )


def line(num_qubits):
    return tuple((qubit, qubit + 1) for qubit in range(num_qubits - 1))


def ibm(name, *, num_qubits=None, pairs=None):
    """A device of IBM as a service lists it: with the gates and couplings of its snapshot."""
    facts = snapshot(name.replace("ibm_", "fake_"))
    return record(
        name, num_qubits or facts.num_qubits, facts.operation_names, facts.coupling_map if pairs is None else pairs
    )


def work():
    circuit = QuantumCircuit(4, global_phase=0.3)
    for qubit in range(4):
        circuit.ry(0.3 * qubit + 0.2, qubit)
        circuit.t(qubit)
        circuit.h(qubit)
    circuit.ccx(0, 1, 2)
    circuit.swap(0, 3)
    circuit.rzz(0.7, 1, 3)
    circuit.cx(3, 0)
    return circuit


STAR = tuple((0, leaf) for leaf in range(1, 6))
VENDORS = {
    "IBM": lambda: ibm("ibm_lagos"),
    "IonQ with ms": lambda: record("ionq_aria", 6, ("gpi", "gpi2", "ms", "measure")),
    "IonQ with zz": lambda: record("ionq_forte", 6, ("GPI", "GPI2", "ZZ")),
    "IonQ, pairs once": lambda: record("ionq_aria", 6, ("gpi", "gpi2", "ms"), line(6)),
    "IonQ, gates of Qiskit": lambda: record("ionq_simulator", 6, ("x", "h", "rx", "ry", "rz", "rxx", "cnot", "mcx")),
    "IQM star": lambda: record("iqm_star", 6, ("r", "cz", "id", "measure"), STAR),
    "IQM through Braket": lambda: record("aws_iqm_garnet", 6, ("prx", "cz"), line(6)),
    "Rigetti through Braket": lambda: record("aws_rigetti_ankaa", 6, ("rx", "rz", "iswap"), line(6)),
    "names of Braket": lambda: record(
        "aws_sv1", 6, ("i", "v", "vi", "si", "ti", "rx", "rz", "cnot", "xx", "zz"), line(6)
    ),
}


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_level_of_transpilation_for_every_vendor(vendor, level):
    made = VENDORS[vendor]()
    target = target_from_record(made, load_twin(made))
    isa = generate_preset_pass_manager(level, target=target, seed_transpiler=2).run(work())
    check_isa(isa, target, device=made.id, where="PUB 0")
    padded = QuantumCircuit(made.num_qubits)
    padded.compose(work(), range(4), inplace=True)
    assert Operator.from_circuit(isa).equiv(Operator(padded))


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_every_level_for_a_wide_device_with_broken_couplers(level):
    made = ibm("ibm_torino")
    target = target_from_record(made, load_twin(made))
    isa = generate_preset_pass_manager(level, target=target, seed_transpiler=2).run(work().measure_all(inplace=False))
    check_isa(isa, target, device=made.id, where="PUB 0")


# Gates that Qiskit does not have.


AXIS = {0.0: [[0, 1], [1, 0]], 0.25: [[0, -1j], [1j, 0]]}  # X and Y


@pytest.mark.parametrize("turns", [0.0, 0.25])
def test_native_gates_are_those_of_the_vendor(turns):
    assert np.allclose(Operator(GPIGate(turns)).data, AXIS[turns])
    assert np.allclose(Operator(GPI2Gate(turns)).data, (np.eye(2) - 1j * np.array(AXIS[turns])) / math.sqrt(2))


def test_two_qubit_gates_are_those_of_the_vendor():
    """The two matrices in IonQ's documentation, whose first qubit is Qiskit's last."""
    entangled = np.array([[1, 0, 0, -1j], [0, 1, -1j, 0], [0, -1j, 1, 0], [-1j, 0, 0, 1]]) / math.sqrt(2)
    assert np.allclose(Operator(MSGate(0, 0)).data, entangled)
    phase = np.exp(-1j * math.pi * 0.1)
    assert np.allclose(Operator(ZZGate(0.1)).data, np.diag([phase, phase.conj(), phase.conj(), phase]))
    first, second = np.array(AXIS[0.25]), np.array(AXIS[0.0])
    both = np.kron(second, first)
    assert np.allclose(Operator(MSGate(0.25, 0, 0.5)).data, -1j * both)


@pytest.mark.parametrize(
    "gate", [GPIGate(0.13), GPI2Gate(-0.4), MSGate(0.1, 0.7, 0.2), ZZGate(0.37)], ids=lambda gate: gate.name
)
def test_native_gates_agree_with_their_definitions_and_inverses(gate):
    assert np.allclose(Operator(gate.definition).data, Operator(gate).data)
    assert np.allclose(Operator(gate.inverse()).data, Operator(gate).data.conj().T)
    assert pickle.loads(pickle.dumps(gate)) == gate
    circuit = QuantumCircuit(2)
    circuit.append(gate, range(gate.num_qubits))
    assert np.allclose(Statevector(circuit).data, Operator(circuit).data[:, 0])
    with pytest.raises(ValueError, match="copy=False"):
        gate.__array__(copy=False)


def test_native_gates_take_parameters():
    theta = Parameter("theta")
    circuit = QuantumCircuit(2)
    circuit.rxx(theta, 0, 1)
    circuit.rx(2 * theta, 0)
    target = target_from_record(record(num_qubits=2, names=("gpi", "gpi2", "ms")), None)
    isa = generate_preset_pass_manager(1, target=target, seed_transpiler=2).run(circuit)
    assert set(isa.count_ops()) <= set(NATIVE_GATES)
    bound = isa.assign_parameters({theta: 0.6})
    assert Operator.from_circuit(bound).equiv(Operator(circuit.assign_parameters({theta: 0.6})))


def test_native_gates_are_translated_for_simulators():
    circuit = QuantumCircuit(2)
    circuit.append(GPI2Gate(0.1), [0])
    circuit.append(MSGate(0.1, 0.2, 0.15), [0, 1])
    circuit.append(GPIGate(0.7), [1])
    circuit.append(ZZGate(0.3), [0, 1])
    target = target_from_record(record(num_qubits=2), None)
    isa = generate_preset_pass_manager(1, target=target, seed_transpiler=2).run(circuit)
    assert set(isa.count_ops()) <= {"rz", "sx", "x", "cx"}
    assert Operator.from_circuit(isa).equiv(Operator(circuit))


def test_circuits_for_other_devices_stay_free_of_native_gates():
    target = target_from_record(record(num_qubits=4, pairs=line(4)), None)
    isa = generate_preset_pass_manager(3, target=target, seed_transpiler=2).run(work())
    assert set(isa.count_ops()) <= {"rz", "sx", "x", "cx"}


@pytest.mark.parametrize("angle", [*np.linspace(-13, 13, 41), *(quarter * math.pi / 2 for quarter in range(-5, 6))])
def test_rzz_of_any_angle_is_written_with_an_angle_that_ibm_takes(angle):
    circuit = dag_to_circuit(wrapped_rzz([angle], [0, 1]))
    [used] = [found.operation.params[0] for found in circuit if found.operation.name == "rzz"]
    assert 0 <= used <= math.pi / 2
    assert np.allclose(Operator(circuit).data, Operator(RZZGate(angle)).data)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_fractional_gates_of_ibm_stay_within_their_range(level):
    made = record("ibm_new", 4, ("rz", "sx", "x", "cz", "rx", "rzz"), line(4))
    target = target_from_record(made, None)
    circuit = QuantumCircuit(4)
    for angle in (-0.4, 2.0, 4.0):
        circuit.rzz(angle, 0, 1)
        circuit.rx(angle, 1)
    circuit.rzz(-1.2, 2, 3)
    isa = generate_preset_pass_manager(level, target=target, seed_transpiler=2).run(circuit)
    check_isa(isa, target, device="ibm_new", where="PUB 0")
    assert Operator.from_circuit(isa).equiv(Operator(circuit))
    wrong = QuantumCircuit(4)
    wrong.rzz(-0.4, 0, 1)
    with pytest.raises(HaiquCircuitError, match="cannot run 'rzz'"):
        check_isa(wrong, target, device="ibm_new", where="PUB 0")


# Where instructions act.


def test_one_qubit_instructions_and_measurements_are_everywhere():
    target = target_from_record(record(names=("rz", "sx", "cx", "reset", "delay"), pairs=((1, 2),)), None)
    for name in ("rz", "sx", "measure", "reset", "delay"):
        assert set(target[name]) == {(qubit,) for qubit in range(5)}
    assert set(target["cx"]) == {(1, 2)}
    assert "x" not in target.operation_names


def test_pairs_keep_their_directions_and_no_qubit_couples_to_itself():
    made = record(names=("sx", "rz", "cx"), pairs=((0, 1), (2, 1), (2, 2), (0, 1)))
    target = target_from_record(made, None)
    assert sorted(target["cx"]) == [(0, 1), (2, 1)]
    assert sorted(target.build_coupling_map().get_edges()) == [(0, 1), (2, 1)]


def test_gates_that_the_transpiler_cannot_turn_round_act_in_both_directions():
    target = target_from_record(record(names=("rx", "rz", "iswap", "cz"), pairs=((0, 1),)), None)
    assert set(target["iswap"]) == {(0, 1), (1, 0)}
    assert set(target["cz"]) == {(0, 1)}


def test_all_pairs_are_spelled_out_where_any_pair_has_a_gate():
    target = target_from_record(record(num_qubits=36, names=("rz", "sx", "cx")), None)
    assert len(target["cx"]) == 36 * 35
    assert target.build_coupling_map().size() == 36


def test_very_wide_devices_without_a_coupling_map_do_not_list_their_pairs():
    target = target_from_record(record(num_qubits=MOST_PAIRED + 1), None)
    assert set(target["cx"]) == {None}
    assert len(target["sx"]) == MOST_PAIRED + 1
    isa = generate_preset_pass_manager(1, target=target, seed_transpiler=2).run(work())
    check_isa(isa, target, device="device", where="PUB 0")


def test_control_flow_is_kept():
    made = record(names=("sx", "rz", "cx", "if_else", "while_loop", "break_loop"), pairs=line(5))
    target = target_from_record(made, None)
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(1)
    isa = generate_preset_pass_manager(1, target=target, seed_transpiler=2).run(circuit)
    check_isa(isa, target, device="device", where="PUB 0")
    assert "break_loop" in target.operation_names


# Names.


def test_names_that_qiskit_does_not_know_are_left_out_with_one_warning():
    made = record("iqm_garnet", names=("prx", "cz", "cc_prx", "measure_ff", "barrier", "mcx"), pairs=line(5))
    with pytest.warns(UserWarning, match=r"iqm_garnet has instructions .* left out .*: cc_prx, measure_ff\.") as caught:
        target = target_from_record(made, None)
    assert len(caught) == 1
    assert set(target.operation_names) == {"r", "cz", "measure"}


def test_gates_on_three_qubits_are_left_to_the_transpiler():
    target = target_from_record(record(names=("rz", "sx", "cx", "ccx")), None)
    assert "ccx" not in target.operation_names


def test_the_same_gate_under_two_names_is_one():
    assert list(target_from_record(record(names=("cnot", "cx", "rz", "sx")), None).operation_names).count("cx") == 1


def test_devices_that_list_no_instructions_get_what_anybody_can_translate():
    with pytest.warns(UserWarning, match="not known which instructions device has.*has to translate"):
        target = target_from_record(record(names=(), pairs=line(5)), None)
    assert set(target.operation_names) == {*ASSUMED, "measure"}


def test_devices_that_list_no_instructions_get_those_of_their_snapshot():
    made = ibm("ibm_manila")
    bare = record("ibm_manila", 5, (), made.coupling_map)
    assert {"cx", "sx", "measure", "if_else"} <= set(target_from_record(bare, load_twin(bare)).operation_names)


def test_instructions_that_only_the_snapshot_knows_come_from_it():
    twin = Target(num_qubits=2)
    twin.add_instruction(Instruction("measure_2", 1, 1, []), {(0,): InstructionProperties(error=0.1), (1,): None})
    made = record(num_qubits=2, names=("rz", "sx", "cx", "measure_2"))
    target = target_from_record(made, twin)
    assert target["measure_2"][(1,)].error == 0.1


# Calibration.


def test_errors_durations_and_coherence_are_those_of_the_snapshot():
    made = ibm("ibm_lagos")
    target, twin = target_from_record(made, load_twin(made)), load_fake("fake_lagos").target
    for name in ("cx", "sx", "measure"):
        assert {place: (p.error, p.duration) for place, p in target[name].items()} == {
            place: (p.error, p.duration) for place, p in twin[name].items()
        }
    assert (target.dt, target.granularity, target.min_length) == (twin.dt, twin.granularity, twin.min_length)
    assert (target.pulse_alignment, target.acquire_alignment) == (twin.pulse_alignment, twin.acquire_alignment)
    assert target.qubit_properties[3].t1 == twin.qubit_properties[3].t1


def test_an_unusable_error_becomes_the_worst_of_its_gate():
    made = ibm("ibm_torino")
    target, twin = target_from_record(made, load_twin(made)), load_twin(made)
    broken = [place for place, found in twin["cz"].items() if found.error >= 1]
    worst = max(found.error for found in twin["cz"].values() if found.error < 1)
    assert broken
    assert all(target["cz"][place].error == worst for place in broken)
    assert all(found.error < 1 for found in target["cz"].values())


@pytest.mark.parametrize("error", [1.0, math.nan, None])
def test_the_transpiler_avoids_qubits_of_which_nothing_is_known(error):
    """An instruction without an error counts as perfect in Qiskit."""
    twin = Target(num_qubits=4)
    twin.add_instruction(SXGate(), {(qubit,): InstructionProperties(error=1e-4) for qubit in range(4)})
    errors = dict(zip(line(4), (error, 0.012, 0.011), strict=True))
    twin.add_instruction(CZGate(), {pair: InstructionProperties(error=value) for pair, value in errors.items()})
    target = target_from_record(record(num_qubits=4, names=("sx", "rz", "cz"), pairs=line(4)), twin)
    circuit = QuantumCircuit(2)
    for _ in range(3):
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.ry(0.3, 1)
    isa = generate_preset_pass_manager(3, target=target, seed_transpiler=2).run(circuit)
    assert set(isa.layout.final_index_layout()) == {2, 3}


def test_a_snapshot_without_a_single_error_gives_none():
    twin = Target(num_qubits=2)
    twin.add_instruction(CXGate(), {(0, 1): InstructionProperties(error=1.0)})
    target = target_from_record(record(num_qubits=2, pairs=((0, 1), (1, 0))), twin)
    assert target["cx"] == {(0, 1): None, (1, 0): None}


def test_the_note_says_where_data_is_from_and_what_it_does_not_cover():
    made = ibm("ibm_lagos")
    assert calibration_note(made) == "from the snapshot fake_lagos, not from today"
    other = ibm("ibm_lagos", pairs=((0, 1), (1, 0), (0, 6)))
    assert calibration_note(other).endswith("; 1 of 2 coupled pairs are not in it")
    wider = ibm("ibm_lagos", num_qubits=9)
    assert "; it has 7 qubits, the device 9" in calibration_note(wider)
    assert calibration_note(record("ionq_forte")) is None


def test_a_snapshot_of_another_width_gives_what_matches():
    made = ibm("ibm_lagos", num_qubits=9)
    target, twin = target_from_record(made, load_twin(made)), load_twin(made)
    assert target.num_qubits == 9
    assert target["cx"][(0, 1)].error == twin["cx"][(0, 1)].error
    assert target["sx"][(8,)].error == max(found.error for found in twin["sx"].values())
    assert target.qubit_properties is None


def test_twins_by_name():
    assert twin_name(record("ibm_fez")) == "fake_fez"
    assert twin_name(record("fake_fez")) == "fake_fez"
    assert twin_name(record("ibm_atlantis")) is None
    assert twin_name(record("fez")) is None
    assert load_twin(record("iqm_garnet")) is None


def test_the_note_on_missing_errors_says_what_it_means():
    assert no_errors_note(record("ionq_forte")) == (
        "ionq_forte has no error data: the transpiler cannot prefer good qubits, and AerSimulator.from_backend would "
        "be ideal."
    )


def test_without_qiskit_ibm_runtime_the_note_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("qiskit_haiqu_provider.devices.calibration.fakes_installed", lambda: False)
    assert "pip install 'qiskit-haiqu-provider[ibm]'" in no_errors_note(record("ibm_fez"))
    assert "pip" not in no_errors_note(record("ionq_forte"))


def test_targets_pickle():
    target = pickle.loads(pickle.dumps(target_from_record(record(num_qubits=3, names=("gpi", "gpi2", "ms")), None)))
    isa = generate_preset_pass_manager(1, target=target, seed_transpiler=2).run(QuantumCircuit(3))
    assert isa.num_qubits == 3


# Records.


@pytest.mark.parametrize(
    ("status", "operational"),
    [
        *[(status, True) for status in ("online", "ONLINE", "active", "available", "calibrating", "queue paused", "")],
        *[(status, False) for status in ("offline", "OFFLINE", "Retired", "under maintenance", "unavailable")],
        *[(status, False) for status in ("not available", "no longer available", "Down for repair")],
    ],
)
def test_free_words_for_whether_a_device_takes_jobs(status, operational):
    assert record(status=status).operational is operational


def test_snapshots_on_this_machine_say_where_their_data_is_from():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = {made.id: made for made in fake_records()}
    assert found["fake_torino"].calibration == "from the snapshot fake_torino, not from today"
    assert not found["fake_torino"].ideal
