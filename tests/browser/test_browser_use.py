"""What people do with the dashboard."""

import json
from urllib.parse import urlsplit

import pytest
from records import HOSTILE, run, run_long, wait
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.keys import Keys

SERIES = ("51,64,181", "180,84,10", "15,118,110")
SERIES_AT_NIGHT = "169,180,255"
TABS = 60


def press(browser, *keys):
    for key in keys:
        browser.active.send_keys(key)


def tab_to(browser, text):
    """Go to an element with the keyboard alone."""
    for _ in range(TABS):
        press(browser, Keys.TAB)
        if text in (browser.active.text or ""):
            outline = browser.active.value_of_css_property("outline-style")
            assert outline == "solid", "one must see where one is"
            return
    pytest.fail(f"{text} cannot be reached with the keyboard")


def test_a_login_with_the_keyboard(stranger, records):
    stranger.open("/dashboard/jobs?status=Error")
    stranger.wait_until(lambda: stranger.active.get_attribute("id") == "key", "a field where one can type at once")
    press(stranger, stranger.gateway.key, Keys.ENTER)
    stranger.wait_for(".account-name", "ada")
    assert stranger.path == "/dashboard/jobs?status=Error", "where one wanted to go"
    assert stranger.script("return document.cookie") == "", "scripts do not see the login"


def test_a_wrong_key(stranger):
    stranger.find("#key").send_keys("hq_wrong")
    stranger.find(".login button").click()
    stranger.wait_for("[role=alert]", "This key is not valid, or was revoked.")
    assert stranger.find("#key").get_attribute("value") == ""
    stranger.open("/dashboard/experiments")
    assert stranger.path.startswith("/dashboard/login")


def test_logging_out(browser):
    browser.find(".account button").click()
    browser.wait_for("#key")
    browser.open("/dashboard/jobs")
    assert browser.path.startswith("/dashboard/login")


def test_the_skip_link(browser):
    browser.open("/dashboard/experiments")
    press(browser, Keys.TAB)
    assert browser.active.text == "Skip to content"
    press(browser, Keys.ENTER)
    browser.wait_until(lambda: browser.active.get_attribute("id") == "content", "the content in focus")


def test_searches_and_filters(browser):
    browser.open("/dashboard/jobs")
    browser.find("#search").send_keys("angle", Keys.ENTER)
    browser.wait_for(".reset")
    browser.wait_until(lambda: browser.texts("tbody th") == ["Energy against angle"], "the one job")
    browser.wait_for_the_next_page(browser.find(".reset").click)
    browser.wait_for("tbody th", "Too wide")
    browser.find("#status option[value=Error]").click()
    browser.wait_for_the_next_page(browser.find(".actions button").click)
    assert browser.all(".reset")
    assert browser.texts("tbody th") == ["Too wide"]


def test_from_an_experiment_to_a_circuit_to_a_job(browser, records):
    browser.open("/dashboard/experiments")
    browser.find("tbody th a[href$='{experiment}']".format_map(records)).click()
    browser.wait_for("h1", "Bell states and beyond")
    width = "return document.querySelector('.artifact img')?.naturalWidth"
    browser.wait_until(lambda: browser.script(width) == 240, "the picture")
    browser.find("a[href$='{circuit-bell}']".format_map(records)).click()
    browser.wait_for(".drawing", "┤ H ├")
    browser.find("a[href$='{counts}']".format_map(records)).click()
    browser.wait_for("h1", "Bell counts")


@pytest.mark.parametrize(
    ("job", "colours"),
    [("counts", 1), ("wide", 1), ("values", 1), ("sweep", 3), ("bases", 1), ("state", 1)],
)
def test_charts_are_drawn(browser, records, job, colours):
    browser.open(f"/dashboard/jobs/{records[job]}")
    canvas = browser.find("canvas")
    browser.wait_until(canvas.is_displayed, "the chart")
    assert canvas.get_attribute("aria-label")
    browser.wait_for_ink(*SERIES[:colours])


def test_charts_follow_the_colour_scheme(browser, records):
    browser.open(f"/dashboard/jobs/{records['counts']}")
    browser.become(scheme="dark")
    browser.wait_for_ink(SERIES_AT_NIGHT)


def test_tables_say_what_charts_show(browser, records):
    browser.open(f"/dashboard/jobs/{records['counts']}")
    assert [head.text for head in browser.all(".data tbody th")] == ["00", "11"]
    counts = [int(row.text.replace("\u202f", "")) for row in browser.all(".data tbody td:nth-child(2)")]
    assert sum(counts) == 4000
    browser.open(f"/dashboard/jobs/{records['sweep']}")
    assert len(browser.all(".data tbody tr")) == 25
    assert "±" in browser.text(".data tbody tr:nth-child(5)")


def test_one_of_two_bases_is_chosen(browser, records):
    browser.open(f"/dashboard/jobs/{records['bases']}")
    browser.find("#choose-basis option[value='2']").click()
    browser.find(".filters button").click()
    browser.wait_for("#choose-basis option[selected]", "XX")


def test_a_failed_job_says_why(browser, records):
    browser.open(f"/dashboard/jobs/{records['failed']}")
    assert browser.text("[data-status]") == "Error"
    assert "40 qubits" in browser.text(".alert")


