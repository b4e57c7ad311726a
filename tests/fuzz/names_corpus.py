#!/usr/bin/python3
"""Writes the corpus of fuzz_names: what the lying server of the smoke tests says, and texts.

usage: names_corpus.py [FOLDER]
"""
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "smoke"))
import lying_dns  # noqa: E402

TEXTS = {
    "hosts-plain": b"\x01192.0.2.1 www.example www # one\n2001:db8::1\tWWW.example.\r\n\n# none\n",
    "hosts-bad": b"\x01not an address\n192.0.2.1\n192.0.2.2 a..b *.example " + b"x" * 64 + b"\n",
    "name-plain": b"\x03WWW.Example.",
    "name-long": b"\x03" + b".".join([b"a" * 63] * 4),
    "name-longest": b"\x03" + b".".join([b"a" * 63] * 3 + [b"a" * 61]),
    "name-bad": b"\x03a\\.b\xff",
}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "corpus", "names")
    os.makedirs(folder, exist_ok=True)
    random.seed(1)
    for name, data in TEXTS.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(data)
    liar = lying_dns.Liar(None, None)
    question = lying_dns.wire("www.example") + struct.pack("!HH", lying_dns.A, 1)
    query = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + question
    for label in sorted(lying_dns.PLAIN - {"silence", "drop"} - {name for name in lying_dns.PLAIN if name.endswith("-once")}):
        does = {label: True, "soa": "5"}
        data = liar.message(query, len(query) - 4, "www.example", lying_dns.A, does, False)
        with open(os.path.join(folder, "says-" + label), "wb") as out:
            out.write((b"\x20" if label == "private" else b"\0") + data)


if __name__ == "__main__":
    main()
