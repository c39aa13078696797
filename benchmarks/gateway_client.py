"""A client of the gateway that costs little: one connection that is kept, and no more than the standard library."""

import base64
import io
import json
import math
import time
from http.client import HTTPConnection, HTTPException
from typing import Any, Self

TIMEOUT = 120.0

_IDLE = 2.0
"""Seconds after which a connection is not used again."""


class Client:
    """One connection to a gateway on this machine.

    Args:
        port: Where it listens.
        key: The key.
    """

    def __init__(self, port: int, key: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self._fresh_until = math.inf
        self._headers = {"authorization": key, "content-type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """The answer to a request.

        Args:
            method: ``GET`` or ``POST``.
            path: Path of the endpoint.
            body: Content, sent as JSON.
            key: The ``Idempotency-Key``.

        Raises:
            OSError: If the connection fails; the next request opens another.
            RuntimeError: If the answer is no success.
        """
        headers = self._headers if key is None else {**self._headers, "idempotency-key": key}
        sent = None if body is None else json.dumps(body).encode()
        if time.monotonic() > self._fresh_until:  # the server closes connections that idle
            self.close()
        try:
            self._connection.request(method, path, sent, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            self.close()
            raise OSError(f"{method} {path}: no answer ({type(error).__name__})") from error
        self._fresh_until = time.monotonic() + _IDLE
        if response.status != 200:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:500]!r}")
        return json.loads(content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def experiment(client: Client, name: str = "bench") -> str:
    """Id of the experiment of that name."""
    found = client.ask("POST", "/experiments/init", {"name": name})
    return str(found["id"])


def upload(client: Client, experiment_id: str, circuit: Any) -> str:
    """Id of a circuit, stored."""
    from qiskit import qpy  # slow to import, and not needed by those that only submit

    file = io.BytesIO()
    qpy.dump(circuit, file)
    body = {
        "experiment_id": experiment_id,
        "name": circuit.name,
        "hash": circuit.name,
        "qpy_dump": base64.b64encode(file.getvalue()).decode(),
    }
    return str(client.ask("POST", "/circuits", body)["id"])


def bell() -> Any:
    """A Bell pair, measured."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit
