"""The record of a job in JSON: comes back as it was, and nothing else is taken for one."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qiskit_haiqu_provider.records import FORMAT, VERSION, JobRecord, decoded, encoded

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=5,
)


def record(**fields):
    known = {"id": "job-1", "backend": "aer_simulator", "via": "local", "status": "DONE", "owner": ""}
    plan = {"kind": "sampler", "outlines": []}
    return JobRecord(
        **{**known, "plan": plan, "created": "2026-01-02T03:04:05+00:00", "tags": [], "layout": [], **fields}
    )


@given(name=st.text(), facts=st.dictionaries(st.text(), values, max_size=3))
def test_a_record_comes_back_from_one_line(name, facts):
    written = record(name=name, facts=facts)
    text = encoded(written)
    assert len(text.splitlines()) == 1
    assert decoded(text, "job-1") == written
    assert json.loads(text) == {"format": FORMAT, "version": VERSION, **asdict(written)}


def test_a_record_of_another_job_is_refused():
    with pytest.raises(ValueError, match="it is of job 'job-1'"):
        decoded(encoded(record()), "job-2")


def test_an_id_with_a_slash_is_known_by_its_file():
    task = "arn:aws:braket:us-east-1:123456789012:quantum-task/0a-b"
    assert decoded(encoded(record(id=task)), task.replace("/", "~")).id == task
