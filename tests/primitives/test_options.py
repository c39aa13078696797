"""Options of the primitives: refused when wrong, merged when nested, and able to say where they came from."""

import copy
import json
import math
import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import (
    EstimatorOptions,
    EstimatorV2,
    HaiquInputError,
    HaiquOptionError,
    HaiquProvider,
    MitigationOptions,
    SamplerOptions,
    SamplerV2,
)
from qiskit_haiqu_provider.store import JobStore

KINDS = [SamplerOptions, EstimatorOptions]


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def progress(done, total):
    """A callback that pickles."""


def shots_of(sampler, **call):
    [pub] = sampler.run([bell().measure_all(inplace=False)], **call).result()
    return pub.data.meas.num_shots


def source(options, name):
    [setting] = [setting for setting in options.explain() if setting.name == name]
    return setting.source


# Names.


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("default_shoots", "default_shots"),
        ("seed_simulater", "seed_simulator"),
        ("use_mitigaton", "use_mitigation"),
        ("max_cost", "max_cost_usd"),
        ("dryrun", "dry_run"),
    ],
)
@pytest.mark.parametrize("way", ["constructor", "attribute", "update", "update_options", "primitive"])
def test_an_unknown_name_suggests_the_nearest(way, name, nearest):
    options = SamplerOptions()
    ways = {
        "constructor": lambda: SamplerOptions(**{name: 1}),
        "attribute": lambda: setattr(options, name, 1),
        "update": lambda: options.update({name: 1}),
        "update_options": lambda: options.update_options(**{name: 1}),
        "primitive": lambda: SamplerV2(options={name: 1}),
    }
    with pytest.raises(HaiquOptionError, match=f"SamplerOptions has no option '{name}'. Did you mean '{nearest}'"):
        ways[way]()
    assert options == SamplerOptions()
    assert options.explicit() == {}


@pytest.mark.parametrize("kind", [AttributeError, ValueError])
def test_an_unknown_name_is_caught_as_python_does(kind):
    with pytest.raises(kind):
        SamplerOptions().update(colour="blue")


def test_a_name_far_from_all_lists_them():
    with pytest.raises(HaiquOptionError, match=r"Valid names: backend_options, default_shots, .*use_mitigation\."):
        SamplerOptions(colour="blue")
    with pytest.raises(HaiquOptionError, match="has no option 'default_precision'"):
        SamplerOptions(default_precision=0.1)


@pytest.mark.parametrize("method", ["update", "explain", "to_dict", "_explicit", "_layers"])
def test_what_is_no_option_cannot_be_set(method):
    with pytest.raises(HaiquOptionError, match="has no option"):
        setattr(SamplerOptions(), method, 1)
    with pytest.raises(HaiquOptionError, match="has no option"):
        SamplerOptions().update({method: 1})


@pytest.mark.parametrize(
    "misspell",
    [
        lambda: SamplerOptions(mitigation={"noise_tayloring": True}),
        lambda: SamplerOptions().update(mitigation={"noise_tayloring": True}),
        lambda: setattr(SamplerOptions(), "mitigation", {"noise_tayloring": True}),
        lambda: setattr(SamplerOptions().mitigation, "noise_tayloring", True),
        lambda: SamplerOptions().mitigation.update(noise_tayloring=True),
        lambda: MitigationOptions(noise_tayloring=True),
        lambda: EstimatorV2(options={"mitigation": {"noise_tayloring": True}}),
    ],
    ids=["constructor", "update", "attribute", "nested attribute", "nested update", "of its own", "primitive"],
)
def test_an_unknown_nested_name_suggests_the_nearest(misspell):
    with pytest.raises(HaiquOptionError, match=r"MitigationOptions has no option.*Did you mean 'noise_tailoring'"):
        misspell()


# Values.

