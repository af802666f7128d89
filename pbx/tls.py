# SPDX-License-Identifier: Apache-2.0
"""The exchange's certificates: made at the first start if none are given, read again when their files change."""

import asyncio
from pathlib import Path

from switchroom.pbx.config import Config
from switchroom.pbx.io.certificates import CertificateError, CertificateInfo, Certificates, TlsSettings
from switchroom.pbx.io.self_signed import ensure_self_signed
from switchroom.pbx.logs import log


class TlsKeeper:
    """Holds the `Certificates` that the transports use. Raises CertificateError when they cannot be used."""

    def __init__(self, config: Config, now_s: float) -> None:
        self._poll_s = config.tls.reload_s
        self._poll: asyncio.TimerHandle | None = None
        self.certificates = Certificates(_settings(config, now_s))

    def start(self) -> None:
        """Look at the files from time to time."""
        self._poll = asyncio.get_running_loop().call_later(self._poll_s, self._look)

    def stop(self) -> None:
        if self._poll is not None:
            self._poll.cancel()

    def reload(self) -> list[CertificateInfo]:
        """Read the files again. Raises CertificateError; the old certificates stay in use then."""
        self.certificates.reload()
        log.info("tls.reloaded", files=[info.file for info in self.certificates.infos])
        return self.certificates.infos

    def try_reload(self) -> None:
        """The same when nobody waits for an answer: what is wrong is logged."""
        try:
            self.reload()
        except CertificateError as error:
            log.error("tls.not_reloaded", error=str(error))

    def _look(self) -> None:
        if self.certificates.changed:
            self.try_reload()
        self.start()


def _settings(config: Config, now_s: float) -> TlsSettings:
    tls = config.tls
    files = tuple((given.file, given.key or given.file) for given in tls.certificates)
    if not files and any(listener.secure for listener in config.sip.listen):
        made = ensure_self_signed(Path(config.server.data_dir), _names(config), now_s)
        files = ((str(made[0]), str(made[1])),)
    return TlsSettings(
        certificates=files,
        authorities=tls.ca_file,
        client_certificates=tls.client_certificates,
        verify=tls.verify,
        unverified=frozenset(tls.no_verify),
        tls_1_3_only=tls.min_version == "1.3",
    )


def _names(config: Config) -> list[str]:
    """What phones may know this exchange as."""
    hosts = [listener.host for listener in config.sip.listen if listener.host not in ("0.0.0.0", "::")]
    return list(dict.fromkeys(name for name in (*config.sip.domains, config.sip.address, *hosts, "localhost") if name))
