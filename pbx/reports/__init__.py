# SPDX-License-Identifier: Apache-2.0
"""Figures of the call centre: what the journal says of it, and what queueing theory expects."""
