"""An experiment of each test's own, and jobs followed to their end."""

import re
import time

import pytest


class Tools:
    """The tools over REST, for one user."""

    def __init__(self, client):
        self.client = client

    def get(self, path, **query):
        return self._checked(self.client.get(f"/ai{path}", params=query))

    def post(self, path, **body):
        return self._checked(self.client.post(f"/ai{path}", json=body))

    def refused(self, method, path, **body):
        """Status and detail of a request that is not served."""
        answer = self.client.request(method, f"/ai{path}", json=body or None)
        assert answer.is_error, answer.text
        return answer.status_code, answer.json()["detail"]

    def follow(self, context):
        """The job that a text names, at its end."""
        job_id = re.search(r"^job_id: (jb-\S+)$", context, re.MULTILINE)[1]
        while True:
            job = self.get(f"/get_job_results_and_status/{job_id}")
            if job["status"] in ("Done", "Error", "Cancelled"):
                return job
            time.sleep(0.05)

    def run(self, **body):
        """A run at its end."""
        return self.follow(self.post("/run_circuits_on_qpu_or_simulator", **body)["context"])

    def _checked(self, answer):
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def tools(gateway):
    return Tools(gateway.client)


@pytest.fixture
def others(gateway):
    """The tools for another user."""
    return Tools(gateway.other)


@pytest.fixture
def experiment(tools, request):
    """The id of a new experiment."""
    return tools.post("/create_new_experiment", name=request.node.nodeid[-200:], context="a test")["id"]
