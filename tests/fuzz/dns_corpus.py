#!/usr/bin/python3
"""Writes the seeds of fuzz_dns, what servers answer and what they should not, and of fuzz_respond,
what clients ask.

usage: dns_corpus.py CORPUS (the folder with the folders dns and respond)
"""
import pathlib
import struct
import sys

from dnslib import (A, AAAA, CNAME, EDNS0, MX, NS, QTYPE, RR, SOA, TXT, DNSHeader, DNSQuestion,
                    DNSRecord)

HOST = "api.example.com"
QUESTION = b"\3api\7example\3com\0"


def query(name=HOST, qtype="A", **header):
    return DNSRecord(DNSHeader(id=0x1234, rd=1, **header), q=DNSQuestion(name, getattr(QTYPE, qtype)))


def answer(*records, name=HOST, qtype="A", auth=(), ar=(), **header):
    m = DNSRecord(DNSHeader(id=0x1235, qr=1, ra=1, rd=1, **header),
                  q=DNSQuestion(name, getattr(QTYPE, qtype)))
    m.add_answer(*records)
    m.add_auth(*auth)
    m.add_ar(*ar)
    return m


def rr(name, rtype, rdata, ttl=30):
    return RR(name, getattr(QTYPE, rtype), rdata=rdata, ttl=ttl)


def a(name=HOST, address="192.0.2.1", ttl=30):
    return rr(name, "A", A(address), ttl)


def aaaa(name=HOST, address="2001:db8::1", ttl=30):
    return rr(name, "AAAA", AAAA(address), ttl)


def cname(name, to, ttl=60):
    return rr(name, "CNAME", CNAME(to), ttl)


def soa(name="example.com", ttl=3600, minimum=300):
    return rr(name, "SOA", SOA("ns." + name, "root." + name, (1, 7200, 900, 86400, minimum)), ttl)


def opt(size=1232, **more):
    return EDNS0(udp_len=size, **more)


def chain(n, end=True):
    names = [HOST] + [f"c{i}.example.net" for i in range(n)]
    records = [cname(one, to) for one, to in zip(names, names[1:])]
    return answer(*records, *([a(names[-1])] if end else []))


def raw(counts=(1, 0, 0, 0), question=QUESTION, records=b"", flags=0x8180, qtype=1):
    return (struct.pack(">6H", 0x1236, flags, *counts) + question
            + (struct.pack(">2H", qtype, 1) if question else b"") + records)


def raw_rr(owner, rtype=1, rdata=b"\xc0\0\2\1", ttl=30, rdlen=None, rclass=1):
    return owner + struct.pack(">2HIH", rtype, rclass, ttl,
                               len(rdata) if rdlen is None else rdlen) + rdata


AT = bytes([0xc0, 12])
RECORDS = 12 + len(QUESTION) + 4  # where the first record is
MAX_NAME = b"".join(b"\x3f" + c * 63 for c in (b"a", b"b", b"c")) + b"\x3d" + b"d" * 61 + b"\0"
TOO_LONG = b"".join(b"\x3f" + c * 63 for c in (b"a", b"b", b"c")) + b"\x3e" + b"d" * 62 + b"\0"
OPT = raw_rr(b"\0", 41, b"", 0, rclass=4096)


def pointers(n):
    """Pointers in the data of a TXT record, each to the one before; then an A record of the last."""
    at, data = RECORDS + 12, b""
    for i in range(n):
        data += struct.pack(">H", 0xc000 | (12 if i == 0 else at + 2 * (i - 1)))
    return raw((1, 2, 0, 0), records=raw_rr(AT, 16, data) + raw_rr(
        struct.pack(">H", 0xc000 | at + 2 * (n - 1))))


