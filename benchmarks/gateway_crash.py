"""A gateway that is killed under load: ``python -m benchmarks.gateway_crash [--rounds N] [--database KIND]``.

In each round clients submit jobs, short and long, and the server is killed at a random moment, often once more while
it starts again. Clients that got no answer repeat their submission with the same key. In the end every job must be
done once, with the right results, and no process of a killed server may be left.
"""

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import psutil

from benchmarks.gateway_client import Client
from benchmarks.gateway_jobs import Planned, Planner
from benchmarks.gateway_server import DATABASES, Server, database_url, running, wait_until
from benchmarks.gateway_store import problems_of, started_again

_SUBMITTERS = 16
_JOBS_PER_SECOND = 40.0
"""Of this mixture of jobs, about. A server is killed while it accepts or runs them."""

_LATEST_SECOND_KILL = 4.0
"""The second kill comes so many seconds after the start at most; it takes some until a server works."""

_TWICE = 0.05
"""Share of the submissions that are sent twice."""

_ORPHAN_SECONDS = 20.0
_WAIT_SECONDS = 300.0
_SHOWN = 20


@dataclass
class Round:
    """What happened in a round."""

    moments: list[float] = field(default_factory=list)
    """Seconds from the first submission, or from the last start, to each kill."""

    answered: int = 0
    """Submissions that were answered before the first kill."""

    repeated: int = 0
    """Submissions that had to be sent again."""

    orphans_gone: float = 0.0
    """Seconds until the last process of a killed server was gone."""

    seconds: float = 0.0
    """Seconds of the whole round."""


def main() -> None:
    """Do the rounds on each database; exit code 1 if anything was wrong."""
    arguments = _arguments()
    kinds = DATABASES if arguments.database == "both" else (arguments.database,)
    problems = []
    for kind in kinds:
        problems += crash(kind, rounds=arguments.rounds, jobs=arguments.jobs, seed=arguments.seed)
    for problem, times in Counter(problems).most_common(_SHOWN):
        print(f"! {problem} ({times} x)")
    if problems:
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway_crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="rounds on each database (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=150, help="jobs of a round (default: %(default)s)")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all that is random"
    )
    return parser.parse_args()


def crash(kind: str, *, rounds: int, jobs: int, seed: int) -> list[str]:
    """Do the rounds on a database of that kind.

    Returns:
        What was wrong; nothing if no job was lost, doubled or wrong, and no process was left.
    """
    print(f"{kind}: {rounds} rounds of {jobs} jobs, seed {seed}")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-crash-")))
        url = stack.enter_context(database_url(kind, home))
        server = Server(home, url, workers=2)
        key = server.key()
        stack.enter_context(running(server))
        crasher = _Crasher(server, key, random.Random(seed))
        for number in range(rounds):
            facts = crasher.round(jobs)
            moments = ", ".join(f"{moment:.2f}" for moment in facts.moments)
            print(
                f"{kind} {number + 1:3}: killed after {moments} s; {facts.answered} of {jobs} answered before, "
                f"{facts.repeated} sent again; processes gone after {facts.orphans_gone:.1f} s; "
                f"all done after {facts.seconds:.1f} s",
                flush=True,
            )
        print(f"{kind}: {rounds * jobs} jobs, {started_again(url)} of them were started more than once")
        return [f"{kind}: {problem}" for problem in (*crasher.problems, *problems_of(url, jobs=rounds * jobs))]


class _Crasher:
    """Kills a server again and again, and looks after its jobs."""

    def __init__(self, server: Server, key: str, chance: random.Random) -> None:
        self._server = server
        self._key = key
        self._chance = chance
        with Client(server.port, key) as client:
            self._planner = Planner(client, chance)
        self.problems: list[str] = []

    def round(self, jobs: int) -> Round:
        """Submit, kill, start again, wait, check."""
        facts, began = Round(), time.monotonic()
        crowd = _Crowd(self._server.port, self._key, self._twice_some(self._planner.some(jobs)))
        crowd.start()
        self._kill(facts, self._chance.uniform(0.0, jobs / _JOBS_PER_SECOND))
        facts.answered = len(crowd.ids)
        self._server.start()
        if self._chance.random() < 0.5:
            self._kill(facts, self._chance.uniform(0.0, _LATEST_SECOND_KILL))
            self._server.start()
        crowd.join()
        self.problems += crowd.problems
        facts.repeated = crowd.repeated
        self._check(crowd)
        facts.seconds = time.monotonic() - began
        return facts

    def _twice_some(self, planned: Sequence[Planned]) -> list[Planned]:
        return [job for job in planned for _ in range(2 if self._chance.random() < _TWICE else 1)]

    def _kill(self, facts: Round, after: float) -> None:
        """Kill the server, and see that its processes end by themselves."""
        time.sleep(after)
        facts.moments.append(after)
        family = self._server.family()
        self._server.kill()
        began = time.monotonic()
        _, left = psutil.wait_procs(family, timeout=_ORPHAN_SECONDS)
        facts.orphans_gone = max(facts.orphans_gone, time.monotonic() - began)
        for process in left:
            self.problems.append(f"process {process.pid} of a killed server was left: {process}")
            process.kill()

    def _check(self, crowd: "_Crowd") -> None:
        with Client(self._server.port, self._key) as client:
            for key, job_id in crowd.ids.items():
                problem = crowd.planned[key].problem(ended(client, job_id))
                if problem:
                    self.problems.append(f"{job_id}: {problem}")
        lost = crowd.planned.keys() - crowd.ids.keys()
        if lost:
            self.problems.append(f"{len(lost)} jobs were never accepted")


class _Crowd:
    """Clients that submit at once, and insist."""

    def __init__(self, port: int, key: str, planned: Sequence[Planned]) -> None:
        self._port, self._key = port, key
        self._waiting: SimpleQueue[Planned] = SimpleQueue()
        for job in planned:
            self._waiting.put(job)
        self.planned = {job.key: job for job in planned}
        self.ids: dict[str, str] = {}
        self.repeated = 0
        self.problems: list[str] = []
        self._threads = [threading.Thread(target=self._submit, daemon=True) for _ in range(_SUBMITTERS)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait until every submission was answered."""
        for thread in self._threads:
            thread.join(_WAIT_SECONDS)

    def _submit(self) -> None:
        with Client(self._port, self._key) as client:
            while True:
                try:
                    job = self._waiting.get_nowait()
                except Empty:
                    return
                try:
                    job_id = self._insist(client, job)
                except (RuntimeError, TimeoutError) as error:
                    self.problems.append(str(error))
                    continue
                if self.ids.setdefault(job.key, job_id) != job_id:
                    self.problems.append(f"{job.key} became two jobs")

    def _insist(self, client: Client, job: Planned) -> str:
        """The id of the job; submitted again with the same key until there is an answer."""
        until = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < until:
            try:
                return str(client.ask("POST", "/run", job.body, key=job.key)["id"])
            except OSError:
                self.repeated += 1
                time.sleep(0.1)
        raise TimeoutError(f"{job.key} was not accepted within {_WAIT_SECONDS:g} s")


def ended(client: Client, job_id: str) -> dict[str, Any]:
    """The job, once it has ended."""
    record: dict[str, Any] = {}

    def has_ended() -> bool:
        record.update(client.ask("GET", f"/jobs/{job_id}"))
        return record["status"] in ("Done", "Error", "Cancelled")

    wait_until(has_ended, _WAIT_SECONDS, f"the end of {job_id}")
    return record


if __name__ == "__main__":
    main()
