# SPDX-License-Identifier: Apache-2.0
"""Applications that come with the exchange; each knows a call and nothing below it."""
