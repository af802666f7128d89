# SPDX-License-Identifier: Apache-2.0
"""Legs, calls and the back-to-back user agent: one SIP dialog joined to one media session."""
