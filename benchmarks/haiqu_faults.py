"""Submissions over a network that breaks: ``python -m benchmarks.haiqu_faults [--runs N] [--silent N] [--seed N]``.

Jobs whose right answers are known go through a proxy that cuts, delays, repeats and corrupts. After each run the
service is asked directly for what it has: a job twice, a job that is lost, a wrong result or an untyped error is a
problem.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, Lines, aligned, piped, platform_facts, versions
from tests.engines.haiqu.faults.campaign import campaign, impatient
from tests.engines.haiqu.faults.trouble import Kind
from tests.gateway.servers import running

_SHOWN = 20
_LEGEND = (
    "Each run submits a sampler, a sweep, an estimator or a run of two jobs to a gateway through a proxy, and asks for "
    "the result. More than half of the submissions meet a fault, and a third to an eighth of all other requests. Then "
    "the network is well, and everything is checked against the gateway. honoured: the service says that it honours "
    "idempotency keys; silent: it does not, and a submission must never be sent again."
)


@dataclass
class Variant:
    """What came of the runs of one kind of service."""

    name: str
    report: Any
    seconds: float


def main() -> None:
    """Do the runs, print and save; exit code 1 if anything was wrong."""
    arguments = _arguments()
    print(f"seed {arguments.seed}", flush=True)
    variants = []
    for name, runs in (("honoured", arguments.runs), ("silent", arguments.silent)):
        if runs:
            variants.append(_measured(name, runs=runs, seed=arguments.seed, lanes=arguments.lanes))
            print(f"{name}: {_verdict(variants[-1])}", flush=True)
    for lines in (_faults(variants), _outcomes(variants)):
        print(f"\n{aligned(lines)}")
    print(f"\nSaved {_save(arguments.name, variants, seed=arguments.seed).name}")
    problems = [problem for variant in variants for problem in variant.report.problems]
    for problem in problems[:_SHOWN]:
        print(f"! {problem}")
    if problems:
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.haiqu_faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="runs with idempotency keys (default: %(default)s)")
    parser.add_argument("--silent", type=int, default=500, help="runs without (default: %(default)s)")
    parser.add_argument("--lanes", type=int, default=6, help="runs at once (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all that is random"
    )
    parser.add_argument("--name", default="haiqu-faults", help="of the result file (default: %(default)s)")
    return parser.parse_args()


def _measured(name: str, *, runs: int, seed: int, lanes: int) -> Variant:
    with tempfile.TemporaryDirectory(prefix="haiqu-faults-") as folder:
        home = Path(folder)
        with running(home) as gateway, impatient():
            began = time.monotonic()
            report = campaign(gateway, home / "clients", runs=runs, seed=seed, silent=name == "silent", lanes=lanes)
            return Variant(name, report, time.monotonic() - began)


def _verdict(variant: Variant) -> str:
    report = variant.report
    end = f"{len(report.problems)} problems" if report.problems else "none twice, none lost, all results right"
    return (
        f"{report.runs} runs, {sum(report.drawn.values())} faults, {report.jobs} jobs in {variant.seconds:.0f} s: {end}"
    )


def _faults(variants: list[Variant]) -> Lines:
    head = ("fault", *(variant.name for variant in variants))
    return [head, *((str(kind), *(str(variant.report.drawn[kind]) for variant in variants)) for kind in Kind)]


def _outcomes(variants: list[Variant]) -> Lines:
    head = ("end of a run", *(variant.name for variant in variants))
    found = sum((Counter(variant.report.outcomes) for variant in variants), Counter())
    ends = [end for end, _ in found.most_common()]
    return [head, *((end, *(str(variant.report.outcomes[end]) for variant in variants)) for end in ends)]


def _save(name: str, variants: list[Variant], *, seed: int) -> Path:
    where = ", ".join(f"{key} {value}" for key, value in {**versions(("httpx",)), **platform_facts()}.items())
    parts = ["# Submissions over a network that breaks", f"{where}, seed {seed}", _LEGEND]
    parts += ["\n".join(f"- {variant.name}: {_verdict(variant)}" for variant in variants)]
    parts += ["## Faults", piped(_faults(variants)), "## Ends", piped(_outcomes(variants))]
    problems = [f"- {problem}" for variant in variants for problem in variant.report.problems]
    parts += ["## Problems", "\n".join(problems)] if problems else []
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.md"
    path.write_text("\n\n".join(parts) + "\n")
    return path


if __name__ == "__main__":
    main()
