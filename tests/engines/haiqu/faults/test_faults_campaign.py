"""Runs through a proxy that does harm: no job twice, none lost, no wrong result, and every failure a typed error."""

import re

import pytest

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.exceptions import HaiquJobError, HaiquSubmissionError
from tests.engines.haiqu.faults.campaign import TIMEOUT, campaign, impatient
from tests.engines.haiqu.faults.proxy import FaultProxy
from tests.engines.haiqu.faults.trouble import Kind, Trouble
from tests.engines.haiqu.faults.workload import Work

SEED = 2026


@pytest.mark.parametrize(("silent", "runs"), [(False, 60), (True, 30)], ids=["honoured", "silent"])
def test_whatever_happens_on_the_way_jobs_are_submitted_once_and_found_again(gateway, tmp_path, silent, runs):
    with impatient():
        report = campaign(gateway, tmp_path, runs=runs, seed=SEED, silent=silent)
    assert not report.problems, "\n".join(report.problems)
    assert report.runs == runs
    assert sum(report.drawn.values()) >= runs
    assert report.outcomes["result"] >= runs / 3, report.outcomes


class OnSubmission:
    """A plan for the submission alone."""

    def __init__(self, trouble):
        self._trouble = trouble

    def draw(self, name):
        return self._trouble if name == "POST /run" else None


def test_a_submission_that_arrives_after_everybody_gave_up_is_found(gateway, tmp_path):
    """At first there is no job, and the client says so; later there is one, under the id that it told."""
    work = Work("sampler", ("0110",))
    with FaultProxy(gateway.url, silent=True) as proxy, impatient():

        def provider(**more):
            return HaiquProvider(url=proxy.url, api_key=gateway.key, home=tmp_path, experiment="too late", **more)

        backend = provider(timeout=TIMEOUT).get_backend("aer_simulator", via="haiqu")
        proxy.plan = OnSubmission(Trouble(kind=Kind.LATE_REQUEST, seconds=6.0))
        with pytest.raises(HaiquSubmissionError) as raised:
            work.submit(backend, "too late")
        told = re.search(r"haiqu-[0-9a-f]{32}", str(raised.value))[0]
        with pytest.raises(HaiquJobError, match="the service has no job of it"):
            provider().job(told).result(timeout=60)
        proxy.drain()
        job = provider().job(told)
        assert work.right(job.result(timeout=60))
        assert provider().job(told) is job
        assert job.job_id().startswith("jb-")
        assert proxy.submissions(told.removeprefix("haiqu-")) == 1
