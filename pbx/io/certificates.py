# SPDX-License-Identifier: Apache-2.0
"""The certificates that TLS and secure WebSocket listeners show, and what is asked of those of peers.

Several certificates are told apart by the name that a client asks for (SNI, RFC 6066); the first is shown to whoever
asks for none of them. They are read again without touching connections that stand: `reload` makes new contexts, or
raises and leaves all as it was.
"""

import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from switchroom.pbx.errors import SwitchroomError

ClientCertificates = Literal["none", "optional", "required"]


class CertificateError(SwitchroomError):
    """A certificate, key or authority file cannot be used."""


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What contexts are made of."""

    certificates: tuple[tuple[str, str], ...] = ()
    """Files of certificate chain and key, in PEM."""
    authorities: str = ""
    """File of the authorities that we trust; empty: those of the system."""
    client_certificates: ClientCertificates = "none"
    verify: bool = True
    """Whether the certificate of a server that we connect to must be valid and its own."""
    unverified: frozenset[str] = frozenset()
    """Names and addresses for which it need not be."""
    tls_1_3_only: bool = False


class CertificateInfo(msgspec.Struct, frozen=True):
    """What an operator wants to know of a certificate."""

    file: str
    names: tuple[str, ...]
    issuer: str
    not_after: datetime
    sha256: str


class Certificates:
    """The TLS contexts of one exchange. Making it, and `reload`, raise CertificateError."""

    def __init__(self, settings: TlsSettings) -> None:
        self.settings = settings
        self.reload()

    def reload(self) -> None:
        """Read all files again; new connections use what they hold now."""
        settings = self.settings
        stamps = self._stamp()
        infos = [_info(file) for file, _ in settings.certificates]
        contexts = [self._server_context(*files) for files in settings.certificates]
        verifying, trusting = self._client_context(True), self._client_context(False)
        if contexts:
            by_name = {name: context for info, context in zip(infos, contexts, strict=True) for name in info.names}
            contexts[0].sni_callback = _chooser(by_name, contexts[0])
        self.infos = infos
        self._server = contexts[0] if contexts else None
        self._verifying, self._trusting = verifying, trusting
        self._stamps = stamps

    @property
    def changed(self) -> bool:
        """Whether a file is another than the one that was read."""
        return self._stamp() != self._stamps

    def server(self) -> ssl.SSLContext:
        """For a connection that was accepted."""
        if self._server is None:
            raise CertificateError("there is no certificate for a TLS listener")
        return self._server

    def client(self, name: str) -> ssl.SSLContext:
        """For a connection to a server that was asked for by this name or address."""
        verify = self.settings.verify and name not in self.settings.unverified
        return self._verifying if verify else self._trusting

    # ---- within

    def _server_context(self, chain: str, key: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._harden(context)
        _load_chain(context, chain, key)
        if self.settings.client_certificates != "none":
            required = self.settings.client_certificates == "required"
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
            self._load_authorities(context)
        return context

    def _client_context(self, verify: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._harden(context)
        if verify:
            self._load_authorities(context)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.settings.certificates:  # a peer may ask for ours
            _load_chain(context, *self.settings.certificates[0])
        return context

    def _harden(self, context: ssl.SSLContext) -> None:
        tls_1_3_only = self.settings.tls_1_3_only
        context.minimum_version = ssl.TLSVersion.TLSv1_3 if tls_1_3_only else ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION

    def _load_authorities(self, context: ssl.SSLContext) -> None:
        file = self.settings.authorities
        if not file:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
            return
        try:
            context.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(f"{file}: cannot be used as a list of authorities: {_reason(error)}") from None

    def _stamp(self) -> list[tuple[int, int, int]]:
        files = [file for pair in self.settings.certificates for file in pair]
        return [_stamp_of(file) for file in (*files, *filter(None, [self.settings.authorities]))]


def _chooser(
    by_name: dict[str, ssl.SSLContext], default: ssl.SSLContext
) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], None]:
    def choose(session: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        name = (name or "").lower()
        wildcard = f"*.{name.partition('.')[2]}"
        session.context = by_name.get(name) or by_name.get(wildcard) or default

    return choose


def _load_chain(context: ssl.SSLContext, chain: str, key: str) -> None:
    try:
        # A key with a pass phrase would make OpenSSL ask at the terminal; it gets an empty one, and so fails.
        context.load_cert_chain(chain, key, password=lambda: b"")
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{chain}, {key}: cannot be used as certificate and key: {_reason(error)}") from None


def _info(file: str) -> CertificateInfo:
    try:
        certificate = x509.load_pem_x509_certificate(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{file}: is no certificate in PEM: {_reason(error)}") from None
    return CertificateInfo(
        file,
        tuple(_names(certificate)),
        certificate.issuer.rfc4514_string(),
        certificate.not_valid_after_utc,
        certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _names(certificate: x509.Certificate) -> Iterable[str]:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in alternatives:
        if isinstance(name, (x509.DNSName, x509.IPAddress)):
            yield str(name.value).lower()


def _stamp_of(file: str) -> tuple[int, int, int]:
    try:
        found = Path(file).stat()
    except OSError:
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_size, found.st_ino


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
