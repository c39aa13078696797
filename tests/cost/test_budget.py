"""HaiquProvider(budget_usd=...): money is set aside before a run, settled after it, and never lost track of."""

import json
import pickle
from dataclasses import replace

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import (
    HaiquBackend,
    HaiquBudgetError,
    HaiquCostLimitError,
    HaiquInputError,
    HaiquJobError,
    HaiquProvider,
    HaiquRequestError,
    HaiquSubmissionError,
    Ledger,
    SamplerV2,
)
from qiskit_haiqu_provider import job as job_room
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.store import JobStore
from tests.api.odd_server import CUT_BEFORE_ANSWER, Answer, OddServer
from tests.engines.haiqu.service import KEY, Desk

pytestmark = pytest.mark.filterwarnings("ignore:ibm_line has no error data")

ESTIMATED = {"native": {"amount": 4.1, "unit": "s"}, "converted": {"amount": 6.56, "unit": "USD"}}
ACTUAL = {"native": {"amount": 3.0, "unit": "s"}, "converted": {"amount": 4.80, "unit": "USD"}}
OPEN = {"status": "Queued", "quantum_results": None, "estimated_qpu_cost": None}


def isa():
    circuit = QuantumCircuit(3, 2)
    circuit.sx(0)
    circuit.measure([0, 1], [0, 1])
    return circuit


@pytest.fixture
def server():
    with OddServer() as found:
        yield found


@pytest.fixture
def desk(server):
    """A service whose jobs are estimated at 6.56 USD; they are done at once, and cost 4.80 USD."""
    found = Desk(server)
    found.fields = {"estimated_qpu_cost": ESTIMATED, "info": {"qpu_cost": ACTUAL}}
    yield found
    found.close()


@pytest.fixture
def provider_of(server):
    """Makes providers of the service."""

    def make(**settings):
        credentials = {"ibm_quantum_token": "a-token", "ibm_quantum_instance": "an-instance"}
        return HaiquProvider(api_key=KEY, url=server.url, credentials=credentials, **settings)

    return make


def sampler(provider, **options):
    return SamplerV2(provider.get_backend("ibm_line"), options=options)


def numbers(ledger):
    return ledger.spent_usd, ledger.reserved_usd, ledger.left_usd


def paid(desk):
    """How many submissions left that are paid for."""
    return sum(not body["dry_run"] for body in desk.bodies())


def held_back(desk):
    """Let submissions be accepted, but stay in the queue."""
    accept = desk.run

    def answer(asked):
        desk.fields = {"estimated_qpu_cost": ESTIMATED} if asked.json["dry_run"] else OPEN
        return accept(asked)

    desk.server.on("POST /run", answer)


def test_the_estimate_is_set_aside_and_the_cost_settled(desk, provider_of):
    provider = provider_of(budget_usd=20)
    held_back(desk)
    job = sampler(provider).run([isa()], shots=4)
    assert numbers(provider.ledger) == (0, 6.56, 13.44)
    [entry] = provider.ledger.entries
    assert (entry.device, entry.via) == ("ibm_line", "haiqu")
    desk.end(status="Done", quantum_results=[{"00": 1.0}], info={"qpu_cost": ACTUAL})
    job.result()
    assert numbers(provider.ledger) == (4.8, 0, 15.2)
    assert job.usage()["usd"] == 4.8


def test_another_process_without_the_budget_settles_it_too(desk, provider_of):
    provider = provider_of(budget_usd=20)
    held_back(desk)
    job_id = sampler(provider).run([isa()], shots=4).job_id()
    job_room._LIVE.clear()
    desk.end(status="Done", quantum_results=[{"00": 1.0}], info={"qpu_cost": ACTUAL})
    provider_of().job(job_id).result()
    assert numbers(provider.ledger) == (4.8, 0, 15.2)


def test_a_run_that_would_pass_the_budget_is_not_submitted(desk, provider_of, tmp_path):
    provider = provider_of(budget_usd=11, ledger=tmp_path / "shared.json")
    sampler(provider).run([isa()], shots=4).result()
    with pytest.raises(HaiquBudgetError, match=r"11\.00.*4\.80 USD are spent.*0\.00 USD.*ibm_line.*may cost 6\.56 USD"):
        sampler(provider_of(ledger=provider.ledger)).run([isa()], shots=4)
    assert paid(desk) == 1
    assert len(JobStore().records()) == 1
    assert numbers(Ledger(tmp_path / "shared.json", budget_usd=11)) == (4.8, 0, 6.2)


