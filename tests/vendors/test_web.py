"""The web of the vendor tests: real clients reach its hosts over TLS, and nothing else."""

import gzip
import json

import boto3
import httpx
import pytest
import requests
import urllib3
from botocore.config import Config

from tests.vendors.web import Lost, Response

HOST = "quantum.example.com"
URL = f"https://{HOST}"


def _echo(request):
    return Response({"method": request.method, "path": request.path, "query": request.query, "sent": len(request.body)})


def _by_urllib3(method, url, web, **kwargs):
    with urllib3.ProxyManager(web.url, ca_certs=str(web.ca)) as pool:
        answer = pool.request(method, url, retries=False, **kwargs)
        return answer.status, answer.data


def _by_requests(method, url, web, **kwargs):
    with requests.Session() as session:
        answer = session.request(method, url, data=kwargs.get("body"), headers=kwargs.get("headers"))
        return answer.status_code, answer.content


def _by_httpx(method, url, web, **kwargs):
    with httpx.Client() as client:
        answer = client.request(method, url, content=kwargs.get("body"), headers=kwargs.get("headers"))
        return answer.status_code, answer.content


CLIENTS = pytest.mark.parametrize("ask", [_by_requests, _by_httpx, _by_urllib3])


@CLIENTS
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_request_arrives_whole(web, ask, scheme):
    web.serve(HOST, _echo)
    status, body = ask("POST", f"{scheme}://{HOST}/jobs/a%2Fb?x=1&x=2&y=", web, body=b"12345")
    assert status == 200
    assert json.loads(body) == {"method": "POST", "path": "/jobs/a/b", "query": {"x": ["1", "2"], "y": [""]}, "sent": 5}
    assert [(r.method, r.host, r.body) for r in web.requests] == [("POST", HOST, b"12345")]


@CLIENTS
def test_bodies_in_chunks_and_packed_ones(web, ask):
    web.serve(HOST, _echo)
    _, body = ask("PUT", URL, web, body=iter([b"123", b"4567"]))
    assert json.loads(body)["sent"] == 7
    _, body = ask("PUT", URL, web, body=gzip.compress(b"12345"), headers={"content-encoding": "gzip"})
    assert json.loads(body)["sent"] == 5


@CLIENTS
@pytest.mark.parametrize("headers", [{}, {"transfer-encoding": "chunked"}])
def test_long_answers(web, ask, headers):
    web.serve(HOST, lambda request: Response("long" * 10_000, headers=headers))
    for accepted in ("gzip", "identity"):
        assert ask("GET", URL, web, headers={"accept-encoding": accepted}) == (200, b"long" * 10_000)


@CLIENTS
def test_a_host_that_nobody_plays_is_refused(web, ask):
    with pytest.raises((requests.ConnectionError, httpx.ProxyError, urllib3.exceptions.ProxyError)):
        ask("GET", "https://else.example.com/", web)
    assert ask("GET", "http://else.example.com/", web)[0] == 502
    assert [r.host for r in web.requests] == ["else.example.com"] * 2


@CLIENTS
def test_an_answer_that_gets_lost(web, ask):
    def site(request):
        raise Lost

    web.serve(HOST, site)
    lost = (requests.ConnectionError, httpx.RemoteProtocolError, urllib3.exceptions.ProxyError)
    with pytest.raises(lost):
        ask("POST", URL, web, body=b"1")
    assert len(web.requests) == 1


def test_a_connection_is_kept(web):
    web.serve(HOST, _echo)
    with urllib3.ProxyManager(web.url, ca_certs=str(web.ca)) as pool:
        for _ in range(3):
            assert pool.request("GET", URL).status == 200
        assert pool.connection_from_url(URL).num_connections == 1


def test_all_names_with_an_end_and_one_of_them(web):
    web.serve("*.example.com", lambda request: Response(f"any {request.host}"))
    web.serve("b.example.com", lambda request: Response("b"))
    assert requests.get("https://a.example.com").text == "any a.example.com"
    assert requests.get("https://b.example.com").text == "b"


def test_status_headers_and_no_body(web):
    web.serve(HOST, lambda request: Response(status=429, headers={"Retry-After": "7"}))
    with requests.Session() as session:
        assert session.head(URL).headers["retry-after"] == "7"
        assert session.get(URL).status_code == 429


def test_the_aws_client_stores_and_reads(web):
    held = {}

    def site(request):
        if request.method == "PUT":
            held[request.host, request.path] = request.body
            return Response(headers={"etag": '"1"'})
        return Response(held[request.host, request.path])

    web.serve("*.amazonaws.com", site)
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("s3", **keys, config=Config(request_checksum_calculation="when_required"))
    client.put_object(Bucket="bucket", Key="a folder/results.json", Body=b"{}")
    assert client.get_object(Bucket="bucket", Key="a folder/results.json")["Body"].read() == b"{}"
    assert list(held) == [("bucket.s3.amazonaws.com", "/a folder/results.json")]
    client.close()


def test_a_mistake_of_a_site_is_told(web):
    web.serve(HOST, lambda request: 1 / 0)
    assert requests.get(URL).status_code == 500
    assert isinstance(web.errors.pop(), ZeroDivisionError)
