"""The links that clients show to people, and what belongs to every page."""

import re

import httpx
import pytest

PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("/", "/dashboard/experiments"),
        ("/dashboard", "/dashboard/experiments"),
        ("/dashboard/", "/dashboard/experiments"),
        ("/experiment/exp-1", "/dashboard/experiments/exp-1"),
        ("/jobs/jb-1", "/dashboard/jobs/jb-1"),
        ("/circuits/circ-1", "/dashboard/circuits/circ-1"),
    ],
)
def test_links_lead_to_pages(site, link, page):
    answer = httpx.get(f"{site.url}{link}", headers=PAGE, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("accept", ["application/json", "*/*", None])
def test_clients_keep_their_json(site, ada, accept):
    job = ada.add_job()
    headers = {"authorization": ada.key, **({} if accept is None else {"accept": accept})}
    assert httpx.get(f"{site.url}/jobs/{job.id}", headers=headers, timeout=60).json()["id"] == job.id


def test_a_browser_with_a_key_gets_json(site, ada):
    job = ada.add_job()
    for query, headers in (({"HAIQU_API_KEY": ada.key}, PAGE), ({}, {**PAGE, "authorization": ada.key})):
        answer = httpx.get(f"{site.url}/jobs/{job.id}", params=query, headers=headers, timeout=60)
        assert answer.json()["id"] == job.id


@pytest.mark.parametrize("path", ["/jobs/a/b", "/jobs/a%2fb", "/jobs//evil.example", "/devices/aer_simulator"])
def test_other_addresses_are_left_alone(site, path):
    assert httpx.get(f"{site.url}{path}", headers=PAGE, timeout=60).status_code in (401, 404)


def test_other_methods_are_left_alone(site):
    assert httpx.post(f"{site.url}/jobs/jb-1", headers=PAGE, timeout=60).status_code == 405


def test_pages_are_no_part_of_the_described_api(site):
    paths = httpx.get(f"{site.url}/openapi.json", timeout=60).json()["paths"]
    assert not [path for path in paths if path.startswith(("/dashboard", "/experiment/")) or path == "/"]


def test_a_page_that_does_not_exist_says_so(ada):
    answer = ada.web.get("/dashboard/nowhere")
    assert answer.status_code == 404
    assert "There is no page /dashboard/nowhere" in answer.text


def test_a_value_that_cannot_be_used_gets_a_page(ada):
    answer = ada.web.get("/dashboard/jobs?limit=-1")
    assert answer.status_code == 400
    assert "<h1>" in answer.text


def test_pages_forbid_foreign_content_and_are_not_kept(ada):
    headers = ada.web.get("/dashboard/jobs").headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/dashboard/login", "/dashboard/experiments", "/dashboard/jobs", "/dashboard/devices"]
)
def test_pages_hold_no_script_or_style_of_their_own(ada, outline, path):
    page = outline(ada.get(path))
    assert all(attrs.get("src", "").startswith("/dashboard/static/") for attrs in page.of("script"))
    assert page.of("style") == []
    assert not [attrs for _, attrs in page.tags if any(name == "style" or name.startswith("on") for name in attrs)]


def test_files_of_pages_may_be_kept_because_their_address_changes(site, ada):
    address = re.search(r'href="(/dashboard/static/dashboard\.css\?v=\w+)"', ada.get("/dashboard/jobs"))[1]
    answer = httpx.get(f"{site.url}{address}", timeout=60)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert httpx.get(f"{site.url}{address.split('?')[0]}", timeout=60).headers["cache-control"] == "no-cache"
