"""HaiquProvider with a key: devices, jobs and experiments of a gateway over loopback, and what happens without one."""

import pickle
import warnings
from uuid import uuid4

import pytest
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import (
    HaiquBackendNotFoundError,
    HaiquInputError,
    HaiquJobNotFoundError,
    HaiquProvider,
    SamplerV2,
)
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquApiError, HaiquAuthenticationError
from tests.api.odd_server import Answer, OddServer, nobody


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def ids(jobs):
    return [job.job_id() for job in jobs]


@pytest.fixture
def service(gateway):
    """A provider of the gateway, with an experiment of its own."""
    return HaiquProvider(api_key=gateway.key, url=gateway.url, experiment=f"provider {uuid4()}")


@pytest.fixture
def away(monkeypatch):
    """A provider of a service that is not there."""
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0")
    return HaiquProvider(api_key="a-key-of-nobody", url=nobody())


# Devices.


def test_devices_of_both_are_listed(service):
    found = service.backends()
    assert {backend.via for backend in found} == {"local", "haiqu"}
    assert found[0].name == "aer_simulator"
    assert found[0].via == "local"
    remote = service.backends(via="haiqu")
    assert remote
    assert {backend.via for backend in remote} == {"haiqu"}
    assert [backend.name for backend in found if backend.via == "haiqu"] == [backend.name for backend in remote]
    assert {backend.via for backend in service.backends(via="local")} == {"local"}


def test_simulators_run_here_unless_told(service):
    assert service.get_backend().via == "local"
    assert service.get_backend("fake_torino").via == "local"
    backend = service.get_backend("aer_simulator", via="haiqu")
    assert backend.via == "haiqu"
    assert backend.provider is service
    assert [backend.via for backend in service.backends("aer_simulator")] == ["local"]
    assert [backend.via for backend in service.backends("aer_simulator", via="haiqu")] == ["haiqu"]


LINE = {
    "id": "ibm_line",
    "vendor": "IBM",
    "name": "Line",
    "qubits": 3,
    "status": "online",
    "simulator": False,
    "operation_names": ["cz", "rz", "sx", "x", "measure"],
    "coupling_map": [[0, 1], [1, 2]],
}


@pytest.fixture
def line():
    """A server with one device, and a provider of it."""
    with OddServer() as server:
        server.on("GET /devices", Answer(json=[LINE]))
        provider = HaiquProvider(api_key="some-key", url=server.url)
        yield server, provider
        provider._service.client.close()


def test_devices_that_are_not_here_go_through_haiqu(line):
    server, provider = line
    assert provider.get_backend("ibm_line").via == "haiqu"
    with pytest.raises(HaiquBackendNotFoundError, match=r"no device 'ibm_lime'\. Did you mean ibm_line"):
        provider.get_backend("ibm_lime")
    with pytest.raises(HaiquBackendNotFoundError, match=r"no device 'qpu_zzz'\. See provider\.backends"):
        provider.get_backend("qpu_zzz")
    for via, asked in [(None, "was asked too"), ("haiqu", "was asked")]:
        with pytest.raises(HaiquBackendNotFoundError, match=rf"{server.url} {asked}\."):
            provider.get_backend("ibm_lime", via=via)
    assert server.asked == ["GET /devices"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fake_torinoo", "Did you mean fake_torino"),
        ("aer_simulater", "Did you mean aer_simulator"),
    ],
)
def test_no_service_is_asked_for_simulators(line, name, hint):
    server, provider = line
    with pytest.raises(HaiquBackendNotFoundError, match=f"There is no device '{name}'.*{hint}"):
        provider.get_backend(name)
    assert server.asked == []


def test_a_job_runs_through_haiqu(service):
    job = SamplerV2(service.get_backend("aer_simulator", via="haiqu")).run([bell()], shots=100)
    assert set(job.result()[0].data.meas.get_counts()) <= {"00", "11"}
    assert service.job(job.job_id()) is job


