"""How much better mitigated values are: ``python -m benchmarks.mitigation [--quick | --unseen | --fresh]``."""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.mitigation_methods import METHODS, SHARES, exact
from benchmarks.mitigation_report import Facts, save, text
from benchmarks.mitigation_suite import DEV, FRESH, QUICK, UNSEEN, Case, cases

Z_95 = 1.96
NULL_BIAS = 0.015
"""Rows whose raw bias is smaller are left out of ratios."""

BELL_RUNS = 200
_SUITES = {
    "dev": (("fake_torino", "fake_kyiv", "fake_fez"), DEV),
    "quick": (("fake_torino", "fake_kyiv"), QUICK),
    "unseen": (("fake_marrakesh", "fake_brisbane"), UNSEEN),
    "fresh": (("fake_aachen", "fake_sherbrooke"), FRESH),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two devices and five small circuits, under five minutes")
    parser.add_argument("--unseen", action="store_true", help="devices and circuits kept apart from tuning")
    parser.add_argument("--fresh", action="store_true", help="the same, drawn after all choices")
    parser.add_argument("--shots", type=int, default=8192)
    parser.add_argument("--repetitions", type=int, default=None, help="default: 8, or 4 if quick")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--only", nargs="*", default=None, help="names of circuits; nothing is stored then")
    parser.add_argument("--part", choices=("values", "shares", "bell"), nargs="*", default=["values", "shares", "bell"])
    arguments = parser.parse_args()
    suite = "quick" if arguments.quick else "unseen" if arguments.unseen else "fresh" if arguments.fresh else "dev"
    repetitions = arguments.repetitions or (4 if arguments.quick else 8)
    devices, names = _SUITES[suite]
    chosen = list(cases(devices, tuple(arguments.only or names)))
    settings = {"shots": arguments.shots, "repetitions": repetitions, "cases": len(chosen)}
    started, used = time.perf_counter(), time.process_time()
    facts: Facts = {}
    if "values" in arguments.part:
        facts |= values(chosen, arguments.methods, arguments.shots, repetitions)
    if "shares" in arguments.part:
        facts |= shares(chosen, arguments.shots, repetitions)
    settings |= {"seconds": round(time.perf_counter() - started), "CPU seconds": round(time.process_time() - used)}
    found = {suite: {"settings": settings, **facts}} if facts else {}
    if "bell" in arguments.part:
        found["bell"] = {"settings": {"runs": BELL_RUNS}, **bell(BELL_RUNS)}
    for part, each in found.items():
        print(text(part, each), end="\n\n")
        if arguments.only is None:
            save(part, each)
    print(f"{time.perf_counter() - started:.0f} s")


@dataclass(frozen=True)
class Row:
    """An observable of a case, and the mean absolute errors of a method."""

    case: Case
    observable: str
    bias: float
    """What is wrong without mitigation at any number of shots."""

    raw: float
    error: float


def values(chosen: Sequence[Case], methods: Sequence[str], shots: int, repetitions: int) -> Facts:
    """What methods do to the errors of expectation values."""
    rows: dict[str, list[Row]] = {name: [] for name in methods}
    inside: list[Any] = []
    for case in chosen:
        ideal = case.ideal_values()
        bias = np.abs(exact(case) - ideal)
        errors = {}
        for index, name in enumerate(methods):
            answer = METHODS[name](case, shots, repetitions, 1000 + index)
            errors[name] = np.abs(answer.values - ideal)
            if name == "ours":
                inside.append(errors[name] <= Z_95 * answer.stds + 1e-12)
        for name, found in errors.items():
            means = zip(case.observables, bias, errors["raw"].mean(axis=0), found.mean(axis=0), strict=True)
            rows[name] += [Row(case, *each) for each in means]
    judged = {name: [row for row in each if not row.case.clifford] for name, each in rows.items()}
    facts: Facts = {"values": {name: _reductions(each) for name, each in judged.items()}}
    return facts | (_more(judged["ours"], rows["ours"], inside) if "ours" in rows else {})


def _more(judged: Sequence[Row], rows: Sequence[Row], inside: Sequence[Any]) -> Facts:
    """Ours in detail."""
    slices = {
        f"ours, {label}": _reductions([row for row in judged if row.observable.startswith(label)])
        for label in ("mean", "pairs", "parity")
    }
    small = [row.error - row.raw for row in rows if row.bias <= NULL_BIAS]
    worst = sorted(rows, key=lambda row: row.raw - row.error)[:5]
    return {
        "slices": slices,
        "coverage": float(np.mean(np.concatenate(inside))),
        "small": {
            "share of intervals that hold": float(np.mean(np.concatenate(inside))),
            "mean change of the error at small bias": float(np.mean(small)),
            "largest": float(np.max(small)),
            "largest of all": worst[0].error - worst[0].raw,
        },
        "lost": [{"row": f"{row.case}, {row.observable}", "raw": row.raw, "ours": row.error} for row in worst],
    }


def _reductions(rows: Sequence[Row]) -> dict[str, float]:
    ratios = np.array([row.raw / max(row.error, 1e-9) for row in rows if row.bias > NULL_BIAS])
    return {
        **_spread(ratios),
        "worse": float(np.mean(ratios < 1)),
        "error": float(np.mean([row.error for row in rows])),
        "rows": len(ratios),
    }


def _spread(ratios: Any) -> dict[str, float]:
    return {
        "median": float(np.median(ratios)),
        "10 %": float(np.quantile(ratios, 0.1)),
        "worst": float(ratios.min()),
    }


def shares(chosen: Sequence[Case], shots: int, repetitions: int) -> Facts:
    """What methods do to the infidelities of distributions."""
    found: dict[str, list[Any]] = {name: [] for name in SHARES}
    for case in chosen:
        ideal = case.ideal_probabilities()
        for index, (name, method) in enumerate(SHARES.items()):
            weights = method(case, shots, repetitions, 2000 + index)
            found[name].append(np.mean(np.sqrt(weights * ideal).sum(axis=1) ** 2))
    raw = 1 - np.array(found["raw"])
    facts = {}
    for name, each in found.items():
        infidelity = 1 - np.array(each)
        facts[name] = {
            **_spread(raw / np.maximum(infidelity, 1e-9)),
            "fidelity": float(np.mean(each)),
            "lost most": float((infidelity - raw).max()),
        }
    return {"shares": facts}


def bell(runs: int) -> Facts:
    """A Bell state on fake_kyiv with 4096 shots in total, one run after the other."""
    case = Case("fake_kyiv", "stoch", "ghz 2")
    ideal = case.ideal_probabilities()
    facts: Facts = {}
    for name, method in SHARES.items():
        found = [float(np.sqrt(method(case, 4096, 1, seed)[0] * ideal).sum() ** 2) for seed in range(runs)]
        facts[name] = {"mean": np.mean(found).item(), "spread": np.std(found).item(), "lowest": min(found)}
    return facts


if __name__ == "__main__":
    main()
