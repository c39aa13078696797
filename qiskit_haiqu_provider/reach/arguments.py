"""Checks of what a provider is made of."""

from collections.abc import Mapping
from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquInputError


def check_parts(*, executor: Any, transport: Any, options: Any) -> None:
    """Raise for a part that could not do its work.

    Args:
        executor: What runs parts of a job elsewhere.
        transport: What takes the place of the network.
        options: Defaults of options.

    Raises:
        HaiquInputError: If one of them is of another kind.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise HaiquInputError(
            f"executor must have a method submit(function, *arguments), which {executor!r} has not. "
            "Give an executor of concurrent.futures or a distributed.Client."
        )
    if transport is not None and not callable(getattr(transport, "handle_request", None)):
        raise HaiquInputError(
            f"transport must be an httpx.BaseTransport, which {transport!r} is not. Leave it out for the network."
        )
    if options is not None and not isinstance(options, Mapping):
        raise HaiquInputError(
            f"options must be a mapping from names to values, not {options!r}. Give one such as "
            "{'default_shots': 4096}."
        )
