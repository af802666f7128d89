# SPDX-License-Identifier: Apache-2.0
"""Lines to the outside: carriers over SIP, and E1/PRI gateways; who may use how many of them, and which comes first."""
