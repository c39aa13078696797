"""haiqu-sdk against the service, in an environment of its own: prints what each case took as JSON.

Run by ``benchmarks.submit`` with the Python of ``.venv-interop``. The client reads proxies and netrc from the
environment, which the caller leaves out.
"""

import argparse
import itertools
import json
import time
import warnings
from collections.abc import Callable
from typing import Any

from haiqu.sdk import Haiqu

from benchmarks.submit_inputs import DEVICE, SHOTS, circuits, sweep


def main() -> None:
    """Time ``legacy.run``, the faster of the two ways that the client has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--sizes", type=int, nargs="*", default=[])
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    haiqu = Haiqu()
    haiqu.login("bench", f"{arguments.url}/", raise_on_error=True)
    haiqu.init("bench")
    run = haiqu.legacy.run
    run(next(circuits()), shots=SHOTS, device_id=DEVICE)  # warm
    numbers = itertools.count(2_000_000_000, 1_000_000)
    taken: dict[str, list[float]] = {}
    for _ in range(arguments.repeats):
        for size in arguments.sizes:
            made = list(itertools.islice(circuits(next(numbers)), size))
            for case in ("new", "known"):
                call = lambda made=made: run(made, shots=SHOTS, device_id=DEVICE)  # noqa: E731
                taken.setdefault(f"{case} {size}", []).append(_timed(call))
        circuit, observables, values = sweep(next(numbers))
        job = {"parameters": values.tolist(), "observables": [observables], "shots": SHOTS, "device_id": DEVICE}
        for case in ("new", "known"):
            call = lambda circuit=circuit, job=job: run(circuit, **job)  # noqa: E731
            taken.setdefault(f"{case} sweep", []).append(_timed(call))
    print(json.dumps(taken))


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
