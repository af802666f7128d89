# SPDX-License-Identifier: Apache-2.0
"""Automatic call distribution: callers wait in queues, agents are offered them, supervisors look on."""
