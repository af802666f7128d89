# SPDX-License-Identifier: Apache-2.0
"""Kamailio between the exchange and the others: as the proxy of phones, and as a carrier's border.

It stays in every dialog (Record-Route), and speaks to the exchange by another transport than to the other side.
"""

import subprocess
import time
from pathlib import Path

from tests.clients.conftest import need
from tests.clients.server import ServerProcess

CONFIG = """
debug=2
log_stderror=yes
children=1
tcp_children=1
tcp_connection_lifetime={idle_s}
tcp_source_ipv4={host}
dns=no
rev_dns=no
auto_aliases=no
enable_tls=yes
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
listen=tls:{host}:{tls}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "path.so"
loadmodule "tls.so"
modparam("rr", "enable_full_lr", 1)
modparam("path", "use_received", 1)
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{key}")
modparam("tls", "verify_certificate", 0)
modparam("tls", "require_certificate", 0)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS") && uri == myself) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route() || t_check_trans()) t_relay();
        else if (!is_method("ACK")) sl_send_reply("481", "Call/Transaction Does Not Exist");
        exit;
    }}
    t_check_trans();
    if (is_method("INVITE|SUBSCRIBE")) record_route();
    $var(routed) = 0;
    if (loose_route()) $var(routed) = 1;
    if (src_ip == 127.0.0.1 && $rp != {sip}) {{
        if ($var(routed) == 0) $du = "{others}";
    }} else {{
        if (is_method("REGISTER")) add_path_received();
        if (uri == myself) {{ $rd = "127.0.0.1"; $rp = "{sip}"; }}
        $du = "{exchange}";
    }}
    if (!t_relay()) sl_reply_error();
}}
"""


class Kamailio:
    """One Kamailio at an address of its own. Calls of the exchange go to `others`, a URI; but for those to phones that
    have registered through it, which go where they came from. Everybody else's go to the exchange over `transport`."""

    def __init__(
        self,
        folder: Path,
        server: ServerProcess,
        at: tuple[str, int],
        *,
        transport: str = "tcp",
        others: str = "",
        idle_s: int = 120,
    ) -> None:
        """It listens `at` for UDP and TCP, at the next port for TLS, and closes connections that are idle so long."""
        need("kamailio")
        folder.mkdir()
        self.folder, (host, port) = folder, at
        config = CONFIG.format(
            host=host,
            port=port,
            tls=port + 1,
            idle_s=idle_s,
            certificate=server.certificate,
            sip=server.sip,
            key=server.certificate.with_suffix(".key"),
            others=others,
            exchange=f"sip:127.0.0.1:{server.port(transport)};transport={transport}",
        )
        (folder / "kamailio.cfg").write_text(config)
        with open(folder / "kamailio.log", "wb") as log:
            self._process = subprocess.Popen(
                ["kamailio", "-DD", "-E", "-f", "kamailio.cfg", "-w", ".", "-Y", str(folder), "-m", "32", "-M", "4"],
                cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        deadline = time.monotonic() + 15
        while not server.answers_options(at=at):
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()

    def log(self) -> str:
        return (self.folder / "kamailio.log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
