"""Submissions to IBM of which a part was refused, or nobody knows: nothing that may be paid for is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from qiskit_haiqu_provider import HaiquProvider, SamplerV2
from qiskit_haiqu_provider.exceptions import HaiquJobError, HaiquSubmissionError
from qiskit_haiqu_provider.store import JobStore
from tests.vendors.ibm.server import CRN, IBM, KEY
from tests.vendors.web import Response

OTHER_KEY = "ibm-key-of-another-account-98765"
OTHER_CRN = CRN.replace("11112222", "99998888")


pytestmark = pytest.mark.usefixtures("quick_looks")


def provider(key=KEY, **settings):
    """Without an instance: IBM's client chooses one."""
    return HaiquProvider(credentials={"ibm_quantum_token": key}, via="ibm", **settings)


def lost(ibm, flip):
    """A job that arrived two hours ago, though nobody here knows; returns the id under which it is on record."""
    backend = provider().get_backend("ibm_manila")
    ibm.lose = 1
    ibm.fail("GET", "/jobs", Response(status=501), times=2)
    with pytest.raises(HaiquSubmissionError):
        backend.run(flip, shots=10)
    (record,) = JobStore().records()
    JobStore().write(replace(record, created=(datetime.now(UTC) - timedelta(hours=2)).isoformat()))
    return record.id


def test_another_account_does_not_end_the_job(ibm, web, flip):
    own = lost(ibm, flip)
    web.serve("*.cloud.ibm.com", IBM(key=OTHER_KEY, crn=OTHER_CRN).site)
    (job,) = provider(OTHER_KEY).jobs()
    told = job.error_message()
    assert "has none of it, but its record was submitted by IBM Quantum, instance #" in told
    assert "Nothing is to be paid" not in told
    assert not any(secret in told for secret in (KEY, OTHER_KEY, CRN, OTHER_CRN))
    web.serve("*.cloud.ibm.com", ibm.site)
    assert provider().job(own).result().get_counts() == {"10": 10}


def test_a_new_token_of_the_same_instance_may_conclude(ibm, flip):
    own = lost(ibm, flip)
    ibm.jobs.clear()
    ibm.key = OTHER_KEY
    assert "Nothing is to be paid. Run it again." in provider(OTHER_KEY).job(own).error_message()


def test_a_job_that_was_done_before_another_was_refused_is_kept(ibm, web, flip, tmp_path):
    here = provider(ledger=tmp_path / "books.json", budget_usd=1000)
    backend = here.get_backend("ibm_manila")

    def site(request):
        if request.method == "POST" and request.path.endswith("/jobs") and ibm.jobs:
            for _ in range(2):  # the machine has done the first one meanwhile
                ibm._step(ibm.jobs["job-0"])
            return Response({"error": {"message": "Usage exceeds instance limit", "code": 1}}, 409)
        return ibm.site(request)

    web.serve("*.cloud.ibm.com", site)
    with pytest.raises(HaiquSubmissionError, match=r"instance limit.*job-0 had ended before"):
        SamplerV2(backend).run([(flip, None, 10), (flip, None, 20)])
    (record,) = JobStore().records()
    job = provider().job(record.id)
    with pytest.raises(HaiquJobError, match="A job of the run was refused"):
        job.result()
    assert job.partial_result()[0].data.c.get_counts() == {"10": 10}
    (entry,) = here.ledger.entries
    assert entry.actual_usd == pytest.approx(4.1 * 1.6)


def test_the_money_of_a_refused_run_is_back(ibm, flip, tmp_path, web):
    here = provider(ledger=tmp_path / "books.json", budget_usd=1000)
    backend = here.get_backend("ibm_manila")
    ibm.queue = 99

    def site(request):
        if request.method == "POST" and request.path.endswith("/jobs") and ibm.jobs:
            return Response({"error": {"message": "Usage exceeds instance limit", "code": 1}}, 409)
        return ibm.site(request)

    web.serve("*.cloud.ibm.com", site)
    with pytest.raises(Exception, match="instance limit") as caught:
        SamplerV2(backend).run([(flip, None, 10), (flip, None, 20)])
    assert not isinstance(caught.value, HaiquSubmissionError)
    assert [job.status for job in ibm.submitted()] == ["Cancelled"]
    assert here.ledger.entries == ()
    assert JobStore().records() == []