def test_a_dry_run_sets_nothing_aside(desk, provider_of):
    provider = provider_of(budget_usd=1)
    assert sampler(provider, dry_run=True).run([isa()]).result().usd == 6.56
    assert provider.ledger.entries == ()


def test_a_limit_of_the_call_goes_before_the_budget(desk, provider_of):
    provider = provider_of(budget_usd=1)
    with pytest.raises(HaiquCostLimitError, match="max_cost_usd is 5") as caught:
        sampler(provider, max_cost_usd=5).run([isa()])
    assert not isinstance(caught.value, HaiquBudgetError)
    assert provider.ledger.entries == ()


def answering(desk, answer):
    """Dry runs are answered as ever, and submissions like this."""
    desk.server.on("POST /run", lambda asked: desk.run(asked) if asked.json["dry_run"] else answer)


def test_a_refused_run_gives_back_what_was_set_aside(desk, provider_of):
    provider = provider_of(budget_usd=20)
    answering(desk, Answer(status=422, json={"detail": "no"}))
    with pytest.raises(HaiquRequestError):
        sampler(provider).run([isa()])
    assert paid(desk) == 1
    assert numbers(provider.ledger) == (0, 0, 20)


def test_a_run_whose_fate_is_not_known_keeps_it(desk, provider_of, monkeypatch):
    monkeypatch.setattr("qiskit_haiqu_provider.engines.haiqu.submission.LOOKS", (0.01,))
    provider = provider_of(budget_usd=20)
    answering(desk, CUT_BEFORE_ANSWER)
    with pytest.raises(HaiquSubmissionError):
        sampler(provider).run([isa()])
    assert numbers(provider.ledger) == (0, 6.56, 13.44)


def test_a_run_that_was_withdrawn_keeps_it(desk, provider_of):
    """Jobs that were accepted and cancelled again may have cost something."""
    provider = provider_of(budget_usd=20)
    answers = iter([desk.run, lambda _: Answer(status=422, json={"detail": "no"})])
    desk.server.on("POST /run", lambda asked: desk.run(asked) if asked.json["dry_run"] else next(answers)(asked))
    for number in range(1, 5):
        job = f"jb-{number}"
        desk.server.on(f"POST /jobs/{job}/cancel", lambda _: Answer(json={**stored(desk), "status": "Cancelled"}))
    with pytest.raises(HaiquRequestError):
        sampler(provider).run([(isa(), None, 4), (isa(), None, 5)])
    assert provider.ledger.reserved_usd == 2 * 6.56


def stored(desk):
    """The last job that was accepted."""
    return list(desk.jobs.values())[-1]


def test_a_cost_that_is_not_told_stays_set_aside_until_it_is(desk, provider_of):
    provider = provider_of(budget_usd=20)
    desk.fields = {"estimated_qpu_cost": ESTIMATED, "info": {}}
    job = sampler(provider).run([isa()], shots=4)
    job.result()
    assert job.usage()["usd"] == 0
    assert numbers(provider.ledger) == (0, 6.56, 13.44)
    provider.ledger.settle(provider.ledger.entries[0].token, usd=3)  # as the bill says
    assert numbers(provider.ledger) == (3, 0, 17)


def test_what_a_job_has_cost_so_far_does_not_settle_it(desk, provider_of):
    provider = provider_of(budget_usd=20)
    held_back(desk)
    job = sampler(provider).run([isa()], shots=4)
    desk.end(status="Running", info={"qpu_cost": ACTUAL})
    assert job.usage()["usd"] == 4.8
    assert numbers(provider.ledger) == (0, 6.56, 13.44)


def test_a_failed_job_is_settled_as_well(desk, provider_of):
    provider = provider_of(budget_usd=20)
    held_back(desk)
    job = sampler(provider).run([isa()], shots=4)
    desk.end(status="Error", info={"qpu_cost": ACTUAL})
    with pytest.raises(HaiquJobError):
        job.result()
    assert numbers(provider.ledger) == (4.8, 0, 15.2)


