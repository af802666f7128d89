# SPDX-License-Identifier: Apache-2.0
"""Who watches what: subscriptions to the state of users (RFC 6665), and the messages between them (RFC 3428)."""
