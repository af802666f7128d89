# SPDX-License-Identifier: Apache-2.0
"""The shells that move SIP bytes: UDP and TCP on the event loop."""
