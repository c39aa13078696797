"""What the devices of the tests say of themselves, in the words of Amazon Braket."""

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"
FORTE = "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1"
SV1 = "arn:aws:braket:::device/quantum-simulator/amazon/sv1"
DM1 = "arn:aws:braket:::device/quantum-simulator/amazon/dm1"
AQUILA = "arn:aws:braket:us-east-1::device/qpu/quera/Aquila"

WIRES = ((1, 2), (2, 5), (5, 6), (6, 9), (5, 8))
"""Of Garnet, some of whose qubits are out of use."""

_GATES = ["x", "y", "z", "h", "s", "si", "t", "ti", "v", "vi", "rx", "ry", "rz", "phaseshift", "prx", "i"]
_GATES += ["cnot", "cz", "cy", "cphaseshift", "swap", "iswap", "xx", "yy", "zz"]
_MORE = [*_GATES, "ccnot", "cswap", "ecr", "unitary", "gpi", "gpi2", "ms", "u", "gphase"]


def header(name):
    return {"name": f"braket.{name}", "version": "1"}


def _service(most, price, unit, where):
    return {
        "braketSchemaHeader": header("device_schema.device_service_properties"),
        "executionWindows": [
            {"executionDay": "Everyday", "windowStartHour": "00:00:00", "windowEndHour": "23:59:59"},
        ],
        "shotsRange": [1, most],
        "deviceCost": {"price": price, "unit": unit},
        "deviceDocumentation": {"imageUrl": "", "summary": "", "externalDocumentationUrl": ""},
        "deviceLocation": where,
        "updatedAt": "2026-09-04T08:00:00+00:00",
        "getTaskPollIntervalMillis": 200,
    }


def _program(gates, pragmas):
    return {
        "version": ["1"],
        "actionType": "braket.ir.openqasm.program",
        "supportedOperations": gates,
        "supportedModifiers": [],
        "supportedPragmas": pragmas,
        "forbiddenPragmas": [],
        "maximumQubitArrays": 1,
        "maximumClassicalArrays": 1,
        "forbiddenArrayOperations": [
            "concatenation",
            "negativeIndex",
            "range",
            "rangeWithStep",
            "slicing",
            "selection",
        ],
        "requiresAllQubitsMeasurement": False,
        "supportPhysicalQubits": True,
        "requiresContiguousQubitIndices": False,
        "supportsPartialVerbatimBox": False,
        "supportsUnassignedMeasurements": True,
        "disabledQubitRewiringSupported": True,
        "supportedResultTypes": [{"name": "Probability", "observables": None, "minShots": 1, "maxShots": 20000}],
    }


def _program_set(executables, shots):
    return {
        "version": ["1"],
        "actionType": "braket.ir.openqasm.program_set",
        "maximumExecutables": executables,
        "maximumTotalShots": shots,
    }


def _paradigm(qubits, native, graph):
    return {
        "braketSchemaHeader": header("device_schema.gate_model_qpu_paradigm_properties"),
        "qubitCount": qubits,
        "nativeGateSet": native,
        "connectivity": {"fullyConnected": graph is None, "connectivityGraph": graph or {}},
    }


def _fidelity(kind, value, **more):
    return {"fidelityType": {"name": kind}, "fidelity": value, "standardError": None, **more}


def garnet():
    """Twenty qubits on paper, seven in use; each has errors of its own."""
    numbers = sorted({qubit for wire in WIRES for qubit in wire})
    graph = {str(a): [str(c) for b, c in (*WIRES, *(w[::-1] for w in WIRES)) if b == a] for a in numbers}
    single = {
        str(number): {
            "T1": {"value": 30.0 + number, "standardError": None, "unit": "us"},
            "T2": {"value": 10.0 + number, "standardError": None, "unit": "us"},
            "oneQubitFidelity": [
                _fidelity("READOUT", 0.98 - number / 1000),
                _fidelity("READOUT_ERROR_0_TO_1", 0.02),
                _fidelity("RANDOMIZED_BENCHMARKING", 0.999 - number / 10000),
            ],
        }
        for number in (*numbers, 20)
    }
    pairs = {
        f"{a}-{b}": {"twoQubitGateFidelity": [_fidelity("R_B", 0.99 - a / 1000, gateName="CZ", direction=None)]}
        for a, b in WIRES
    }
    return {
        "braketSchemaHeader": header("device_schema.iqm.iqm_device_capabilities"),
        "service": _service(20_000, 0.00145, "shot", "Finland"),
        "action": {
            "braket.ir.openqasm.program": _program(_GATES, ["verbatim"]),
            "braket.ir.openqasm.program_set": _program_set(100, 100_000),
        },
        "deviceParameters": {},
        "paradigm": _paradigm(20, ["cz", "prx", "cc_prx", "measure_ff"], graph),
        "provider": None,
        "standardized": {
            "braketSchemaHeader": header("device_schema.standardized_gate_model_qpu_device_properties"),
            "oneQubitProperties": single,
            "twoQubitProperties": pairs,
        },
    }


def forte():
    """All qubits see all others; debiasing."""
    return {
        "braketSchemaHeader": header("device_schema.ionq.ionq_device_capabilities"),
        "service": _service(5000, 0.08, "shot", "Maryland, USA"),
        "action": {
            "braket.ir.openqasm.program": _program(_GATES, ["verbatim"]),
            "braket.ir.openqasm.program_set": _program_set(100, 100_000),
        },
        "deviceParameters": {},
        "paradigm": _paradigm(8, ["GPI", "GPI2", "ZZ"], None),
        "provider": {
            "braketSchemaHeader": header("device_schema.ionq.ionq_provider_properties"),
            "fidelity": {"1Q": {"mean": 0.9998}, "2Q": {"mean": 0.99}, "spam": {"mean": 0.995}},
            "timing": {"T1": 100, "T2": 1, "1Q": 0.00013, "2Q": 0.00095, "readout": 0.00015, "reset": 0.00005},
            "errorMitigation": {"braket.device_schema.error_mitigation.debias.Debias": {"minimumShots": 2500}},
        },
        "standardized": None,
    }


def simulator(qubits, gates=()):
    return {
        "braketSchemaHeader": header("device_schema.simulators.gate_model_simulator_device_capabilities"),
        "service": _service(100_000, 0.075, "minute", ""),
        "action": {"braket.ir.openqasm.program": _program([*_MORE, *gates], ["braket_unitary_matrix"])},
        "deviceParameters": {},
        "paradigm": {
            "braketSchemaHeader": header("device_schema.simulators.gate_model_simulator_paradigm_properties"),
            "qubitCount": qubits,
        },
    }


def aquila():
    """A machine that runs no circuits."""
    return {
        "braketSchemaHeader": header("device_schema.quera.quera_device_capabilities"),
        "service": _service(1000, 0.01, "shot", "Boston, USA"),
        "action": {"braket.ir.ahs.program": {"version": ["1"], "actionType": "braket.ir.ahs.program"}},
        "deviceParameters": {},
        "paradigm": {
            "braketSchemaHeader": header("device_schema.quera.quera_ahs_paradigm_properties"),
            "qubitCount": 256,
        },
    }


def all_devices():
    """The capabilities of the devices by their ARNs."""
    return {
        GARNET: garnet(),
        FORTE: forte(),
        SV1: simulator(34),
        DM1: simulator(17, ["kraus"]),
        AQUILA: aquila(),
    }