WRONG = {
    "default_shots": [0, -1, 1.0, True, "10", math.nan],
    "seed_simulator": [-1, 1.5, True, "7"],
    "use_mitigation": [1, None, "yes"],
    "mitigation": [True, None, "all", {"noise_tailoring": 1}, {"readout_mitigation_options": 3}],
    "dry_run": [0, None, "no"],
    "max_cost_usd": [-0.01, math.nan, math.inf, True, "5"],
    "name": [None, 5, "x" * 201],
    "description": [None, b"text", "x" * 1025],
    "progress": [5, "print"],
    "backend_options": [None, "method", [("method", "stabilizer")]],
}
WRONG_ESTIMATOR = {"default_precision": [-0.1, math.nan, math.inf, None, True, "0.1"], "default_shots": [0, 2.5, False]}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [(SamplerOptions, name, value) for name, values in WRONG.items() for value in values]
    + [(EstimatorOptions, name, value) for name, values in {**WRONG, **WRONG_ESTIMATOR}.items() for value in values],
)
def test_a_wrong_value_is_refused_when_it_is_set(kind, name, value):
    options = kind()
    for refused in (
        lambda: kind(**{name: value}),
        lambda: setattr(options, name, value),
        lambda: options.update({name: value}),
    ):
        with pytest.raises(HaiquInputError) as caught:
            refused()
        assert "must be" in str(caught.value)
    assert options == kind()
    assert options.explicit() == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WRONG)
def test_every_option_is_covered_and_named_in_its_message(kind, name):
    assert set(kind().to_dict()) == set(WRONG) | ({"default_precision"} if kind is EstimatorOptions else set())
    value = WRONG[name][0]
    with pytest.raises(HaiquInputError, match=name):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("default_shots", np.int64(5), 5),
        ("seed_simulator", np.uint32(5), 5),
        ("seed_simulator", 2**70, 2**70),
        ("seed_simulator", None, None),
        ("max_cost_usd", 0, 0.0),
        ("max_cost_usd", np.float32(0.5), 0.5),
        ("max_cost_usd", None, None),
        ("name", "x" * 200, "x" * 200),
        ("description", "x" * 1024, "x" * 1024),
        ("progress", progress, progress),
        ("progress", None, None),
        ("backend_options", {"method": "stabilizer"}, {"method": "stabilizer"}),
        ("mitigation", {"noise_tailoring": False}, MitigationOptions(noise_tailoring=False)),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_right_value_is_kept_as_a_plain_one(kind, name, value, kept):
    found = getattr(kind(**{name: value}), name)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(("value", "kept"), [(0, 0.0), (np.float64(0.25), 0.25), (1, 1.0)])
def test_a_precision_is_a_plain_number(value, kept):
    found = EstimatorOptions(default_precision=value).default_precision
    assert found == kept
    assert type(found) is float


def test_the_defaults_are_those_of_qiskit_and_mitigation_is_off():
    assert SamplerOptions().default_shots == 1024
    assert EstimatorOptions().default_precision == 0.015625
    assert EstimatorOptions().default_shots is None
    for kind in KINDS:
        assert kind().use_mitigation is False
        assert kind().dry_run is False
        assert kind().max_cost_usd is None


# Updates.


def test_nothing_is_set_when_one_is_wrong():
    options = SamplerOptions(default_shots=5, mitigation={"noise_tailoring": False})
    before, explicit = options.to_dict(), options.explicit()
    for wrong in (
        {"default_shots": 6, "name": "n", "mitigation": {"readout_mitigation": False}, "dry_run": "yes"},
        {"default_shots": 6, "mitigation": {"readout_mitigation": False, "noise_tailoring": "yes"}},
        {"default_shots": 6, "colour": "blue"},
    ):
        with pytest.raises(HaiquInputError):
            options.update(wrong)
        assert options.to_dict() == before
        assert options.explicit() == explicit


def test_an_update_keeps_what_it_does_not_name():
    options = SamplerOptions(name="n", default_shots=5)
    options.update({"default_shots": 6}, seed_simulator=7)
    options.update_options(description="d")
    options.update()
    expected = {"name": "n", "default_shots": 6, "seed_simulator": 7, "description": "d"}
    assert options.explicit() == expected
    assert {name: options.to_dict()[name] for name in expected} == expected


