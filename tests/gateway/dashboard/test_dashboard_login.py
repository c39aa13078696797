"""Logging in and out, and what keeps others from doing it for somebody."""

import httpx
import pytest

from qiskit_haiqu_provider.gateway.dashboard.links import HOME, own_page
from qiskit_haiqu_provider.gateway.store import users

PAGES = ("experiments", "circuits", "jobs", "devices", "jobs/x", "circuits/x", "experiments/x", "nowhere")


@pytest.fixture
def stranger(site):
    with site.client() as client:
        yield client


@pytest.mark.parametrize("page", PAGES)
def test_pages_need_a_login_and_remember_where_one_wanted_to_go(stranger, page):
    answer = stranger.get(f"/dashboard/{page}?search=a")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/dashboard/login?next=/dashboard/{page}%3Fsearch%3Da")


def test_data_for_scripts_need_a_login_but_do_not_redirect(stranger):
    assert stranger.get("/dashboard/jobs/live.json?id=x").status_code == 401


def test_a_login_leads_back(site, ada, stranger):
    answer = stranger.post("/dashboard/login", data={"key": f" {ada.key}\n", "next": "/dashboard/jobs?status=Done"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/dashboard/jobs?status=Done"


def test_the_cookie_is_kept_from_scripts_and_other_sites(ada, stranger):
    cookie = stranger.post("/dashboard/login", data={"key": ada.key}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/dashboard;" in cookie
    assert "Max-Age=43200" in cookie
    assert "Secure" not in cookie, "plain http on loopback"
    assert ada.key not in cookie


def test_the_cookie_is_secure_behind_https(ada, stranger):
    answer = stranger.post("/dashboard/login", data={"key": ada.key}, headers={"x-forwarded-proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


def test_a_wrong_key_gets_a_plain_message_and_no_cookie(stranger):
    answer = stranger.post("/dashboard/login", data={"key": "hq_wrong"})
    assert answer.status_code == 401
    assert "This key is not valid" in answer.text
    assert "hq_wrong" not in answer.text
    assert "set-cookie" not in answer.headers


def test_wrong_keys_are_counted(site):
    with site.client(**{"x-forwarded-for": "10.1.2.3"}) as client:
        answers = [client.post("/dashboard/login", data={"key": "wrong"}) for _ in range(32)]
    statuses = [answer.status_code for answer in answers]
    refused = statuses.index(429)
    assert statuses[:refused] == [401] * refused
    assert refused in (30, 31), "one more may pass where a minute begins between them"
    assert int(answers[refused].headers["retry-after"]) > 0
    assert "Too many requests" in answers[refused].text


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
def test_a_login_form_of_another_site_is_refused(site, ada, stranger, origin):
    answer = stranger.post("/dashboard/login", data={"key": ada.key}, headers={"origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_login_ends_the_one_before(site, ada):
    token = ada.web.cookies["haiqu_session"]
    assert ada.web.post("/dashboard/login", data={"key": ada.key}).status_code == 303
    assert ada.web.cookies["haiqu_session"] != token
    with site.db.read() as s:
        assert users.session_of(s, token) is None


def test_logging_out_ends_the_login(site, ada):
    token = ada.web.cookies["haiqu_session"]
    answer = ada.web.post("/dashboard/logout", data={"csrf": ada.csrf()})
    assert answer.headers["location"] == "/dashboard/login"
    assert "haiqu_session" not in ada.web.cookies
    with site.db.read() as s:
        assert users.session_of(s, token) is None


def test_a_revoked_key_ends_its_logins(site, ada):
    with site.db.write() as s:
        _, row = users.user_of_key(s, ada.key)
        users.revoke_key(s, row.id)
    assert ada.web.get("/dashboard/jobs").status_code == 303


@pytest.mark.parametrize("csrf", [None, "", "wrong", "ä"])
@pytest.mark.parametrize("action", ["logout", "jobs/{job}/cancel", "jobs/{job}/restart"])
def test_forms_without_the_token_are_refused(ada, action, csrf):
    job = ada.add_job()
    path = f"/dashboard/{action.format(job=job.id)}"
    answer = ada.web.post(path, data={} if csrf is None else {"csrf": csrf})
    assert answer.status_code == 403
    assert "Reload the page" in answer.text
    assert "Submitted" in ada.get(f"/dashboard/jobs/{job.id}"), "nothing was changed, and nobody logged out"


def test_the_token_of_another_user_is_refused(ada, bob):
    job = ada.add_job()
    assert ada.web.post(f"/dashboard/jobs/{job.id}/cancel", data={"csrf": bob.csrf()}).status_code == 403


def test_forms_need_a_login(stranger):
    answer = stranger.post("/dashboard/jobs/x/cancel", data={"csrf": "x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/login")


def test_the_api_does_not_take_the_cookie(site, ada):
    cookie = {"cookie": f"haiqu_session={ada.web.cookies['haiqu_session']}"}
    assert httpx.get(f"{site.url}/experiments", headers=cookie, timeout=60).status_code == 401


def test_pages_do_not_take_a_key(site, ada, stranger):
    answer = stranger.get(f"/dashboard/jobs?HAIQU_API_KEY={ada.key}", headers={"authorization": ada.key})
    assert answer.status_code == 303
    assert "/dashboard/login" in answer.headers["location"]


def test_a_link_on_another_site_does_not_lose_the_login(stranger):
    """The strict cookie does not come along the first time; the page loads itself again, and then it does."""
    answer = stranger.get("/dashboard/jobs/x?set=2", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0;url=/dashboard/jobs/x?set=2"' in answer.text
    assert stranger.get("/dashboard/jobs/x", headers={"sec-fetch-site": "same-origin"}).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/dashboard//evil.example",
        "/dashboardx",
        "/jobs",
        "/dashboard/\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "/dashboard/\u202e",
        "",
        None,
    ],
)
def test_nobody_is_led_to_another_site(path):
    assert own_page(path) == HOME


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/jobs/jb-1?set=2&circuit=1", "/dashboard?x=%20a+b"])
def test_own_pages_are_gone_back_to(path):
    assert own_page(path) == path


def test_a_form_with_a_foreign_target_leads_home(ada, stranger):
    answer = stranger.post("/dashboard/login", data={"key": ada.key, "next": "//evil.example/"})
    assert answer.headers["location"] == HOME
    assert 'value="/dashboard/experiments"' in stranger.get("/dashboard/login?next=//evil.example").text
