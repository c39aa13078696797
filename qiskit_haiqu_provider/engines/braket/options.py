"""Options of AWS devices."""

import re
from collections.abc import Mapping
from typing import Any

from qiskit_haiqu_provider.engines.braket.devices import AwsDevice
from qiskit_haiqu_provider.engines.direct.options import Option, common_options
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.checks import check_choice, check_flag

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

DEBIAS = "debias"


def table(device: AwsDevice) -> Mapping[str, Option]:
    """The options of a device.

    ``skip_transpilation`` runs circuits as they are, on the qubits that they name; without it the service chooses
    qubits and compiles. ``program_sets`` puts many circuits into one task, which has one fee, where the device takes
    that. ``error_mitigation="debias"`` is IonQ's own. ``s3_bucket`` and ``s3_prefix`` say where AWS keeps results;
    without a bucket it is the one that Amazon's client uses. ``price_list`` asks AWS for its prices before an estimate.
    """
    found = {
        **common_options(max_shots=device.shots[1]),
        "s3_bucket": Option(None, _bucket),
        "s3_prefix": Option("tasks", _prefix),
        "price_list": Option(False, lambda value, name: check_flag(value, where=name)),
    }
    if not device.simulator:
        found["skip_transpilation"] = Option(True, lambda value, name: check_flag(value, where=name))
    if device.sets is not None:
        found["program_sets"] = Option(True, lambda value, name: check_flag(value, where=name))
    if device.debias_shots is not None:
        found["error_mitigation"] = Option(None, lambda value, name: check_choice(value, [None, DEBIAS], where=name))
    return found


def _bucket(value: Any, name: str) -> None:
    if value is not None and not (isinstance(value, str) and _BUCKET.fullmatch(value)):
        raise HaiquInputError(f"{name} must be None or the name of an S3 bucket, not {value!r}.")


def _prefix(value: Any, name: str) -> None:
    if not isinstance(value, str) or not value.strip("/"):
        raise HaiquInputError(f"{name} must be a folder in the bucket, such as 'tasks', not {value!r}.")
