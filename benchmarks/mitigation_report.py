"""The report of mitigation: goals with their verdicts, tables, and everything as JSON.

Each part is kept until it is measured anew.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.report import RESULTS, Lines, aligned, piped, platform_facts, versions

Facts = dict[str, Any]

NAME = "mitigation"
PICTURE = f"{NAME}-overhead.png"
_TITLES = {
    "dev": "Devices and circuits used for tuning",
    "unseen": "Devices and circuits kept apart from tuning",
    "fresh": "Devices and circuits drawn after all choices",
    "quick": "Two devices, five small circuits",
    "bell": "Bell state on fake_kyiv, 4096 shots in total",
    "overhead": "Classical time",
}
_LEGEND = (
    "Raw, M3, TREX, twirling with TREX and ZNE are written for the comparison; ours runs through `EstimatorV2` and "
    "`SamplerV2` on the local engine with `use_mitigation` and its defaults, but for `budget='equal'`: all have the "
    "same shots in total. Reduction: mean absolute error (infidelity) of raw over that of the method, for each device, "
    "noise, circuit and observable with a raw bias above 0.015; Clifford circuits are left out of values. worse: share "
    "of these rows that became worse. error: mean absolute error of all rows. Times are CPU seconds: of mitigation "
    "before and after the run, of the local engine, which simulates the circuits without Aer, and of Aer for the same "
    "circuits; ratio: mitigation over Aer. Times of mitigation have a constant part, so that exponents in terms and "
    "randomisations are below 1."
)


@dataclass(frozen=True)
class Goal:
    """A figure of ours, and the range that it should be in."""

    label: str
    path: tuple[str, ...]
    """Where the figure is in the facts of a part."""

    least: float | None = None
    most: float | None = None

    def line(self, facts: Facts) -> tuple[str, str, str, str] | None:
        """Label, goal, figure and verdict; ``None`` if it was not measured."""
        found: Any = facts
        for name in self.path:
            if name not in found:
                return None
            found = found[name]
        low = self.least is None or found >= self.least
        high = self.most is None or found <= self.most
        asked = " and ".join(
            f"{sign} {bound:g}" for sign, bound in ((">=", self.least), ("<=", self.most)) if bound is not None
        )
        return self.label, asked, f"{found:.4g}", "pass" if low and high else "short"


def _goals(values: tuple[float, float], error: float | None, shares: tuple[float, float, float]) -> tuple[Goal, ...]:
    found = [
        Goal("values: median reduction", ("values", "ours", "median"), least=values[0]),
        Goal("values: worst reduction", ("values", "ours", "worst"), least=values[1]),
        Goal("values: 95 % intervals hold", ("coverage",), least=0.9, most=0.97),
        Goal("distributions: median reduction", ("shares", "ours", "median"), least=shares[0]),
        Goal("distributions: worst reduction", ("shares", "ours", "worst"), least=shares[1]),
        Goal("distributions: mean fidelity", ("shares", "ours", "fidelity"), least=shares[2]),
    ]
    if error is not None:
        found += [
            Goal("values: share worse than raw", ("values", "ours", "worse"), most=0.01),
            Goal("values: mean absolute error", ("values", "ours", "error"), most=error),
        ]
    return tuple(found)


_DEV = _goals((6.0, 0.43), None, (3.5, 0.90, 0.968))
_UNSEEN = _goals((4.5, 0.75), 0.022, (3.3, 0.81, 0.980))
GOALS: Mapping[str, tuple[Goal, ...]] = {
    "dev": _DEV,
    "quick": _DEV,
    "unseen": _UNSEEN,
    "fresh": _UNSEEN,
    "bell": (Goal("Bell state: mean fidelity", ("ours", "mean"), least=0.998),),
    "overhead": (
        Goal("8 qubits, values: mitigation over Aer", ("ratios", "values"), most=0.3),
        Goal("8 qubits, distributions: mitigation over Aer", ("ratios", "samples"), most=0.3),
        Goal("exponent in circuits", ("exponents", "circuits"), most=1.1),
        Goal("exponent in terms", ("exponents", "terms"), most=1.1),
        Goal("exponent in randomisations", ("exponents", "randomisations"), most=1.1),
    ),
}


def text(part: str, facts: Facts) -> str:
    """A part for the terminal."""
    return "\n\n".join([_TITLES[part], *(f"{title}\n{aligned(lines)}" for title, lines in _tables(part, facts))])


def save(part: str, facts: Facts) -> None:
    """Store a part, and write the report of all."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{NAME}.json"
    parts = json.loads(path.read_text()) if path.exists() else {}
    parts[part] = {"versions": versions(), "platform": platform_facts(), **facts}
    path.write_text(json.dumps(parts, indent=1) + "\n")
    (RESULTS / f"{NAME}.md").write_text(_markdown(parts))


def _markdown(parts: Mapping[str, Facts]) -> str:
    found = ["# Error mitigation", _LEGEND]
    for part, title in _TITLES.items():
        if part not in parts:
            continue
        facts = parts[part]
        where = {**facts["versions"], **facts["platform"], **facts["settings"]}
        found += [f"## {title}", ", ".join(f"{name} {value}" for name, value in where.items())]
        for heading, lines in _tables(part, facts):
            found += [f"{heading}:", piped(lines)]
        if part == "overhead":
            found.append(f"![Time over size]({PICTURE})")
    return "\n\n".join(found) + "\n"


def _tables(part: str, facts: Facts) -> Iterator[tuple[str, Lines]]:
    goals = [line for goal in GOALS[part] if (line := goal.line(facts)) is not None]
    yield "Goals", [("goal", "asked", "found", "verdict"), *goals]
    if "values" in facts:
        yield "Values, reduction of the error", _table(facts["values"] | facts.get("slices", {}))
    if "small" in facts:
        yield "Values in detail", _table({"ours": facts["small"]})
    if "lost" in facts:
        yield "Mean absolute errors of the values that lost most", _rows(facts["lost"])
    if "shares" in facts:
        yield "Distributions, reduction of the infidelity", _table(facts["shares"])
    if part == "bell":
        yield (
            "Fidelity",
            _table({name: each for name, each in facts.items() if isinstance(each, dict) and "mean" in each}),
        )
    if part == "overhead":
        yield "CPU seconds, 8 qubits", _rows(facts["rows"])
        yield "CPU seconds over size", _rows(facts["curves"])


def _table(found: Mapping[str, Mapping[str, float]]) -> Lines:
    """A line for each method."""
    heads = list(next(iter(found.values())))
    return [("", *heads), *((name, *(f"{each[head]:.4g}" for head in heads)) for name, each in found.items())]


def _rows(found: list[dict[str, Any]]) -> Lines:
    heads = list(found[0])
    return [
        tuple(heads),
        *(
            tuple(each[head] if isinstance(each[head], str) else f"{each[head]:.3g}" for head in heads)
            for each in found
        ),
    ]
