"""Runs through a proxy that does harm, each followed by a look at what the service really has."""

import contextlib
import itertools
import random
import re
import shutil
import threading
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.engines.haiqu import submission
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquJobError, HaiquJobTimeoutError, HaiquSubmissionError
from qiskit_haiqu_provider.store import JobStore
from tests.engines.haiqu.faults.proxy import FaultProxy
from tests.engines.haiqu.faults.trouble import Plan
from tests.engines.haiqu.faults.workload import random_work
from tests.gateway.servers import client_of

TIMEOUT = 0.4
"""Seconds after which the client gives up on an answer."""

_LOOKS = (0.05, 0.1, 0.3, 0.6)
_RETRY_SECONDS = "0.8"
_CALM_SECONDS = 60
"""A run ends within that time once nothing goes wrong any more."""

_RUNS_OF_A_HOME = 6
"""After so many runs the client forgets everything, so that it has to open experiments and upload circuits again."""

_TOKEN = re.compile(r"haiqu-([0-9a-f]{32})")


@contextlib.contextmanager
def impatient():
    """Clients that give up and look again within seconds, not minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(submission, "LOOKS", _LOOKS)
        patch.setenv("HAIQU_RETRY_SECONDS", _RETRY_SECONDS)
        yield


def share(name):
    """The share of requests of a name that meet a fault: most where it may cost a job."""
    if name in ("POST /run", "POST /flow"):
        return 0.6
    return 0.3 if name.startswith(("GET /experiments/", "GET /jobs/")) else 0.12


@dataclass
class Report:
    """What came of a campaign."""

    runs: int = 0
    jobs: int = 0
    """Jobs that the service has accepted."""

    drawn: Counter = field(default_factory=Counter)
    """Faults by kind."""

    outcomes: Counter = field(default_factory=Counter)
    """How the runs ended, in words."""

    errors: Counter = field(default_factory=Counter)
    """Names of the errors that were raised."""

    problems: list = field(default_factory=list)
    """What must not be; empty if all is well."""

    def add(self, run):
        """Count a run."""
        self.runs += 1
        self.jobs += run.jobs
        self.outcomes[run.outcome] += 1
        self.errors.update(run.errors)
        self.problems += run.problems


def campaign(gateway, home, *, runs, seed, silent=False, lanes=6):
    """Do the runs, some at once.

    Args:
        gateway: A running gateway: its ``url`` and a ``key``.
        home: Folder for what the clients keep.
        runs: How many.
        seed: Of all that is random.
        silent: Whether the service does not say that it honours idempotency keys.
        lanes: Runs at once.
    """
    report, numbers, lock = Report(), itertools.count(), threading.Lock()

    def follow(lane):
        with Lane(gateway, home / f"lane-{lane}", seed=seed, name=f"{seed} {lane}", silent=silent) as one:
            while (number := next(numbers)) < runs:
                done = one.run(number)
                with lock:
                    report.add(done)
                    report.drawn.update(one.plan.drawn)

    with ThreadPoolExecutor(lanes) as pool:
        list(pool.map(follow, range(lanes)))
    return report


class Lane:
    """One run after the other, through a proxy of its own."""

    def __init__(self, gateway, home, *, seed, name, silent):
        self._gateway = gateway
        self._home = home
        self._seed = seed
        self._name = name
        self.silent = silent
        self._done = 0
        self.plan = None
        self.proxy = FaultProxy(gateway.url, silent=silent)
        self.direct = client_of(gateway.url, gateway.key)

    def __enter__(self):
        self.proxy.__enter__()
        return self

    def __exit__(self, *_):
        self.proxy.__exit__()
        self.direct.close()

    @property
    def experiment(self):
        """Name of the experiment that the client knows now."""
        kind = "silent" if self.silent else "honoured"
        return f"faults {self._name} {kind} {self._done // _RUNS_OF_A_HOME}"

    @property
    def store(self):
        """What the client has on record."""
        return JobStore(self._home)

    def provider(self, *, timeout):
        """A provider with no memory but that on disk."""
        return HaiquProvider(
            url=self.proxy.url, api_key=self._gateway.key, experiment=self.experiment, home=self._home, timeout=timeout
        )

    def jobs_there(self, name):
        """The jobs of a name that the service has."""
        found = self.direct.get("/experiments", params={"name": self.experiment}).json()
        addresses = [f"/experiments/{each['id']}/jobs" for each in found]
        jobs = [job for address in addresses for job in self.direct.get(address, params={"limit": 1000}).json()]
        return [job for job in jobs if job["name"] == name]

    def run(self, number):
        """One run with faults, and a check without."""
        if self._done % _RUNS_OF_A_HOME == 0:
            shutil.rmtree(self._home, ignore_errors=True)
        chance = random.Random(f"{self._seed} {number}")
        run = Run(self, number, random_work(chance))
        self.plan = self.proxy.plan = Plan(random.Random(chance.random()), share=share, timeout=TIMEOUT)
        run.suffer()
        self.proxy.plan = None
        self.proxy.drain()
        run.check()
        self._done += 1
        return run


class Run:
    """One run: what it asked for, and what became of it."""

    def __init__(self, lane, number, work):
        self._lane = lane
        self._work = work
        self._name = f"run {number}"
        self._job = None
        self._there = []
        self._lost = None
        self.errors = []
        self.problems = []
        self.outcome = ""

    @property
    def jobs(self):
        """Jobs of the service that came of it."""
        return len(self._there)

    def suffer(self):
        """Submit and ask for the result while things go wrong."""
        self._job = self._tried("submit", self._submit)
        if self._job is None:
            return
        self.outcome = "result"
        self._take(self._tried("result", lambda: self._job.result(timeout=_CALM_SECONDS)))

    def check(self):
        """Look at what the service has, and whether the client knows it."""
        try:
            self._there = self._lane.jobs_there(self._name)
            self._check_once()
            self._check_known()
            self._check_end()
        except Exception:
            self._blame(f"the check failed:\n{traceback.format_exc()}")

    def _submit(self):
        backend = self._lane.provider(timeout=TIMEOUT).get_backend("aer_simulator", via="haiqu")
        return self._work.submit(backend, self._name)

    def _tried(self, phase, call):
        try:
            return call()
        except HaiquError as error:
            self.errors.append(type(error).__name__)
            self.outcome = f"{phase}: {type(error).__name__}"
            if isinstance(error, HaiquSubmissionError):
                self._lost = _TOKEN.search(str(error))
        except Exception:
            self._blame(f"{phase} raised an error of another kind:\n{traceback.format_exc()}")
        return None

    def _take(self, result):
        if result is not None and not self._work.right(result):
            self._blame(f"wrong result: {result}")

    def _blame(self, what):
        self.problems.append(f"{self._name} ({self._work.kind}, {self.outcome}, {self.errors}): {what}")

    # Checks

    def _check_once(self):
        tokens = Counter(submission_token(job) for job in self._there)
        if len(self._there) > self._work.jobs or any(count > 1 for count in tokens.values()):
            self._blame(f"{len(self._there)} jobs of one run")
        sent = {token: self._lane.proxy.submissions(token) for token in tokens}
        if self._lane.silent and any(count > 1 for count in sent.values()):
            self._blame(f"submissions were sent again: {sent}")

    def _check_known(self):
        known = {job["token"] for record in self._lane.store.records() for job in record.state.get("jobs", ())}
        for job in self._there:
            if job["status"] != "Cancelled" and submission_token(job) not in known:
                self._blame(f"job {job['id']} ({job['status']}) is not on record")

    def _check_end(self):
        if self._job is not None:
            self._take(self._job.result(timeout=_CALM_SECONDS))
            self._take(self._found(self._job.job_id()).result(timeout=_CALM_SECONDS))
        elif self._lost is not None:
            self._check_lost(self._lost[0])
        elif self._there and all(job["status"] == "Cancelled" for job in self._there):
            self.outcome += ", withdrawn"
        elif self._there:
            self._blame("the submission failed, but there are jobs of it")

    def _check_lost(self, provisional):
        """After an error that says that nobody knows."""
        complete = len(self._there) == self._work.jobs
        job = self._found(provisional)
        if complete and job.job_id() not in [each["id"] for each in self._there]:
            self._blame(f"provider.job({provisional!r}) is {job.job_id()}, which is not the job that the service has")
        try:
            self._take(job.result(timeout=_CALM_SECONDS))
        except HaiquJobTimeoutError:
            raise
        except HaiquJobError:
            if complete and all(each["status"] == "Done" for each in self._there):
                raise
            self.outcome += ", withdrawn" if self._there else ", and there is none"
        else:
            self.outcome += ", and it is found"
            if not complete:
                self._blame("a result came from nowhere")
        again = self._found(provisional).job_id()
        if again != job.job_id():
            self._blame(f"asked again, provider.job({provisional!r}) is {again}, not {job.job_id()}")

    def _found(self, job_id):
        return self._lane.provider(timeout=_CALM_SECONDS).job(job_id)


def submission_token(job):
    """The client token of a job of the service."""
    return re.search(r"\[client-token:([0-9a-f]{32})\]", job["description"])[1]
