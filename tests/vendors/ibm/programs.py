"""What the fake IBM does with the params of a job: decode what the client really sent, run it on Aer, encode results.

``sampler`` and ``estimator`` have one wire format in all versions of the client. The format of ``executor`` names its
version, and is read and written with IBM's own models of it.
"""

import json
import math
from importlib import import_module

import numpy as np
from ibm_quantum_schemas.common import TensorModel
from qiskit.primitives import BackendEstimatorV2, DataBin, PrimitiveResult, PubResult
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

try:
    from qiskit_ibm_runtime.json import RuntimeDecoder, RuntimeEncoder
except ImportError:  # before 0.48
    from qiskit_ibm_runtime.utils import RuntimeDecoder, RuntimeEncoder

SEED = 11


def run(program, params):
    """The result of a job, as the text that the service keeps.

    Args:
        program: ``sampler``, ``estimator`` or ``executor``.
        params: The text of the params, as the client sent it.
    """
    if program == "executor":
        return _executor(params)
    decoded = json.loads(params, cls=RuntimeDecoder)
    result = _PROGRAMS[program](decoded["pubs"], decoded.get("options", {}))
    return json.dumps(result, cls=RuntimeEncoder)


def _sampler(pubs, options):
    default = options.get("default_shots") or 4096
    filled = [(circuit, values, shots or default) for circuit, values, shots in map(_padded, pubs)]
    return SamplerV2(seed=SEED).run(filled).result()


def _estimator(pubs, options):
    results = []
    shots = options.get("default_shots")
    default = 1 / math.sqrt(shots) if shots else options.get("default_precision") or 0.015625
    estimator = BackendEstimatorV2(backend=AerSimulator(), options={"seed_simulator": SEED})
    for circuit, observables, values, precision in pubs:
        data = estimator.run([(circuit, observables, values, precision or default)]).result()[0].data
        bins = DataBin(evs=data.evs, stds=data.stds, ensemble_standard_error=data.stds, shape=data.evs.shape)
        results.append(PubResult(bins, {"target_precision": precision or default}))
    return PrimitiveResult(results, {"version": 2})


_PROGRAMS = {"sampler": _sampler, "estimator": _estimator}


def _padded(pub):
    return (*pub, None, None)[:3]


def _executor(params):
    from qiskit_ibm_runtime.fake_provider.executor.run_quantum_program import run_quantum_program
    from qiskit_ibm_runtime.options_models.simulator import SimulatorOptions
    from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS

    version = json.loads(params)["schema_version"]
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[version]
    model = converter.model.model_validate_json(params)
    program, _ = converter.decoder(model)
    for item in program.items:
        if hasattr(item, "samplex"):
            item.samplex.finalize()
    result = run_quantum_program(AerSimulator(), program, SimulatorOptions(seed_simulator=SEED))
    models = import_module(f"ibm_quantum_schemas.executor.version_{version[1:].replace('.', '_')}")
    tensor = _tensor_model(models)
    items = [
        models.QuantumProgramResultItemModel(
            results={name: tensor.from_numpy(np.asarray(value)) for name, value in item.items()},
            metadata=models.ItemMetadataModel(),
        )
        for item in result
    ]
    return models.QuantumProgramResultModel(
        data=items,
        metadata=models.MetadataModel(chunk_timing=[]),
        passthrough_data=model.quantum_program.passthrough_data,
        semantic_role=model.quantum_program.semantic_role,
    ).model_dump_json()


def _tensor_model(models):
    return getattr(models.models, "CompressedTensorModel", TensorModel)
