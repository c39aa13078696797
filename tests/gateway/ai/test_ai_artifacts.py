"""Artifacts as agents note and read them."""

import base64
import io

import matplotlib.image
import numpy as np
import pytest


def picture(kind="png"):
    """A small picture as a file."""
    file = io.BytesIO()
    matplotlib.image.imsave(file, np.zeros((2, 2, 3), dtype=np.uint8), format=kind)
    return file.getvalue()


def as_text(data, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("kind", "value", "media_type"),
    [
        ("text", "it works", "text/plain"),
        ("value", -1.25, "application/json"),
        ("value", 3, "application/json"),
        ("list", [1, "two", None], "application/json"),
        ("dict", {"a": {"b": [1]}}, "application/json"),
    ],
)
def test_values_come_back_as_they_were_noted(gateway, tools, experiment, kind, value, media_type):
    assert tools.post(f"/{experiment}/log_artifact", name="it", kind=kind, value=value) is None
    found = tools.get(f"/{experiment}/artifacts/it")
    assert (found["name"], found["kind"], found["value"], found["mime_type"]) == ("it", kind, value, media_type)
    assert tools.get(f"/{experiment}/artifacts") == [found]
    content = gateway.client.get(found["content_url"])
    assert content.headers["content-type"].partition(";")[0] == media_type
    assert (content.text if kind == "text" else content.json()) == value


def test_a_series_comes_back_in_both_forms(tools, experiment):
    points = [{"x": 1, "y": 0.5}, {"x": 2, "y": -1}]
    tools.post(f"/{experiment}/log_artifact", name="energy", kind="timeseries", points=points)
    found = tools.get(f"/{experiment}/artifacts/energy")
    assert found["points"] == points
    assert (found["x"], found["y"], found["value"]) == ([1, 2], [0.5, -1], None)


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_picture_comes_back_as_a_file(gateway, tools, experiment, kind):
    data = picture(kind)
    tools.post(f"/{experiment}/log_artifact", name="plot", kind="image", value=as_text(data, kind))
    found = tools.get(f"/{experiment}/artifacts/plot")
    assert (found["kind"], found["value"], found["mime_type"]) == ("image", None, f"image/{kind}")
    content = gateway.client.get(found["content_url"])
    assert content.content == data
    assert content.headers["content-type"] == f"image/{kind}"
    assert content.headers["content-disposition"].startswith('attachment; filename="plot.')
    assert content.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("claimed", ["svg+xml", "png"])
def test_a_picture_that_could_run_code_is_never_served_as_one(gateway, tools, experiment, claimed):
    drawing = as_text(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", claimed)
    body = {"name": "drawing", "kind": "image", "value": drawing}
    assert tools.refused("POST", f"/{experiment}/log_artifact", **body)[0] == 400
    metrics = {"metrics": {"drawing": drawing}}  # the general endpoint takes any text
    gateway.client.post(f"/experiments/{experiment}/metrics", json=metrics).raise_for_status()
    content = gateway.client.get(f"/ai/{experiment}/artifacts/drawing/content")
    assert content.headers["content-type"].startswith("text/plain")
    assert content.text == drawing


def test_pages_are_served_as_text(gateway, tools, experiment):
    tools.post(f"/{experiment}/log_artifact", name="page.html", value="<script>alert(1)</script>")
    content = gateway.client.get(f"/ai/{experiment}/artifacts/page.html/content")
    assert content.headers["content-type"].startswith("text/plain")
    assert content.headers["content-disposition"] == 'attachment; filename="page.html.txt"'


def test_a_name_is_overwritten(tools, experiment):
    tools.post(f"/{experiment}/log_artifact", name="it", value="first")
    tools.post(f"/{experiment}/log_artifact", name="it", kind="value", value=2)
    (found,) = tools.get(f"/{experiment}/artifacts")
    assert (found["kind"], found["value"]) == ("value", 2)


@pytest.mark.parametrize("name", ["a/b c", "50%", "é\u2028", 'quote"d', "..", "x/content"])
def test_names_may_hold_what_paths_cannot(gateway, tools, experiment, name):
    tools.post(f"/{experiment}/log_artifact", name=name, value=name)
    (found,) = tools.get(f"/{experiment}/artifacts")
    assert found["name"] == name
    assert gateway.client.get(found["content_url"]).text == name


def test_long_values_are_left_to_their_content(gateway, tools, experiment):
    long = list(range(100_000))
    tools.post(f"/{experiment}/log_artifact", name="long", kind="list", value=long)
    middle = "x" * 10_000
    tools.post(f"/{experiment}/log_artifact", name="middle", value=middle)
    listed = {found["name"]: found for found in tools.get(f"/{experiment}/artifacts")}
    assert listed["long"]["value"] is None
    assert listed["middle"]["value"] is None
    assert tools.get(f"/{experiment}/artifacts/long")["value"] is None
    assert tools.get(f"/{experiment}/artifacts/middle")["value"] == middle
    assert gateway.client.get(listed["long"]["content_url"]).json() == long


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"value": 1}, 400),
        ({"kind": "value", "value": "1"}, 400),
        ({"kind": "list", "value": {}}, 400),
        ({"kind": "dict", "value": []}, 400),
        ({"kind": "image", "value": "a plot"}, 400),
        ({"kind": "image", "value": "data:image/png;base64,AAAA"}, 400),
        ({"kind": "image", "value": "data:image/png;base64,@"}, 400),
        ({"kind": "timeseries"}, 400),
        ({"kind": "timeseries", "points": []}, 400),
        ({"kind": "timeseries", "points": [{"x": 1, "y": 1}], "value": 3}, 400),
        ({"kind": "timeseries", "points": [{"x": 1}]}, 422),
        ({"kind": "text", "value": "x", "points": [{"x": 1, "y": 1}]}, 422),
        ({"kind": "poem", "value": "x"}, 422),
    ],
)
def test_what_does_not_fit_its_kind_is_refused(tools, experiment, body, status):
    found, detail = tools.refused("POST", f"/{experiment}/log_artifact", name="it", **body)
    assert found == status
    assert detail
    assert tools.get(f"/{experiment}/artifacts") == []


def test_artifacts_of_others_do_not_exist(tools, others, experiment):
    tools.post(f"/{experiment}/log_artifact", name="it", value="secret")
    for path in ("", "/it", "/it/content"):
        assert others.refused("GET", f"/{experiment}/artifacts{path}")[0] == 404
    assert others.refused("POST", f"/{experiment}/log_artifact", name="it", value="mine")[0] == 404
    assert tools.refused("GET", f"/{experiment}/artifacts/none")[0] == 404
