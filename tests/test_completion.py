"""The end of a job: those who wait for it are woken, once, whenever they came."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from qiskit_haiqu_provider.completion import OVER, Completion, awaited

LONG = 60
"""Seconds that a test waits at most for what must happen."""


def test_those_who_ask_are_called_once_when_it_is_over():
    calls, end = [], Completion()
    end.on_set(lambda: calls.append("first"))
    end.on_set(lambda: calls.append("second"))
    assert (end.is_set(), end.wait(0), calls) == (False, False, [])
    end.set()
    end.set()
    assert (end.is_set(), end.wait(0), calls) == (True, True, ["first", "second"])


def test_those_who_ask_afterwards_are_called_at_once():
    calls, end = [], Completion()
    end.set()
    end.on_set(lambda: calls.append("late"))
    OVER.on_set(lambda: calls.append("from the start"))
    assert calls == ["late", "from the start"]


def test_what_begins_anew_ends_anew():
    calls, end = [], Completion()
    end.on_set(lambda: calls.append("first"))
    end.set()
    end.clear()
    end.on_set(lambda: calls.append("again"))
    assert (end.is_set(), calls) == (False, ["first"])
    end.set()
    assert calls == ["first", "again"]


def test_nobody_is_forgotten_whatever_comes_first():
    """Threads ask while another one ends it: each is called exactly once."""
    for _ in range(200):
        calls, end, start = [], Completion(), threading.Barrier(4)

        def ask(name, calls=calls, end=end, start=start):
            start.wait(LONG)
            end.on_set(lambda: calls.append(name))

        with ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, name) for name in range(3)]
            start.wait(LONG)
            end.set()
            for each in asking:
                each.result(LONG)
        assert sorted(calls) == [0, 1, 2]


def test_the_event_loop_runs_on_while_it_is_awaited():
    end, seen = Completion(), []

    class End:
        def __await__(self):
            yield from awaited(end.on_set)

    async def wait():
        await End()
        seen.append("over")

    async def go_on():
        seen.append("meanwhile")
        threading.Thread(target=end.set).start()

    async def both():
        await asyncio.wait_for(asyncio.gather(wait(), go_on()), LONG)

    asyncio.run(both())
    assert seen == ["meanwhile", "over"]
