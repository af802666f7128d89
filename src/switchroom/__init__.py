# SPDX-License-Identifier: Apache-2.0
"""Switchroom: a call-centre telephone exchange as a library and a server."""

__version__ = "0.1.0"
