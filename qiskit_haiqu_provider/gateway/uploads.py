"""How circuits come into the store: read in a process apart, and never taken for another circuit."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from qiskit_haiqu_provider.api.models import CircuitState
from qiskit_haiqu_provider.gateway.auth import Caller
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.execution.worker import Reading
from qiskit_haiqu_provider.gateway.store import circuits
from qiskit_haiqu_provider.gateway.store.tables import Circuit

_LONGEST = 160
"""Characters of a client's hash that are kept in one of our own."""


def decoded(text: str) -> bytes:
    """The bytes of an upload.

    Raises:
        ApiError: 400 if it is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(
            400, "qpy_dump: it is no standard base64. Send base64.b64encode of what qpy.dump writes."
        ) from None


def keep(
    session: Session,
    caller: Caller,
    reading: Reading,
    *,
    experiment_id: str,
    name: str,
    client_hash: str | None = None,
    reliable: bool = True,
    **more: Any,
) -> Circuit:
    """Store a circuit, or return the one that is there with the same content and name.

    The client's hash does not tell circuits apart. Where it is not unique, the circuit gets a hash of its own, by
    which the client can mean it and no other.

    Args:
        session: A session that writes.
        caller: Whose circuit.
        reading: The circuit as it was read.
        experiment_id: Where it belongs.
        name: Its name.
        client_hash: The client's hash; by default its digest.
        reliable: Whether the client gives different circuits different hashes.
        **more: Other fields of the circuit.
    """
    known_as = client_hash or reading.digest
    for known in circuits.by_digest(session, caller.user, experiment_id, reading.digest):
        if known.name == name and known.client_hash == known_as:
            circuits.mark_uploaded(session, known)
            return circuits.put_metrics(session, known, more["metrics"]) if more.get("metrics") else known
    taken = not reliable or bool(circuits.by_hash(session, caller.user, experiment_id, known_as))
    return circuits.add(
        session,
        caller.user,
        experiment_id=experiment_id,
        hash=f"{known_as[:_LONGEST]}-{reading.digest[:16]}" if taken else known_as,
        client_hash=known_as,
        digest=reading.digest,
        name=name,
        qpy=reading.qpy,
        num_qubits=reading.num_qubits,
        num_clbits=reading.num_clbits,
        num_parameters=reading.num_parameters,
        measures=reading.measures,
        analytics=reading.analytics,
        status=CircuitState.CORE_READY,
        **more,
    )


def found_by_hash(known: list[Circuit], headers: Mapping[str, str]) -> Circuit | None:
    """The circuit that a lookup by hash may safely return; ``None`` has the client upload what it holds.

    A content digest names one circuit. The hash of haiqu-sdk does not: it takes ``ry(t)`` and ``ry(2t)``, or a branch
    and its opposite, for the same. So its lookups find nothing, it uploads, and the upload compares contents.
    """
    if not known or (is_sdk(headers) and known[0].hash != known[0].digest):
        return None
    return known[0] if len({circuit.digest for circuit in known}) == 1 else None


def is_sdk(headers: Mapping[str, str]) -> bool:
    """Whether the caller is haiqu-sdk, whose hashes do not tell circuits apart. Our client sends its version too."""
    ours = headers.get("user-agent", "").startswith("qiskit-haiqu-provider/")
    return "haiqu-sdk-version" in headers and not ours
