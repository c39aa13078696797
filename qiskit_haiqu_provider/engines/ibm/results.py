"""Results of IBM's primitives as results of slots."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qiskit_haiqu_provider.engines.direct.circuits import samples_of_bits
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.run.result import Expectations, Samples, TaskResult


def read(raw: Any, job: SentJob) -> Sequence[TaskResult]:
    """The results of a job, one for each of its slots.

    Args:
        raw: What IBM's client makes of them.
        job: The job.

    Raises:
        HaiquResponseError: If they are not those of this job.
    """
    pubs = list(_recognised(raw, job.facts["kind"]))
    if len(pubs) != len(job.slots):
        raise HaiquResponseError(f"IBM Quantum returned {len(pubs)} results for a job of {len(job.slots)} PUBs.")
    if job.facts["kind"] == "estimator":
        return [_expectations(pub.data, slot.sets) for pub, slot in zip(pubs, job.slots, strict=True)]
    layouts = zip(pubs, job.slots, job.facts["registers"], strict=True)
    return [_samples(pub.data, slot.sets, job.facts["shots"], layout) for pub, slot, layout in layouts]


def _recognised(raw: Any, kind: str) -> Any:
    """The result of a primitive; worked out here if the client did not see whose it is."""
    if not hasattr(raw, "passthrough_data"):
        return raw
    from qiskit_ibm_runtime.decoders.executor_estimator.decoder import ClientSideEstimatorDecoder
    from qiskit_ibm_runtime.decoders.executor_sampler.decoder import ClientSideSamplerResultDecoder

    decoders = {"sampler": ClientSideSamplerResultDecoder, "estimator": ClientSideEstimatorDecoder}
    return decoders[kind].decode(raw)


def _expectations(data: Any, sets: int) -> Expectations:
    """Shape ``(observables, sets)``, which is that of the PUB."""
    values, stds = (np.asarray(item, dtype=np.float64) for item in (data.evs, data.stds))
    return Expectations(values.reshape(-1, sets), stds.reshape(-1, sets))


def _samples(data: Any, sets: int, shots: int, layout: Mapping[str, Any]) -> Samples:
    """The bits of all registers together, shot by shot.

    Twirling runs whole batches, so that there may be more shots than were asked for; the first ones are kept.
    """
    found = [(places, data[name]) for name, places in layout["names"].items()]
    fewest = min(register.num_shots for _, register in found)
    bits = np.zeros((sets, min(fewest, shots), layout["num_clbits"]), dtype=np.uint8)
    for places, register in found:
        seen = register.to_bool_array(order="little").reshape(sets, register.num_shots, len(places))
        bits[:, :, places] = seen[:, : bits.shape[1]]
    return samples_of_bits(bits)
