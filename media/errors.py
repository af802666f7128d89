# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in the media part, as one tree; each name says what the caller of a session does about it.

MediaError
├── SdpError            the peer's description is rubbish          -> SIP 400
├── NotAcceptable       well formed, but nothing in common         -> SIP 488
├── OfferPending        an offer is open, in the wrong direction   -> SIP 491 or 500
├── PortsExhausted      no RTP port is left                        -> SIP 503
├── PlaneLost           the media thread or process is gone        -> the call ends
└── PromptError         a sound file is missing or unreadable
"""


class MediaError(Exception):
    """Anything that the media part itself raises; the text is fit for the log and for an operator."""


class SdpError(MediaError):
    """A session description that cannot be understood (RFC 8866)."""


class NotAcceptable(MediaError):
    """A description that is understood and offers nothing that we can do (RFC 3264 section 6; SIP 488)."""


class OfferPending(MediaError):
    """An offer or answer came out of turn (RFC 3264 section 4: one offer at a time)."""


class PortsExhausted(MediaError):
    """The configured range has no free RTP port."""


class PlaneLost(MediaError):
    """The media plane that carried the session died."""


class PromptError(MediaError):
    """A prompt cannot be loaded or played."""
