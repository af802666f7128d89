# SPDX-License-Identifier: Apache-2.0
"""A day of the call centre on the virtual clock: made-up callers and agents, the real queues, flows and journal."""
