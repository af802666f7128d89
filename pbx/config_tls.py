# SPDX-License-Identifier: Apache-2.0
"""[tls]: certificates of the TLS and secure WebSocket listeners, and what is asked of those of others."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class CertificateFiles(msgspec.Struct, frozen=True, kw_only=True):
    """One of [tls] `certificates`."""

    file: str
    """The certificate and those of the authorities between it and the root, in PEM."""
    key: str = ""
    """Its private key in PEM, without a pass phrase; empty: in the same file."""


class TlsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """[tls]. Relative paths are relative to the folder of the configuration file."""

    certificates: tuple[CertificateFiles, ...] = ()
    """Told apart by the name that a client asks for; the first is shown to all others. None: one is made."""
    ca_file: str = ""
    """The authorities that are trusted, in PEM; empty: those of the system."""
    client_certificates: Literal["none", "optional", "required"] = "none"
    """Whether who connects to us is asked for a certificate; one that is shown must be good."""
    verify: bool = True
    """Whether a server that we connect to must show a good certificate for its name."""
    no_verify: tuple[str, ...] = ()
    """Host names and addresses for which it need not."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    reload_s: Annotated[float, Meta(gt=0)] = 10.0
    """How often the files are looked at; SIGHUP and `tls.reload` do it at once."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.client_certificates == "required" and not self.ca_file:
            yield "ca_file", "is needed where client certificates are required: it says whose"
