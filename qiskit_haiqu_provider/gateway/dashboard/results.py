"""What is shown of the results of a job: one circuit at a time, as a chart and as a table, cut where they are large."""

import cmath
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qiskit_haiqu_provider.api.models import RunKind
from qiskit_haiqu_provider.gateway.dashboard.rendering import number

MAX_OUTCOMES = 32
MAX_SERIES = 6
MAX_POINTS = 400
_MAX_SHOWN_PARAMETERS = 4
_SHORT_PAULI = 8
_LONG_LABEL = 28


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of the results; counted from 0."""

    circuit: int = 0
    basis: int = 0
    set: int = 0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a job was asked for, as far as its results depend on it."""

    kind: str
    """``counts``, ``values`` or ``state``."""

    shots: int
    swept: bool
    observables: Sequence[Any] | None
    bases: Sequence[str] | None
    parameters: Sequence[Sequence[Sequence[float]]] | None
    """``[circuit][set][value]``; ``None`` if they cannot be told."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Results as a page shows them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    """Values of the columns; the first heads its row."""

    chart: Mapping[str, Any]
    summary: str
    """The chart in a sentence, for those who do not see it."""

    notes: Sequence[str] = ()
    """What was left out."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    """How many circuits, bases and sets there are to choose from, where there is more than one."""


def asked(view: Mapping[str, Any], parameters: Sequence[Sequence[Sequence[float]]] | None) -> Asked:
    """What a job was asked for.

    Args:
        view: The job as the API shows it.
        parameters: Its parameters as ``[circuit][set][value]``.
    """
    layers = (view.get("program") or {}).get("layers") or [{}]
    exact = view.get("run_type") == RunKind.STATEVECTOR or layers[-1].get("type") == "statevector"
    observables = view.get("observables")
    return Asked(
        kind="state" if exact else "counts" if observables is None else "values",
        shots=view.get("shots") or 0,
        swept=bool(view.get("parameters")),
        observables=observables,
        bases=view.get("readout_bases"),
        parameters=parameters,
    )


def shown(asked: Asked, results: Sequence[Any], uncertainty: Sequence[Any] | None, chosen: Selection) -> Shown:
    """The chosen part of results; the nearest one if it does not exist."""
    circuit = min(chosen.circuit, len(results) - 1)
    part = results[circuit]
    sizes = {"circuit": len(results)}
    if asked.kind == "values":
        errors = None if uncertainty is None else uncertainty[circuit]
        found = _values(asked, circuit, part, errors)
    else:
        if asked.bases is not None:
            sizes["basis"] = len(part)
            part = part[min(chosen.basis, len(part) - 1)]
        if asked.swept:
            sizes["set"] = len(part)
            part = part[min(chosen.set, len(part) - 1)]
        found = _state(part) if asked.kind == "state" else _counts(part, asked.shots)
    return _with_sizes(found, {name: count for name, count in sizes.items() if count > 1})


def _with_sizes(found: Shown, sizes: Mapping[str, int]) -> Shown:
    return Shown(**{**found.__dict__, "sizes": sizes})


def _counts(distribution: Mapping[str, float], shots: int) -> Shown:
    ranked = sorted(distribution.items(), key=lambda item: -item[1])[:MAX_OUTCOMES]
    rows = sorted(ranked) if len(distribution) <= MAX_OUTCOMES else ranked
    counts = [value * shots for _, value in rows]
    whole = shots > 0 and all(abs(count - round(count)) < 1e-6 * shots for count in counts)
    heights = [round(count) for count in counts] if whole else [value for _, value in rows]
    label = "Counts" if whole else "Probability"
    columns = ("Outcome", "Counts", "Probability") if whole else ("Outcome", "Probability")
    table = [
        (bits, height, value) if whole else (bits, value) for (bits, value), height in zip(rows, heights, strict=True)
    ]
    return Shown(
        title="Counts" if whole else "Distribution",
        columns=columns,
        rows=table,
        chart=_bars([bits for bits, _ in rows], heights, label),
        summary=f"Bar chart of {len(rows)} outcomes; the most frequent is {ranked[0][0]} with {ranked[0][1]:.1%}."
        if ranked
        else "There are no outcomes.",
        notes=_left_out(len(distribution), MAX_OUTCOMES, "most frequent of {} outcomes"),
    )


def _state(parts: Sequence[Sequence[float]]) -> Shown:
    amplitudes = [complex(real, imaginary) for real, imaginary in zip(*parts, strict=True)]
    width = max(0, (len(amplitudes) - 1).bit_length())
    present = [index for index, amplitude in enumerate(amplitudes) if abs(amplitude) > 1e-9]
    ranked = sorted(present, key=lambda index: (-round(abs(amplitudes[index]) ** 2, 9), index))[:MAX_OUTCOMES]
    order = sorted(ranked) if len(present) <= MAX_OUTCOMES else ranked
    labels = [format(index, f"0{width}b") for index in order]
    chances = [abs(amplitudes[index]) ** 2 for index in order]
    rows = [
        (label, amplitudes[index].real, amplitudes[index].imag, chance, cmath.phase(amplitudes[index]) / math.pi)
        for label, index, chance in zip(labels, order, chances, strict=True)
    ]
    return Shown(
        title="Exact state",
        columns=("Basis state", "Real part", "Imaginary part", "Probability", "Phase / π"),
        rows=rows,
        chart=_bars(labels, chances, "Probability"),
        summary=f"Bar chart of the probabilities of {len(rows)} basis states.",
        notes=_left_out(len(present), MAX_OUTCOMES, "most likely of {} basis states"),
    )


def _bars(labels: Sequence[str], values: Sequence[float], axis: str) -> dict[str, Any]:
    return {"kind": "bars", "labels": labels, "values": values, "axis": axis}


def _values(asked: Asked, circuit: int, values: Sequence[Any], errors: Sequence[Any] | None) -> Shown:
    group = (asked.observables or [])[circuit]
    labels = [observable_label(paulis, coeffs) for paulis, coeffs in group]
    if asked.swept:
        sets = asked.parameters[circuit] if asked.parameters is not None else None
        return _sweep(labels, values, errors, sets)
    errors = errors or [None] * len(values)
    rows = [
        (label, value, None if error is None else f"± {error:.2g}")
        for label, value, error in zip(labels, values, errors, strict=True)
    ]
    return Shown(
        title="Expectation values",
        columns=("Observable", "Value", "Uncertainty"),
        rows=rows[:MAX_POINTS],
        chart={
            "kind": "values",
            "labels": labels[:MAX_OUTCOMES],
            "values": values[:MAX_OUTCOMES],
            "errors": errors[:MAX_OUTCOMES],
        },
        summary=f"Expectation values of {min(len(rows), MAX_OUTCOMES)} observables with error bars.",
        notes=_left_out(len(rows), MAX_OUTCOMES, "first of {} observables in the chart"),
    )


def _sweep(
    labels: Sequence[str],
    values: Sequence[Sequence[float]],
    errors: Sequence[Sequence[float]] | None,
    sets: Sequence[Sequence[float]] | None,
) -> Shown:
    count = len(values[0]) if values else 0
    names = labels[:MAX_SERIES]
    one_parameter = sets is not None and len(sets) == count and all(len(row) == 1 for row in sets)
    positions = [row[0] for row in sets[:MAX_POINTS]] if sets and one_parameter else list(range(1, count + 1))
    series = [
        {
            "label": label,
            "values": values[index][:MAX_POINTS],
            "errors": errors[index][:MAX_POINTS] if errors is not None else None,
        }
        for index, label in enumerate(names)
    ]
    columns, leading = _set_columns(sets, count)
    rows = []
    for row in range(min(count, MAX_POINTS)):
        measured = [
            _measured(values[index][row], None if errors is None else errors[index][row]) for index in range(len(names))
        ]
        rows.append([row + 1, *leading[row], *measured])
    return Shown(
        title="Expectation values",
        columns=[*columns, *names],
        rows=rows,
        chart={
            "kind": "sweep",
            "x": positions[:MAX_POINTS],
            "axis": "Parameter value" if one_parameter else "Parameter set",
            "series": series,
        },
        summary=f"Expectation values of {len(names)} observables with error bars over {len(rows)} parameter sets.",
        notes=[
            *_left_out(len(labels), MAX_SERIES, "first of {} observables"),
            *_left_out(count, MAX_POINTS, "first of {} parameter sets"),
        ],
    )


def _measured(value: float, error: float | None) -> Any:
    """A value with what it is uncertain by, as the two are written together."""
    return value if error is None else f"{number(value)} ± {error:.2g}"


def _set_columns(sets: Sequence[Sequence[float]] | None, count: int) -> tuple[list[str], list[list[Any]]]:
    """Columns for the parameters of each set, where there are few."""
    if sets is None or len(sets) != count or not sets or len(sets[0]) > _MAX_SHOWN_PARAMETERS:
        return ["Set"], [[] for _ in range(count)]
    width = len(sets[0])
    names = ["Parameter"] if width == 1 else [f"Parameter {index + 1}" for index in range(width)]
    return ["Set", *names], [list(row) for row in sets]


def _left_out(count: int, limit: int, text: str) -> list[str]:
    return [f"Shown are the {limit} {text.format(f'{count:,}')}."] if count > limit else []


def observable_label(paulis: Sequence[str], coeffs: Sequence[float]) -> str:
    """An observable in one line, such as ``ZZ`` or ``0.5 XX + 0.5 ZZ``; wide Paulis as ``Z0 Z17``."""
    terms = []
    for pauli, coeff in zip(paulis, coeffs, strict=True):
        sign = "-" if coeff < 0 else "+"
        size = "" if abs(coeff) == 1 else f"{abs(coeff):g} "
        terms.append(f"{sign} {size}{_pauli(pauli)}")
    text = " ".join(terms).removeprefix("+ ")
    return text if len(text) <= _LONG_LABEL else f"{text[: _LONG_LABEL - 1]}…"


def _pauli(pauli: str) -> str:
    if len(pauli) <= _SHORT_PAULI:
        return pauli
    acting = [f"{letter}{qubit}" for qubit, letter in enumerate(reversed(pauli)) if letter != "I"]
    return " ".join(acting) or "I"