@pytest.mark.parametrize("way", ["update", "update_options"])
def test_a_nested_update_keeps_the_other_nested_values(way):
    options = EstimatorOptions(
        mitigation={"noise_tailoring": False, "readout_mitigation_options": {"a": 1, "b": 2}},
        backend_options={"method": "stabilizer", "precision": "single"},
    )
    getattr(options, way)(
        mitigation={"dynamical_decoupling": False, "readout_mitigation_options": {"b": 3}},
        backend_options={"precision": "double"},
    )
    assert options.mitigation.to_dict() == {
        **MitigationOptions().to_dict(),
        "dynamical_decoupling": False,
        "noise_tailoring": False,
        "readout_mitigation_options": {"a": 1, "b": 3},
    }
    assert options.backend_options == {"method": "stabilizer", "precision": "double"}


def test_a_nested_attribute_keeps_the_other_nested_values():
    options = SamplerOptions(mitigation={"noise_tailoring": False})
    options.mitigation.readout_mitigation = False
    assert not options.mitigation.noise_tailoring
    assert not options.mitigation.readout_mitigation
    assert options.mitigation.advanced_mitigation


def test_nested_options_stay_in_place_over_an_update():
    options = SamplerOptions()
    nested = options.mitigation
    options.update(default_shots=5)
    nested.noise_tailoring = False
    assert options.mitigation.noise_tailoring is False


# Copies.


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_equal_and_independent(copied, kind):
    values = {"default_shots": 5, "mitigation": {"noise_tailoring": False}, "backend_options": {"method": "stabilizer"}}
    options = kind(**values, progress=progress)
    twin = copied(options)
    assert type(twin) is kind
    assert twin == options
    assert twin.explicit() == options.explicit()
    twin.update(default_shots=6, mitigation={"noise_tailoring": True}, backend_options={"precision": "single"})
    twin.mitigation.readout_mitigation = False
    twin.backend_options["memory"] = True
    twin.name = "twin"
    assert options == kind(**values, progress=progress)
    assert set(options.explicit()) == {*values, "progress"}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_defaults_sets_nothing(copied):
    assert copied(SamplerOptions()).explicit() == {}
    assert copied(SamplerOptions()) == SamplerOptions()


def test_a_deep_copy_is_deep():
    options = SamplerOptions(mitigation={"readout_mitigation_options": {"groups": [1]}})
    twin = copy.deepcopy(options)
    twin.mitigation.readout_mitigation_options["groups"].append(2)
    assert options.mitigation.readout_mitigation_options == {"groups": [1]}


def test_a_copy_of_a_primitives_options_still_knows_its_layers():
    """What qiskit-machine-learning does: copy, then ``update_options``."""
    sampler = SamplerV2(HaiquProvider(options={"default_shots": 77}).get_backend())
    twin = copy.copy(sampler.options)
    twin.update_options(seed_simulator=3)
    assert str(twin.effective("default_shots")) == "default_shots = 77  (provider)"
    assert sampler.options.seed_simulator is None


def test_options_are_not_shared_between_primitives():
    options = SamplerOptions(
        default_shots=5, mitigation={"noise_tailoring": False}, backend_options={"max_parallel_threads": 1}
    )
    one, other = SamplerV2(options=options), SamplerV2(options=options)
    one.options.default_shots = 6
    one.options.mitigation.readout_mitigation = False
    one.options.backend_options["max_parallel_threads"] = 2
    for untouched in (options, other.options):
        assert untouched.default_shots == 5
        assert untouched.backend_options == {"max_parallel_threads": 1}
        assert untouched.mitigation.readout_mitigation is True
    assert one.options.mitigation.noise_tailoring is other.options.mitigation.noise_tailoring is False


def test_options_of_two_option_sets_are_not_shared():
    one, other = SamplerOptions(), SamplerOptions()
    one.mitigation.noise_tailoring = False
    one.backend_options["method"] = "stabilizer"
    assert other == SamplerOptions()


def test_the_mapping_that_was_given_is_not_kept():
    given = {"method": "stabilizer"}
    options = SamplerOptions(backend_options=given)
    given["method"] = "statevector"
    assert options.backend_options == {"method": "stabilizer"}


def test_to_dict_is_plain_and_makes_the_same_options():
    options = EstimatorOptions(default_precision=0.1, mitigation={"noise_tailoring": False}, name="n")
    values = options.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert EstimatorOptions(**values) == options
    values["mitigation"]["noise_tailoring"] = True
    values["backend_options"]["method"] = "stabilizer"
    assert options.mitigation.noise_tailoring is False
    assert options.backend_options == {}