def test_a_job_is_followed_without_a_reload_and_another_cancelled_by_keyboard(browser, gateway, records):
    with gateway.client() as client:
        long = run_long(client, records)
        behind = run(client, records["experiment"], name="Behind", circuit_ids=[records["circuit-bell"]], shots=100)
        browser.open(f"/dashboard/jobs/{behind}")
        browser.script("window.sameDocument = true")
        assert browser.text("[data-status]") in ("Submitted", "Queued")
        assert browser.all("canvas") == []
        browser.driver.switch_to.new_window("tab")
        try:
            browser.become()
            browser.open(f"/dashboard/jobs/{long}")
            browser.wait_for("[data-status]", "Running")
            browser.wait_for("[data-logs]", "of 3000 parameter sets")
            tab_to(browser, "Cancel job")
            press(browser, Keys.ENTER)
            browser.wait_for("[data-status]", "Cancelled")
            browser.wait_until(lambda: browser.all(".title-side .danger") == [], "nothing to cancel")
        finally:
            browser.driver.close()
            browser.driver.switch_to.window(browser.driver.window_handles[0])
        browser.wait_for("[data-status]", "Done")
        browser.wait_for(".title-side button", "Restart job")
        browser.wait_for("canvas")
        assert browser.script("return window.sameDocument"), "the page was not loaded again"
        browser.wait_for_ink(SERIES[0])
        assert wait(client, long) == "Cancelled"


def test_lists_are_followed_without_a_reload(browser, gateway, records):
    with gateway.client() as client:
        long = run_long(client, records)
        browser.open("/dashboard/jobs?search=chain")
        row = f"tr[data-job='{long}'] [data-status]"
        browser.wait_for(row, "Running")
        browser.script("window.sameDocument = true")
        client.post(f"/jobs/{long}/cancel", json=None)
        browser.wait_for(row, "Cancelled")
        assert browser.script("return window.sameDocument")


def test_a_job_is_restarted(browser, gateway, records):
    with gateway.client() as client:
        job = run(client, records["experiment"], name="Once more", circuit_ids=[records["circuit-bell"]], shots=100)
        wait(client, job)
        browser.open(f"/dashboard/jobs/{job}")
        browser.wait_for_the_next_page(browser.find(".title-side button").click)
        browser.wait_for("[data-status]", "Done")
        browser.wait_for("canvas")
        assert wait(client, job) == "Done"


def test_pages_work_without_scripts(stranger, records):
    stranger.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        stranger.open("/dashboard/login")
        stranger.find("#key").send_keys(stranger.gateway.key)
        stranger.find(".login button").click()
        stranger.wait_until(lambda: stranger.all(".account-name"), "a login")
        stranger.open(f"/dashboard/jobs/{records['sweep']}")
        assert len(stranger.all(".data tbody tr")) == 25
        assert not stranger.find("canvas").is_displayed()
        assert "UTC" in stranger.text("time")
    finally:
        stranger.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_form_without_the_token_is_refused(browser, records):
    browser.open(f"/dashboard/jobs/{records['counts']}")
    browser.script("document.querySelector('.title-side input[name=csrf]').value = 'wrong'")
    browser.find(".title-side button").click()
    browser.wait_for("h1", "Not allowed")
    browser.open(f"/dashboard/jobs/{records['counts']}")
    assert browser.text("[data-status]") == "Done"


@pytest.mark.parametrize("path", ["experiments", "experiments/{hostile-experiment}", "jobs", "jobs/{hostile}"])
def test_hostile_names_are_only_text(browser, records, path):
    browser.open(f"/dashboard/{path}".format_map(records))
    with pytest.raises(NoAlertPresentException):
        browser.driver.switch_to.alert.dismiss()
    assert HOSTILE in browser.text("main")
    assert browser.all("main script:not([type='application/json'])") == []
    assert browser.all("main img[src=x]") == []


def test_records_of_others_do_not_exist(stranger, records, gateway):
    stranger.log_in(gateway.other_key)
    for path in ("jobs/{counts}", "circuits/{circuit-bell}", "experiments/{experiment}"):
        stranger.open(f"/dashboard/{path}".format_map(records))
        assert stranger.text("h1") == "Not found"
    stranger.open("/dashboard/jobs")
    assert "There is no job yet." in stranger.text("main")


def test_links_of_clients_lead_to_pages(browser, records):
    for link, title in (
        ("experiment/{experiment}", "Bell states and beyond"),
        ("circuits/{circuit-bell}", "bell"),
        ("jobs/{counts}", "Bell counts"),
    ):
        browser.open(f"/{link}".format_map(records))
        assert browser.text("h1") == title
    browser.open("/")
    assert browser.path == "/dashboard/experiments"


def test_nothing_is_asked_of_other_hosts_and_nothing_is_forbidden_by_the_policy(browser, records):
    browser.driver.get_log("browser")
    for path in ("experiments/{experiment}", "circuits/{circuit-bell}", "jobs", "jobs/{sweep}", "devices"):
        browser.open(f"/dashboard/{path}".format_map(records))
    events = [json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert any(url.endswith(".js") or ".js?" in url for url in asked)
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(browser.gateway.url).netloc}
    assert [entry["message"] for entry in browser.driver.get_log("browser")] == []
