# SPDX-License-Identifier: Apache-2.0
"""Who is not wanted: sources that guess, scan or call themselves scanners."""
