# SPDX-License-Identifier: Apache-2.0
"""`tls.*`: what is shown of certificates, and a reload that finds a bad file."""

from tests.pbx.rpc.fake_exchange import OBSERVER, Start
from tests.pbx.rpc.test_rpc_http import call


async def test_certificates_are_listed_for_observers(start: Start) -> None:
    answer = await call(await start(OBSERVER), "tls.certificates")
    assert answer["result"]["certificates"][0]["names"] == ["pbx.example"]


async def test_a_reload_that_fails_says_which_file(start: Start) -> None:
    answer = await call(await start(), "tls.reload")
    assert answer["error"]["code"] == -32000
    assert answer["error"]["message"] == "tls.crt: is no certificate in PEM"
