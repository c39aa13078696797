"""The guard that keeps tests on this machine does guard."""

import socket

import pytest


def test_other_machines_are_out_of_reach():
    with socket.socket() as connection, pytest.raises(AssertionError, match="tried to reach"):
        connection.connect(("192.0.2.1", 80))


def test_datagrams_stay_here_too():
    with socket.socket(type=socket.SOCK_DGRAM) as sender, pytest.raises(AssertionError, match="tried to reach"):
        sender.sendto(b"x", ("192.0.2.1", 53))


def test_loopback_is_within_reach():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as connection:
        connection.connect(server.getsockname())
        assert connection.getpeername() == server.getsockname()
