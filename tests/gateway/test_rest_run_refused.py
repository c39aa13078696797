"""``POST /run``: what cannot be done is refused before there is a job, by the name of the field."""

import pytest
from qiskit.circuit import Parameter

from tests.gateway.rest import Api, fields, refused
from tests.interop.exact import bell, turned

T = Parameter("t")


@pytest.fixture(scope="module")
def api(gateway):
    return Api(gateway.client)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"device_id": ""}, "device_id"),
        ({"device_id": None}, "device_id"),
        ({"circuit_ids": []}, "circuit_ids"),
        ({"shots": 0}, "shots"),
        ({"shots": 10**9}, "shots"),
        ({"shots": "10"}, "shots"),
        ({"shots": True}, "shots"),
        ({"parameters": [[0.1]]}, "parameters"),
        ({"parameters": [[[[0.1]]]]}, "parameters"),
        ({"parameters": ["x"]}, "parameters"),
        ({"observables": []}, "observables"),
        ({"observables": [[]]}, "observables"),
        ({"observables": [[[["ZZZ"], [1]]]]}, "observables"),
        ({"observables": [[[["ZA"], [1]]]]}, "observables"),
        ({"observables": [[[["ZZ"], [1, 2]]]]}, "observables"),
        ({"observables": [[[[], []]]]}, "observables"),
        ({"readout_bases": []}, "readout_bases"),
        ({"readout_bases": ["ZZ", "ZZ"]}, "readout_bases"),
        ({"readout_bases": ["Z", "ZZ"]}, "readout_bases"),
        ({"readout_bases": ["ZZZ"]}, "readout_bases"),
        ({"readout_bases": ["IZ"]}, "readout_bases.0"),
        ({"readout_bases": ["ZZ"], "observables": [[[["ZZ"], [1]]]]}, "readout_bases"),
        ({"readout_bases": ["ZZ"], "options": {"auto_quality": True}}, "readout_bases"),
        ({"options": {"pack_size": 2}}, "options.pack_size"),
        ({"options": {"use_packing": 1}}, "options.use_packing"),
        ({"options": {"use_packing": True, "pack_size": 1}}, "options.pack_size"),
        ({"options": {"skip_transpilation": "yes"}}, "options.skip_transpilation"),
        ({"options": {"transpilation_options": {"magic": 1}}}, "transpilation_options"),
        ({"options": {"resilience_level": 1}}, "options.resilience_level"),
        ({"options": {"use_fractional_gates": True}}, "options.use_fractional_gates"),
        ({"options": []}, "options"),
        ({"run_type": "Other"}, "run_type"),
    ],
)
def test_wrong_fields_are_named(api, more, field):
    assert fields(api.post_run(bell(), **more))[0] == field


@pytest.mark.parametrize(
    ("circuits", "parameters"),
    [
        ([turned(T)], None),
        ([turned(T)], []),
        ([turned(T)], [[]]),
        ([turned(T)], [[0.1, 0.2]]),
        ([turned(T)], [[0.1], [0.2, 0.3]]),
        ([turned(T)], [[[0.1]], [[0.2]]]),
        ([turned(T), turned(T)], [[[0.1]]]),
        ([turned(T), turned(T)], [[[0.1]], [[0.2, 0.3]]]),
        ([turned(T), turned(T)], [[[0.1]], [["x"]]]),
        ([turned(T)], [[None]]),
        ([turned(T)], [[True]]),
        ([turned(T)], {"t": 0.1}),
    ],
)
def test_parameters_that_do_not_fit_are_refused(api, circuits, parameters):
    assert fields(api.post_run(circuits, parameters=parameters)) == ["parameters"]


def test_what_measures_nothing_is_refused_without_observables(api):
    assert fields(api.post_run(turned(0.7, measured=False))) == ["circuit_ids"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"unknown": 1}, "no option 'unknown'"),
        ({"shots": 5}, "shots"),
        ({"memory": True}, "memory"),
        ({"method": "magic"}, "method"),
        ({"seed_simulator": "x"}, "seed_simulator"),
    ],
)
def test_wrong_options_of_the_device_are_named(api, options, reason):
    answer = api.post_run(bell(), options=options)
    assert answer.status_code in (400, 422)
    assert reason in answer.text


def test_unknown_devices_and_circuits_are_404(api):
    assert "no device 'nothing'" in refused(api.post_run(bell(), device_id="nothing"), 404)
    assert "no circuit 'circ-no'" in refused(api.post_run(["circ-no"]), 404)
    answer = api.client.post(
        "/run", json={"experiment_id": "exp-no", "circuit_ids": api.ids(bell()), "device_id": "aer_simulator"}
    )
    assert "no experiment 'exp-no'" in refused(answer, 404)


def test_ten_thousand_circuits_are_the_most(api):
    circuit = api.upload(bell())["id"]
    assert fields(api.post_run([circuit] * 10_001)) == ["circuit_ids"]
    assert fields(api.post_run([f"circ-{number}" for number in range(50_000)])) == ["circuit_ids"]


def test_too_many_evaluations_are_refused(api):
    sets = [[0.1]] * 100_000
    observables = [[[["ZZ"], [1]]] * 101]
    assert fields(api.post_run(turned(T), parameters=sets, observables=observables)) == ["parameters"]
