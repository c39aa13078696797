"""What Braket puts into S3 when a task is done, as results of slots."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.braket.payload import copies_of
from qiskit_haiqu_provider.engines.direct.circuits import distributions_of, samples_of_bits
from qiskit_haiqu_provider.engines.direct.port import Failed
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.run.result import TaskResult

Load = Callable[[str], Any]
"""Reads JSON from a file below the folder of a task's results."""

MAIN = "results.json"


def results_of(job: SentJob, load: Load) -> list[TaskResult | Failed]:
    """The results of a task, one for each slot; a slot failed if a circuit of a program set did that it needs.

    Args:
        job: The task.
        load: Reads its files.

    Raises:
        HaiquResponseError: If the results cannot be read.
    """
    try:
        answer = load(MAIN)
        if answer["braketSchemaHeader"]["name"].endswith("program_set_task_result"):
            programs = [list(_executables(program, load)) for program in answer["programResults"]]
        else:
            programs = [[answer]]
        results: list[TaskResult | Failed] = []
        start = 0
        for slot, outcome in zip(job.slots, job.facts["outcomes"], strict=True):
            places = copies_of(outcome, slot)
            results.append(_result([programs[start + program][index] for program, index in places], outcome))
            start += places[-1][0] + 1
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise HaiquResponseError(
            f"Job {job.id}: its results in S3 cannot be read ({type(error).__name__}: {error}). Ask for them again; if "
            "that does not help, look at them in the AWS console."
        ) from error
    return results


def seconds_of(load: Load) -> float | None:
    """How long a simulator says that it ran; ``None`` if nothing is said."""
    try:
        told = load(MAIN)["additionalMetadata"]["simulatorMetadata"]["executionDuration"]
        return float(told) / 1000
    except (KeyError, TypeError, ValueError):
        return None


def _executables(program: Any, load: Load) -> Iterator[Mapping[str, Any]]:
    """The results of a program for its inputs, in their order; in files of their own if they are large."""
    found, folder = program, ""
    if isinstance(program, str):
        found, folder = load(program), program.rpartition("/")[0]
    each = [load(f"{folder}/{one}") if isinstance(one, str) else one for one in found["executableResults"]]
    yield from sorted(each, key=lambda one: int(one["inputsIndex"]))


def _result(answers: Sequence[Mapping[str, Any]], outcome: Mapping[str, Any]) -> TaskResult | Failed:
    """The results of all sets of a slot."""
    failure = next((answer["failureMetadata"] for answer in answers if "failureMetadata" in answer), None)
    if failure is not None:
        return Failed(f"a circuit of the program set failed ({failure['failureReason']})")
    clbits, shown = int(outcome["clbits"]), [(int(clbit), int(qubit)) for clbit, qubit in outcome["shown"]]
    if all(answer.get("measurements") for answer in answers):
        sets = [_bits(answer, clbits, shown) for answer in answers]
        if len({len(bits) for bits in sets}) == 1:
            return samples_of_bits(np.stack(sets))
        return distributions_of([_shares(bits) for bits in sets], clbits)
    return distributions_of([_weights(answer, clbits, shown) for answer in answers], clbits)


def _bits(answer: Mapping[str, Any], clbits: int, shown: Sequence[tuple[int, int]]) -> NDArray[np.uint8]:
    """Classical bits of every shot, bit 0 first; those that are not written are 0."""
    measured = np.asarray(answer["measurements"], dtype=np.uint8)
    place = {int(qubit): column for column, qubit in enumerate(answer["measuredQubits"])}
    if measured.ndim != 2 or measured.shape[1] != len(place) or (measured > 1).any():
        raise ValueError(f"measurements of shape {measured.shape} for {len(place)} qubits")
    bits = np.zeros((len(measured), clbits), dtype=np.uint8)
    for clbit, qubit in shown:
        bits[:, clbit] = measured[:, place[qubit]]
    return bits


def _shares(bits: NDArray[np.uint8]) -> dict[str, float]:
    rows, counts = np.unique(bits, axis=0, return_counts=True)
    return {"".join(map(str, row[::-1])): count / len(bits) for row, count in zip(rows, counts, strict=True)}


def _weights(answer: Mapping[str, Any], clbits: int, shown: Sequence[tuple[int, int]]) -> dict[str, float]:
    """Probabilities of the classical bits, from those of the measured qubits; the first qubit is written first."""
    place = {int(qubit): column for column, qubit in enumerate(answer["measuredQubits"])}
    found: dict[str, float] = {}
    for key, probability in answer["measurementProbabilities"].items():
        bits = ["0"] * clbits
        for clbit, qubit in shown:
            bits[clbit] = key[place[qubit]]
        text = "".join(reversed(bits))
        found[text] = found.get(text, 0.0) + float(probability)
    return found
