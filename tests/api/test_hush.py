"""Secrets in the logs of libraries: masked as long as somebody who has them is there."""

import logging

import pytest

from qiskit_haiqu_provider.api.hush import Hush
from qiskit_haiqu_provider.secret import Secret

LOGGER = "httpcore.http11"


@pytest.fixture
def masked():
    """Makes masks of secrets, and ends them."""
    found = []

    def make(text):
        found.append(Hush([Secret(text)]))
        found[-1].install()
        return found[-1]

    yield make
    for hush in found:
        hush.remove()


def test_each_of_several_secrets_is_masked_until_its_owner_goes(masked, caplog):
    caplog.set_level(logging.DEBUG)
    first, _ = masked("secret-of-one"), masked("secret-of-another")
    logging.getLogger(LOGGER).debug("%s, %s", "secret-of-one", "secret-of-another")
    first.remove()
    logging.getLogger(LOGGER).debug("%s, %s", "secret-of-one", "secret-of-another")
    assert caplog.messages == ["***, ***", "secret-of-one, ***"]


def test_an_owner_that_goes_while_a_record_passes_takes_no_other_mask_away(masked, caplog):
    caplog.set_level(logging.DEBUG)
    first, _ = masked("secret-of-one"), masked("secret-of-another")

    class Late:
        def __str__(self):
            first.remove()  # as when memory is cleaned up just now
            return "secret-of-another"

    logging.getLogger(LOGGER).debug("%s", Late())
    assert caplog.messages == ["***"]
