#!/usr/bin/env python3
"""A bad wire between two network namespaces: loses, delays, reorders and doubles packets, and can be cut.

    wire.py NAME OUTSIDE NEAR [SEED]

makes the namespaces NAME-a (10.9.0.1) and NAME-b (10.9.0.2), joined by this program only, and a
sound way for the tests to what runs in NAME-a (OUTSIDE here, NEAR there). It takes one command a
line, a JSON object of what changes, and answers each with what it did so far:

    loss, doubled, reordered    shares of all packets, 0 to 1
    delay-ms, jitter-ms         every packet is late by the first, and by up to the second more
    cut                         true: nothing passes

Packets keep their order but for those that are reordered, which come 30 to 90 ms after their time.
The end of its input ends it, and with it the namespaces. It needs root, Linux's TUN devices and
iproute2; the kernel's own netem, which not every kernel is built with, it does not need. What it
does to which packet follows from SEED and the order of packets alone.
"""

import fcntl
import heapq
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


def ip(*arguments, check=True):
    done = subprocess.run(["ip", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"wire: ip {' '.join(arguments)}: {done.stderr.strip()}")


def tun(name):
    try:
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as error:
        raise SystemExit(f"wire: no TUN device: {error.strerror}; it takes root and /dev/net/tun")
    return end


class Wire:
    def __init__(self, name, outside, near, seed):
        self.name, self.chance = name, random.Random(seed)
        self.rule = {"loss": 0, "doubled": 0, "reordered": 0, "delay-ms": 0, "jitter-ms": 0, "cut": False}
        self.did = {"passed": 0, "lost": 0, "doubled": 0, "reordered": 0, "cut": 0}
        self.queue, self.number = [], 0
        self.ends, self.last = [], {}
        for side, address in (("a", "10.9.0.1"), ("b", "10.9.0.2")):
            space, device = f"{name}-{side}", f"{name}{side}"
            ip("netns", "add", space)
            end = tun(device)
            ip("link", "set", device, "netns", space)
            for line in (["link", "set", "lo", "up"], ["addr", "add", f"{address}/30", "dev", device],
                         ["link", "set", device, "up"]):
                ip("-n", space, *line)
            self.ends.append(end)
            self.last[end] = 0.0
        ip("link", "add", f"{name}o", "type", "veth", "peer", "name", f"{name}n", "netns", f"{name}-a")
        ip("addr", "add", f"{outside}/30", "dev", f"{name}o")
        ip("link", "set", f"{name}o", "up")
        ip("-n", f"{name}-a", "addr", "add", f"{near}/30", "dev", f"{name}n")
        ip("-n", f"{name}-a", "link", "set", f"{name}n", "up")

    def take_down(self):
        for side in "ab":
            ip("netns", "del", f"{self.name}-{side}", check=False)
        ip("link", "del", f"{self.name}o", check=False)

    def take(self, end, packet, now):
        rule, chance = self.rule, self.chance
        to = self.ends[1 - self.ends.index(end)]
        draws = [chance.random() for _ in range(5)]
        if rule["cut"]:
            self.did["cut"] += 1
            return
        if draws[0] < rule["loss"]:
            self.did["lost"] += 1
            return
        due = now + (rule["delay-ms"] + rule["jitter-ms"] * draws[1]) / 1000
        if draws[2] < rule["reordered"]:
            self.did["reordered"] += 1
            due += 0.03 + 0.06 * draws[3]
        else:
            due = max(due, self.last[to])
            self.last[to] = due
        copies = 1
        if draws[4] < rule["doubled"]:
            self.did["doubled"] += 1
            copies = 2
        for _ in range(copies):
            self.number += 1
            heapq.heappush(self.queue, (due, self.number, to, packet))

    def pass_on(self, now):
        while self.queue and self.queue[0][0] <= now:
            _, _, to, packet = heapq.heappop(self.queue)
            self.did["passed"] += 1
            try:
                os.write(to, packet)
            except OSError:
                pass

    def run(self):
        commands = b""
        while True:
            now = time.monotonic()
            self.pass_on(now)
            wait = max(0.0, self.queue[0][0] - now) if self.queue else None
            ready, _, _ = select.select([0, *self.ends], [], [], wait)
            now = time.monotonic()
            for end in ready:
                if end == 0:
                    read = os.read(0, 65536)
                    if not read:
                        return
                    *lines, commands = (commands + read).split(b"\n")
                    for line in lines:
                        self.rule.update(json.loads(line))
                        print(json.dumps(self.did), flush=True)
                    continue
                try:
                    while packet := os.read(end, 65536):
                        self.take(end, packet, now)
                except BlockingIOError:
                    pass


def main():
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    name, outside, near = sys.argv[1:4]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(1))
    wire = None
    try:
        wire = Wire.__new__(Wire)
        wire.name = name
        wire.__init__(name, outside, near, int(sys.argv[4]) if len(sys.argv) == 5 else 1)
        print("ready", flush=True)
        wire.run()
    finally:
        if wire:
            wire.take_down()


main()
