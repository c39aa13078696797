"""A device of Haiqu has the errors that its vendor tells today, if the vendor can be asked."""

import pytest

from qiskit_haiqu_provider import HaiquInputError, HaiquProvider
from tests.vendors.ibm.server import CRN, KEY
from tests.vendors.web import Response

DEVICE = {
    "id": "ibm_manila",
    "vendor": "IBM",
    "name": "ibm_manila",
    "qubits": 5,
    "status": "online",
    "simulator": False,
    "pending_jobs": 1,
    "operation_names": ["id", "rz", "sx", "x", "cx", "measure"],
    "coupling_map": [[0, 1], [1, 0], [1, 2], [2, 1], [2, 3], [3, 2], [3, 4], [4, 3]],
}


@pytest.fixture
def through_haiqu(web):
    """Makes providers of a service that has the device, with or without credentials of IBM."""
    web.serve("haiqu.example.com", lambda request: Response([DEVICE]))

    def make(**settings):
        return HaiquProvider(api_key="a-key-of-haiqu", url="https://haiqu.example.com", **settings)

    return make


def test_errors_are_those_that_ibm_tells(through_haiqu, connect):
    provider = through_haiqu(credentials={"ibm_quantum_token": KEY, "ibm_quantum_instance": CRN})
    backend = provider.get_backend("ibm_manila", via="haiqu", calibration="vendor")
    assert (backend.via, backend.calibration) == ("haiqu", "from the vendor, as of when the Target is first asked for")
    told = connect().get_backend("ibm_manila").target
    assert backend.target["cx"][(0, 1)].error == told["cx"][(0, 1)].error
    assert backend.target["measure"][(3,)].error == told["measure"][(3,)].error


def test_a_vendor_that_does_not_tell(through_haiqu, web, caplog):
    web.serve("*.cloud.ibm.com", lambda request: Response({"errors": []}, 403))
    provider = through_haiqu(credentials={"ibm_quantum_token": KEY, "ibm_quantum_instance": CRN})
    for asked in (provider, through_haiqu()):
        backend = asked.get_backend("ibm_manila", via="haiqu", calibration="vendor")
        with pytest.raises(HaiquInputError, match=r"vendor of ibm_manila cannot be asked.*calibration='snapshot'"):
            _ = backend.target
    assert "The vendor of ibm_manila cannot be asked for its calibration" in caplog.text
    assert KEY not in caplog.text


def test_nobody_is_asked_unless_the_user_says_so(through_haiqu, web):
    provider = through_haiqu(credentials={"ibm_quantum_token": KEY, "ibm_quantum_instance": CRN})
    backend = provider.get_backend("ibm_manila", via="haiqu")
    assert backend.calibration.startswith("from the snapshot fake_manila")
    assert backend.target["cx"][(0, 1)].error
    assert {request.host for request in web.requests} == {"haiqu.example.com"}
    with pytest.raises(HaiquInputError, match="calibration must be one of"):
        backend.set_options(calibration="tomorrow")
