"""A single sign-on server that knows Alice, in place of the HTTP client of django-cas-ng."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.projects.contract import NAME

SUCCESS = f"""<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas"><cas:authenticationSuccess>
<cas:user>{NAME}</cas:user></cas:authenticationSuccess></cas:serviceResponse>"""
FAILURE = """<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">
<cas:authenticationFailure code="INVALID_TICKET"/></cas:serviceResponse>"""
LOG_OUT = """<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">
<samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"""


class Server:
    """What `CAS_SESSION_FACTORY` makes: it answers whether a ticket is good."""

    def get(self, url: str, params: Any, **_: Any) -> Any:
        text = SUCCESS if params["ticket"].startswith("ST-") else FAILURE
        return SimpleNamespace(content=text.encode(), close=lambda: None)
