"""Chromium, and a gateway in a process of its own with jobs that really ran."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from records import fill
from selenium import webdriver
from selenium.common.exceptions import JavascriptException, NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = os.environ.get("HAIQU_CHROMIUM", "/usr/bin/chromium")
CHROMEDRIVER = os.environ.get("HAIQU_CHROMEDRIVER", "/usr/bin/chromedriver")
COMMAND = (sys.executable, "-m", "qiskit_haiqu_provider.cli")
SHOTS = Path(__file__).parents[2] / "docs/_static/gateway"
PATIENCE = 120
NARROW = 600
DESKTOP = 1280
ON_THE_WAY = (JavascriptException, NoSuchElementException, StaleElementReferenceException)
"""What may happen while one page gives way to the next."""

INK = """
const { width, height } = arguments[0];
const data = arguments[0].getContext("2d").getImageData(0, 0, width, height).data;
const colours = new Set();
for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200) colours.add(data.slice(at, at + 3).join());
return [...colours];
"""


@dataclass
class Gateway:
    """A running gateway with the keys of two users."""

    url: str
    key: str = field(repr=False)
    other_key: str = field(repr=False)

    def client(self, key=None):
        return httpx.Client(base_url=self.url, headers={"authorization": key or self.key}, timeout=60)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """One server for all tests; its log must hold neither a traceback nor a key."""
    folder = tmp_path_factory.mktemp("gateway")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAIQU_")}
    environment |= {"HAIQU_HOME": str(folder), "PYTHONUNBUFFERED": "1"}

    def new_key(user):
        command = [*COMMAND, "keys", "create", "--user", user]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    keys = [new_key("ada"), new_key("grace")]
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--workers", "1"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        try:
            url = process.stdout.readline().removeprefix("Gateway: ").strip()
            assert url.startswith("http"), log.read_text()
            _wait_until_it_answers(url, process, log)
            yield Gateway(url, *keys)
        finally:
            process.terminate()
            process.wait(60)
            process.stdout.close()
    written = log.read_text()
    assert "Traceback" not in written, written
    assert not any(key in written for key in keys), "a key was written to the log"


def _wait_until_it_answers(url, process, log):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"{url}/version", timeout=PATIENCE)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the gateway did not answer: {log.read_text()}")


@pytest.fixture(scope="session")
def records(gateway):
    """The ids of experiments, circuits and jobs, by a short name."""
    with gateway.client() as client:
        return fill(client)


@pytest.fixture(scope="session")
def _driver():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--force-prefers-reduced-motion"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    yield driver
    driver.quit()


class Browser:
    """What a person does with a browser."""

    def __init__(self, driver, gateway):
        self.driver = driver
        self.gateway = gateway

    def become(self, width=DESKTOP, scheme="light"):
        """A window of that width, in that colour scheme."""
        self.resize(width, 900)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def resize(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < NARROW}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, path):
        self.driver.get(f"{self.gateway.url}{path}")

    def log_in(self, key=None):
        self.open("/dashboard/login")
        self.find("#key").send_keys(key or self.gateway.key)
        self.find(".login button").click()
        self.wait_for(".account")

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector="body"):
        return self.find(selector).text

    def texts(self, selector):
        """The texts of all such elements at one moment, also while a script replaces them."""
        return self.script("return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", selector)

    def script(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait_for(self, selector, text=None):
        """Until there is such an element, and one of them has the text."""

        def there():
            script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.textContent)"
            found = self.script(script, selector)
            return bool(found) and (text is None or any(text in one for one in found))

        self.wait_until(there, f"{selector} with {text}")

    def wait_until(self, condition, what):
        wait = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05, ignored_exceptions=ON_THE_WAY)
        wait.until(lambda _: condition(), what)

    def wait_for_the_next_page(self, leave):
        """Do what leads to another page, or to the same one anew, and wait until it is there."""
        self.script("window.left = true")
        leave()
        self.wait_until(lambda: self.script("return !window.left && document.readyState") == "complete", "a new page")

    def wait_for_ink(self, *colours):
        """Until the first chart shows these colours, each as \"red,green,blue\"."""
        self.wait_until(lambda: set(colours) <= set(self.script(INK, self.find("canvas"))), f"ink {colours}")

    @property
    def path(self):
        return self.driver.current_url.removeprefix(self.gateway.url)

    @property
    def active(self):
        return self.driver.switch_to.active_element


@pytest.fixture
def stranger(_driver, gateway):
    """A browser without a login."""
    browser = Browser(_driver, gateway)
    browser.become()
    browser.open("/dashboard/login")
    _driver.delete_all_cookies()
    browser.open("/dashboard/login")
    for log in ("browser", "performance"):
        _driver.get_log(log)
    return browser


@pytest.fixture
def browser(stranger, records):
    """A browser that is logged in as the user who has records."""
    stranger.log_in()
    return stranger


@pytest.fixture
def shots(tmp_path):
    """Takes pictures of whole pages; those that are named go to the documentation, if HAIQU_SCREENSHOTS is set."""

    def take(browser, name, *, width, documented):
        folder = SHOTS if documented and os.environ.get("HAIQU_SCREENSHOTS") else tmp_path
        folder.mkdir(parents=True, exist_ok=True)
        browser.resize(width, min(browser.script("return document.documentElement.scrollHeight"), 2400))
        path = folder / f"{name}.png"
        assert browser.driver.save_screenshot(str(path))
        return path

    return take
