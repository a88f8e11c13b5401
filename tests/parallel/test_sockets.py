"""WebSockets and HTTP consumers as a browser speaks them, to a server as in production."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from importlib.util import find_spec
from typing import Any

import pytest

from tests.parallel.conftest import Site, serve
from tests.parallel.visitors import Visitor, half_way
from tests.servers import Mailbox, lacking, uvicorn

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def site(env: dict[str, str], box: Mailbox) -> Iterator[Site]:
    """One process: the messages of a person are heard where the socket is."""
    if find_spec("websockets") is None:
        lacking("websockets package")

    def start(settings_module: str, env: dict[str, str]) -> Any:
        application = "tests.parallel.sockets:application"
        return uvicorn(settings_module, env, workers=1, application=application)

    yield from serve(start, "tests.parallel.settings", env, box)


def dial(site: Site, visitor: Visitor) -> Any:
    """Open a socket with the cookies of a browser."""
    from websockets.sync.client import connect

    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    address = f"ws://127.0.0.1:{site.port}/ws/"
    return connect(address, additional_headers={"Cookie": cookies}, proxy=None)


def test_a_socket_from_the_password_to_the_log_out(site: Site) -> None:
    """Refused in its handshake, then open, then closed while it is idle."""
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    visitor, code = half_way(site.port, site.box)
    with pytest.raises(InvalidStatus) as refused:
        dial(site, visitor)
    assert refused.value.response.status_code == 403

    assert visitor.send("POST", "/otp/", {"code": code}).status == 302
    with dial(site, visitor) as socket, dial(site, Visitor(site.port)) as stranger:
        assert socket.recv(20) == "alice"
        socket.send("hello")
        assert socket.recv(20) == "hello"
        visitor.send("POST", "/logout/", {})
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(20)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "otp_required")
        assert stranger.recv(20) == "nobody"
        stranger.send("still here")
        assert stranger.recv(20) == "still here"


def test_a_consumer_from_the_password_to_the_log_out(site: Site) -> None:
    """Refused, then served; its stream ends while the browser reads it. The pages are Django's."""
    stranger = Visitor(site.port)
    assert stranger.send("GET", "/consumed/").text == "events of nobody"
    visitor, code = half_way(site.port, site.box)
    answer = visitor.send("GET", "/consumed/")
    assert (answer.status, answer.location) == (302, "/otp/?next=/consumed/")

    assert visitor.send("POST", "/otp/", {"code": code}).status == 302
    assert visitor.send("GET", "/consumed/").text == "events of alice"
    assert visitor.send("GET", "/secret/").text == "secret of alice"
    connection = HTTPConnection("127.0.0.1", site.port, timeout=20)
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    connection.request("GET", "/feed/", headers={"Cookie": cookies})
    stream = connection.getresponse()
    assert stream.read(12) == b"data: tick\n\n"
    visitor.send("POST", "/logout/", {})
    assert set(stream.read().split(b"\n\n")) <= {b"data: tick", b""}
    connection.close()
