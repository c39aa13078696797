"""Estimates from shots follow the distribution that measuring every group would give."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp, Statevector, random_statevector

from qiskit_haiqu_provider import EstimatorV2
from qiskit_haiqu_provider.engines.local import estimation
from qiskit_haiqu_provider.engines.local.states.bases import probabilities_in
from qiskit_haiqu_provider.run.measure import measurement_circuit, measurements

SHOTS, SETS = 100, 20_000
OBSERVABLES = [
    SparsePauliOp(["ZZI", "IZZ", "IIZ"], [1.0, 1.0, 1.0]),  # few values
    SparsePauliOp(["ZZI", "IZI", "IIZ"], [0.3, -1.1, 0.7]),  # all different
    SparsePauliOp(["XXI", "IYY", "ZIZ", "III"], [0.5, 0.25, 1.0, 2.0]),  # several groups
]


def circuit():
    found = QuantumCircuit(3)
    found.ry(0.9, 0)
    found.cx(0, 1)
    found.rx(0.4, 1)
    found.cx(1, 2)
    found.rz(0.7, 2)
    return found


@pytest.fixture(scope="module", params=[2**14, 1], ids=["tallied", "one by one"])
def estimates(request):
    """Many independent estimates of the same observables: evs and stds of shape (observables, sets)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimation, "MOST_TALLIED", request.param)
        estimator = EstimatorV2(options={"seed_simulator": 8})
        sets = SETS if request.param > 1 else SETS // 10
        idle = efficient_su2(1, reps=0)  # parameters, so that every set is drawn
        whole = QuantumCircuit(4)
        whole.compose(circuit(), [0, 1, 2], inplace=True)
        whole.compose(idle, [3], inplace=True)
        padded = [SparsePauliOp("I") ^ observable for observable in OBSERVABLES]
        pub = (whole, [[observable] for observable in padded], np.zeros((sets, whole.num_parameters)))
        data = estimator.run([pub], precision=1 / np.sqrt(SHOTS)).result()[0].data
        return data.evs, data.stds


def exact_covariance():
    """Means, and covariances of the estimates: of single shots, group by group, over the shots."""
    state = Statevector(circuit())
    plan = measurements(OBSERVABLES)
    means, covariance = plan.constants.copy(), np.zeros((3, 3))
    for group in plan.groups:
        turned = measurement_circuit(QuantumCircuit(3), group).remove_final_measurements(inplace=False)
        probabilities = state.evolve(turned).probabilities(group.qubits)
        bits = (np.arange(len(probabilities))[:, None] >> np.arange(len(group.qubits))) & 1
        values = group.values(bits.astype(np.uint8))
        mean = probabilities @ values
        means += mean
        covariance += (values.T * probabilities) @ values - np.outer(mean, mean)
    return means, covariance / SHOTS


def test_means_are_right(estimates):
    means, covariance = exact_covariance()
    error = np.sqrt(np.diag(covariance) / estimates[0].shape[1])
    assert (np.abs(estimates[0].mean(axis=1) - means) < 5.5 * error).all()


def test_variances_and_covariances_are_right(estimates):
    _, covariance = exact_covariance()
    found = np.cov(estimates[0])
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert (np.abs(found - covariance) / scale).max() < 8 * np.sqrt(2 / estimates[0].shape[1])


def test_standard_errors_are_right(estimates):
    _, covariance = exact_covariance()
    # Of 100 shots the sample variance is low by 1 / 100 in the mean.
    assert np.allclose((estimates[1] ** 2).mean(axis=1), 0.99 * np.diag(covariance), rtol=0.03)


def test_the_distribution_is_that_of_shots(estimates):
    """Chi square of the first observable, whose estimates are sums of few values."""
    evs = estimates[0][0]
    group = measurements(OBSERVABLES[:1]).groups[0]
    bits = (np.arange(8)[:, None] >> np.arange(3)) & 1
    values = group.values(bits.astype(np.uint8))[:, 0]
    drawn = (
        np.random.default_rng(1).multinomial(SHOTS, Statevector(circuit()).probabilities(), 200_000) @ values / SHOTS
    )
    edges = np.unique(np.quantile(drawn, np.linspace(0, 1, 11)))[1:-1]
    expected = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1) / len(drawn) * len(evs)
    seen = np.bincount(np.searchsorted(edges, evs), minlength=len(edges) + 1)
    assert ((seen - expected) ** 2 / expected).sum() < 60


def test_values_that_differ_by_rounding_are_one_level():
    labels = ["Z" * width + "I" * (10 - width) for width in range(1, 11)]
    group = measurements([SparsePauliOp(labels, np.full(10, 0.1))]).groups[0]
    assert len(group.levels.values) == 11
    outcomes = random_statevector(2**10, 3).probabilities()
    found = group.levels.probabilities(outcomes)
    assert found.sum() == pytest.approx(1.0)
    bits = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    assert found @ group.levels.values == pytest.approx(outcomes @ group.values(bits.astype(np.uint8)))


@pytest.mark.parametrize("bases", ["XYZ", "ZZZ", "YXX", "YYY", "ZXZ"])
def test_probabilities_in_other_bases(bases):
    qubits = [1, 2, 5]
    states = [random_statevector(64, seed) for seed in range(3)]
    turn = QuantumCircuit(6)
    for qubit, basis in zip(qubits, bases, strict=True):
        if basis == "Y":
            turn.sdg(qubit)
        if basis != "Z":
            turn.h(qubit)
    amplitudes = np.array([state.data for state in states])
    before = amplitudes.copy()
    found = probabilities_in(amplitudes, qubits, bases)
    assert np.allclose(found, [state.evolve(turn).probabilities() for state in states])
    assert (amplitudes == before).all()


def test_a_seed_repeats_however_sets_are_cut():
    ansatz = efficient_su2(4, reps=1)
    values = np.random.default_rng(1).uniform(-3, 3, (150, ansatz.num_parameters))
    observable = SparsePauliOp(["ZZII", "IXXI", "IIYY"], [1, 2, 3])
    estimator = EstimatorV2(options={"seed_simulator": 4})
    whole = estimator.run([(ansatz, observable, values)], precision=0.05).result()[0].data
    again = estimator.run([(ansatz, observable, values)], precision=0.05).result()[0].data
    assert (whole.evs == again.evs).all()
    assert (whole.stds == again.stds).all()
