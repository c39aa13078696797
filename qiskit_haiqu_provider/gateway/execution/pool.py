"""Processes that work for the server, each with a pipe of its own: when one dies, the others do not notice.

In pools whose processes share a pipe and its locks, one that is killed while it holds them stops all others.
"""

import contextlib
import logging
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from multiprocessing.reduction import ForkingPickler
from typing import Any

logger = logging.getLogger(__name__)

_STARTING = threading.Lock()
"""The standard library does not start processes in several threads at once."""

_END_SECONDS = 5.0


class ProcessDiedError(RuntimeError):
    """The process ended before its work did."""


class Call(Future[Any]):
    """A future that can be cancelled while it runs; its process is ended then."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = threading.Event()
        self.lane: _Lane | None = None

    def cancel(self) -> bool:
        """Take it back, or stop it; False if it has ended."""
        if super().cancel():
            return True
        self.stopped.set()
        if self.lane is not None:
            self.lane.stop(self)
        return not self.done()


@dataclass(frozen=True, kw_only=True)
class _Task:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    seconds: float
    begun: Callable[[], None]
    call: Call = field(default_factory=Call)


class Pool:
    """Processes, made at once, and made anew where one has ended.

    Args:
        count: How many.
        context: How processes are made, from ``multiprocessing``.
        prepare: Called in each new process.
        arguments: Of ``prepare``.
    """

    def __init__(self, count: int, *, context: Any, prepare: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._lanes = [_Lane(self._tasks, context, (prepare, arguments)) for _ in range(count)]

    def start(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        seconds: float,
        begun: Callable[[], None] = lambda: None,
    ) -> Call:
        """Call a function in the next process that is free.

        Args:
            function: What to call.
            arguments: What with.
            seconds: How long it may take once it has begun; ``TimeoutError`` after that.
            begun: Called when a process takes it up.
        """
        task = _Task(function=function, arguments=arguments, seconds=seconds, begun=begun)
        self._tasks.put(task)
        return task.call

    def close(self) -> None:
        """End the processes, whatever they do. What has not ended is cancelled."""
        for lane in self._lanes:
            lane.close()
        for _ in self._lanes:
            self._tasks.put(None)
        for lane in self._lanes:
            lane.join()


class _Lane:
    """A process, and the thread that gives it work."""

    def __init__(self, tasks: "queue.SimpleQueue[_Task | None]", context: Any, prepared: tuple[Any, ...]) -> None:
        self._tasks = tasks
        self._context = context
        self._prepared = prepared
        self._process: Any = None
        self._pipe: Any = None
        self._call: Call | None = None
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="haiqu-lane", daemon=True)
        self._thread.start()

    def stop(self, call: Call) -> None:
        """End the process if it does this."""
        with self._lock:
            if self._call is call and self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Take no more work, and end the process if it works."""
        with self._lock:
            self._closing = True
            if self._call is not None and self._process is not None:
                self._process.kill()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _serve(self) -> None:
        try:
            self._make_ready()
        except Exception:
            logger.exception("A process could not be started; it is tried again with the next job.")
        while (task := self._tasks.get()) is not None:
            if self._closing:
                task.call.cancel()
            if task.call.set_running_or_notify_cancel():
                self._do(task)
        self._discard()

    def _do(self, task: _Task) -> None:
        call = task.call
        call.lane = self
        try:
            self._make_ready()
            with self._lock:
                self._call = call
            task.begun()
            good, answer = self._answer(task)
        except Exception as error:
            good, answer = False, error
        finally:
            with self._lock:
                self._call = None
        if call.stopped.is_set() or self._closing:
            self._discard()  # it may have been killed a moment ago
        if good:
            call.set_result(answer)
        else:
            call.set_exception(CancelledError() if call.stopped.is_set() else answer)

    def _answer(self, task: _Task) -> tuple[bool, Any]:
        """Whether the work has succeeded, and its result or its error."""
        if task.call.stopped.is_set() or self._closing:
            return False, CancelledError()
        request = ForkingPickler.dumps((task.function, task.arguments))
        try:
            self._pipe.send_bytes(request)
            if not self._pipe.poll(task.seconds):
                self._discard()
                return False, TimeoutError(f"not done after {task.seconds:g} s")
            answer = self._pipe.recv_bytes()
        except (EOFError, OSError):
            code = self._discard()
            return False, ProcessDiedError(f"the process ended with exit code {code}")
        good, value = ForkingPickler.loads(answer)
        return bool(good), value

    def _make_ready(self) -> None:
        """Have a process that lives and waits for work; the time that it takes to start is nobody's."""
        if self._process is not None:
            if self._process.is_alive():
                return
            self._discard()
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, *self._prepared), name="haiqu-worker")
        with _STARTING:
            process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        try:
            ours.recv_bytes()
        except (EOFError, OSError):
            raise ProcessDiedError(f"the process ended with exit code {self._discard()} before it had work") from None

    def _discard(self) -> int | None:
        """End the process; its exit code."""
        with self._lock:
            process, pipe = self._process, self._pipe
            self._process = self._pipe = None
        if process is None:
            return None
        pipe.close()
        process.join(0.1)  # one that died by itself says why
        process.kill()
        process.join(_END_SECONDS)
        code: int | None = process.exitcode
        return code


def _serve(pipe: Any, prepare: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """What a process does until its pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Control-C is for the server
    prepare(*arguments)
    answer: Any = b"ready"
    while True:
        try:
            pipe.send_bytes(answer)
            request = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        answer = _answer_to(request)


def _answer_to(request: bytes) -> Any:
    try:
        function, arguments = ForkingPickler.loads(request)
        return ForkingPickler.dumps((True, function(*arguments)))
    except BaseException as error:
        error.add_note(traceback.format_exc())  # for the server's log
        return _packed(error)


def _packed(error: BaseException) -> Any:
    """An error that travels. One that does not, or that would end a thread of the server, is described."""
    if isinstance(error, Exception):
        with contextlib.suppress(Exception):
            packed = ForkingPickler.dumps((False, error))
            ForkingPickler.loads(packed)
            return packed
    return ForkingPickler.dumps((False, RuntimeError("".join(traceback.format_exception(error)))))
