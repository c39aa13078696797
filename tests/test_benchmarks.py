"""The benchmarks: their stored results, verdicts, and the tables that are made of them."""

import json

import pytest

from benchmarks.report import RESULTS, Report, load, markdown, picture, summary, text
from benchmarks.rows import Row, Times
from benchmarks.scaling import Curve
from benchmarks.workloads import WORKLOADS


def row(ours, *, goal=2.0, stretch=4.0, **peers):
    times = {name: Times(1, [wall], [wall]) for name, wall in {"haiqu": ours, **peers}.items()}
    return Row("a workload", "a table", goal, stretch, times=times)


def test_the_table_in_the_documentation_is_that_of_the_stored_results():
    """After a change of either: python -m benchmarks.report full."""
    assert (RESULTS / "full.md").read_text() == markdown("full", load("full"))


def test_the_documentation_shows_it():
    page = (RESULTS.parents[1] / "docs" / "explanation" / "performance.md").read_text()
    assert "{include} ../../benchmarks/results/full.md" in page


def test_results_have_the_rows_and_goals_of_today():
    stored = {each.name: (each.goal, each.stretch) for each in load("full").rows}
    assert stored == {each.name: (each.goal, each.stretch) for each in WORKLOADS}


def test_a_report_survives_its_json():
    report = load("full")
    report.curves = [Curve("shots", "a run", True, {"haiqu": [[1, 2.0, 2.0], [2, 4.0, 4.0]]})]
    again = Report.of(json.loads(json.dumps(report.facts())))
    assert again == report
    assert picture("full") in markdown("full", again)


@pytest.mark.parametrize(
    ("ours", "verdicts"),
    [(1.0, ("pass", "pass", "kept")), (2.0, ("pass", "short", "kept")), (3.0, ("short", "short", "kept")),
     (4.3, ("short", "short", "kept")), (4.5, ("short", "short", "BROKEN"))],
)  # fmt: skip
def test_verdicts_are_against_the_fastest_peer(ours, verdicts):
    found = row(ours, aer=4.0, statevector=9.0, hand=0.1)
    assert found.best_peer == "aer"
    assert found.ratio == pytest.approx(4.0 / ours)
    assert (found.verdict, found.stretch_verdict, found.rule) == verdicts


def test_wrong_results_are_no_victory():
    found = row(1.0, aer=4.0)
    del found.times["haiqu"]
    assert (found.verdict, found.stretch_verdict, found.rule) == ("WRONG", "WRONG", "WRONG")
    assert "a workload (WRONG)" in "\n".join(summary(Report(settings={}, rows=[found])))


@pytest.mark.parametrize(("power", "verdict"), [(0.8, "pass"), (1.0, "pass"), (1.3, "short")])
def test_the_exponent_is_that_of_the_largest_sizes(power, verdict):
    times = [
        [size, 5.0 + (size / 100) ** power if size < 1000 else size**power]
        for size in (1, 10, *range(1000, 5000, 1000))
    ]
    curve = Curve("shots", "a run", True, {"haiqu": [[size, time, time] for size, time in times]})
    assert curve.exponent(1) == pytest.approx(power)
    assert curve.verdict == verdict


def test_a_curve_of_wrong_results_is_no_curve():
    curve = Curve("shots", "a run", True, {"aer": [[1, 2.0, 2.0]]}, ["haiqu differs from aer by 1"])
    assert curve.verdict == "WRONG"
    report = Report(settings={}, curves=[curve])
    assert "shots, a run (WRONG)" in text(report)
    assert "- a run: haiqu differs from aer by 1" in markdown("x", report)


def test_rows_that_are_measured_again_take_the_place_of_the_old_ones():
    old, other, new = row(1.0, aer=4.0), row(1.0, aer=4.0), row(3.0, aer=4.0)
    other.name = "another"
    updated = Report(settings={}, rows=[old, other]).updated(Report(settings={}, rows=[new]))
    assert updated.rows == [new, other]
    assert "3.00" in text(updated)