PLACES = {
    "nowhere": {},
    "options": {"options": {"name": "n", "mitigation": {"guard": False}, "default_shots": 7}},
    "the backend": {"backend": {"shots": 9, "seed_simulator": 3, "method": "stabilizer"}},
    "the provider": {"provider": {"use_mitigation": True, "mitigation": {"readout_mitigation_options": {"a": 1}}}},
    "the environment": {"environment": {"HAIQU_DEFAULT_SHOTS": "11", "HAIQU_SEED_SIMULATOR": "5"}},
    "everywhere": {
        "options": {"seed_simulator": 1, "mitigation": {"guard": False}, "backend_options": {"precision": "single"}},
        "backend": {"shots": 9, "method": "stabilizer"},
        "provider": {"default_shots": 8, "mitigation": {"guard": True, "budget": "equal"}},
        "environment": {"HAIQU_DEFAULT_SHOTS": "11", "HAIQU_MAX_COST_USD": "2.5"},
    },
}


@pytest.mark.parametrize("primitive", [SamplerV2, EstimatorV2])
@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_the_effective_values_are_those_that_are_explained(primitive, places, monkeypatch):
    for variable, text in places.get("environment", {}).items():
        monkeypatch.setenv(variable, text)
    backend = HaiquProvider(options=places.get("provider")).get_backend(**places.get("backend", {}))
    options = primitive(backend, options=places.get("options")).options
    explained = {setting.name: setting.value for setting in options.explain()}
    plain = {name: value.to_dict() if name == "mitigation" else value for name, value in explained.items()}
    assert options.values() == plain
    options.values()["name"] = "of another run"
    assert options.values() == plain


@pytest.mark.parametrize("kind", KINDS)
def test_effective_values_belong_to_whoever_asks(kind):
    wanted = kind().to_dict()
    values = kind().values()
    values["mitigation"]["noise_tailoring"] = "changed"
    values["mitigation"]["readout_mitigation_options"]["method"] = "changed"
    values["backend_options"]["method"] = "changed"
    assert kind().values() == wanted


def test_repr_shows_the_values():
    assert "default_shots=5" in repr(SamplerOptions(default_shots=5))
    assert "noise_tailoring=True" in repr(SamplerOptions())


# What a primitive takes.


@pytest.mark.parametrize("options", [5, "name", [("default_shots", 5)], EstimatorOptions()])
def test_a_primitive_takes_its_own_options_or_a_mapping(options):
    with pytest.raises(HaiquInputError, match="options must be SamplerOptions or a mapping"):
        SamplerV2(options=options)


def test_wrong_backend_options_are_refused_by_the_constructor():
    with pytest.raises(HaiquOptionError, match=r"aer_simulator has no option 'methode'.*'method'"):
        SamplerV2(options={"backend_options": {"methode": "stabilizer"}})
    with pytest.raises(HaiquInputError, match="method must be one of"):
        SamplerV2(options={"backend_options": {"method": "magic"}})


@pytest.mark.local
def test_backend_options_reach_the_run():
    sampler = SamplerV2(options={"backend_options": {"method": "stabilizer"}})
    result = sampler.run([bell().measure_all(inplace=False)]).result()
    assert result.metadata["haiqu"]["method"] == "stabilizer"


def test_name_and_description_are_kept_with_the_job():
    sampler = SamplerV2(options={"name": "a name", "description": "a description"})
    job = sampler.run([bell().measure_all(inplace=False)])
    job.result()
    record = JobStore().read(job.job_id())
    assert (record.name, record.description) == ("a name", "a description")


def test_progress_is_called_with_sets_done_and_in_all():
    calls = []
    sampler = SamplerV2(options={"progress": lambda *call: calls.append(call)})
    sampler.run([bell().measure_all(inplace=False)] * 3).result()
    assert calls[-1] == (3, 3)


# Which value counts.


