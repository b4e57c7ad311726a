#!/usr/bin/python3
"""DNS messages that another implementation (python3-dnslib) writes and reads: both read the same.

usage: dnslib_agrees.py DUMP
"""
import os
import random
import subprocess
import sys

try:
    from dnslib import (A, AAAA, CNAME, EDNS0, MX, NS, QTYPE, RR, SOA, TXT, DNSHeader, DNSQuestion,
                        DNSRecord)
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(0)

MESSAGES = 3000


def name(rng):
    labels = [rng.choice(["a", "B", "www", "_tcp", "x" * 63, "api-1", "eu"])
              for _ in range(rng.randint(0, 2))]
    return ".".join(labels + [rng.choice(["example.com", "Example.NET", "lab.local"])])


def record(rng):
    kind, data = rng.choice([
        lambda: ("A", A(f"192.0.2.{rng.randint(0, 255)}")),
        lambda: ("AAAA", AAAA(f"2001:db8::{rng.randint(1, 9999):x}")),
        lambda: ("CNAME", CNAME(name(rng))),
        lambda: ("NS", NS(name(rng))),
        lambda: ("MX", MX(name(rng))),
        lambda: ("TXT", TXT("v" * rng.randint(0, 200))),
        lambda: ("SOA", SOA(name(rng), name(rng), (1, 2, 3, 4, rng.choice([0, 60, 86400])))),
    ])()
    return RR(name(rng), getattr(QTYPE, kind), rdata=data,
              ttl=rng.choice([0, 1, 30, 3600, 0x7fffffff, 0x80000000, 0xffffffff]))


def message(rng):
    m = DNSRecord(DNSHeader(id=rng.getrandbits(16), bitmap=rng.getrandbits(16)),
                  q=DNSQuestion(name(rng), rng.choice([1, 28, 65])))
    m.add_answer(*(record(rng) for _ in range(rng.randint(0, 8))))
    m.add_auth(*(record(rng) for _ in range(rng.randint(0, 2))))
    m.add_ar(*(record(rng) for _ in range(rng.randint(0, 2))))
    if rng.random() < 0.5:
        m.add_ar(EDNS0(udp_len=rng.choice([0, 512, 1232, 65535])))
    return m.pack()


def data_of(rr, ttl):
    kind = QTYPE.get(rr.rtype)
    if kind in ("A", "AAAA"):
        return str(rr.rdata)
    if kind == "CNAME":
        return str(rr.rdata.label).lower()
    return str(min(ttl, rr.rdata.times[4])) if kind == "SOA" else "-"


def expected(data):
    m = DNSRecord.parse(data)
    sizes = [rr.rclass for rr in m.ar if rr.rtype == QTYPE.OPT]
    out = [m.header.id, m.header.bitmap, str(m.q.qname).lower(), m.q.qtype,
           max(sizes[0], 512) if sizes else 0]
    for section, records in ((1, m.rr), (2, m.auth), (3, m.ar)):
        for rr in records:
            if rr.rtype == QTYPE.OPT:
                continue
            ttl = 0 if rr.ttl > 0x7fffffff else rr.ttl
            out += [section, str(rr.rname).lower(), rr.rtype, ttl, data_of(rr, ttl)]
    return " ".join(map(str, out))


def main():
    seed = int(os.environ.get("SEED", random.SystemRandom().getrandbits(32)))
    print(f"# SEED={seed}")
    rng = random.Random(seed)
    messages = [message(rng) for _ in range(MESSAGES)]
    read = subprocess.run([sys.argv[1]], input="".join(m.hex() + "\n" for m in messages), text=True,
                          check=True, capture_output=True).stdout.splitlines()
    wrong = [(m, got) for m, got in zip(messages, read) if got != expected(m)]
    for m, got in wrong[:3]:
        print(f"# {m.hex()}\n# dnslib: {expected(m)}\n# sluice: {got}")
    ok = not wrong and len(read) == MESSAGES
    print(f"{'' if ok else 'not '}ok 1 - {MESSAGES} messages\n1..1")
    return not ok


sys.exit(main())
