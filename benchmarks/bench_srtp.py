# SPDX-License-Identifier: Apache-2.0
"""What SRTP adds to a relayed call: CPU per call and second, both legs encrypted, against the same call without.

The packets go through a plane in memory, so the difference between the two runs is opening and sealing alone. One call
is two legs of 50 packets/s each way: 100 packets a second are opened and 100 sealed.

    python -m benchmarks.bench_srtp [--packets 20000] [--repeat 5]
"""

import argparse
import json
import time

from pylibsrtp import Policy, Session

from switchroom.media.srtp import SUITES
from switchroom.media.wire import Op
from tests.ext.plane_rig import Rig

A, B = ("10.1.0.1", 4000), ("10.1.0.2", 5000)
PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
PACKETS_PER_CALL_S = 100


def relay_cpu_us(suite: str, packets: int) -> float:
    """CPU for one packet from leg to leg, with what Python needs to hand it over; empty `suite`: plain."""
    rig = Rig(max_legs=4)
    (leg_a, a), (leg_b, _) = rig.party(A), rig.party(B, ssrc=0x9999)
    rig.command(Op.BRIDGE, leg_a.handle, leg_b.handle)
    data = [a.packet().to_bytes() for _ in range(packets)]
    if suite:
        found = next(entry for entry in SUITES if entry.name == suite)
        theirs, ours = b"\1" * found.bytes, b"\2" * found.bytes
        body = bytes([found.number]) + theirs.ljust(46, b"\0") + ours.ljust(46, b"\0")
        for leg in (leg_a, leg_b):
            rig.command(Op.SECURE, leg.handle, body=body)
        far = Session(Policy(theirs, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILES[suite]))
        data = [far.protect(packet) for packet in data]
    rig.shard.sent()
    deliver, port, sent = rig.shard.deliver, leg_a.port, 0
    cpu_s = 0.0
    for at in range(0, packets, 200):
        part = data[at : at + 200]
        began = time.thread_time()
        for packet in part:
            deliver(port, packet, A)
        cpu_s += time.thread_time() - began
        sent += len(rig.shard.sent())
    rig.close()
    assert sent == packets
    return 1e6 * cpu_s / packets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--packets", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    plain = min(relay_cpu_us("", options.packets) for _ in range(options.repeat))
    for suite in PROFILES:
        secured = min(relay_cpu_us(suite, options.packets) for _ in range(options.repeat))
        added = secured - plain
        print(
            json.dumps(
                {
                    "suite": suite,
                    "added_us_per_packet": round(added, 3),
                    "added_ms_per_call_and_s": round(added * PACKETS_PER_CALL_S / 1000, 4),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
