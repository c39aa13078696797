"""Results from elsewhere as JSON values: of Qiskit's Result and PrimitiveResult, of jobs, and plain counts.

What is noted is a list with one entry for each circuit or PUB:

* counts: ``{"counts": {"0 11": 512, ...}, "shots": 1024, "registers": [["c", 2], ["a", 1]]}``. Outcomes are in Qiskit
  order, registers joined with a space between them, the last one first. A sweep has nested lists of such mappings.
* expectation values: ``{"evs": ..., "stds": ...}``, numbers or nested lists of them; ``null`` where there is no number.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from qiskit.primitives import BitArray, PrimitiveResult, PubResult
from qiskit.result import Result

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.checks import is_real, is_whole


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a job that ran elsewhere yielded."""

    entries: Sequence[Mapping[str, Any]]
    device: str = ""
    """Where it ran, as far as the result tells."""

    service_job: str | None = None
    """The id of the job, if it was a job of a Haiqu service already."""

    @property
    def shots(self) -> int | list[int | None] | None:
        """Shots: one number if all entries have the same."""
        found = [entry.get("shots") for entry in self.entries]
        return found[0] if len(set(found)) == 1 else found


def read_outcome(given: Any, *, num_clbits: int | None = None) -> Outcome:
    """Read a job, waiting for it if need be, or a result.

    Args:
        given: A job, a ``Result``, a ``PrimitiveResult``, a ``PubResult``, or a mapping from outcomes to counts.
        num_clbits: Bits of an outcome, where outcomes are numbers.

    Raises:
        HaiquInputError: If it is none of these, or holds nothing that can be noted.
    """
    if isinstance(given, Mapping):
        return Outcome(entries=[_plain_counts(given, num_clbits)])
    if isinstance(given, Result):
        return _of_result(given)
    if isinstance(given, PubResult):
        return Outcome(entries=[_of_pub(given, 0)])
    if isinstance(given, PrimitiveResult):
        return _of_primitive(given)
    if callable(getattr(given, "result", None)):
        return _of_job(given)
    raise HaiquInputError(
        f"job_or_result must be a job, a Result, a PrimitiveResult or a mapping of counts, not {type(given).__name__}."
    )


def _of_job(job: Any) -> Outcome:
    result = job.result()
    if callable(getattr(result, "result", None)) or not isinstance(result, (Result, PrimitiveResult, PubResult)):
        raise HaiquInputError(
            f"The result of {type(job).__name__} is a {type(result).__name__}, which cannot be noted. Give a job whose "
            "result is a Result or a PrimitiveResult, or its counts."
        )
    found = read_outcome(result)
    backend = job.backend() if callable(getattr(job, "backend", None)) else None
    name = getattr(backend, "name", "")
    return Outcome(
        entries=found.entries,
        device=name if isinstance(name, str) and name else found.device,
        service_job=found.service_job,
    )


def _of_primitive(result: PrimitiveResult[Any]) -> Outcome:
    ours = result.metadata.get("haiqu", {})
    return Outcome(
        entries=[_of_pub(pub, index) for index, pub in enumerate(result)],
        device=ours.get("backend", ""),
        service_job=_service_job(ours),
    )


def _of_result(result: Result) -> Outcome:
    ours = getattr(result, "haiqu", None) or {}
    return Outcome(
        entries=[_of_experiment(result, index) for index in range(len(result.results))],
        device=str(result.backend_name or ""),
        service_job=_service_job(ours),
    )


def _service_job(ours: Mapping[str, Any]) -> str | None:
    """The id of a job that ran through Haiqu, which our own results tell."""
    return ours.get("job_id") if ours.get("via") == "haiqu" else None


def _of_experiment(result: Result, index: int) -> dict[str, Any]:
    experiment = result.results[index]
    if not hasattr(experiment.data, "counts"):
        raise HaiquInputError(
            f"Experiment {index} of the result has no counts. Measure its qubits, or give the values."
        )
    header = experiment.header or {}
    sizes = header.get("creg_sizes", []) if isinstance(header, Mapping) else getattr(header, "creg_sizes", [])
    counts = {str(bits): int(count) for bits, count in result.get_counts(index).items()}
    return {"counts": counts, "shots": sum(counts.values()), "registers": [[name, size] for name, size in sizes]}


