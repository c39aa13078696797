"""Jobs that take several of a vendor's jobs: nothing is sent twice, and nothing that is paid for is lost sight of."""

import contextlib
import logging
import time
from concurrent.futures import CancelledError

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquConnectionError, HaiquError, HaiquServerError
from qiskit_haiqu_provider.gateway.execution.dispatch import Dispatch, Dispatcher
from qiskit_haiqu_provider.gateway.execution.recipe import WITH_CREDENTIALS, RunRecipe, recipe_to_json
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs, running, users
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.run.formats import write_qpy
from tests.engines.direct.house import DEVICE, HouseVendor

SECONDS = 300.0
"""Far more than anything here takes, also on a machine that is busy."""

SECRET = "house-key-4242"
ANGLES = [[0.0], [3.141592653589793], [0.0]]


class House(HouseVendor):
    """The house as a way of the gateway: it takes one circuit with each job."""

    prefix = "house_"

    def __init__(self):
        super().__init__(circuits_in_a_job=1)
        self.away = 0
        self.on_send = lambda: None

    def engine(self, secrets):
        return DirectEngine(self)

    def target(self, device, options):
        return LocalEngine().target(AER, {})

    def send(self, job, *, request, token):
        sent = super().send(job, request=request, token=token)
        self.on_send()
        return sent

    def look(self, job_id, *, device):
        self._answer()
        return super().look(job_id, device=device)

    def find(self, token, *, device):
        self._answer()
        return super().find(token, device=device)

    def _answer(self):
        if self.away:
            self.away -= 1
            raise HaiquConnectionError("The house is away.")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Nobody waits for submissions that may still be on their way: here there are none."""
    monkeypatch.setattr("qiskit_haiqu_provider.engines.direct.sending.LOOKS", (0.0,))
    monkeypatch.setattr("qiskit_haiqu_provider.gateway.execution.dispatch._LOOKS", (0.0, 0.0))


@pytest.fixture
def house():
    return House()


@pytest.fixture
def place(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'gateway.db'}")
    database.migrate()
    yield Place(database)
    database.close()


class Place:
    """A user who submits a sweep of three angles, which takes three jobs of the house."""

    def __init__(self, database):
        self.database = database
        angle = Parameter("a")
        circuit = QuantumCircuit(2, 2)
        circuit.x(0)
        circuit.ry(angle, 1)
        circuit.measure([0, 1], [0, 1])
        with database.write() as s:
            key = users.create_key(s, username="ada")
        with database.write() as s:
            self.user, _ = users.user_of_key(s, key)
            self.experiment = experiments.get_or_create(s, self.user, name_or_id="one")
            facts = {"num_qubits": 2, "num_clbits": 2, "num_parameters": 1, "measures": True}
            mark = {"experiment_id": self.experiment.id, "hash": "1", "digest": "d"}
            self.circuit = circuits.add(s, self.user, **mark, qpy=write_qpy(circuit), **facts)

    def submit(self, *, with_credentials=False, **recipe):
        asked = RunRecipe(**{"device": DEVICE, "shots": 10, "parameters": [ANGLES], **recipe})
        with self.database.write() as s:
            job = jobs.add(
                s,
                self.user,
                circuit_ids=[self.circuit.id],
                experiment_id=self.experiment.id,
                job_type="Run",
                device_id=DEVICE,
                body={},
                recipe={**recipe_to_json(asked), WITH_CREDENTIALS: with_credentials},
            )
        return job.id

    def cancel(self, job_id):
        with self.database.write() as s:
            assert jobs.cancel(s, jobs.get(s, self.user, job_id))

    def order(self, job_id):
        with self.database.read() as s:
            (order,) = running.load_for_run(s, [job_id])
        return order

    @contextlib.contextmanager
    def dispatched(self, house, job_id, secrets=None):
        """The job in the hands of a server that has just started."""
        dispatcher = Dispatcher(self.database, [house], Limits())
        dispatch = Dispatch(self.order(job_id))
        recipe = RunRecipe.from_json(dispatch.order.recipe)
        try:
            yield dispatch, dispatcher.start(dispatch, recipe, secrets)
        finally:
            dispatcher.close()

    def run(self, house, job_id, secrets=None):
        with self.dispatched(house, job_id, secrets) as (_, future):
            return future.result(SECONDS)

    def failure(self, house, job_id, secrets=None):
        with self.dispatched(house, job_id, secrets) as (_, future):
            error = future.exception(SECONDS)
        assert isinstance(error, HaiquError)
        return str(error)


def until(done):
    for _ in range(int(SECONDS / 0.02)):
        if done():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def test_the_jobs_of_a_sweep_are_put_together_in_their_order(place, house):
    job_id = place.submit()
    outcome = place.run(house, job_id)
    assert outcome.results == b'[[{"01":1.0},{"11":1.0},{"01":1.0}]]'
    assert [job["id"] for job in place.order(job_id).dispatch["jobs"]] == ["job-0", "job-1", "job-2"]
    assert outcome.time == 2.0


def test_another_server_follows_all_of_them_even_while_the_vendor_is_away(place, house):
    job_id = place.submit()
    house.held = {"job-1"}
    with place.dispatched(house, job_id) as (dispatch, future):
        until(lambda: dispatch.status == "Queued")
    assert isinstance(future.exception(SECONDS), CancelledError)  # the server stopped, not the job
    house.held, house.away = set(), 3
    assert place.run(house, job_id).results == b'[[{"01":1.0},{"11":1.0},{"01":1.0}]]'
    assert len(house.ledger.arrived) == 3


def test_a_job_that_was_cancelled_before_it_left_is_not_sent(place, house):
    job_id = place.submit()
    order = place.order(job_id)
    place.cancel(job_id)
    dispatcher = Dispatcher(place.database, [house], Limits())
    future = dispatcher.start(Dispatch(order), RunRecipe.from_json(order.recipe), {})
    assert isinstance(future.exception(SECONDS), CancelledError)
    dispatcher.close()
    assert not house.ledger.arrived


def test_a_job_that_is_cancelled_while_it_is_sent_is_stopped_at_the_vendor(place, house):
    job_id = place.submit()
    house.held = {"job-0", "job-1", "job-2"}
    house.on_send = lambda: place.cancel(job_id) if len(house.ledger.arrived) == 1 else None
    with place.dispatched(house, job_id) as (_, future):
        assert isinstance(future.exception(SECONDS), CancelledError)
    assert len(house.ledger.arrived) == 1
    assert list(house.failing) == ["job-0"]


def test_a_submission_that_was_lost_half_way_names_what_was_accepted_and_is_not_sent_again(place, house):
    job_id = place.submit()
    house.lost_from, house.tells_tokens = 1, False
    for _ in range(2):  # and so says the next server
        said = place.failure(house, job_id)
        assert "accepted by the vendor: job-0." in said
        assert "Nothing is sent again" in said
        assert len(house.ledger.arrived) == 2


def test_a_job_that_is_refused_half_way_takes_back_what_was_accepted(place, house):
    job_id = place.submit()
    house.held, house.refused_from = {"job-0"}, 1
    assert "Out of credit" in place.failure(house, job_id)
    assert list(house.failing) == ["job-0"]


def test_where_it_cannot_be_taken_back_the_reason_is_told_as_well(place, house):
    job_id = place.submit()
    house.held, house.refused_from, house.cancels = {"job-0"}, 1, False
    said = place.failure(house, job_id)
    assert "Out of credit" in said
    assert "accepted by the vendor: job-0." in said


def test_an_unexpected_end_of_a_submission_is_looked_into_and_not_repeated(place, house):
    job_id = place.submit(parameters=[ANGLES[1:2]])

    def broken():
        house.on_send = lambda: None
        raise RuntimeError("nobody thought of this")

    house.on_send = broken
    assert place.run(house, job_id).results == b'[[{"11":1.0}]]'
    assert len(house.ledger.arrived) == 1


def test_a_job_with_credentials_is_never_sent_with_those_of_the_server(place, house):
    job_id = place.submit(with_credentials=True)
    for gone in (None, {}):  # after a new start of the server, and of the job
        assert "Nothing was sent" in place.failure(house, job_id, gone)
    assert not house.ledger.arrived


def test_a_job_that_cannot_be_followed_any_more_names_what_is_at_the_vendor(place, house):
    job_id = place.submit(with_credentials=True)
    house.held = {"job-1"}
    with place.dispatched(house, job_id, {"house_token": SECRET}) as (dispatch, _):
        until(lambda: dispatch.status == "Queued")
    house.account = "house:2"  # that of the server
    said = place.failure(house, job_id)
    assert "job-0, job-1, job-2" in said
    assert "never stored" in said
    assert len(house.ledger.arrived) == 3


def test_too_many_shots_are_refused_before_anything_is_sent(place, house):
    job_id = place.submit(shots=20_000)
    assert place.failure(house, job_id) == "shots is 20000, but at most 10000 are possible. Split the run."
    assert not house.ledger.arrived


@pytest.mark.parametrize("kind", [HaiquServerError, RuntimeError])
def test_a_vendor_that_repeats_a_credential_is_not_quoted(place, house, caplog, kind):
    job_id = place.submit(with_credentials=True)

    def price(request):
        raise kind(f"I do not take {SECRET}")

    house.prepare = price
    with caplog.at_level(logging.INFO):
        said = place.failure(house, job_id, {"house_token": SECRET})
    assert SECRET not in said + caplog.text
    assert ("I do not take ***" in said) == (kind is HaiquServerError)
