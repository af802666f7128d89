# SPDX-License-Identifier: Apache-2.0
"""The shells that move SIP bytes: UDP, TCP, TLS and WebSocket on the event loop."""
