"""Bodies of answers -> models. The bytes are read once; only what is not as documented is looked at again."""

import warnings
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema, from_json, to_json

from qiskit_haiqu_provider.api import models

_ISSUES = 3
"""Wrong fields in a message."""

_STATES = frozenset(models.JobState)

_VALUES = b'"parameters":['


class UnreadableError(Exception):
    """A body is not what it should be; says what is wrong, and never shows a value."""


class _ByJobType:
    """Reads a job with the model of its ``job_type``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        special = {
            models.JobKind.RUN: models.RunJob,
            models.JobKind.HYBRID: models.FlowJob,
            models.JobKind.TRANSPILATION: models.TranspileJob,
            models.JobKind.LOCAL: models.LocalJob,
        }
        choices = {kind.value: handler.generate_schema(special.get(kind, models.Job)) for kind in models.JobKind}
        return core_schema.tagged_union_schema(choices, discriminator="job_type")


AnyJob = models.RunJob | models.FlowJob | models.TranspileJob | models.LocalJob | models.Job
"""Jobs differ in their fields; ``job_type`` says which it is."""

ANY_JOB: Any = Annotated[AnyJob, _ByJobType()]
"""What reads any job."""


class Replies:
    """Reads bodies, and warns once of each word that it does not know."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def one(self, model: Any, body: bytes) -> Any:
        """The model in a body.

        Raises:
            UnreadableError: If there is something else in it.
        """
        if model is models.Accepted:  # what it repeats takes longer to read than all the rest to send
            with suppress(ValidationError):
                return _adapter(model).validate_json(_without_values(body))
        try:
            return _adapter(model).validate_json(body)
        except ValidationError as error:
            wrong = _issues(error)
        known = self._with_known_status(body) if _is_job(model) else None
        if known is None:
            raise UnreadableError(wrong)
        return self.one(model, known)

    def many(self, model: Any, body: bytes, *, what: str) -> list[Any]:
        """The models in a body that is a list. Those that cannot be read are left out, with one warning.

        Args:
            model: The model of each.
            body: The body.
            what: How one of them is called.

        Raises:
            UnreadableError: If it is no list.
        """
        try:
            found: list[Any] = _adapter(list[model]).validate_json(body)
        except ValidationError as error:
            wrong = _issues(error)
        else:
            return found
        entries = _entries(body)
        if entries is None:
            raise UnreadableError(wrong)
        return self._each(model, entries, what=what)

    def _each(self, model: Any, entries: list[Any], *, what: str) -> list[Any]:
        found, skipped = [], []
        for entry in entries:
            try:
                found.append(self._entry(model, to_json(entry)))
            except UnreadableError as error:
                skipped.append(f"{_named(entry)}: {error}")
        if skipped:
            number = f"1 {what} that" if len(skipped) == 1 else f"{len(skipped)} {what}s that"
            warnings.warn(
                f"The service lists {number} cannot be read, and was left out ({skipped[0]}). Upgrade "
                "qiskit-haiqu-provider if the service is newer.",
                stacklevel=2,
            )
        return found

    def _entry(self, model: Any, body: bytes) -> Any:
        """One of a list. Of a job in an unknown form, what all jobs have in common: it must not seem lost."""
        try:
            return self.one(model, body)
        except UnreadableError:
            if model is not ANY_JOB:
                raise
        return self.one(models.Job, body)

    def _with_known_status(self, body: bytes) -> bytes | None:
        """The job with a status that there is; None if it has one already, or is no job at all."""
        try:
            job = from_json(body)
        except ValueError:
            return None
        word = job.get("status") if isinstance(job, dict) else None
        if not isinstance(word, str) or word in _STATES:
            return None
        self._warn_of_status(word[:100])
        info = job.get("info")
        job["info"] = {**(info if isinstance(info, dict) else {}), "unknown_status": word}
        job["status"] = models.JobState.RUNNING.value
        return to_json(job)

    def _warn_of_status(self, word: str) -> None:
        if word in self._warned:
            return
        self._warned.add(word)
        warnings.warn(
            f"The service says that a job is {word!r}, a status that is not known here; it is taken to be running. "
            "Upgrade qiskit-haiqu-provider if the service is newer.",
            stacklevel=2,
        )


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def _without_values(body: bytes) -> bytes:
    """A job without the values of its parameters: without what is between their first bracket and their last.

    They are numbers, so that their last bracket is the last one before a quote. Where they are something else, brackets
    are left without a partner, and this cannot be read.
    """
    start = body.find(_VALUES) + len(_VALUES)
    end = body.rfind(b"]", start, body.find(b'"', start))
    return body if start < len(_VALUES) or end < 0 else body[:start] + body[end:]


def _is_job(model: Any) -> bool:
    return model is ANY_JOB or (isinstance(model, type) and issubclass(model, models.Job))


def _entries(body: bytes) -> list[Any] | None:
    try:
        found = from_json(body)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _named(entry: Any) -> str:
    name = entry.get("id") if isinstance(entry, dict) else None
    return repr(name[:100]) if isinstance(name, str) else "one without an id"


def _issues(error: ValidationError) -> str:
    """What is wrong, by field. The values stay out: they may be secrets."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    texts = [f"{'.'.join(map(str, issue['loc']))}: {issue['msg']}".removeprefix(": ") for issue in found[:_ISSUES]]
    more = f"; and {len(found) - _ISSUES} more" if len(found) > _ISSUES else ""
    return "; ".join(texts) + more
