# SPDX-License-Identifier: Apache-2.0
"""Voicemail: messages left for users, how their owners hear them, and how they are told."""
