"""Every page, narrow and wide, light and dark: no known barrier, nothing that sticks out, a picture of it."""

from pathlib import Path

import pytest

AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document).then((found) => done(found.violations), (error) => done([{ id: String(error), nodes: [] }]));
"""
PAGES = {
    "login": "/dashboard/login",
    "experiments": "/dashboard/experiments",
    "experiment": "/dashboard/experiments/{experiment}",
    "circuits": "/dashboard/circuits",
    "circuit": "/dashboard/circuits/{circuit-qft}",
    "jobs": "/dashboard/jobs?experiment={experiment}",
    "job-counts": "/dashboard/jobs/{counts}",
    "job-wide": "/dashboard/jobs/{wide}",
    "job-values": "/dashboard/jobs/{values}",
    "job-sweep": "/dashboard/jobs/{sweep}",
    "job-bases": "/dashboard/jobs/{bases}",
    "job-state": "/dashboard/jobs/{state}",
    "job-failed": "/dashboard/jobs/{failed}",
    "job-transpiled": "/dashboard/jobs/{transpiled}",
    "job-hostile": "/dashboard/jobs/{hostile}",
    "devices": "/dashboard/devices",
    "nowhere": "/dashboard/nowhere",
}
DOCUMENTED = {
    "experiment-1280-light",
    "jobs-1280-light",
    "jobs-390-light",
    "circuit-1280-light",
    "job-counts-1280-light",
    "job-sweep-1280-light",
    "job-sweep-1280-dark",
    "job-sweep-390-dark",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", PAGES)
def test_a_page(browser, records, shots, page, width, scheme):
    browser.become(width, scheme)
    browser.open(PAGES[page].format_map(records))
    assert browser.script("return document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    browser.driver.execute_script(AXE)
    violations = browser.driver.execute_async_script(RUN)
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []
    name = f"{page}-{width}-{scheme}"
    assert shots(browser, name, width=width, documented=name in DOCUMENTED).stat().st_size
