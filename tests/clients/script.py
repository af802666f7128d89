# SPDX-License-Identifier: Apache-2.0
"""SIPp scenarios written in a few lines: what is sent, what has to come, within one call."""

from xml.sax.saxutils import escape, quoteattr

SDP = """v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
"""
PLAIN = SDP + "m=audio [media_port] RTP/AVP 0\n"
SECURE = (
    SDP + "m=audio [media_port] RTP/SAVP 0\na=rtcp-mux\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"
)

KEPT = ("Via", "From", "To", "CSeq")


class Script:
    """One scenario. Every method adds a step and returns the script."""

    def __init__(self, user: str = "sipp") -> None:
        self._user = user
        self._steps: list[str] = []
        self._cseq = self._invite = 0
        self._names = 0

    def send(
        self, method: str, headers: str = "", body: str = "", kind: str = "application/sdp", *, within: bool = True
    ) -> "Script":
        """A request; `within` the dialog, or one that begins it."""
        if method != "ACK":
            self._cseq += 1
        if method == "INVITE":
            self._invite = self._cseq
        cseq = self._cseq if method != "ACK" else self._invite
        uri = "[next_url]" if within else "sip:[service]@[remote_ip]:[remote_port]"
        to = "To: <sip:[service]@[remote_ip]:[remote_port]>" + ("[peer_tag_param]" if within or method == "ACK" else "")
        text = (
            f"{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\n"
            f"From: <sip:{self._user}@[local_ip]:[local_port]>;tag=t[call_number]\n{to}\nCall-ID: [call_id]\n"
            f"CSeq: {cseq} {method}\nMax-Forwards: 70\n"
            f"Contact: <sip:{self._user}@[local_ip]:[local_port];transport=[transport]>\n{headers}"
            + ("[routes]\n" if within or method == "ACK" else "")
        )
        text += f"Content-Type: {kind}\n" if body else ""
        retrans = "" if method == "ACK" else ' retrans="500"'
        self._steps.append(f"<send{retrans}><![CDATA[\n{text}Content-Length: [len]\n\n{body}]]></send>")
        return self

    def get(self, what: int | str, *checks: str, optional: bool = False, number_of: str = "") -> "Script":
        """A response by its status, or a request by its method; `checks` are expressions that it must hold, and the
        number in the header `number_of` is kept for later as `[$NAME]`."""
        kind = "response" if isinstance(what, int) else "request"
        more = (' optional="true"' if optional else "") + (' rrs="true"' if what in (183, 200, 202) else "")
        actions, used = "", []
        for check in checks:
            self._names += 1
            used.append(f"c{self._names}")
            actions += f'<ereg regexp={quoteattr(check)} search_in="msg" check_it="true" assign_to="{used[-1]}"/>'
        if number_of:
            actions += f'<ereg regexp="[0-9]+" search_in="hdr" header="{number_of}:" assign_to="{number_of}"/>'
        inner = f"<action>{actions}</action>" if actions else ""
        self._steps.append(f'<recv {kind}="{what}"{more}>{inner}</recv>')
        if used:
            self._steps.append(f'<Reference variables="{",".join(used)}"/>')
        return self

    def reply(self, body: str = "", headers: str = "") -> "Script":
        """200 to the last request."""
        return self._respond("200 OK", headers, body, tag=bool(body))

    def _respond(self, status: str, headers: str = "", body: str = "", *, tag: bool) -> "Script":
        kind = "Content-Type: application/sdp\n" if body else ""
        to = "[last_To:];tag=[call_number]" if tag else "[last_To:]"
        self._steps.append(
            f"<send><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_Record-Route:]\n[last_From:]\n{to}\n"
            "[last_Call-ID:]\n[last_CSeq:]\n"
            f"Contact: <sip:{self._user}@[local_ip]:[local_port];transport=[transport]>\n{headers}{kind}"
            f"Content-Length: [len]\n\n{body}]]></send>"
        )
        return self

    def keep(self) -> "Script":
        """Keep the INVITE that was got just now, to be answered by `answer_kept` after other requests."""
        actions = "".join(
            f'<ereg regexp=".*" search_in="hdr" header="{name}:" assign_to="kept_{name}"/>' for name in KEPT
        )
        self._steps[-1] = self._steps[-1].replace("</recv>", f"<action>{actions}</action></recv>")
        return self

    def answer_kept(self) -> "Script":
        """200 to the INVITE that was kept, which began the call."""
        return self._respond_to_kept("200 OK", ";tag=[call_number]", "Content-Type: application/sdp\n", PLAIN)

    def glare(self) -> "Script":
        """491 to the re-INVITE that was kept."""
        return self._respond_to_kept("491 Request Pending")

    def _respond_to_kept(self, status: str, tag: str = "", headers: str = "", body: str = "") -> "Script":
        kept = "".join(f"{name}:[$kept_{name}]{tag if name == 'To' else ''}\n" for name in KEPT)
        self._steps.append(
            f"<send><![CDATA[\nSIP/2.0 {status}\n{kept}[last_Call-ID:]\n"
            f"Contact: <sip:{self._user}@[local_ip]:[local_port];transport=[transport]>\n{headers}"
            f"Content-Length: [len]\n\n{body}]]></send>"
        )
        return self

    def progress(self, headers: str, body: str = PLAIN) -> "Script":
        """183 to the last INVITE."""
        return self._respond("183 Session Progress", headers, body, tag=True)

    def trying(self) -> "Script":
        """100 to the last INVITE."""
        return self._respond("100 Trying", tag=False)

    def ring(self) -> "Script":
        """180 to the last INVITE."""
        return self._respond("180 Ringing", tag=True)

    def answer(self, headers: str = "") -> "Script":
        """200 to the last INVITE, with plain audio."""
        return self.reply(PLAIN, headers)

    def refuse(self, status: int) -> "Script":
        """A final refusal of the last INVITE, and its ACK."""
        return self._respond(f"{status} No", tag=True).get("ACK")

    def rest(self, ms: int) -> "Script":
        self._steps.append(f'<pause milliseconds="{ms}"/>')
        return self

    def press(self, keys: str) -> "Script":
        """Keys as RFC 4733 has them, with the payload type 96."""
        self._steps.append(f'<nop><action><exec play_dtmf="{keys}"/></action></nop>')
        return self

    def stream(self, file: str) -> "Script":
        """Send a file of mu-law over and over."""
        self._steps.append(f'<nop><action><exec rtp_stream="{escape(file)},-1,0"/></action></nop>')
        return self

    def __str__(self) -> str:
        steps = "\n".join(self._steps)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="script">\n{steps}\n</scenario>\n'


def answered(body: str = PLAIN, headers: str = "", *checks: str) -> Script:
    """A call up to the ACK of its answer."""
    script = Script().send("INVITE", headers, body, within=False).get(100, optional=True).get(180, optional=True)
    return script.get(183, optional=True).get(200, *checks).send("ACK")
