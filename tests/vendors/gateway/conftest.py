"""A gateway in a process of its own, started as its users do, with all vendors played on this machine."""

import os
from dataclasses import dataclass

import pytest

pytest.importorskip("braket.aws")

from tests.gateway.rest import Api
from tests.gateway.servers import Gateway, command, running
from tests.vendors.braket.server import FakeAws
from tests.vendors.coda.server import HOST as CODA_HOST
from tests.vendors.coda.server import TOKEN, FakeCoda
from tests.vendors.ibm.server import CRN, IBM, KEY
from tests.vendors.ionq.server import HOST as IONQ_HOST
from tests.vendors.ionq.server import KEY as IONQ_KEY
from tests.vendors.ionq.server import IonQ
from tests.vendors.web import Web

AWS_SECRET = "secret-of-the-tests/0123456789abcdefghij"
ACCOUNTS = {
    "CODA_API_TOKEN": TOKEN,
    "IONQ_API_KEY": IONQ_KEY,
    "IBM_QUANTUM_TOKEN": KEY,
    "IBM_QUANTUM_INSTANCE": CRN,
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
    "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
    "AWS_REGION": "us-east-1",
}
"""Those of the server."""

_OTHERS = ("CODA_", "CONDUCTOR", "AMZN_", "BRAKET_", "QISKIT_", "IAM_", "AWS_", "IBM_", "IONQ_")


@dataclass
class World:
    """The vendors, and the gateway that sends jobs to them."""

    web: Web
    coda: FakeCoda
    ionq: IonQ
    ibm: IBM
    aws: FakeAws
    gateway: Gateway
    contacted: bool
    """Whether a vendor was asked for anything when the gateway started."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """All of it, once for all tests. At the end the log of the gateway holds no key and no traceback."""
    home = tmp_path_factory.mktemp("gateway")
    web = Web(tmp_path_factory.mktemp("web"))
    vendors = {"coda": FakeCoda(), "ionq": IonQ(), "ibm": IBM(), "aws": FakeAws()}
    web.serve(CODA_HOST, vendors["coda"].site)
    web.serve(IONQ_HOST, vendors["ionq"].site)
    web.serve("*.cloud.ibm.com", vendors["ibm"].site)
    web.serve("*.amazonaws.com", vendors["aws"].site)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_OTHERS) or name.lower() in ("no_proxy", "all_proxy"):
                patch.delenv(name)
        settings = {**web.environment(), **ACCOUNTS, "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
        for name, value in settings.items():
            patch.setenv(name, value)
        names = [word for name in ("ibm", "braket", "ionq", "coda") for word in ("--vendor", name)]
        line = command("serve", "--port", "0", "--workers", "1", "--rate-limit", "none", *names)
        with running(home, line) as gateway:
            gateway.secrets += [TOKEN, IONQ_KEY, KEY, AWS_SECRET]
            yield World(web=web, **vendors, gateway=gateway, contacted=bool(web.requests))
    errors = list(web.errors)
    web.close()
    if errors:
        raise errors[0]


@pytest.fixture
def api(world):
    """The REST API, as a user has it."""
    return Api(world.gateway.client)
