"""Submissions: at most once, whatever becomes of the answer."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import EstimatorV2, HaiquCostLimitError, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.haiqu import submission
from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquCreditError,
    HaiquError,
    HaiquJobError,
    HaiquNotFoundError,
    HaiquRequestError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.submit import stored_job
from tests.api.odd_server import CUT_BEFORE_ANSWER, HTML, Answer
from tests.engines.haiqu.service import KEY, LINE, SIMULATOR, Desk

pytestmark = pytest.mark.filterwarnings("ignore:ibm_line has no error data")

HONOURED = {"idempotency-key-support": "honoured"}


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def turned():
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("t"), 0)
    return circuit


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch):
    monkeypatch.setattr(submission, "LOOKS", (0.0, 0.02, 0.05))


def counts(job):
    return job.result()[0].data.meas.get_counts()


def lost(desk):
    """A submission that is accepted, and whose answer is lost."""

    def behaviour(asked):
        desk.run(asked)
        return CUT_BEFORE_ANSWER

    return behaviour


def test_a_known_circuit_costs_one_request_to_submit(desk, server):
    SamplerV2(desk.backend()).run([bell()], shots=4)
    before = len(server.requests)
    SamplerV2(desk.backend()).run([bell()], shots=4)
    assert server.asked[before:] == ["POST /run"]


def test_equal_circuits_are_uploaded_once(desk, server):
    SamplerV2(desk.backend()).run([bell(), bell(), turned_and_measured(), bell()], shots=4)
    assert server.count("POST /circuits") == 2
    first, second, third, fourth = desk.bodies()[0]["circuit_ids"]
    assert first == second == fourth != third


def turned_and_measured():
    circuit = QuantumCircuit(1)
    circuit.ry(0.5, 0)
    circuit.measure_all()
    return circuit


def test_a_new_experiment_is_not_asked_for_circuits(desk, server):
    SamplerV2(desk.backend()).run([bell()], shots=4)
    assert not [name for name in server.asked if name.startswith("GET /experiments/exp-1/circuits")]


def test_the_answer_is_the_id_of_the_job(desk):
    job = SamplerV2(desk.backend()).run([bell()], shots=4)
    assert job.job_id() == "jb-1"
    assert counts(job) == {"00": 2, "11": 2}


def test_the_token_travels_in_the_description_and_as_a_key(desk, server):
    SamplerV2(desk.backend(), options={"description": "why", "name": "n"}).run([bell()])
    body, sent = desk.bodies()[0], server.last
    token = sent.headers["idempotency-key"]
    assert body["description"] == f"why [client-token:{token}]"
    assert (body["name"], len(token)) == ("n", 32)


def test_a_long_description_leaves_room_for_the_token(desk):
    SamplerV2(desk.backend(), options={"description": "x" * 1024}).run([bell()])
    description = desk.bodies()[0]["description"]
    assert len(description) == 1024
    assert description.endswith("]")


def test_the_record_is_on_disk_before_anything_leaves(desk, server):
    seen = []

    def look(asked):
        (record,) = JobStore().records()
        seen.append(record)
        return desk.run(asked)

    server.on("POST /run", look)
    job = SamplerV2(desk.backend()).run([bell()])
    (before,) = seen
    (after,) = JobStore().records()
    token = server.last.headers["idempotency-key"]
    assert before.id == f"haiqu-{token}"
    assert before.state["jobs"][0] == {**before.state["jobs"][0], "token": token, "id": None, "left": True}
    assert after.id == job.job_id() == after.state["jobs"][0]["id"]


def test_an_id_that_cannot_name_a_file_loses_no_job(desk):
    desk.fields = {"id": "jb/1"}
    job = SamplerV2(desk.backend()).run([bell()], shots=4)
    desk.server.on("GET /jobs/jb%2F1", lambda _: Answer(json=next(iter(desk.jobs.values()))))
    assert job.job_id() == "jb/1"
    assert counts(job) == {"00": 2, "11": 2}
    (record,) = JobStore().records()
    assert (record.id[:6], record.status) == ("haiqu-", "DONE")
    assert counts(stored_job(JobStore(), record.id, lambda _: None)) == {"00": 2, "11": 2}


def test_a_lost_answer_is_looked_up_not_sent_again(desk, server):
    server.on("POST /run", lost(desk))
    job = SamplerV2(desk.backend()).run([bell()], shots=4)
    assert job.job_id() == "jb-1"
    assert server.count("POST /run") == 1


@pytest.mark.parametrize("accepted", [True, False])
def test_an_answer_whose_head_drips_is_looked_up_not_sent_again(desk, server, accepted):
    desk.engine.circuit_ids([bell()])  # so that little else is sent with the short time limit
    with closing(Desk(server, timeout=1.0)) as hasty:
        dripping = Answer(json={}, drip_head=0.1)
        server.on("POST /run", lambda asked: replace(hasty.run(asked), drip_head=0.1) if accepted else dripping)
        if accepted:
            assert SamplerV2(hasty.backend()).run([bell()], shots=4).job_id() == "jb-1"
        else:
            with pytest.raises(HaiquSubmissionError, match=r"comes too slowly.*A second job was not made"):
                SamplerV2(hasty.backend()).run([bell()], shots=4)
    assert server.count("GET /experiments/exp-1/jobs") >= 1
    assert server.count("POST /run") == server.count("POST /circuits") == 1


@pytest.mark.parametrize("answer", [HTML, Answer(status=503, json={"detail": "busy"}), CUT_BEFORE_ANSWER])
def test_a_submission_without_a_job_is_told_as_unknown(desk, server, answer):
    server.on("POST /run", answer)
    with pytest.raises(HaiquSubmissionError, match="A second job was not made"):
        SamplerV2(desk.backend()).run([bell()])
    assert server.count("POST /run") == 1
    (record,) = JobStore().records()
    assert record.id.startswith("haiqu-")


def test_a_job_that_turns_up_later_is_found_by_its_record(desk, server):
    late = []
    server.on("POST /run", lambda asked: late.append(asked) or CUT_BEFORE_ANSWER)
    with pytest.raises(HaiquSubmissionError) as caught:
        SamplerV2(desk.backend()).run([bell()], shots=4)
    desk.run(late[0])  # it was only on its way
    (record,) = JobStore().records()
    assert f"provider.job('{record.id}')" in str(caught.value)
    job = stored_job(JobStore(), record.id, lambda _: None, lambda found: desk.engine.resume(found.state))
    assert job.job_id() == "jb-1"
    assert counts(job) == {"00": 2, "11": 2}
    assert [found.id for found in JobStore().records()] == ["jb-1"]


@pytest.mark.parametrize("others", [0, 150])
def test_a_job_is_looked_for_among_few_before_many(desk, server, others):
    late, asked_for = [], []
    server.on("POST /run", lambda asked: late.append(asked) or CUT_BEFORE_ANSWER)
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(desk.backend()).run([bell()])
    desk.run(late[0])
    (job,) = desk.jobs.values()
    found = [*({**job, "id": f"jb-other-{index}", "description": ""} for index in range(others)), job]

    def listed(asked):
        asked_for.append(int(asked.query["limit"][0]))
        return Answer(json=found[: asked_for[-1]])

    server.on("GET /experiments/exp-1/jobs", listed)
    (record,) = JobStore().records()
    assert desk.engine.resume(record.state).locate()
    assert asked_for == ([100, 1000] if others else [100])


def test_a_service_that_honours_keys_is_sent_the_same_again(desk, server):
    server.on("GET /devices", Answer(json=[SIMULATOR], headers=HONOURED))
    answers = iter([CUT_BEFORE_ANSWER])
    server.on("POST /run", lambda asked: next(answers, None) or desk.run(asked))
    job = SamplerV2(desk.backend()).run([bell()])
    assert job.job_id() == "jb-1"
    tokens = {asked.headers["idempotency-key"] for asked in server.requests if asked.name == "POST /run"}
    assert (server.count("POST /run"), len(tokens)) == (2, 1)


def test_nothing_is_on_record_before_there_is_something_to_find(desk, server):
    server.on("POST /circuits", lambda _: Answer(status=422, json={"detail": f"{len(JobStore().records())} records"}))
    with pytest.raises(HaiquRequestError, match="0 records"):
        SamplerV2(desk.backend()).run([bell()])
    assert JobStore().records() == []


def test_a_refused_submission_leaves_nothing_behind(desk, server):
    server.on("POST /run", Answer(status=402, json={"detail": "No credit."}))
    with pytest.raises(HaiquCreditError, match=r"No credit\."):
        SamplerV2(desk.backend()).run([bell()])
    assert JobStore().records() == []
    assert server.count("POST /run") == 1


def test_runs_with_different_shots_take_as_few_jobs_as_they_can(desk):
    job = SamplerV2(desk.backend()).run([(bell(), None, 10), (bell(), None, 20), (bell(), None, 10)])
    first, second = desk.bodies()
    assert [(body["shots"], len(body["circuit_ids"])) for body in (first, second)] == [(10, 2), (20, 1)]
    assert job.job_id() == "jb-1"
    assert [entry["id"] for entry in job.plan.jobs] == ["jb-1", "jb-2"]


def test_a_run_that_is_refused_in_part_is_withdrawn(desk, server):
    answers = iter(
        [desk.run, lambda _: Answer(status=422, json={"detail": [{"loc": ["body"], "msg": "no", "type": "x"}]})]
    )
    server.on("POST /run", lambda asked: next(answers)(asked))
    server.on("POST /jobs/jb-1/cancel", Answer(json={**NOTHING, "status": "Cancelled"}))
    with pytest.raises(HaiquRequestError):
        SamplerV2(desk.backend()).run([(bell(), None, 10), (bell(), None, 20)])
    assert server.asked[-1] == "POST /jobs/jb-1/cancel"
    assert JobStore().records() == []


NOTHING = {
    "id": "jb-1",
    "user_id": 1,
    "experiment_id": "exp-1",
    "job_type": "Run",
    "creation_date": "2026-01-01T00:00:00Z",
}


def refusing_the_last(desk, server, shots, **fates):
    """A run whose last job is refused; those before it are asked to stop and end as told."""
    asked = []

    def run(body):
        return Answer(402, json={"detail": "No credit."}) if len(desk.jobs) == len(shots) - 1 else desk.run(body)

    def cancelling(job_id, fate):
        def answer(_asked):
            asked.append(job_id)
            if isinstance(fate, Answer):
                return fate
            (job,) = [job for job in desk.jobs.values() if job["id"] == job_id]
            job["status"] = fate
            return Answer(json=job)

        return answer

    server.on("POST /run", run)
    for name, fate in fates.items():
        job_id = name.replace("_", "-")
        server.on(f"POST /jobs/{job_id}/cancel", cancelling(job_id, fate))
    desk.fields = {"status": "Running"}
    with pytest.raises(HaiquError) as caught:
        SamplerV2(desk.backend()).run([(bell(), None, number) for number in shots])
    return caught.value, asked


def found_again(desk):
    (record,) = JobStore().records()
    return stored_job(JobStore(), record.id, lambda _: None, lambda found: desk.engine.resume(found.state))


def test_every_accepted_job_of_a_refused_run_is_asked_to_stop(desk, server):
    error, asked = refusing_the_last(desk, server, (10, 20, 30), jb_1="Cancelled", jb_2="Cancelled")
    assert isinstance(error, HaiquCreditError)
    assert asked == ["jb-1", "jb-2"]
    assert JobStore().records() == []


def test_a_job_that_cannot_be_withdrawn_keeps_no_other_one(desk, server):
    refusal = Answer(status=422, json={"detail": "not now"})
    fates = {"jb_1": refusal, "jb_2": "Cancelled", "jb_3": "Done", "jb_4": "Running"}
    error, asked = refusing_the_last(desk, server, (10, 20, 30, 40, 50), **fates)
    assert isinstance(error, HaiquSubmissionError)
    assert asked == ["jb-1", "jb-2", "jb-3", "jb-4"]
    (record,) = JobStore().records()
    message = str(error)
    assert message.startswith("A job of the run was refused: ")
    assert "Of those that had been accepted, jb-1 could not be cancelled (" in message
    assert "; jb-2 was cancelled; jb-3 had ended before; jb-4 goes on (Running). provider.job('" in message
    assert f"provider.job('{record.id}') shows them" in message


def test_the_id_that_is_told_of_a_run_that_was_not_withdrawn_leads_to_its_jobs(desk, server):
    refusing_the_last(desk, server, (10, 20, 30), jb_1="Running", jb_2="Done")
    job = found_again(desk)
    assert job.status() is JobStatus.ERROR
    with pytest.raises(HaiquJobError, match=r"was refused: .*No credit.*go on: \['jb-1'\].*cancel\(\).*partial_result"):
        job.result(timeout=60)
    assert job.partial_result().metadata["haiqu"]["pubs"] == [1]
    assert job.usage()["usd"] == 0
    for job_id in ("jb-1", "jb-2"):
        server.on(f"POST /jobs/{job_id}/cancel", lambda _: Answer(json={**NOTHING, "status": "Done"}))
    before = server.count("POST /jobs/jb-1/cancel")
    job.cancel()
    assert server.count("POST /jobs/jb-1/cancel") == before + 1


def test_a_run_is_not_withdrawn_if_a_later_job_may_have_arrived(desk, server):
    """Its answer was lost, and it was found later: the run is whole."""
    late = []
    server.on(
        "POST /run", lambda asked: late.append(asked) or (desk.run(asked) if len(late) == 1 else CUT_BEFORE_ANSWER)
    )
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(desk.backend()).run([(bell(), None, 10), (bell(), None, 20)])
    desk.run(late[1])
    assert [pub.data.meas.num_shots for pub in found_again(desk).result()] == [10, 20]
    assert not [name for name in server.asked if name.endswith("/cancel")]


def test_what_was_not_sent_after_a_lost_answer_is_told(desk, server):
    late = []
    server.on(
        "POST /run", lambda asked: late.append(asked) or (desk.run(asked) if len(late) == 1 else CUT_BEFORE_ANSWER)
    )
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(desk.backend()).run([(bell(), None, shots) for shots in (10, 20, 30)])
    desk.run(late[1])
    job = found_again(desk)
    with pytest.raises(HaiquJobError, match=r"It was not sent, as one before it.*Accepted: \['jb-1', 'jb-2'\]"):
        job.result(timeout=60)
    assert [pub.data.meas.num_shots for pub in job.partial_result()] == [10, 20]
    assert len(late) == 2


def test_a_submission_whose_first_answer_was_lost_is_sent_to_no_other_endpoint(desk, server):
    server.on("GET /devices", Answer(json=[SIMULATOR], headers=HONOURED))
    answers = iter([CUT_BEFORE_ANSWER, Answer(status=410, json={"detail": "gone"})])
    server.on("POST /run", lambda _asked: next(answers))
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(desk.backend()).run([bell()])
    assert server.count("POST /flow") == 0


@pytest.mark.filterwarnings("ignore:aws_iqm_garnet has no error data")
def test_keys_of_aws_that_lie_around_never_leave_for_haiqu(desk, server, tmp_path, monkeypatch):
    (tmp_path / "keys").write_text("[default]\naws_access_key_id=AKIAOWN\naws_secret_access_key=own-secret-0123\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "keys"))
    server.on("GET /devices", Answer(json=[{**LINE, "id": "aws_iqm_garnet", "vendor": "AWS"}]))
    circuit = QuantumCircuit(3)
    circuit.sx(0)
    circuit.measure_all()
    given = {"aws_access_key_id": "AKIAGIVEN", "aws_secret_access_key": "given-secret-0123"}

    def run(**more):
        provider = HaiquProvider(api_key=KEY, url=server.url, experiment="e", **more)
        SamplerV2(provider.get_backend("aws_iqm_garnet", via="haiqu")).run([circuit], shots=4)

    with pytest.raises(HaiquAccountError, match="HAIQU_AWS_ACCESS_KEY_ID"):
        run()
    assert desk.bodies() == []
    assert JobStore().records() == []
    run(credentials=given)
    (body,) = desk.bodies()
    assert "given-secret-0123" in str(body)
    assert not any(b"own-secret" in asked.body for asked in server.requests)


def test_a_service_that_has_forgotten_the_circuits_gets_them_again(desk, server):
    SamplerV2(desk.backend()).run([bell()])
    answers = iter([Answer(status=404, json={"detail": "There is no circuit 'circ-1'."})])
    server.on("POST /run", lambda asked: next(answers, None) or desk.run(asked))
    SamplerV2(desk.backend()).run([bell()])
    assert server.count("POST /circuits") == 2
    assert server.count("POST /experiments/init") == 2


def test_what_is_not_there_after_all_is_told(desk, server):
    server.on("POST /run", Answer(status=404, json={"detail": "There is no device."}))
    with pytest.raises(HaiquNotFoundError, match=r"There is no device\."):
        SamplerV2(desk.backend()).run([bell()])
    assert server.count("POST /run") == 1  # nothing was remembered that could be out of date


@pytest.mark.parametrize("status", [405, 410, 501])
def test_a_service_without_run_is_sent_a_flow(desk, server, status):
    server.on("POST /run", Answer(status=status, json={"detail": "gone"}))
    assert counts(SamplerV2(desk.backend()).run([bell()], shots=4)) == {"00": 2, "11": 2}
    SamplerV2(desk.backend()).run([bell()])
    assert (server.count("POST /run"), server.count("POST /flow")) == (1, 2)


def test_an_endpoint_that_was_asked_for_is_the_only_one(desk, server):
    server.on("POST /run", Answer(status=410, json={"detail": "gone"}))
    with pytest.raises(Exception, match="gone"):
        SamplerV2(desk.backend(api="run")).run([bell()])
    SamplerV2(desk.backend(api="flow")).run([bell()])
    assert server.count("POST /flow") == 1


def test_a_dry_run_tells_the_service_s_estimate(desk):
    cost = {"native": {"amount": 4.1, "unit": "s"}, "converted": {"amount": 6.56, "unit": "USD"}}
    desk.fields = {"estimated_qpu_cost": cost}
    estimator = EstimatorV2(desk.backend("ibm_line"))
    circuit = QuantumCircuit(3)
    circuit.sx(0)
    estimate = estimator.estimate_cost([(circuit, "IIZ")], precision=0.1)
    assert (estimate.usd, estimate.amount, estimate.unit, estimate.shots) == (6.56, 4.1, "s", 100)
    assert desk.bodies()[0]["dry_run"] is True
    with pytest.raises(HaiquCostLimitError, match=r"6\.56 USD"):
        EstimatorV2(desk.backend("ibm_line"), options={"max_cost_usd": 5}).run([(circuit, "IIZ")], precision=0.1)
    assert [body["dry_run"] for body in desk.bodies()] == [True, True]
    assert JobStore().records() == []


@pytest.mark.parametrize(
    "cost",
    [
        None,
        {"native": {"amount": 4.1, "unit": "s"}},
        {"native": {"amount": 4.1, "unit": "s"}, "converted": None},
        {"converted": {"amount": 4.1, "unit": "credits"}},
        {"converted": {"amount": -1.0, "unit": "USD"}},
    ],
)
def test_a_device_without_a_price_is_not_taken_for_free(desk, cost):
    desk.fields = {"estimated_qpu_cost": cost}
    estimator = EstimatorV2(desk.backend("ibm_line"), options={"max_cost_usd": 5})
    circuit = QuantumCircuit(3)
    circuit.sx(0)
    with pytest.raises(Exception, match="no estimate of the cost on ibm_line"):
        estimator.run([(circuit, "IIZ")], precision=0.1)
    assert [body["dry_run"] for body in desk.bodies()] == [True]


def test_a_dry_run_whose_answer_is_lost_promises_no_record(desk, server):
    server.on("POST /run", CUT_BEFORE_ANSWER)
    with pytest.raises(HaiquSubmissionError, match="What the run costs is not known") as raised:
        SamplerV2(desk.backend("ibm_line"), options={"max_cost_usd": 5}).run([isa()])
    assert "provider.job" not in str(raised.value)
    assert JobStore().records() == []


def test_an_experiment_that_cannot_be_remembered_only_costs_time(desk, server, tmp_path):
    (tmp_path / "file").write_text("")
    engine = HaiquEngine(desk.client, experiment="e", home=lambda: tmp_path / "file", credentials=lambda _device: {})
    (record,) = [found for found in engine.devices() if found.id == "aer_simulator"]
    job = SamplerV2(HaiquBackend(engine, record, store=JobStore())).run([bell()], shots=4)
    assert counts(job) == {"00": 2, "11": 2}


def test_a_job_whose_id_is_not_known_yet_is_found_and_cancelled(desk, server):
    late = []
    server.on("POST /run", lambda asked: late.append(asked) or CUT_BEFORE_ANSWER)
    with pytest.raises(HaiquSubmissionError):
        SamplerV2(desk.backend()).run([bell()], shots=4)
    (record,) = JobStore().records()
    execution = desk.engine.resume(record.state)
    desk.fields = {"status": "Queued", "quantum_results": None}
    desk.run(late[0])  # it was only on its way

    def cancel(_asked):
        desk.end(status="Cancelled")
        return Answer(json=desk.jobs[next(iter(desk.jobs))])

    server.on("POST /jobs/jb-1/cancel", cancel)
    assert execution.cancel()
    assert server.count("POST /jobs/jb-1/cancel") == 1


def test_mitigation_flags_are_all_sent(desk):
    options = {"use_mitigation": True, "mitigation": {"noise_tailoring": False}}
    SamplerV2(desk.backend("ibm_line"), options=options).run([isa()])
    body = desk.bodies()[0]
    assert body["use_mitigation"] is True
    assert body["options"]["error_mitigation_options"] == {
        "dynamical_decoupling": True,
        "readout_mitigation": True,
        "noise_tailoring": False,
        "advanced_mitigation": True,
        "readout_mitigation_options": {},
    }
    assert body["options"]["skip_transpilation"] is True


def isa():
    circuit = QuantumCircuit(3, 2)
    circuit.sx(0)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_the_state_on_disk_holds_no_values_and_no_key(desk):
    desk.results = [[{"0": 1.0}, {"0": 1.0}]]
    circuit = turned()
    circuit.measure_all()
    SamplerV2(desk.backend()).run([(circuit, [[0.123456], [0.654321]])])
    (file,) = (JobStore().home / "jobs").glob("*.json")
    text = file.read_text()
    assert json.loads(text)["state"]["jobs"][0]["layout"]["slots"]
    assert "0.123456" not in text
    assert "key-of-the-desk" not in text


def test_the_endpoint_of_the_provider_holds_for_all_backends(desk, server):
    engine = HaiquEngine(
        desk.client, experiment="e", home=lambda: JobStore().home, credentials=lambda _device: {}, api="flow"
    )
    (record,) = [found for found in engine.devices() if found.id == "aer_simulator"]
    SamplerV2(HaiquBackend(engine, record, store=JobStore())).run([bell()])
    assert (server.count("POST /run"), server.count("POST /flow")) == (0, 1)


def test_a_dry_run_before_a_run_is_never_taken_for_it(desk, server):
    job = SamplerV2(desk.backend(), options={"max_cost_usd": 1}).run([bell()], shots=4)
    dry, real = desk.bodies()
    assert (dry["dry_run"], real["dry_run"]) == (True, False)
    assert dry["description"] != real["description"]
    assert counts(job) == {"00": 2, "11": 2}