SEEDS = {
    "query": query().pack(),
    "query-aaaa": query(qtype="AAAA").pack(),
    "query-https": query(qtype="HTTPS").pack(),
    "query-root": query(".", "NS").pack(),
    "query-mixed-case": query("aPi.ExAmple.COM").pack(),
    "query-opt": DNSRecord(DNSHeader(id=1), q=DNSQuestion(HOST), ar=[opt(flags="do")]).pack(),
    "query-opt-version": DNSRecord(DNSHeader(id=1), q=DNSQuestion(HOST), ar=[opt(version=1)]).pack(),
    "query-opt-tiny": DNSRecord(DNSHeader(id=1), q=DNSQuestion(HOST), ar=[opt(0)]).pack(),
    "query-notify": query(opcode=4).pack(),
    "query-none": raw((0, 0, 0, 0), b""),
    "query-two": raw((2, 0, 0, 0), records=QUESTION + b"\0\x1c\0\1", flags=0x100),
    "query-many": raw((100, 0, 0, 0), records=b"\1a\0\0\1\0\1" * 99, flags=0x100),
    "query-chaos": raw()[:-1] + b"\3",
    "one": answer(a()).pack(),
    "one-aaaa": answer(aaaa(), qtype="AAAA").pack(),
    "three": answer(*(a(address=f"192.0.2.{i}", ttl=i) for i in range(1, 4))).pack(),
    "twice": answer(a(), a()).pack(),
    "other-case": answer(a("API.Example.com")).pack(),
    "other-owner": answer(a("other.example.com")).pack(),
    "other-family": answer(aaaa()).pack(),
    "many": answer(*(a(address=f"198.18.{i // 250}.{i % 250}") for i in range(500))).pack(),
    "many-aaaa": answer(*(aaaa(address=f"2001:db8::{i:x}") for i in range(100)), qtype="AAAA").pack(),
    "ttl-0": answer(a(ttl=0)).pack(),
    "ttl-past": answer(a(ttl=0x80000000)).pack(),
    "ttl-max": answer(a(ttl=0x7fffffff)).pack(),
    "chain-1": chain(1).pack(),
    "chain-backwards": answer(a("c0.example.net"), cname(HOST, "c0.example.net")).pack(),
    "chain-16": chain(16).pack(),
    "chain-17": chain(17).pack(),
    "chain-open": chain(2, False).pack(),
    "chain-soa": answer(cname(HOST, "b.example.net", 20), auth=[soa("example.net")]).pack(),
    "chain-loop": answer(cname(HOST, "b.example.com"), cname("b.example.com", HOST)).pack(),
    "chain-self": answer(cname(HOST, HOST)).pack(),
    "chain-two": answer(cname(HOST, "b.example.com"), cname(HOST, "c.example.com"),
                        a("c.example.com"), a("b.example.com", "192.0.2.2")).pack(),
    "nxdomain": answer(auth=[soa()], rcode=3).pack(),
    "nodata": answer(auth=[soa(ttl=10)]).pack(),
    "nodata-no-soa": answer().pack(),
    "servfail": answer(rcode=2).pack(),
    "refused": answer(rcode=5).pack(),
    "truncated-flag": answer(a(), tc=1).pack(),
    "referral": answer(auth=[rr("example.com", "NS", NS("ns.example.com"))],
                       ar=[a("ns.example.com"), opt()]).pack(),
    "mixed-types": answer(rr(HOST, "MX", MX("mx.example.com")), rr(HOST, "TXT", TXT("v=1")), a(),
                          ar=[opt()]).pack(),
    "trailing": answer(a()).pack() + b"trailing",
    "cut-header": answer(a()).pack()[:11],
    "cut-question": answer(a()).pack()[:20],
    "cut-record": answer(a()).pack()[:-2],
    "cut-owner": answer(a()).pack()[:RECORDS + 1],
    "empty": b"",
    "counts-lie": raw((1, 2, 0, 0), records=raw_rr(AT)),
    "counts-max": raw((1, 65535, 65535, 65535), records=raw_rr(AT)),
    "counts-less": raw((1, 1, 0, 0), records=raw_rr(AT) + raw_rr(AT)),
    "questions-lie": raw((2, 0, 0, 0)),
    "opt-twice": raw((1, 0, 0, 2), records=OPT + OPT),
    "opt-answer": raw((1, 1, 0, 0), records=OPT),
    "opt-owner": raw((1, 0, 0, 1), records=raw_rr(AT, 41, b"")),
    "opt-options": raw((1, 0, 0, 1), records=raw_rr(b"\0", 41, b"\0\x0a\0\x08abcdefgh", 0x8000)),
    "rdlen-past": raw((1, 1, 0, 0), records=raw_rr(AT, rdlen=5)),
    "a-short": raw((1, 1, 0, 0), records=raw_rr(AT, rdata=b"\xc0\0\2")),
    "a-class": raw((1, 1, 0, 0), records=raw_rr(AT, rclass=3)),
    "cname-past": raw((1, 1, 0, 0), records=raw_rr(AT, 5, b"\1b\0\0")),
    "cname-cut": raw((1, 1, 0, 0), records=raw_rr(AT, 5, b"\5bc")),
    "soa-short": raw((1, 0, 1, 0), records=raw_rr(AT, 6, b"\0\0" + b"\0" * 19)),
    "soa-cut": raw((1, 0, 1, 0), records=raw_rr(AT, 6, b"\0\5a")),
    "pointer-self": raw((1, 1, 0, 0), records=raw_rr(struct.pack(">H", 0xc000 | RECORDS))),
    "pointer-forward": raw((1, 1, 0, 0), records=raw_rr(struct.pack(">H", 0xc000 | RECORDS + 2))),
    "pointer-header": raw((1, 1, 0, 0), records=raw_rr(b"\xc0\0")),
    "pointer-past": raw((1, 1, 0, 0), records=raw_rr(b"\xff\xff")),
    "pointer-cut": raw((1, 1, 0, 0), records=b"\xc0"),
    "pointer-loop": raw((1, 1, 0, 0), records=raw_rr(b"\1a" + struct.pack(">H", 0xc000 | RECORDS))),
    "pointer-question": raw(question=b"\1a\xc0\x0c"),
    "pointers-127": pointers(126),
    "pointers-128": pointers(127),
    "pointers-5000": pointers(5000),
    "label-64": raw(question=b"\x40" + b"a" * 64 + b"\0"),
    "label-binary": raw(question=b"\3a\0b\0"),
    "label-dot": raw(question=b"\3a.b\0"),
    "label-space": raw(question=b"\3a b\0"),
    "label-utf8": raw(question=b"\4b\xc3\xbcr\0"),
    "labels-64": raw(question=b"\1a" * 64 + b"\0"),
    "labels-127": raw(question=b"\1a" * 127 + b"\0"),
    "labels-128": raw(question=b"\1a" * 128 + b"\0"),
    "name-255": raw((1, 1, 0, 0), question=MAX_NAME, records=raw_rr(AT)),
    "name-256": raw(question=TOO_LONG),
    "name-256-pointer": raw((1, 1, 0, 0), question=MAX_NAME, records=raw_rr(b"\1a" + AT)),
    "name-cut": raw()[:-5],
}


