# SPDX-License-Identifier: Apache-2.0
"""Where the journal, the bindings and the configuration history are kept."""
