"""One vendor's server for ``benchmarks.dispatch``, in a process of its own: prints the environment that leads to it."""

import json
import signal
import sys
import threading
from pathlib import Path


def main() -> None:
    """Serve until the process is ended."""
    from benchmarks.dispatch_routes import ROUTES
    from tests.vendors.web import Web

    vendor, folder, latency = sys.argv[1:]
    web = Web(Path(folder), latency=float(latency))
    ROUTES[vendor].serve(web)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    print(json.dumps(web.environment()), flush=True)
    ended.wait()
    web.close()


if __name__ == "__main__":
    main()
