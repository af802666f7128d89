# SPDX-License-Identifier: Apache-2.0
PCMU: object
PCMA: object