def test_a_job_under_a_budget_is_not_restarted(desk, provider_of):
    job = sampler(provider_of(budget_usd=20)).run([isa()], shots=4)
    job.result()
    with pytest.raises(HaiquJobError, match="ran under a budget"):
        job.restart()


def test_a_damaged_ledger_lets_nothing_leave_and_spoils_no_result(desk, provider_of, caplog):
    provider = provider_of(budget_usd=20)
    held_back(desk)
    job = sampler(provider).run([isa()], shots=4)
    provider.ledger.path.write_text("{")
    with pytest.raises(HaiquBudgetError, match="damaged"):
        sampler(provider).run([isa()])
    assert paid(desk) == 1
    desk.end(status="Done", quantum_results=[{"00": 1.0}], info={"qpu_cost": ACTUAL})
    assert job.result()[0].data.c.num_shots == 4
    assert "could not be noted" in caplog.text


def test_free_runs_leave_no_trace(desk, provider_of):
    provider = provider_of(budget_usd=0)
    for via in ("local", "haiqu"):
        desk.fields = {}
        SamplerV2(provider.get_backend("aer_simulator", via=via)).run([isa()], shots=4).result()
    assert not provider.ledger.path.exists()


class RangedEngine(LocalEngine):
    """A local engine that asks for money."""

    estimates = 0

    def estimate(self, request):
        self.estimates += 1
        return replace(super().estimate(request), usd=2.0, amount=2.0, usd_low=1.0, usd_high=3.0)


@pytest.fixture
def ranged():
    return RangedEngine()


def on(engine, provider=None):
    return HaiquBackend(engine, engine.devices()[0], store=JobStore(), provider=provider)


def test_the_high_end_is_held_against_limits(ranged):
    provider = HaiquProvider(budget_usd=5)
    on(ranged, provider).run(isa()).result()
    assert provider.ledger.reserved_usd == 3
    with pytest.raises(HaiquBudgetError, match=r"may cost 3\.00 USD"):
        on(ranged, provider).run(isa())
    with pytest.raises(HaiquCostLimitError, match=r"max_cost_usd is 2\.50.*between 1\.00 and 3\.00 USD"):
        on(ranged).run(isa(), max_cost_usd=2.5)


def test_without_a_limit_nothing_is_estimated(ranged):
    on(ranged).run(isa()).result()
    assert ranged.estimates == 0


def test_a_run_that_breaks_before_it_leaves_gives_it_back(ranged, monkeypatch):
    provider = HaiquProvider(budget_usd=5)
    monkeypatch.setattr(LocalEngine, "submit", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        on(ranged, provider).run(isa())
    assert provider.ledger.entries == ()


def test_the_ledger_is_found_where_settings_say(tmp_path, monkeypatch):
    assert HaiquProvider().ledger is None
    assert HaiquProvider(budget_usd=3, home=tmp_path).ledger == Ledger(tmp_path / "ledger.json", budget_usd=3)
    assert HaiquProvider(ledger=tmp_path / "mine").ledger == Ledger(tmp_path / "mine")
    provider = HaiquProvider(budget_usd=3)
    assert pickle.loads(pickle.dumps(provider)).ledger == provider.ledger
    with pytest.raises(HaiquInputError, match="budget_usd"):
        HaiquProvider(budget_usd="3")
    with pytest.raises(HaiquInputError, match="ledger"):
        HaiquProvider(ledger=3)


def test_the_record_of_a_job_tells_what_it_set_aside_and_no_secret(desk, provider_of):
    provider = provider_of(budget_usd=20)
    job = sampler(provider).run([isa()], shots=4)
    job.result()
    [path] = (JobStore().home / "jobs").glob("*.json")
    [entry] = provider.ledger.entries
    assert json.loads(path.read_text())["reservation"] == {"ledger": str(provider.ledger.path), "token": entry.token}
    assert job.status() is JobStatus.DONE
    for text in (path.read_text(), provider.ledger.path.read_text()):
        assert KEY not in text
        assert "a-token" not in text
