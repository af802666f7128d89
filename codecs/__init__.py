# SPDX-License-Identifier: Apache-2.0
"""Audio codecs, each one table of functions that the media plane calls without the GIL."""
