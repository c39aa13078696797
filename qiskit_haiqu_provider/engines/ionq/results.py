"""IonQ's results, in each form that they have had, as distributions over classical bits.

States are decimal numbers, bit k of which is qubit k. In the newer form they are strings for each register, the first
character of which is qubit 0, as IonQ documents it for OpenQASM 3. As people have read that form the other way round
too, it is taken only where IonQ has nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.ionq.answers import fields, inside, number, text, unreadable
from qiskit_haiqu_provider.engines.ionq.client import IonQClient
from qiskit_haiqu_provider.exceptions import HaiquNotFoundError
from qiskit_haiqu_provider.run.result import Distributions

Weights = Mapping[int, float]
"""Probability of each state; bit k of a state is qubit k."""

_FLAT = "ionq.result.probabilities.json.v1"
_OF_ALL = "ionq.result.probabilities-aggregate.json.v1"
_BY_REGISTER = "ionq.result.probabilities.json.v2"
_WHOLE = "output_all"
"""The register of all qubits."""


def read_weights(client: IonQClient, job: Mapping[str, Any], *, circuits: int, sharpen: bool) -> list[Weights]:
    """The probabilities of each circuit of a job that is done, in the order in which the circuits were sent.

    Args:
        client: The connection.
        job: The job as IonQ shows it.
        circuits: How many circuits it had.
        sharpen: Whether, of a debiased job, the outcomes that most of its variants agree on are favoured.

    Raises:
        HaiquResponseError: If they cannot be read, or some are missing.
    """
    if circuits == 1 and not job.get("child_job_ids"):
        return [_one(client, job, sharpen=sharpen)]
    children = job.get("child_job_ids")
    if not isinstance(children, list) or len(children) != circuits or not all(map(text, children)):
        raise unreadable(f"{circuits} circuits were sent, but the job names these: {str(children)[:200]}")
    if sharpen:
        shown = [fields(client.read("/jobs/{job_id}", job_id=child), what="job") for child in children]
        return [_one(client, each, sharpen=sharpen) for each in shown]
    return _all(client, job, children)


def distributions(weights: Sequence[Weights], measured: Sequence[int]) -> Distributions:
    """Probabilities of classical bits.

    Args:
        weights: For each parameter set the probabilities of states.
        measured: For each classical bit the qubit that is read into it; a bit with -1 is 0.
    """
    each = [_of_bits(states, measured) for states in weights]
    return Distributions(
        outcomes=np.concatenate([outcomes for outcomes, _ in each]),
        weights=np.concatenate([shares for _, shares in each]),
        offsets=np.concatenate([[0], np.cumsum([len(shares) for _, shares in each])]).astype(np.int64),
        num_clbits=len(measured),
    )


def _of_bits(states: Weights, measured: Sequence[int]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The distinct outcomes, packed, and their probabilities."""
    size = max(max(states).bit_length(), max(measured, default=0) + 1) // 8 + 1  # bytes; the last bit is always 0
    rows = np.frombuffer(b"".join(state.to_bytes(size, "little") for state in states), dtype=np.uint8)
    qubits = np.unpackbits(rows.reshape(len(states), size), axis=1, bitorder="little")
    # Classical bit 0 is the last one of the last byte; -1 picks the last bit, which is 0.
    bits = qubits[:, list(reversed(measured))]
    pad = np.zeros((len(states), -len(measured) % 8), dtype=np.uint8)
    packed = np.packbits(np.concatenate([pad, bits], axis=1), axis=1)
    shares = np.fromiter(states.values(), dtype=np.float64)
    outcomes, owner = np.unique(packed, axis=0, return_inverse=True)
    return outcomes, np.bincount(owner.reshape(-1), shares, len(outcomes)).astype(np.float64)


def _one(client: IonQClient, job: Mapping[str, Any], *, sharpen: bool) -> Weights:
    """The probabilities of a job with one circuit.

    First where the job says, as flat numbers; then where they always were, which IonQ still documents, and where alone
    sharpening can be asked for; then by register.
    """
    job_id, results = str(job["id"]), job.get("results")
    query = {"sharpen": "true"} if sharpen else None
    address = _address(client, results)
    if address is not None:
        return _flat(client.read(address, query=query))
    flat = text(inside(results, _FLAT, "id"))
    if flat is not None and not sharpen:
        return _flat(client.read("/jobs/{job_id}/artifacts/{name}", job_id=job_id, name=flat))
    try:
        return _flat(client.read("/jobs/{job_id}/results/probabilities", query=query, job_id=job_id))
    except HaiquNotFoundError:
        by_register = text(inside(results, _BY_REGISTER, "id"))
    if by_register is None or sharpen:
        raise unreadable(f"the results of job {job_id} are in no form that is known")
    return _of_register(client.read("/jobs/{job_id}/artifacts/{name}", job_id=job_id, name=by_register))


def _all(client: IonQClient, job: Mapping[str, Any], children: Sequence[str]) -> list[Weights]:
    """The probabilities of all circuits of a job, which IonQ keeps by the ids of the jobs that it made of them."""
    job_id, results = str(job["id"]), job.get("results")
    address = _address(client, results)
    artifact = text(inside(results, _OF_ALL, "id"))
    if address is not None:
        found = client.read(address)
    elif artifact is not None:
        found = client.read("/jobs/{job_id}/artifacts/{name}", job_id=job_id, name=artifact)
    else:
        found = client.read("/jobs/{job_id}/results/probabilities/aggregated", job_id=job_id)
    found = fields(found, *children, what="set of results")
    return [_flat(found[child]) for child in children]  # not in the order of the answer, which means nothing


def _address(client: IonQClient, results: Any) -> str | None:
    """The path below the API's address that a job names; never another host, which would get the key."""
    url = text(inside(results, "probabilities", "url"))
    if url is None:
        return None
    base, named = urlsplit(client.url), urlsplit(url)
    ours = not named.netloc or (named.scheme, named.netloc) == (base.scheme, base.netloc)
    if not ours or not named.path.startswith(f"{base.path}/") or set(named.path) & set("{}"):
        raise unreadable(f"its results are at another address ({named.hostname or ''}{named.path[:200]})")
    return named.path.removeprefix(base.path)


def _flat(found: Any) -> Weights:
    """Probabilities by decimal numbers."""
    states = fields(found, what="set of probabilities")
    if not all(_DECIMAL.fullmatch(state) for state in states):
        raise unreadable("a state is no number")
    return _checked({int(state): weight for state, weight in states.items()})


def _of_register(found: Any) -> Weights:
    """Probabilities by strings, the first character of which is qubit 0."""
    states = inside(found, "probabilities", "registers", _WHOLE)
    if not all(_BINARY.fullmatch(state) for state in fields(states, what=f"register {_WHOLE!r}")):
        raise unreadable("a state is no string of bits")
    return _checked({int(state[::-1], 2): weight for state, weight in states.items()})


_DECIMAL, _BINARY = re.compile("[0-9]{1,1000}"), re.compile("[01]+")


def _checked(states: Mapping[int, Any]) -> Weights:
    if any(number(weight) is None for weight in states.values()):
        raise unreadable("a probability is no number")
    if sum(states.values()) <= 0:
        raise unreadable("there are no outcomes")
    return states