@pytest.mark.parametrize(
    ("layers", "shots", "origin"),
    [
        ({"call", "options", "backend", "provider", "environment"}, 15, "options"),
        ({"options", "backend", "provider", "environment"}, 14, "options"),
        ({"backend", "provider", "environment"}, 13, "backend options"),
        ({"provider", "environment"}, 12, "provider"),
        ({"environment"}, 11, "environment"),
        (set(), 1024, "default"),
        ({"call"}, 15, "default"),
        ({"options", "environment"}, 14, "options"),
        ({"backend", "environment"}, 13, "backend options"),
    ],
)
def test_the_nearest_setting_wins(monkeypatch, layers, shots, origin):
    if "environment" in layers:
        monkeypatch.setenv("HAIQU_DEFAULT_SHOTS", "11")
    provider = HaiquProvider(options={"default_shots": 12} if "provider" in layers else None)
    backend = provider.get_backend(**({"shots": 13} if "backend" in layers else {}))
    sampler = SamplerV2(backend, options={"default_shots": 14} if "options" in layers else None)
    assert shots_of(sampler, **({"shots": 15} if "call" in layers else {})) == shots
    assert source(sampler.options, "default_shots") == origin
    if "call" not in layers:
        assert sampler.default_shots == shots


def test_a_pub_goes_before_the_call():
    sampler = SamplerV2(options={"default_shots": 14})
    circuit = bell().measure_all(inplace=False)
    first, second = sampler.run([(circuit, None, 16), circuit], shots=15).result()
    assert (first.data.meas.num_shots, second.data.meas.num_shots) == (16, 15)


@pytest.mark.parametrize(
    "set_by", ["options", "attribute", "update", "backend", "backend, the same object", "provider"]
)
def test_to_set_the_default_is_to_set_it(monkeypatch, set_by):
    """Whoever writes 1024 means 1024, whatever stands further out."""
    monkeypatch.setenv("HAIQU_DEFAULT_SHOTS", "11")
    outer = HaiquProvider(options={"default_shots": 1024 if set_by == "provider" else 12})
    shots = {"backend": int("1024"), "backend, the same object": outer.get_backend().options.shots}
    backend = outer.get_backend(**({"shots": shots[set_by]} if set_by in shots else {}))
    sampler = SamplerV2(backend, options={"default_shots": 1024} if set_by == "options" else None)
    if set_by == "attribute":
        sampler.options.default_shots = 1024
    elif set_by == "update":
        sampler.options.update(default_shots=1024)
    assert sampler.default_shots == 1024
    expected = {"provider": "provider", "attribute": "options", "update": "options", "options": "options"}
    assert source(sampler.options, "default_shots") == expected.get(set_by, "backend options")


def test_an_explicit_none_goes_before_a_seed_further_out():
    backend = HaiquProvider(options={"seed_simulator": 3}).get_backend(seed_simulator=4)
    assert SamplerV2(backend).options.effective("seed_simulator").value == 4
    sampler = SamplerV2(backend, options={"seed_simulator": None})
    assert sampler.options.effective("seed_simulator").value is None
    job = sampler.run([bell().measure_all(inplace=False)])
    assert job.result().metadata["haiqu"]["seed"] is None


def test_options_set_on_the_backend_later_count():
    backend = HaiquProvider().get_backend()
    sampler = SamplerV2(backend)
    backend.set_options(shots=13)
    assert sampler.default_shots == 13
    assert shots_of(sampler) == 13


def test_the_environment_counts_when_the_job_runs(monkeypatch):
    sampler = SamplerV2()
    monkeypatch.setenv("HAIQU_DEFAULT_SHOTS", "11")
    monkeypatch.setenv("HAIQU_SEED_SIMULATOR", "12")
    monkeypatch.setenv("HAIQU_MAX_COST_USD", "1.5")
    assert shots_of(sampler) == 11
    found = {setting.name: setting.value for setting in sampler.options.explain() if setting.source == "environment"}
    assert found == {"default_shots": 11, "seed_simulator": 12, "max_cost_usd": 1.5}
    monkeypatch.setenv("HAIQU_DEFAULT_SHOTS", "")
    assert sampler.default_shots == 1024


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("HAIQU_DEFAULT_SHOTS", "many", "default_shots"),
        ("HAIQU_DEFAULT_SHOTS", "0", "default_shots"),
        ("HAIQU_SEED_SIMULATOR", "1.5", "seed_simulator"),
        ("HAIQU_MAX_COST_USD", "-1", "max_cost_usd"),
        ("HAIQU_MAX_COST_USD", "nan", "max_cost_usd"),
    ],
)
def test_a_wrong_environment_is_refused_and_named(monkeypatch, variable, value, name):
    monkeypatch.setenv(variable, value)
    with pytest.raises(HaiquInputError, match=rf"{name} \(environment\) must be"):
        SamplerV2().run([bell().measure_all(inplace=False)])


