"""Circuits at the service: each is uploaded once, and known from then on by its content.

A circuit is identified by our content digest, which is also the hash that the service keeps it under. Whatever the
service returns is compared with what was asked for, because it might take two circuits for one: the hash of the
official client does not tell ``ry(t)`` from ``ry(2*t)``.
"""

import base64
import hashlib
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.haiqu.ledger import Ledger
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquInputError, HaiquResponseError
from qiskit_haiqu_provider.run.circuits import walk
from qiskit_haiqu_provider.run.digest import content_digest, is_plain
from qiskit_haiqu_provider.run.formats import read_qpy, write_qpy

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient
    from qiskit_haiqu_provider.api.models import Circuit, CircuitCreate

CONCURRENCY = 32
"""Requests that are under way at once, if nothing else is said."""

_LONGEST_NAME = 200

_AHEAD = 2
"""Circuits that are encoded for each thread: the next request is ready when one is answered, and memory is bounded."""


class CircuitRegistry:
    """The ids that circuits have at the service; remembered in memory and on disk. Threads may share it.

    Args:
        client: The service.
        home: Folder of the package's data; called when it is needed.
        concurrency: Requests that are under way at once.
    """

    def __init__(self, client: "HaiquClient", *, home: Callable[[], Path], concurrency: int = CONCURRENCY) -> None:
        self._client = client
        self._home = home
        self._concurrency = concurrency
        self._ledgers: dict[str, Ledger] = {}
        self._lock = threading.Lock()

    def ids(self, experiment_id: str, circuits: Sequence[QuantumCircuit], *, empty: bool = False) -> list[str]:
        """The ids of circuits in an experiment; those that the service does not have are uploaded.

        Args:
            experiment_id: The experiment.
            circuits: Any circuits. Equal ones, which may have different names, share an id.
            empty: Whether the experiment is known to hold no circuit, so that none is looked up.

        Returns:
            The ids in the order of the circuits.

        Raises:
            HaiquInputError: If a circuit cannot be sent as it is.
            HaiquApiError: If the service refuses one, cannot be reached, or mixes circuits up. Nothing is remembered
                of that circuit.
        """
        digests = _digests(circuits)
        wanted = dict(zip(digests, circuits, strict=True))
        ledger = self._ledger(experiment_id)
        known = ledger.find(set(wanted))
        new = {digest: circuit for digest, circuit in wanted.items() if digest not in known}
        if new:
            known |= self._stored(_Order(self._client, experiment_id, look=not empty), new, ledger)
        return [known[digest] for digest in digests]

    def forget(self, experiment_id: str) -> None:
        """Forget the circuits of an experiment, here and on disk: the service does not know them any more."""
        self._ledger(experiment_id).clear()

    def _ledger(self, experiment_id: str) -> Ledger:
        with self._lock:
            if experiment_id not in self._ledgers:
                identity = (self._client.url, self._client.account, experiment_id)
                self._ledgers[experiment_id] = Ledger(self._home() / "circuits", identity)
            return self._ledgers[experiment_id]

    def _stored(self, order: "_Order", new: Mapping[str, QuantumCircuit], ledger: Ledger) -> dict[str, str]:
        """The ids of circuits that are not known yet, found or made concurrently. The first error ends it."""
        found: dict[str, str] = {}
        talks = {digest: order.talk(digest, circuit) for digest, circuit in new.items()}
        try:
            if len(talks) == 1:
                found.update((digest, _alone(talk)) for digest, talk in talks.items())
            else:
                _together(talks, found, threads=min(len(talks), self._concurrency))
        finally:
            if found:
                ledger.add(found)
        return found


Question = Callable[[], "Circuit | None"]
"""A request to the service."""

Talk = Generator[Question, "Circuit | None", str]
"""What is asked about one circuit, question by question; returns its id."""


def _alone(talk: Talk) -> str:
    """Have one talk."""
    try:
        question = next(talk)
        while True:
            question = talk.send(question())
    except StopIteration as end:
        return str(end.value)


def _together(talks: Mapping[str, Talk], found: dict[str, str], *, threads: int) -> None:
    """Have many talks at once, and put their ends into ``found``.

    Threads wait for answers; all that needs the processor is done here, while they wait. After an error nothing more is
    asked, and what is under way is left to end on its own.
    """
    answered: SimpleQueue[Future[Circuit | None]] = SimpleQueue()
    waiting = iter(talks.items())
    running: dict[Future[Circuit | None], tuple[str, Talk]] = {}
    pool = ThreadPoolExecutor(threads, thread_name_prefix="haiqu-circuits")

    def ask(digest: str, talk: Talk, answer: "Circuit | None") -> bool:
        try:
            future = pool.submit(talk.send(answer))
        except StopIteration as end:
            found[digest] = end.value
            return False
        running[future] = digest, talk
        future.add_done_callback(answered.put)
        return True

    try:
        for digest, talk in islice(waiting, _AHEAD * threads):
            ask(digest, talk, None)
        while running:
            future = answered.get()
            if not ask(*running.pop(future), future.result()):
                for digest, talk in islice(waiting, 1):
                    ask(digest, talk, None)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