TCP, NO_TABLE, GROUP_1, GROUP_3, IPV6 = 1, 2, 4, 8, 12


def asked(name=HOST, qtype="A", how=0, edns=None, **header):
    """The first byte is fuzz_respond's own."""
    m = query(name, qtype, **header)
    if edns is not None:
        m.add_ar(opt(**edns))
    return bytes([how]) + bytes(m.pack())


ASKED = {
    "host": asked(),
    "host-aaaa": asked(qtype="AAAA"),
    "host-edns": asked(edns={"size": 4096, "flags": "do"}),
    "host-edns-version": asked(edns={"version": 1}),
    "host-tcp": asked(how=TCP),
    "host-mixed-case": asked("aPi.eXAMPLE.com"),
    "host-https": asked(qtype="HTTPS"),
    "host-any": asked(qtype="ANY"),
    "host-axfr": asked(qtype="AXFR", how=TCP),
    "no-family": asked("v4.example.com", "AAAA"),
    "no-address": asked("none.example.com"),
    "no-table": asked(how=NO_TABLE),
    "unknown": asked("www.example.org"),
    "root": asked("."),
    "many": asked("many.example.com"),
    "many-edns": asked("many.example.com", edns={"size": 800}),
    "many-tcp": asked("many.example.com", how=TCP),
    "many-alias": asked("many.example.com.lab.local"),
    "shared-0": asked("shared.example.com"),
    "shared-1": asked("shared.example.com", how=GROUP_1),
    "shared-3": asked("shared.example.com", how=GROUP_3),
    "shared-ipv6": asked("shared.example.com", how=IPV6),
    "wildcard": asked("a.b.wild.example.com"),
    "wildcard-itself": asked("wild.example.com"),
    "wildcard-longest": asked("a.deep.wild.example.com"),
    "alias": asked("web.team.lab.local"),
    "alias-aaaa": asked("web.team.lab.local", "AAAA"),
    "alias-wildcard": asked("x.team.lab.local"),
    "alias-twice": asked("in.lab.local.lab.local"),
    "notify": asked(opcode=4),
    "update": asked(qtype="SOA", opcode=5),
    "response": bytes([0]) + bytes(answer(a()).pack()),
    "header": bytes([0]) + bytes(query().pack()[:12]),
    "short": bytes([0, 1, 2]),
    "none": bytes([0]) + raw((0, 0, 0, 0), b"", flags=0x100),
    "two": bytes([0]) + raw((2, 0, 0, 0), records=QUESTION + b"\0\x1c\0\1", flags=0x100),
    "chaos": bytes([0]) + raw(flags=0x100)[:-1] + b"\3",
    "cut": asked()[:-3],
    "binary": bytes([0]) + raw(question=b"\3a.b\7example\3com\0", flags=0x100),
    "name-255": bytes([0]) + raw(question=MAX_NAME, flags=0x100),
    "name-255-wildcard": bytes([0]) + raw(
        question=b"\1a" * 118 + b"\4wild" + QUESTION[4:], flags=0x100),
    "opt-twice": bytes([0]) + raw((1, 0, 0, 2), records=OPT + OPT, flags=0x100),
}


def main():
    corpus = pathlib.Path(sys.argv[1])
    for folder, seeds in (("dns", SEEDS), ("respond", ASKED)):
        (corpus / folder).mkdir(exist_ok=True)
        for name, data in seeds.items():
            (corpus / folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