def test_a_wrong_precision_in_the_environment_is_refused_and_named(monkeypatch):
    monkeypatch.setenv("HAIQU_DEFAULT_PRECISION", "fine")
    with pytest.raises(HaiquInputError, match=r"default_precision \(environment\) must be"):
        EstimatorV2().run([(bell(), "ZZ")])


def test_nested_settings_of_two_layers_are_merged():
    """A nested setting near by does not drop the others that were set further out."""
    provider = HaiquProvider(options={"mitigation": {"noise_tailoring": False}})
    sampler = SamplerV2(provider.get_backend())
    assert sampler.options.effective("mitigation").value == MitigationOptions(noise_tailoring=False)
    sampler.options.mitigation.readout_mitigation = False
    expected = MitigationOptions(noise_tailoring=False, readout_mitigation=False)
    assert sampler.options.effective("mitigation").value == expected


@pytest.mark.local
def test_backend_options_of_two_layers_are_merged():
    provider = HaiquProvider(options={"backend_options": {"method": "density_matrix", "precision": "single"}})
    sampler = SamplerV2(provider.get_backend(), options={"backend_options": {"precision": "double"}})
    result = sampler.run([bell().measure_all(inplace=False)]).result()
    assert result.metadata["haiqu"]["method"] == "density_matrix"
    effective = sampler.options.effective("backend_options").value
    assert effective == {"method": "density_matrix", "precision": "double"}


# Explanations.


def test_explain_says_the_value_and_the_source_of_each_option(monkeypatch):
    monkeypatch.setenv("HAIQU_MAX_COST_USD", "2")
    backend = HaiquProvider(options={"name": "from the provider"}).get_backend(seed_simulator=4)
    sampler = SamplerV2(backend, options={"default_shots": 14})
    explained = sampler.options.explain()
    assert {setting.name for setting in explained} == set(sampler.options.to_dict())
    found = {setting.name: (setting.value, setting.source) for setting in explained}
    assert found["default_shots"] == (14, "options")
    assert found["seed_simulator"] == (4, "backend options")
    assert found["name"] == ("from the provider", "provider")
    assert found["max_cost_usd"] == (2.0, "environment")
    assert found["dry_run"] == (False, "default")
    lines = str(explained).splitlines()
    assert len(lines) == len(explained)
    assert "default_shots = 14  (options)" in lines
    assert "seed_simulator = 4  (backend options)" in lines
    assert "name = 'from the provider'  (provider)" in lines
    assert "max_cost_usd = 2.0  (environment)" in lines
    assert "dry_run = False  (default)" in lines


def test_options_without_a_primitive_explain_themselves(monkeypatch):
    monkeypatch.setenv("HAIQU_DEFAULT_SHOTS", "11")
    options = SamplerOptions(name="n")
    assert str(options.effective("name")) == "name = 'n'  (options)"
    assert str(options.effective("default_shots")) == "default_shots = 11  (environment)"
    assert str(options.effective("dry_run")) == "dry_run = False  (default)"


def test_nested_options_explain_themselves():
    options = SamplerOptions()
    assert source(options, "mitigation") == "default"
    options.mitigation.noise_tailoring = False
    assert source(options, "mitigation") == "options"
    assert str(options.mitigation.effective("noise_tailoring")) == "noise_tailoring = False  (options)"
    assert source(options.mitigation, "readout_mitigation") == "default"


# Shots and precision of the estimator.


def shots_and_precision(estimator, **call):
    [pub] = estimator.run([(bell(), "ZX")], **call).result()
    return pub.metadata["shots"], pub.metadata["target_precision"]


