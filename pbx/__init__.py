# SPDX-License-Identifier: Apache-2.0
"""The exchange: signalling, calls, applications and the operators' interface."""
