"""When a job was made, ran and ended, as :meth:`HaiquJob.metrics` tells it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def times(
    created: datetime | None, seconds: Mapping[str, float], post_processing: float, *, ended: bool
) -> dict[str, Any]:
    """Seconds in each stage, and timestamps in ISO 8601; ``None`` for what is not yet known.

    Args:
        created: When the job was submitted.
        seconds: Seconds in the ``queue`` and in the ``run``, as far as known.
        post_processing: Seconds in which results became Qiskit's containers.
        ended: Whether the run has ended.
    """
    queue, run = seconds.get("queue", 0.0), seconds.get("run", 0.0)
    running = created + timedelta(seconds=queue) if created and run else None
    finished = running + timedelta(seconds=run + post_processing) if running and ended else None
    stamps = {"created": created, "running": running, "finished": finished}
    return {
        "queue_seconds": queue,
        "run_seconds": run,
        "post_processing_seconds": post_processing,
        "timestamps": {name: stamp and stamp.isoformat() for name, stamp in stamps.items()},
    }
