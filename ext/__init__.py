# SPDX-License-Identifier: Apache-2.0
"""Kernels that run without the GIL: RTP, jitter, mixing, tones, and the shard thread itself."""
