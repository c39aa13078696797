"""A gateway under load: ``python -m benchmarks.gateway_load [--jobs N] [--submitters N] [--database KIND]``.

One client submits Bell jobs, then many at once, some of the jobs twice. Each job is read back and checked.
"""

import argparse
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.gateway_client import Client, bell, experiment, upload
from benchmarks.gateway_report import Phase, Run, percentiles, save, summary
from benchmarks.gateway_server import DATABASES, Meter, Server, database_url, running, wait_until
from benchmarks.gateway_store import problems_of
from benchmarks.gateway_submitters import Answer, Done, Part, read, ready, submit

SEED = 2024
PROCESSES = 2
"""Processes of the load generator; each has its share of the submitters as threads."""

TWICE = 0.05
"""Share of the submissions that are sent twice, with the same key."""

ALONE = 200
"""Jobs of the single client that comes before the crowd."""

WAIT_SECONDS = 1800.0

_LAST = 64
"""Jobs at the end of the queue that are waited for; all are checked afterwards."""


def main() -> None:
    """Load a gateway on each database, print and save."""
    arguments = _arguments()
    kinds = DATABASES if arguments.database == "both" else (arguments.database,)
    runs = []
    for kind in kinds:
        runs.append(measure(kind, jobs=arguments.jobs, submitters=arguments.submitters, workers=arguments.workers))
        print(f"{summary(runs[-1:])}\n", flush=True)
    settings = {name: value for name, value in vars(arguments).items() if name != "name"}
    print(f"Saved {save(arguments.name, runs, settings).name}")
    if any(run.problems for run in runs):
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway_load", description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000, help="jobs of the crowd (default: %(default)s)")
    parser.add_argument("--submitters", type=int, default=200, help="clients at once (default: %(default)s)")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--workers", type=int, default=2, help="processes that run jobs (default: %(default)s)")
    parser.add_argument("--name", default="gateway-load", help="of the result files (default: %(default)s)")
    return parser.parse_args()


def measure(kind: str, *, jobs: int, submitters: int, workers: int) -> Run:
    """Load a gateway on a database of that kind."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-load-")))
        url = stack.enter_context(database_url(kind, home))
        context = multiprocessing.get_context("spawn")
        pool = stack.enter_context(ProcessPoolExecutor(PROCESSES, mp_context=context))
        server = Server(home, url, workers=workers)
        key = server.key()
        stack.enter_context(running(server))
        client = stack.enter_context(Client(server.port, key))
        folder = experiment(client)
        body = {"experiment_id": folder, "circuit_ids": [upload(client, folder, bell())], "device_id": "aer_simulator"}
        load = _Load(pool, server, client, Part(port=server.port, key=key, body=body))
        run = Run(database=kind, workers=workers)
        run.phases.append(load.phase("alone", numbers=range(min(ALONE, jobs)), submitters=1))
        run.phases.append(load.phase("crowd", numbers=_numbers(jobs), submitters=submitters))
        run.problems = [*load.problems, *problems_of(url, jobs=sum(phase.jobs for phase in run.phases))]
        return run


def _numbers(jobs: int) -> list[int]:
    """The numbers of the jobs; one that is sent twice stands beside its double, so that both are sent at once."""
    chance = random.Random(SEED)
    return [number for number in range(jobs) for _ in range(2 if chance.random() < TWICE else 1)]


@dataclass
class _Load:
    """What it takes to load a server."""

    pool: ProcessPoolExecutor
    server: Server
    client: Client
    part: Part
    problems: list[str] = field(default_factory=list)

    def phase(self, name: str, *, numbers: Sequence[int], submitters: int) -> Phase:
        """Submit jobs, wait until they are done, and read them back."""
        processes = min(PROCESSES, submitters)
        part = replace(self.part, prefix=name, threads=submitters // processes)
        list(self.pool.map(ready, range(PROCESSES)))
        with Meter(self.server) as meter:
            sent = self._spread(submit, part, numbers, processes)
            answers = sorted((answer for one in sent for answer in one.answers), key=lambda answer: answer.began)
            jobs = self._jobs(answers, expected=len(set(numbers)))
            self._wait([job_id for _, job_id in jobs[-_LAST:]])
        clock = time.perf_counter()
        checked = self._spread(read, part, jobs, processes)
        reading = time.perf_counter() - clock
        began = answers[0].began
        return Phase(
            name=name,
            submitters=submitters,
            jobs=len(jobs),
            sent=len(answers),
            latencies_ms=percentiles([answer.seconds * 1000 for answer in answers]),
            submits_per_second=len(answers) / (max(answer.began + answer.seconds for answer in answers) - began),
            jobs_per_second=len(jobs) / (max(one.last_finish for one in checked) - began),
            reads_per_second=len(jobs) / reading,
            client_cpu=sum(one.cpu for one in sent),
            usage=meter.usage,
        )

    def _spread(
        self, work: Callable[[Part, Any], Done], part: Part, items: Sequence[Any], processes: int
    ) -> list[Done]:
        """Have every process do its share."""
        shares = [items[index::processes] for index in range(processes)]
        done = [future.result() for future in [self.pool.submit(work, part, share) for share in shares]]
        self.problems += [problem for one in done for problem in one.problems]
        return done

    def _jobs(self, answers: Sequence[Answer], *, expected: int) -> list[tuple[int, str]]:
        """Number and id of each job, in the order in which they were accepted."""
        ids: dict[int, str] = {}
        for answer in answers:
            if ids.setdefault(answer.number, answer.job_id) != answer.job_id:
                self.problems.append(f"submission {answer.number} became two jobs")
        if len(set(ids.values())) != expected:
            self.problems.append(f"{expected} jobs were submitted, {len(set(ids.values()))} were accepted")
        return list(ids.items())

    def _wait(self, job_ids: Sequence[str]) -> None:
        """Wait until the jobs have ended: the last of the queue, which is served in order."""
        for job_id in job_ids:
            wait_until(partial(self._ended, job_id), WAIT_SECONDS, f"the end of job {job_id}")

    def _ended(self, job_id: str) -> bool:
        return self.client.ask("GET", f"/jobs/{job_id}")["status"] in ("Done", "Error", "Cancelled")


if __name__ == "__main__":
    main()