def test_the_estimator_takes_4096_shots_by_default():
    assert EstimatorV2().default_precision == 0.015625
    assert shots_and_precision(EstimatorV2()) == (4096, 0.015625)


@pytest.mark.parametrize("shots", [1, 3, 1000, 4099])
def test_shots_of_the_estimator_are_exact(shots):
    estimator = EstimatorV2(options={"default_shots": shots})
    assert estimator.default_precision == pytest.approx(shots**-0.5)
    assert shots_and_precision(estimator) == (shots, estimator.default_precision)


def test_the_calls_precision_goes_before_shots_of_the_options():
    assert shots_and_precision(EstimatorV2(options={"default_shots": 5}), precision=0.1) == (100, 0.1)


def test_shots_count_instead_of_the_precision_of_the_same_place():
    assert EstimatorV2(options={"default_shots": 100, "default_precision": 0.5}).default_precision == 0.1
    provider = HaiquProvider(options={"default_shots": 100, "default_precision": 0.5})
    assert EstimatorV2(provider.get_backend()).default_precision == 0.1


@pytest.mark.parametrize(
    ("environment", "outer", "backend", "options", "precision"),
    [
        ({}, {}, {"shots": 100}, {}, 0.1),
        ({}, {}, {"shots": 100}, {"default_precision": 0.5}, 0.5),
        ({}, {"default_precision": 0.25}, {"shots": 100}, {}, 0.1),
        ({}, {"default_shots": 100}, {}, {"default_precision": 0.5}, 0.5),
        ({}, {"default_precision": 0.25}, {}, {"default_shots": 100}, 0.1),
        ({"HAIQU_DEFAULT_SHOTS": "100"}, {}, {}, {}, 0.1),
        ({"HAIQU_DEFAULT_PRECISION": "0.5"}, {}, {}, {}, 0.5),
        ({"HAIQU_DEFAULT_SHOTS": "100"}, {}, {}, {"default_precision": 0.5}, 0.5),
        ({"HAIQU_DEFAULT_SHOTS": "100"}, {"default_precision": 0.25}, {}, {}, 0.25),
        ({"HAIQU_DEFAULT_PRECISION": "0.5"}, {"default_shots": 100}, {}, {}, 0.1),
        ({}, {"default_shots": 100}, {}, {"default_shots": None}, 0.015625),
        ({}, {"default_shots": 100}, {}, {"default_precision": 0}, 0),
    ],
)
def test_of_shots_and_precision_the_nearest_counts(monkeypatch, environment, outer, backend, options, precision):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    estimator = EstimatorV2(HaiquProvider(options=outer).get_backend(**backend), options=options)
    assert estimator.default_precision == pytest.approx(precision)


def test_the_default_properties_follow_the_options():
    sampler, estimator = SamplerV2(), EstimatorV2()
    sampler.options.default_shots = 9
    estimator.options.default_precision = 0.5
    assert sampler.default_shots == 9
    assert estimator.default_precision == 0.5
    estimator.options.default_shots = 16
    assert estimator.default_precision == 0.25
    assert type(sampler.default_shots) is int
    assert type(estimator.default_precision) is float


# Options tell what runs.


@pytest.mark.parametrize(
    ("place", "shots"),
    [("options", 7), ("backend", 9), ("provider", 8), ("environment", 11), ("nowhere", 1024)],
)
@pytest.mark.parametrize("primitive", [SamplerV2, EstimatorV2])
def test_an_option_that_was_not_set_reads_as_the_value_that_counts(primitive, place, shots, monkeypatch):
    if place == "environment":
        monkeypatch.setenv("HAIQU_DEFAULT_SHOTS", "11")
    provider = HaiquProvider(options={"default_shots": 8} if place == "provider" else None)
    backend = provider.get_backend(**({"shots": 9} if place == "backend" else {}))
    options = primitive(backend, options={"default_shots": 7} if place == "options" else None).options
    if place == "nowhere" and primitive is EstimatorV2:
        shots = None
    assert options.default_shots == options.effective("default_shots").value == shots
    assert options.to_dict()["default_shots"] == shots
    assert f"default_shots={shots}" in repr(options)
    assert copy.copy(options).default_shots == copy.deepcopy(options).default_shots == shots
    assert options.explicit() == ({"default_shots": 7} if place == "options" else {})