def _of_pub(pub: PubResult, index: int) -> dict[str, Any]:
    data = dict(pub.data.items())
    if "evs" in data:
        return {name: _numbers(data[name]) for name in ("evs", "stds") if name in data}
    if not data or not all(isinstance(bits, BitArray) for bits in data.values()):
        kinds = sorted({type(value).__name__ for value in data.values()})
        raise HaiquInputError(f"PUB {index} holds neither classified bits nor expectation values, but {kinds}.")
    return _of_registers(data)


def _of_registers(registers: Mapping[str, BitArray]) -> dict[str, Any]:
    """Joint counts of all registers; those of single ones would lose how the registers belong together."""
    joint = BitArray.concatenate_bits(list(registers.values()))
    sizes = [bits.num_bits for bits in registers.values()]
    spaced = _spacing(sizes)

    def at(place: tuple[int, ...]) -> dict[str, int]:
        return {spaced(bits): count for bits, count in joint.get_counts(place).items()}

    return {
        "counts": _nested(joint.shape, at),
        "shots": joint.num_shots,
        "registers": [[name, size] for name, size in zip(registers, sizes, strict=True)],
    }


def _spacing(sizes: Sequence[int]) -> Callable[[str], str]:
    """Puts a space between registers, the last of which comes first."""
    cuts = [0]
    for size in reversed([size for size in sizes if size]):
        cuts.append(cuts[-1] + size)
    return lambda bits: " ".join(bits[start:end] for start, end in pairwise(cuts))


def _nested(shape: Sequence[int], at: Callable[[tuple[int, ...]], Any], place: tuple[int, ...] = ()) -> Any:
    """Nested lists of a shape; a single value for no shape."""
    if len(place) == len(shape):
        return at(place)
    return [_nested(shape, at, (*place, index)) for index in range(shape[len(place)])]


def _numbers(values: Any) -> Any:
    """Nested lists of finite numbers; ``None`` for others, as JSON has no word for them."""
    plain = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(plain, Iterable):
        return [_numbers(value) for value in plain]
    return float(plain) if plain is not None and math.isfinite(plain) else None


def _plain_counts(counts: Mapping[Any, Any], num_clbits: int | None) -> dict[str, Any]:
    if not counts:
        raise HaiquInputError("job_or_result holds no counts. Give a mapping such as {'00': 512, '11': 512}.")
    for outcome, count in counts.items():
        if not is_real(count) or not math.isfinite(count) or (is_whole(count) and count < 0):
            raise HaiquInputError(
                f"The count of outcome {outcome!r} must be a number that is not negative, or a quasi-probability, "
                f"not {count!r}."
            )
    named = _named(counts, num_clbits)
    if all(is_whole(count) for count in named.values()):
        whole = {key: int(count) for key, count in named.items()}
        return {"counts": whole, "shots": sum(whole.values()), "registers": []}
    return {"counts": {key: float(count) for key, count in named.items()}, "registers": []}


def _named(counts: Mapping[Any, Any], num_clbits: int | None) -> dict[str, Any]:
    """The counts by bitstring, all of one width."""
    read = {outcome: _outcome(outcome) for outcome in counts}
    numbers = [number for number in read.values() if isinstance(number, int)]
    width = num_clbits or max((number.bit_length() for number in numbers), default=1) or 1
    named = {
        number if isinstance(number, str) else format(number, f"0{width}b"): counts[outcome]
        for outcome, number in read.items()
    }
    widths = {len(bits) for bits in named}
    if len(named) < len(counts) or len(widths) > 1 or (numbers and widths != {width}):
        raise HaiquInputError(
            f"The outcomes {', '.join(map(repr, list(counts)[:5]))} are not all different bitstrings of one width"
            f"{f', of {num_clbits} bits' if num_clbits else ''}. Give such as {{'00': 512, '11': 512}}."
        )
    return named


def _outcome(outcome: Any) -> str | int:
    """An outcome as a bitstring or a number."""
    if is_whole(outcome) and outcome >= 0:
        return int(outcome)
    if isinstance(outcome, str) and _BITS.fullmatch(outcome):
        return outcome
    if isinstance(outcome, str) and _HEX.fullmatch(outcome):
        return int(outcome, 16)
    raise HaiquInputError(f"Outcomes must be bitstrings or whole numbers of at least 0, not {outcome!r}.")


_BITS = re.compile(r"[01]+( [01]+)*")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
