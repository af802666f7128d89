# SPDX-License-Identifier: Apache-2.0
"""JSON-RPC 2.0 over WebSocket and HTTP for operators and integrators."""
