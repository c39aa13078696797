"""The vendors of ``benchmarks.dispatch``: who plays each, and how one runs circuits there by hand.

A vendor takes part with an entry in ROUTES: a function that lets its server of the tests play its hosts, and one that
makes what runs circuits with the vendor's own client, as its documentation shows. Keys are those that the servers know.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Counts = dict[str, int]
Run = Callable[[Sequence[Any], int], list[Any]]
"""Runs circuits with a number of shots; for each the counts, or the ``BitArray`` of its shots."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One vendor."""

    vendor: str
    """As in ``via``."""

    device: str
    credentials: Mapping[str, str]
    serve: Callable[[Any], None]
    """Lets the server play the vendor's hosts; called in a process of its own with a ``tests.vendors.web.Web``."""

    by_hand: Callable[[], Run]
    """Makes what runs circuits without this package."""

    fitted: Callable[[Sequence[Any]], Sequence[Any]] = list
    """Makes circuits fit the device; both sides get the same, and it is not timed."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of our backend."""

    packages: tuple[str, ...] = ()
    """Distributions whose versions count."""


_CODA_TOKEN = "coda_of-ada-7f3a9c51"


def _serve_coda(web: Any) -> None:
    from tests.vendors.coda.server import HOST, FakeCoda

    web.serve(HOST, FakeCoda().site)


def _coda_by_hand() -> Run:
    """The vendor's client if it is installed, else httpx with the same requests."""
    from qiskit import qasm3

    try:
        from conductorquantum.coda.client import CodaClient
    except ImportError:
        run, status = _coda_by_httpx()
    else:
        qpus = CodaClient(token=_CODA_TOKEN).qpus
        run, status = (lambda order: qpus.run(**order)), (lambda job_id: qpus.status(job_id=job_id))

    def results(job_id: str) -> Counts:
        while True:
            answer = status(job_id)
            if answer["status"] == "completed":
                return dict(answer["results"])

    def counts(circuits: Sequence[Any], shots: int) -> list[Counts]:
        orders = [
            {"code": qasm3.dumps(circuit), "source_framework": "openqasm3", "backend": "iqm", "shots": shots}
            for circuit in circuits
        ]
        ids = [run(order)["job_id"] for order in orders]
        return [results(job_id) for job_id in ids]

    return counts


def _coda_by_httpx() -> tuple[Callable[[Any], Any], Callable[[str], Any]]:
    import httpx

    client = httpx.Client(
        base_url="https://api.conductorquantum.com/v0/coda", headers={"authorization": f"Bearer {_CODA_TOKEN}"}
    )

    def post(path: str, body: Any) -> Any:
        return client.post(path, json=body).raise_for_status().json()

    return (
        lambda order: post("/qpus", {**order, "accept_overage": False}),
        lambda job_id: post("/qpus/status", {"job_id": job_id}),
    )


_IBM_DEVICE = "ibm_manila"
_IBM_KEY = "ibm-key-for-tests-0123456789"
_IBM_CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/0123456789abcdef0123456789abcdef:11112222-3333-4444::"


def _serve_ibm(web: Any) -> None:
    from tests.vendors.ibm.server import IBM

    web.serve("*.cloud.ibm.com", IBM().site)


def _ibm_by_hand() -> Run:
    from qiskit_ibm_runtime import QiskitRuntimeService, SamplerV2

    warnings.filterwarnings("ignore", category=DeprecationWarning, module="qiskit_ibm_runtime")
    backend = QiskitRuntimeService(token=_IBM_KEY, instance=_IBM_CRN).backend(_IBM_DEVICE)

    def bits(circuits: Sequence[Any], shots: int) -> list[Any]:
        return [result.data.meas for result in SamplerV2(backend).run(circuits, shots=shots).result()]

    return bits


def _for_ibm(circuits: Sequence[Any]) -> list[Any]:
    from qiskit import transpile
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    return list(transpile(list(circuits), FakeManilaV2(), initial_layout=range(5), optimization_level=0))


_IONQ_KEY = "ionq-key-for-tests-0123456789"


def _serve_ionq(web: Any) -> None:
    from tests.vendors.ionq.server import HOST, IonQ

    web.serve(HOST, IonQ().site)


def _ionq_by_hand() -> Run:
    from qiskit_ionq import IonQProvider
    from qiskit_ionq.exceptions import IonQTranspileLevelWarning

    warnings.filterwarnings("ignore", category=IonQTranspileLevelWarning)
    backend = IonQProvider(token=_IONQ_KEY).get_backend("ionq_simulator")

    def counts(circuits: Sequence[Any], shots: int) -> list[Counts]:
        found = backend.run(list(circuits), shots=shots).get_counts()
        return [dict(each) for each in (found if isinstance(found, list) else [found])]

    return counts


_AWS = {
    "aws_access_key_id": "AKIAEXAMPLEEXAMPLE00",
    "aws_secret_access_key": "secret-of-the-tests/0123456789abcdefghij",
}


def _serve_aws(web: Any) -> None:
    from tests.vendors.braket.server import FakeAws

    web.serve("*.amazonaws.com", FakeAws().site)


def _braket_by_hand() -> Run:
    import boto3
    from braket.aws import AwsDevice, AwsSession
    from qiskit_braket_provider import to_braket

    from tests.vendors.braket.capabilities import SV1

    device = AwsDevice(SV1, aws_session=AwsSession(boto3.Session(**_AWS, region_name="us-east-1")))

    def counts(circuits: Sequence[Any], shots: int) -> list[Counts]:
        tasks = [device.run(to_braket(circuit), shots=shots) for circuit in circuits]
        return [{outcome[::-1]: n for outcome, n in task.result().measurement_counts.items()} for task in tasks]

    return counts


ROUTES: Mapping[str, Route] = {
    "coda": Route(
        vendor="coda",
        device="coda_iqm",
        credentials={"coda_token": _CODA_TOKEN},
        serve=_serve_coda,
        by_hand=_coda_by_hand,
        options={"bit_order": "last_first"},
        packages=("conductorquantum",),
    ),
    "ibm": Route(
        vendor="ibm",
        device=_IBM_DEVICE,
        credentials={"ibm_quantum_token": _IBM_KEY, "ibm_quantum_instance": _IBM_CRN},
        serve=_serve_ibm,
        by_hand=_ibm_by_hand,
        fitted=_for_ibm,
        packages=("qiskit-ibm-runtime",),
    ),
    "ionq": Route(
        vendor="ionq",
        device="ionq_simulator",
        credentials={"ionq_api_key": _IONQ_KEY},
        serve=_serve_ionq,
        by_hand=_ionq_by_hand,
        packages=("qiskit-ionq",),
    ),
    "braket": Route(
        vendor="braket",
        device="aws_amazon_sv1",
        credentials={**_AWS, "aws_default_region": "us-east-1"},
        serve=_serve_aws,
        by_hand=_braket_by_hand,
        packages=("amazon-braket-sdk", "qiskit-braket-provider"),
    ),
}
