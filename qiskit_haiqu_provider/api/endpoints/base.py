"""What the methods of all subjects stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.exceptions import HaiquInputError

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.link import Link

W = TypeVar("W", bound=models.Wire)


class Endpoints:
    """Methods that ask the service for something."""

    _link: Link


def made(model: type[W], **fields: Any) -> W:
    """A body.

    Raises:
        HaiquInputError: If a field cannot be used; names it.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        issue = error.errors(include_url=False, include_context=False, include_input=False)[0]
    raise HaiquInputError(f"{'.'.join(map(str, issue['loc']))}: {issue['msg']}. Change it, and call again.")