class _Order:
    """What is asked of the service for each circuit.

    Args:
        client: The service.
        experiment_id: The experiment.
        look: Whether circuits may be there already.
    """

    def __init__(self, client: "HaiquClient", experiment_id: str, *, look: bool) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._look = look

    def talk(self, digest: str, circuit: QuantumCircuit) -> Talk:
        """Look one circuit up, else upload it.

        A service that has another circuit under the digest, or takes ours for another one, is asked once more under
        a name that it cannot have seen.
        """
        for name in (digest, hashlib.sha256(f"{digest} again".encode()).hexdigest()):
            if self._look:
                known = yield partial(self._client.circuit_by_hash, self._experiment_id, name)
                if known is not None and _is(known, circuit, digest):
                    return known.id
            body = self._body(name, digest, circuit)
            stored = yield partial(self._client.upload_circuit, body)
            if stored is not None and _is(stored, circuit, digest, sent=body):
                return stored.id
        raise HaiquResponseError(
            f"The service takes circuit '{circuit.name}' for another one, so that its results would be wrong; nothing "
            "was submitted. Use a new experiment, and tell the service's support."
        )

    def _body(self, name: str, digest: str, circuit: QuantumCircuit) -> "CircuitCreate":
        from qiskit_haiqu_provider.api.models import CircuitCreate  # pydantic is slow to import

        return CircuitCreate(
            experiment_id=self._experiment_id,
            name="".join(filter(str.isprintable, circuit.name))[:_LONGEST_NAME],
            qpy_dump=base64.b64encode(_encoded(circuit, digest)).decode(),
            hash=name,
        )


def _digests(circuits: Sequence[QuantumCircuit]) -> list[str]:
    """The digest of each circuit; the same object is looked at once."""
    seen: dict[int, str] = {}
    for circuit in circuits:
        if id(circuit) not in seen:
            seen[id(circuit)] = content_digest(circuit)
    return [seen[id(circuit)] for circuit in circuits]


def _is(stored: "Circuit", circuit: QuantumCircuit, digest: str, *, sent: "CircuitCreate | None" = None) -> bool:
    """Whether what the service has is the circuit.

    Args:
        stored: What it has.
        circuit: What it should be.
        digest: The circuit's digest.
        sent: What it was sent just now; then its word is taken where its content is not shown or cannot be read.
    """
    if not stored.id:
        return False
    if stored.qpy is None:
        return stored.hash == (sent.hash if sent else digest)
    if sent is not None and stored.qpy == sent.qpy_dump:
        return True
    try:
        content = read_qpy(base64.b64decode(stored.qpy))
    except (ValueError, HaiquError):  # it may be in a version that is too new for us
        return sent is not None and stored.hash == sent.hash
    return content_digest(content) == digest or bool(content == circuit)


def _encoded(circuit: QuantumCircuit, digest: str) -> bytes:
    """The circuit as QPY.

    Metadata stays here: it may hold what is nobody's business or what cannot be written, and has no effect.

    Raises:
        HaiquInputError: If QPY cannot hold it, or would change it.
    """
    if circuit.metadata:
        circuit = circuit.copy()
        circuit.metadata = {}
    data = write_qpy(circuit)
    if not is_plain(circuit):
        _check_survives(circuit, data, digest)
    return data


def _check_survives(circuit: QuantumCircuit, data: bytes, digest: str) -> None:
    """Refuse a circuit that would arrive as another one. QPY drops the unit of delays, for example."""
    try:
        arrived = read_qpy(data)
        same = content_digest(arrived) == digest or bool(arrived == circuit)
    except HaiquError:
        same = False
    if same:
        return
    for instruction in walk(circuit):
        if instruction.name == "delay" and instruction.operation.unit != "dt":
            operation = instruction.operation
            raise HaiquInputError(
                f"circuit '{circuit.name}' has a delay of {operation.duration} {operation.unit}, and QPY, in which "
                "circuits travel, keeps delays in dt only. Give delays in dt: whole multiples of backend.dt."
            )
    raise HaiquInputError(
        f"circuit '{circuit.name}' holds something that QPY, in which circuits travel, would change. Replace "
        "instructions with labels or of unusual kinds by plain ones, for example with circuit.decompose()."
    )
