# SPDX-License-Identifier: Apache-2.0
"""IVR flows: async functions of a call."""
