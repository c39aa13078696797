"""How much better mitigated values are: ``python -m benchmarks.mitigation [--quick]``."""

import argparse
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchmarks.mitigation_methods import METHODS, SHARES, exact
from benchmarks.mitigation_suite import DEV, QUICK, UNSEEN, Case, cases

Z_95 = 1.96
NULL_BIAS = 0.015
"""Rows whose raw bias is smaller are left out of ratios."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two devices and five small circuits, under five minutes")
    parser.add_argument("--unseen", action="store_true", help="devices and circuits that nothing was tuned on")
    parser.add_argument("--shots", type=int, default=8192)
    parser.add_argument("--repetitions", type=int, default=4)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--only", nargs="*", default=None, help="names of circuits")
    parser.add_argument("--part", choices=("values", "shares", "bell"), nargs="*", default=["values", "shares", "bell"])
    arguments = parser.parse_args()
    devices = ("fake_torino", "fake_kyiv", "fake_fez")
    names: tuple[str, ...] = DEV
    if arguments.quick:
        devices, names = devices[:2], QUICK
    if arguments.unseen:
        devices, names = ("fake_marrakesh", "fake_brisbane"), UNSEEN
    if arguments.only:
        names = tuple(arguments.only)
    chosen = list(cases(devices, names))
    started = time.perf_counter()
    if "values" in arguments.part:
        values(chosen, arguments)
    if "shares" in arguments.part:
        shares(chosen, arguments)
    if "bell" in arguments.part:
        bell(50 if arguments.quick else 200)
    print(f"\n{time.perf_counter() - started:.0f} s")


@dataclass(frozen=True)
class Row:
    """An observable of a case, and the mean absolute errors of a method."""

    case: Case
    observable: str
    bias: float
    """What is wrong without mitigation at any number of shots."""

    raw: float
    error: float


def values(chosen: Iterable[Case], arguments: Any) -> None:
    rows: dict[str, list[Row]] = {name: [] for name in arguments.methods}
    inside: list[Any] = []
    for case in chosen:
        ideal = case.ideal_values()
        bias = np.abs(exact(case) - ideal)
        errors = {}
        for index, name in enumerate(arguments.methods):
            answer = METHODS[name](case, arguments.shots, arguments.repetitions, 1000 + index)
            errors[name] = np.abs(answer.values - ideal)
            if name == "ours":
                inside.append(errors[name] <= Z_95 * answer.stds + 1e-12)
        for name, found in errors.items():
            means = zip(case.observables, bias, errors["raw"].mean(axis=0), found.mean(axis=0), strict=True)
            rows[name] += [Row(case, *each) for each in means]
    print(f"\nObservables, {arguments.shots} shots a basis in total, reduction of the mean absolute error")
    print(f"{'':14s}{'median':>8s}{'10 %':>8s}{'worst':>8s}{'worse':>8s}{'error':>8s}{'rows':>6s}")
    for name, found in rows.items():
        _line(name, [row for row in found if not row.case.clifford])
    if "ours" in rows:
        _more(rows["ours"], inside)


def _more(rows: list[Row], inside: list[Any]) -> None:
    """Ours in detail."""
    for label in ("mean", "pairs", "parity"):
        _line(f"ours {label}", [row for row in rows if row.observable.startswith(label) and not row.case.clifford])
    print(f"95 % intervals of ours hold {np.mean(np.concatenate(inside)):.1%} of the values")
    small = [row.error - row.raw for row in rows if row.bias <= NULL_BIAS]
    print(
        f"where the bias is at most {NULL_BIAS}, the error changes by {np.mean(small):.4f}, at most {np.max(small):.4f}"
    )
    for row in sorted(rows, key=lambda row: row.raw - row.error)[:5]:
        print(f"  worst: {row.case} {row.observable}: raw {row.raw:.4f} ours {row.error:.4f}")


def _line(name: str, rows: list[Row]) -> None:
    ratios = np.array([row.raw / max(row.error, 1e-9) for row in rows if row.bias > NULL_BIAS])
    error = np.mean([row.error for row in rows])
    print(
        f"{name:14s}{np.median(ratios):8.2f}{np.quantile(ratios, 0.1):8.2f}{ratios.min():8.2f}"
        f"{np.mean(ratios < 1):8.1%}{error:8.4f}{len(ratios):6d}"
    )


def shares(chosen: Iterable[Case], arguments: Any) -> None:
    found: dict[str, list[Any]] = {name: [] for name in SHARES}
    for case in chosen:
        ideal = case.ideal_probabilities()
        for index, (name, method) in enumerate(SHARES.items()):
            weights = method(case, arguments.shots, arguments.repetitions, 2000 + index)
            found[name].append(np.mean(np.sqrt(weights * ideal).sum(axis=1) ** 2))
    raw = 1 - np.array(found["raw"])
    print(f"\nDistributions, {arguments.shots} shots in total, reduction of the infidelity")
    print(f"{'':14s}{'median':>8s}{'10 %':>8s}{'worst':>8s}{'fidelity':>10s}{'lost most':>11s}")
    for name, each in found.items():
        ratios = raw / np.maximum(1 - np.array(each), 1e-9)
        lost = (1 - raw) - np.array(each)
        print(
            f"{name:14s}{np.median(ratios):8.2f}{np.quantile(ratios, 0.1):8.2f}{ratios.min():8.2f}"
            f"{np.mean(each):10.4f}{lost.max():11.4f}"
        )


def bell(runs: int) -> None:
    """A Bell state on fake_kyiv with 4096 shots in total, one run after the other."""
    case = Case("fake_kyiv", "stoch", "ghz 2")
    ideal = case.ideal_probabilities()
    print(f"\nBell state on fake_kyiv, 4096 shots in total, {runs} runs")
    for name, method in SHARES.items():
        found = [np.sqrt(method(case, 4096, 1, seed)[0] * ideal).sum() ** 2 for seed in range(runs)]
        print(f"{name:14s} fidelity {np.mean(found):.4f} +- {np.std(found):.4f}, lowest {np.min(found):.4f}")


if __name__ == "__main__":
    main()
