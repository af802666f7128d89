# SPDX-License-Identifier: Apache-2.0
"""SIP without I/O (RFC 3261): messages, transactions, dialogs and the user agent core."""
