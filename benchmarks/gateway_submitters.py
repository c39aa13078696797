"""What the processes of the load generator do: threads that submit jobs, or read them back. Imports next to nothing."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from benchmarks.gateway_client import Client

_SIGMAS = 7.0
"""How far a frequency may be from its probability, in standard errors; loose, as there are many."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The share of one process."""

    port: int
    key: str
    body: dict[str, Any]
    """What is submitted, without the shots."""

    threads: int = 1
    prefix: str = ""
    """Of the idempotency keys."""


@dataclass(frozen=True)
class Answer:
    """An answer to a submission."""

    number: int
    """Number of the job; two answers to the same submission have the same."""

    job_id: str
    began: float
    """When it was sent, in seconds of the epoch."""

    seconds: float


@dataclass
class Done:
    """What a process has done."""

    answers: list[Answer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    last_finish: float = 0.0
    """When the last of the jobs was done, in seconds of the epoch."""

    cpu: float = 0.0
    """CPU seconds of the process."""


def shots_of(number: int) -> int:
    """Shots of a job; they differ, so that a result of another job would be found."""
    return 1000 + number % 997


def ready(_: int) -> None:
    """Nothing; a process that can do this has started."""


def submit(part: Part, numbers: Iterable[int]) -> Done:
    """Submit jobs, each with an idempotency key of its own."""

    def one(client: Client, number: int, done: Done) -> None:
        body = {**part.body, "shots": shots_of(number)}
        began, clock = time.time(), time.perf_counter()
        job = client.ask("POST", "/run", body, key=f"{part.prefix}-{number}")
        done.answers.append(Answer(number, job["id"], began, time.perf_counter() - clock))

    return _in_threads(part, iter(tuple(numbers)), one)


def read(part: Part, jobs: Iterable[tuple[int, str]]) -> Done:
    """Read jobs back and check them."""

    def one(client: Client, job: tuple[int, str], done: Done) -> None:
        record = client.ask("GET", f"/jobs/{job[1]}")
        problem = _problem(record, shots_of(job[0]))
        if problem:
            done.problems.append(f"{job[1]}: {problem}")
            return
        finish = datetime.fromisoformat(record["finish_date"]).timestamp()
        done.last_finish = max(done.last_finish, finish)

    return _in_threads(part, iter(tuple(jobs)), one)


def bell_problem(distribution: dict[str, float], shots: int) -> str:
    """What is wrong with the distribution of an ideal Bell pair; nothing if it is right."""
    if not distribution.keys() <= {"00", "11"} or not math.isclose(sum(distribution.values()), 1.0):
        return f"not the distribution of a Bell pair: {distribution}"
    count = distribution.get("00", 0.0) * shots
    if abs(count - round(count)) > 1e-6:
        return f"the frequencies are not those of {shots} shots: {distribution}"
    if abs(count / shots - 0.5) > _SIGMAS * 0.5 / math.sqrt(shots):
        return f"too far from one half: {distribution}"
    return ""


def _problem(record: dict[str, Any], shots: int) -> str:
    if record["status"] != "Done":
        return f"{record['status']}, {record['logs']}"
    if record["shots"] != shots:
        return f"it has {record['shots']} shots, {shots} were submitted"
    return bell_problem(record["quantum_results"][0], shots)


def _in_threads(part: Part, items: Iterator[Any], one: Callable[[Client, Any, Done], None]) -> Done:
    """Do something with each item; every thread has a connection of its own and takes the next."""
    done, lock, cpu = Done(), threading.Lock(), time.process_time()

    def work() -> None:
        with Client(part.port, part.key) as client:
            while True:
                with lock:
                    item = next(items, None)
                if item is None:
                    return
                try:
                    one(client, item, done)
                except (OSError, RuntimeError) as error:
                    done.problems.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(part.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.cpu = time.process_time() - cpu
    return done