def test_a_cap_of_the_environment_is_seen(monkeypatch):
    monkeypatch.setenv("HAIQU_MAX_COST_USD", "5")
    options = SamplerV2().options
    assert options.max_cost_usd == 5.0
    monkeypatch.delenv("HAIQU_MAX_COST_USD")
    assert options.max_cost_usd is None
    monkeypatch.setenv("HAIQU_MAX_COST_USD", "five")
    with pytest.raises(HaiquInputError, match=r"max_cost_usd \(environment\) must be"):
        _ = options.max_cost_usd
    options.max_cost_usd = 3
    assert options.max_cost_usd == 3.0


def test_nested_options_that_were_not_set_read_as_the_value_that_counts():
    provider = HaiquProvider(options={"mitigation": {"guard": False, "budget": "equal"}})
    for given in (None, {"mitigation": {"budget": "double"}}, SamplerOptions(mitigation={"budget": "double"})):
        options = SamplerV2(provider.get_backend(), options=given).options
        budget = "equal" if given is None else "double"
        for found in (options, copy.copy(options), copy.deepcopy(options)):
            assert (found.mitigation.guard, found.mitigation.budget) == (False, budget)
            assert found.mitigation == found.effective("mitigation").value
            assert str(found.mitigation.effective("guard")) == "guard = False  (provider)"
        options.mitigation = {"num_randomizations": 4}
        assert (options.mitigation.guard, options.mitigation.budget) == (False, "equal")
        options.mitigation.guard = True
        assert options.values()["mitigation"]["guard"] is True
        assert options.explicit()["mitigation"] == {"num_randomizations": 4, "guard": True}


def test_nested_options_read_the_same_in_another_process():
    provider = HaiquProvider(options={"default_shots": 77, "mitigation": {"guard": False}})
    sampler = pickle.loads(pickle.dumps(SamplerV2(provider.get_backend(seed_simulator=4))))
    assert (sampler.options.default_shots, sampler.options.seed_simulator) == (77, 4)
    assert sampler.options.mitigation.guard is False


def test_shots_behind_a_precision_do_not_count_and_do_not_show():
    backend = HaiquProvider(options={"default_shots": 50}).get_backend(shots=100)
    estimator = EstimatorV2(backend, options={"default_precision": 0.5})
    assert estimator.options.default_shots is None
    assert str(estimator.options.effective("default_shots")) == "default_shots = None  (default)"
    assert shots_and_precision(estimator) == (4, 0.5)
    estimator.options.default_shots = 25
    assert shots_and_precision(estimator) == (25, 0.2)


def test_a_kind_of_options_reads_as_its_defaults():
    assert SamplerOptions.default_shots == 1024
    assert EstimatorOptions.default_shots is None
    assert {"default_shots", "seed_simulator", "mitigation"} <= set(dir(SamplerOptions()))


# Options in the wrong place.


@pytest.mark.parametrize(
    ("primitive", "name", "value", "hint"),
    [
        (SamplerV2, "default_shots", 500, "Give options={'default_shots': 500}."),
        (SamplerV2, "seed", 7, "Give options={'seed_simulator': 7}."),
        (SamplerV2, "shots", 500, "Give options={'default_shots': 500}."),
        (SamplerV2, "use_mitigation", True, "Give options={'use_mitigation': True}."),
        (SamplerV2, "default_precision", 0.1, "Its arguments are backend, mode and options."),
        (SamplerV2, "session", None, "Its arguments are backend, mode and options."),
        (EstimatorV2, "default_precision", 0.01, "Give options={'default_precision': 0.01}."),
        (EstimatorV2, "seed", 7, "Give options={'seed_simulator': 7}."),
        (EstimatorV2, "precision", 0.1, "Give options={'default_precision': 0.1}."),
    ],
)
def test_an_option_that_is_given_as_an_argument_is_told_where_it_goes(primitive, name, value, hint):
    with pytest.raises(TypeError) as caught:
        primitive(**{name: value})
    assert str(caught.value) == f"{primitive.__name__} has no argument '{name}'. {hint}"
