"""The settings of mitigation are checked."""

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import EstimatorV2, HaiquInputError, HaiquOptionError, SamplerV2
from qiskit_haiqu_provider.mitigation.budget import budget_for, companions_for
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings


def test_settings_are_those_of_the_options():
    from qiskit_haiqu_provider import MitigationOptions

    assert MitigationSettings.of(MitigationOptions().to_dict()) == MitigationSettings()
    given = MitigationOptions(num_randomizations=4, guard=False, budget="equal", where="client", companion_fraction=0.2)
    found = MitigationSettings.of(given.to_dict())
    assert (found.num_randomizations, found.guard, found.budget, found.where) == (4, False, "equal", "client")
    assert found.companion_fraction == 0.2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("noise_tailoring", 1),
        ("num_randomizations", 0),
        ("num_randomizations", 2.5),
        ("companion_fraction", 1.0),
        ("companion_fraction", "half"),
        ("budget", "triple"),
        ("where", "elsewhere"),
        ("readout_mitigation_options", {"method": "other"}),
        ("readout_mitigation_options", 3),
    ],
)
def test_wrong_values_are_refused_by_name(name, value):
    with pytest.raises(HaiquInputError, match=name):
        MitigationSettings.of({name: value})


def test_unknown_settings_are_refused():
    with pytest.raises(HaiquOptionError, match="Did you mean 'guard'"):
        MitigationSettings.of({"gard": True})


def plan(shots, *, sets=1, **more):
    given = {"observables": True, "advanced": True, "calibrated": True, **more}
    settings = given.pop("settings", MitigationSettings())
    return budget_for(shots, settings, sets=sets, **given)


@pytest.mark.parametrize("shots", [1, 3, 17, 100, 1000, 4096])
@pytest.mark.parametrize("observables", [True, False])
@pytest.mark.parametrize(("budget", "most"), [("double", 2), ("equal", 1)])
def test_the_budget_is_kept(shots, observables, budget, most):
    found = plan(shots, observables=observables, settings=MitigationSettings(budget=budget))
    spent = found.copies * found.shots + found.companion_shots
    assert 1 <= found.copies <= 16
    assert spent <= most * shots + 1


def test_distributions_pay_an_eighth_more_and_sweeps_less_for_each_set():
    one, many = plan(8000, observables=False), plan(8000, observables=False, sets=100)
    assert one.copies * one.shots == 8000
    assert one.companion_shots == 1000
    assert many.companion_shots == 10000
    assert companions_for(MitigationSettings(), 100) == 160


def test_without_anything_random_there_is_one_copy():
    off = MitigationSettings(noise_tailoring=False, readout_mitigation=False, advanced_mitigation=False)
    found = plan(1000, advanced=False, calibrated=False, settings=off)
    assert (found.copies, found.shots, found.companion_shots) == (1, 1000, 0)


@pytest.mark.parametrize("shots", [1, 4, 16, 17, 30, 64, 1000])
@pytest.mark.parametrize(("budget", "most"), [("double", 2), ("equal", 1)])
def test_no_run_costs_more_than_its_budget(shots, budget, most):
    settings = {"use_mitigation": True, "seed_simulator": 1, "mitigation": {"budget": budget}}
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    precision = shots**-0.5
    estimate = EstimatorV2(options=settings).estimate_cost([(bell, [["ZZ", "XX"]])], precision=precision)
    assert estimate.shots <= 2 * most * shots  # two bases
    measured = bell.measure_all(inplace=False)
    sampled = SamplerV2(options=settings).estimate_cost([measured], shots=shots)
    assert sampled.shots <= shots * (1.125 if budget == "double" else 1)
    if shots == 1:
        metadata = SamplerV2(options=settings).run([measured], shots=1).result()[0].metadata["haiqu"]["mitigation"]
        assert "too few shots" in metadata["warnings"][0]