def test_a_service_that_is_away_is_warned_of_once_and_local_devices_stay(away):
    with pytest.warns(UserWarning, match="devices of Haiqu are not shown") as caught:
        found = away.backends()
    assert len(caught) == 1
    assert {backend.via for backend in found} == {"local"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert away.get_backend("fake_torino").via == "local"
        assert away.backends("aer_simulator")[0].via == "local"
    for ask in (
        lambda: away.backends(via="haiqu"),
        lambda: away.get_backend("ibm_fez"),
        lambda: away.get_backend("aer_simulator", via="haiqu"),
        away.experiments,
    ):
        with pytest.raises(HaiquApiError):
            ask()


def test_a_wrong_key_is_warned_of_too(gateway):
    provider = HaiquProvider(api_key="not-a-key-of-it", url=gateway.url)
    with pytest.warns(UserWarning, match="devices of Haiqu are not shown"):
        assert provider.backends()
    with pytest.raises(HaiquAuthenticationError):
        provider.backends(via="haiqu")


def test_accounts_that_cannot_be_read_do_not_hide_local_devices(provider):
    HaiquProvider.save_account(api_key="some-key")
    path = provider._store.home / "accounts.json"
    path.write_text("{")
    assert repr(provider) == "<HaiquProvider(via=['local'])>"
    assert provider.get_backend().via == "local"
    with pytest.warns(UserWarning, match="devices of Haiqu.* are not shown.*accounts.json cannot be read"):
        assert provider.backends()
    with pytest.raises(HaiquAccountError, match="cannot be read"):
        provider.get_backend("ibm_fez")


# Experiments.


def test_experiments(service, gateway):
    assert service.experiment.startswith("provider ")
    assert service.experiment not in [each.name for each in service.experiments()]
    SamplerV2(service.get_backend(via="haiqu")).run([bell()], shots=10).result()
    [found] = [each for each in service.experiments() if each.name == service.experiment]
    assert found.jobs_count == 1
    assert found.circuits_count == 1


def test_a_provider_from_the_environment(gateway, monkeypatch):
    monkeypatch.setenv("HAIQU_API_KEY", gateway.key)
    monkeypatch.setenv("HAIQU_EDGE_URI", gateway.url)
    monkeypatch.setenv("HAIQU_EXPERIMENT", "from outside")
    provider = HaiquProvider()
    assert provider.experiment == "from outside"
    assert provider.get_backend(via="haiqu").via == "haiqu"


def test_a_provider_from_an_account(gateway):
    HaiquProvider.save_account(api_key=gateway.key, url=gateway.url, auth="query")
    assert HaiquProvider().get_backend(via="haiqu").via == "haiqu"


def test_a_pickled_provider_reaches_the_service_again(service, gateway, monkeypatch):
    service.backends(via="haiqu")
    monkeypatch.setenv("HAIQU_API_KEY", gateway.key)
    again = pickle.loads(pickle.dumps(service))
    assert again.experiment == service.experiment
    assert again.get_backend(via="haiqu").via == "haiqu"


# Jobs.


def test_a_job_that_was_made_elsewhere_is_reached_by_its_id(service, tmp_path):
    job = SamplerV2(service.get_backend(via="haiqu")).run([bell()], shots=50)
    counts = job.result()[0].data.meas.get_counts()
    given = {"api_key": service._service.given.api_key, "url": service._service.given.url}
    other = HaiquProvider(**given, experiment=service.experiment, home=tmp_path / "other")
    found = other.job(job.job_id())
    assert found is not job
    assert found.result()[0].data.meas.get_counts() == counts
    assert other.job(job.job_id()) is found
    assert found.backend().via == "haiqu"


def test_jobs_of_both_are_listed_newest_first(service, tmp_path):
    remote, local = service.get_backend(via="haiqu"), service.get_backend()
    made = [SamplerV2(backend).run([bell()], shots=50) for backend in (remote, local, remote, local)]
    for job in made:
        job.result()
    given = {"api_key": service._service.given.api_key, "url": service._service.given.url}
    other = HaiquProvider(**given, experiment=service.experiment, home=tmp_path / "other")
    own = SamplerV2(other.get_backend()).run([bell()], shots=50)
    own.result()
    newest = ids([made[2], made[0]])
    assert ids(other.jobs()) == [own.job_id(), *newest]
    assert ids(other.jobs(limit=2)) == [own.job_id(), newest[0]]
    assert ids(other.jobs(status=JobStatus.DONE)) == [own.job_id(), *newest]
    assert other.jobs(status="ERROR") == []
    assert len(other.jobs(backend_name="aer_simulator", limit=None)) == 3
    assert ids(service.jobs()) == ids(reversed(made))


def test_jobs_of_a_service_that_is_away(away):
    job = SamplerV2(away.get_backend()).run([bell()])
    job.result()
    with pytest.warns(UserWarning, match="Jobs that were made elsewhere are not shown") as caught:
        assert away.jobs() == [job]
    assert len(caught) == 1
    assert away.job(job.job_id()) is job
    with pytest.raises(HaiquApiError):
        away.job("jb-elsewhere")
    with pytest.raises(HaiquJobNotFoundError, match="is known in"):
        away.job("local-unknown")


def test_a_job_that_nobody_knows(service):
    with pytest.raises(HaiquJobNotFoundError, match=r"No job 'jb-nobody'.* does not know it either"):
        service.job("jb-nobody")
    for name in ("local-nobody", "../escape", "", None):
        with pytest.raises(HaiquJobNotFoundError) as caught:
            service.job(name)
        assert "either" not in str(caught.value)


def test_a_job_of_the_service_without_a_key_tells_what_to_do(service, tmp_path):
    job = SamplerV2(service.get_backend(via="haiqu")).run([bell()], shots=50)
    record = service._store.read(job.job_id())
    plain = HaiquProvider(home=tmp_path / "plain")
    plain._store.write(record)
    found = plain.job(job.job_id())
    assert found.status() is JobStatus[record.status]
    with pytest.raises(HaiquAccountError, match="There is no key for Haiqu"):
        found.result()
    assert ids(plain.jobs()) == [job.job_id()]
    assert plain._store.read(job.job_id()).status == record.status
    job.result()


def test_an_account_that_was_named_has_to_be_there():
    with pytest.raises(HaiquAccountError, match="lab"):
        HaiquProvider(account="lab").backends()


def test_the_route_of_a_provider_and_of_the_environment(gateway, monkeypatch):
    provider = HaiquProvider(api_key=gateway.key, url=gateway.url, via="haiqu")
    assert provider.get_backend().via == "haiqu"
    assert provider.get_backend(via="local").via == "local"
    monkeypatch.setenv("HAIQU_VIA", "haiqu")
    assert HaiquProvider(api_key=gateway.key, url=gateway.url).get_backend("fake_montreal").via == "haiqu"
    assert HaiquProvider(via="local").get_backend().via == "local"
    with pytest.raises(HaiquInputError, match="via"):
        HaiquProvider(via="cloud")


def test_devices_are_found_on_the_route_of_the_provider_and_of_the_environment(gateway, monkeypatch):
    def routes(**settings):
        provider = HaiquProvider(api_key=gateway.key, url=gateway.url, **settings)
        assert provider.least_busy(simulator=True).via in {backend.via for backend in provider.backends()}
        return {backend.via for backend in provider.backends()}

    assert routes() == {"local", "haiqu"}
    assert routes(via="haiqu") == {"haiqu"}
    assert routes(via="local") == {"local"}
    monkeypatch.setenv("HAIQU_VIA", "haiqu")
    assert routes() == {"haiqu"}
    assert {backend.via for backend in HaiquProvider().backends(via="local")} == {"local"}
