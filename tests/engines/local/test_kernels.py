"""Kernels for wide states: drawing shots one by one."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.engines.local import estimation, work
from qiskit_haiqu_provider.engines.local.sampling import draw


def test_shots_from_many_outcomes_follow_the_probabilities():
    probabilities = np.random.default_rng(1).dirichlet(np.ones(50))
    seen, counts = draw(probabilities, 200_000, np.random.default_rng(2))
    found = np.zeros(50)
    found[seen] = counts
    assert counts.sum() == 200_000
    assert ((found - 200_000 * probabilities) ** 2 / (200_000 * probabilities)).sum() < 100


def test_wide_states_are_sampled_and_estimated_shot_by_shot(monkeypatch):
    monkeypatch.setattr(work, "MOST_TALLIED", 2)
    monkeypatch.setattr(estimation, "MOST_TALLIED", 2)
    circuit = QuantumCircuit(3)
    circuit.ry(1.1, 0)
    circuit.cx(0, 2)
    options = {"seed_simulator": 5}
    data = SamplerV2(options=options).run([circuit.measure_all(inplace=False)], shots=20_000).result()[0].data.meas
    counts = data.get_counts()
    assert set(counts) == {"000", "101"}
    assert counts["101"] / 20_000 == pytest.approx(np.sin(0.55) ** 2, abs=0.02)
    pub = (circuit, [SparsePauliOp(["IIZ", "XIX"]), SparsePauliOp("ZIZ")])
    evs = EstimatorV2(options=options).run([pub], precision=0.01).result()[0].data
    assert evs.evs[0] == pytest.approx(np.cos(1.1) + np.sin(1.1), abs=0.06)
    assert (evs.evs[1], evs.stds[1]) == (1.0, 0.0)
