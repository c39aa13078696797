"""PUBs are read as Qiskit's reference reads them, and what is wrong with one is told in full."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorSampler
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparseObservable, SparsePauliOp

from qiskit_haiqu_provider.exceptions import HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.pubs import check_samplable, estimator_pub, sampler_pub


def with_parameters(count):
    circuit = QuantumCircuit(1)
    for index in range(count):
        circuit.rx(Parameter(f"p{index}"), 0)
    return circuit


SHAPES = [(), (0,), (1,), (2,), (3,), (0, 1), (1, 0), (1, 1), (3, 1), (1, 3), (2, 3), (3, 2), (2, 3, 1), (2, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_values_of_every_shape_are_read_as_the_reference_reads_them(count, shape):
    circuit, values = with_parameters(count), np.random.default_rng(1).uniform(-3, 3, shape)
    try:
        expected = SamplerPub.coerce((circuit, values), 10)
    except ValueError:
        with pytest.raises(HaiquInputError, match=rf"PUB 4: the circuit has {count} parameters"):
            sampler_pub((circuit, values), 10, where="PUB 4")
        with pytest.raises(HaiquInputError, match=rf"PUB 4: the circuit has {count} parameters"):
            estimator_pub((circuit, "Z", values), 0.1, where="PUB 4")
        return
    for found in (
        sampler_pub((circuit, values), 10, where="PUB 4"),
        sampler_pub((circuit, values.tolist()), 10, where="PUB 4"),
        estimator_pub((circuit, "Z", values), 0.1, where="PUB 4"),
    ):
        assert found.shape == expected.shape
        bound = found.parameter_values.as_array(circuit.parameters)
        assert np.array_equal(bound, expected.parameter_values.as_array(circuit.parameters))


@pytest.mark.parametrize("values", [{"p0": [0.1, 0.2]}, BindingsArray({"p0": [[0.1], [0.2]]}), {"p0": 0.1}])
def test_values_by_name_are_read_as_the_reference_reads_them(values):
    circuit = with_parameters(1)
    expected = EstimatorPub.coerce((circuit, "Z", values), 0.1)
    found = estimator_pub((circuit, "Z", values), 0.1, where="PUB 0")
    assert found.shape == expected.shape


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "observables",
    [
        lambda value: {"ZZ": value},
        lambda value: ["XX", {"ZZ": value}],
        lambda value: [["XX"], [{"ZZ": 1.0, "XY": value}]],
        lambda value: SparseObservable.from_list([("ZZ", 1.0), ("0+", value)]),
        lambda value: SparsePauliOp(["ZZ"], np.array([value])),
        lambda value: [[SparsePauliOp("XX")], [SparsePauliOp(["ZZ", "XX"], np.array([1.0, value]))]],
    ],
    ids=["mapping", "list", "nested", "sparse", "operator", "operators"],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_coefficients_that_are_not_finite_are_refused(observables, value):
    message = "PUB 3: the coefficients of the observables are not all finite. Remove NaN and infinity."
    with pytest.raises(HaiquInputError) as caught:
        estimator_pub((QuantumCircuit(2), observables(value)), 0.1, where="PUB 3")
    assert str(caught.value) == message


def test_coefficients_with_parameters_are_not_called_infinite():
    operator = SparsePauliOp(["ZZ"], np.array([Parameter("a")]))
    with pytest.raises(HaiquInputError, match="PUB 0: the observables cannot be used"):
        estimator_pub((QuantumCircuit(2), operator), 0.1, where="PUB 0")


def test_the_largest_finite_coefficients_are_taken():
    found = estimator_pub((QuantumCircuit(2), {"ZZ": 1e308, "XX": 1e308}), 0.1, where="PUB 0")
    assert found.shape == ()
    assert estimator_pub((QuantumCircuit(2), []), 0.1, where="PUB 0").shape == (0,)


def test_messages_of_qiskit_are_told_to_their_end():
    with pytest.raises(HaiquInputError) as caught:
        estimator_pub((QuantumCircuit(2), "ZQ"), 0.1, where="PUB 0")
    assert str(caught.value).endswith(f"cannot be used: {caught.value.__cause__}")
    with pytest.raises(HaiquInputError, match=r"not 'complex'$"):
        sampler_pub((with_parameters(1), [1j]), 10, where="PUB 0")


NAMES = ["c", "_x", "__", "_fields", "cls", "self", "two words", "_data", "_shape", "_SHAPE", "_FIELDS"]
NAMES += ["_FIELD_TYPES", "_RESTRICTED_NAMES", "keys", "values", "items", "shape", "ndim", "size"]


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_registers_are_those_that_the_reference_takes(name):
    circuit = QuantumCircuit(QuantumRegister(1, "q"), ClassicalRegister(1, name))
    circuit.measure(0, 0)
    try:
        StatevectorSampler().run([circuit]).result()
    except (ValueError, TypeError):
        with pytest.raises(HaiquCircuitError, match=f"PUB 0: the classical register '{name}' cannot be .* Rename it"):
            check_samplable(circuit, where="PUB 0")
    else:
        check_samplable(circuit, where="PUB 0")


def test_registers_that_nothing_is_measured_into_where_they_are_fine():
    check_samplable(QuantumCircuit(1, 1), where="PUB 0", unmeasured=True)
    with pytest.raises(HaiquCircuitError, match="PUB 0: the circuit has no measurements"):
        check_samplable(QuantumCircuit(1, 1), where="PUB 0")
    with pytest.raises(HaiquCircuitError, match="PUB 0: the circuit has no measurements"):
        check_samplable(QuantumCircuit(1), where="PUB 0", unmeasured=True)
