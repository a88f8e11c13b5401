"""Somebody at a real server, with no browser."""

from __future__ import annotations

import http.cookiejar
import urllib.parse
import urllib.request


class Stranger:
    """Somebody with a program like curl: a cookie jar, and forms filled in by hand."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.jar)
        )

    def get(self, path: str) -> tuple[str, str]:
        """Open a page; return where one ended up, and the page."""
        return self.fetch(urllib.request.Request(urllib.parse.urljoin(self.url, path)))

    def post(self, path: str, **fields: str) -> tuple[str, str]:
        """Fill in a form and send it, with the token of the page that it stands on."""
        token = next(cookie.value for cookie in self.jar if cookie.name == "csrftoken")
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        return self.fetch(urllib.request.Request(urllib.parse.urljoin(self.url, path), body))

    def fetch(self, request: urllib.request.Request) -> tuple[str, str]:
        request.add_header("Accept", "text/html")
        with self.opener.open(request, timeout=20) as response:
            return response.url.removeprefix(self.url), response.read().decode()
