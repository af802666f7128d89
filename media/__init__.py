# SPDX-License-Identifier: Apache-2.0
"""The media plane seen from Python: session descriptions, sessions, bridges, prompts."""
