"""What schemathesis must not send, and must not blame the gateway for; loaded by its command line."""

from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.generation.filters import is_valid_path


@schemathesis.hook
def filter_case(context, case):
    """Whether the request goes to the endpoint under test.

    schemathesis never makes up a part of a path that leads elsewhere, such as an empty one, which vanishes from the
    address. But it also takes parts from earlier answers, as they are: ``"circuit_id": ""`` of a job that ran no
    stored circuit. They have to keep the same rule.
    """
    return is_valid_path(case.path_parameters)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether the gateway is to blame.

    A query is text. What is wrong about ``true`` where a list of texts belongs, or about an empty list where there has
    to be a word, does not travel: such a request is right as it is sent, and rightly accepted.
    """
    accepted = isinstance(failure, AcceptedNegativeData)
    return not (accepted and broken_places(case) == {ParameterLocation.QUERY} and query_is_right(case, response))


def broken_places(case):
    """Where the request was made wrong."""
    data = case.meta.phase.data
    return {mutation.parameter_location for mutation in getattr(data, "mutations", ())} or {data.parameter_location}


def query_is_right(case, response):
    """Whether the query, as it was sent, is what the schema asks for."""
    sent = parse_qs(urlsplit(response.request.url).query, keep_blank_values=True)
    return all(is_right(parameter, sent.get(parameter.name)) for parameter in case.operation.query)


def is_right(parameter, texts):
    """Whether a parameter can be read: as a list, or as the last that was given, which may be a number."""
    if texts is None:
        return not parameter.is_required
    readings = [texts, texts[-1]]
    with suppress(ValueError):
        readings.append(int(texts[-1]))
    return any(map(parameter.get_validator().is_valid, readings))
