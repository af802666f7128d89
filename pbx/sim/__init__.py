# SPDX-License-Identifier: Apache-2.0
"""CallControl without sockets or audio: applications run on it in tests and in simulations."""
