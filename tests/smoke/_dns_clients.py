#!/usr/bin/python3
"""Odd ends of DNS for the smoke test of the responder. Each verb prints one line (or serves until ended).

  upstream ADDRESS PORT            a server (UDP and TCP) that does what the first label of the name says:
                                   ok, big (too much for UDP), id and question (a wrong answer, then the
                                   right one), case (a question in lower case only, then silence),
                                   refused, mute, echo (TXT: what it was asked, the transport, the port)
  burst ADDRESS PORT COUNT NAME    COUNT queries from one socket at once: "answers N servfail N"
  pipeline ADDRESS PORT COUNT NAME...   COUNT queries in one write over TCP, names in turn, then no more:
                                   "answers N distinct N servfail N order in|out"
  dribble ADDRESS PORT NAME        one query over TCP, a byte at a time: "answers N"
  garbage ADDRESS PORT COUNT       datagrams and TCP streams that are no queries: "sent N answers N"
  crowd ADDRESS PORT COUNT [FROM...]
                                   COUNT connections at once, from those addresses in turn: "open N turned_away N"
  quiet ADDRESS PORT               a connection that says nothing, half a query, and one that reads
                                   nothing of what it asks for, until all are closed:
                                   "closed SECONDS SECONDS SECONDS"
  p99                              verbose output of dnsperf from the input: "p50 MS p99 MS max MS of N"
"""
import random
import select
import socket
import struct
import sys
import threading
import time

from dnslib import A, DNSRecord, QTYPE, RCODE, RR, TXT


def frame(message):
    return struct.pack(">H", len(message)) + message


def read_frame(stream):
    head = read_all(stream, 2)
    return read_all(stream, struct.unpack(">H", head)[0])


def read_all(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def query(name, number, kind="A"):
    q = DNSRecord.question(name, kind)
    q.header.id = number
    return q.pack()


# ---- the server ----

def replies(message, transport, port):
    q = DNSRecord.parse(message)
    name = str(q.q.qname)
    what = name.split(".")[0].lower()
    r = q.reply()
    if what == "refused":
        r.header.rcode = RCODE.REFUSED
    elif what == "big":
        for i in range(100):
            r.add_answer(RR(name, QTYPE.A, rdata=A(f"198.18.0.{i}"), ttl=60))
    elif what == "echo":
        r.add_answer(RR(name, QTYPE.TXT, rdata=TXT(f"{name} {transport} {port} {q.header.id}"), ttl=0))
    else:
        r.add_answer(RR(name, QTYPE.A, rdata=A("198.18.0.1"), ttl=60))
    good = r.pack()
    # The question as it was asked, byte by byte.
    question = len(DNSRecord.question(name).pack())
    good = message[:2] + good[2:12] + message[12:question] + good[question:]
    if what == "mute":
        return []
    if what == "case":
        return [good[:12] + good[12:].lower()]
    if what == "id":
        return [struct.pack(">H", (q.header.id + 1) & 0xffff) + good[2:], good]
    if what == "question":
        return [good[:13] + b"x" + good[14:], good]
    return [good]


def upstream(address, port):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, int(port)))
    tcp = socket.create_server((address, int(port)), backlog=128)

    def serve(stream, peer):
        try:
            while True:
                for answer in replies(read_frame(stream), "tcp", peer[1]):
                    stream.sendall(frame(answer))
        except (EOFError, OSError):
            stream.close()

    def accept():
        while True:
            threading.Thread(target=serve, args=tcp.accept(), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    while True:
        message, peer = udp.recvfrom(65536)
        for answer in replies(message, "udp", peer[1]):
            udp.sendto(answer, peer)


# ---- the clients ----

def burst(address, port, count, name):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    client.connect((address, int(port)))
    for number in range(int(count)):
        client.send(query(name, number))
    rcodes = []
    while select.select([client], [], [], 2)[0]:
        rcodes.append(client.recv(4096)[3] & 15)
    print(f"answers {len(rcodes)} servfail {rcodes.count(2)}")


def pipeline(address, port, count, *names):
    stream = socket.create_connection((address, int(port)))
    stream.settimeout(10)
    stream.sendall(b"".join(frame(query(names[i % len(names)], i)) for i in range(int(count))))
    stream.shutdown(socket.SHUT_WR)
    ids, failed = [], 0
    try:
        while True:
            answer = read_frame(stream)
            ids.append(struct.unpack(">H", answer[:2])[0])
            failed += answer[3] & 15 == 2
    except EOFError:
        pass
    print(f"answers {len(ids)} distinct {len(set(ids))} servfail {failed}",
          "order", "in" if ids == sorted(ids) else "out")


def dribble(address, port, name):
    stream = socket.create_connection((address, int(port)))
    stream.settimeout(10)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in frame(query(name, 7)):
        stream.send(bytes([byte]))
        time.sleep(0.005)
    print("answers", DNSRecord.parse(read_frame(stream)).a.rdata)


def garbage(address, port, count):
    rnd = random.Random(4)
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, int(port)))
    good = query("www.example.com", 1)
    answers = 0
    for i in range(int(count)):
        kind = i % 5
        if kind == 0:
            data = rnd.randbytes(rnd.randrange(0, 1400))
        elif kind == 1:  # some bytes of a good one are others
            data = bytearray(good)
            for _ in range(rnd.randrange(1, 4)):
                data[rnd.randrange(2, len(data))] = rnd.randrange(256)
        elif kind == 2:
            data = good[:rnd.randrange(len(good))]
        elif kind == 3:  # a name that points to itself
            data = good[:12] + b"\xc0\x0c" + good[-4:]
        else:  # a response is no query
            data = good[:2] + bytes([good[2] | 0x80]) + good[3:]
        client.send(bytes(data))
        while select.select([client], [], [], 0)[0]:
            client.recv(4096)
            answers += 1
    for data in (b"\0\0", b"\0\1x", b"\xff\xff" + rnd.randbytes(5000), frame(rnd.randbytes(500)),
                 frame(good[:20]), b"\0", b"GET / HTTP/1.0\r\n\r\n"):
        stream = socket.create_connection((address, int(port)))
        try:
            stream.sendall(data)
        except OSError:
            pass
        stream.close()
    print("sent", count, "answers", answers)


def is_open(stream):
    if not select.select([stream], [], [], 0)[0]:
        return True
    try:
        return bool(stream.recv(65536))
    except OSError:
        return False


def crowd(address, port, count, *sources):
    froms = [(source, 0) for source in sources] or [None]
    streams = [
        socket.create_connection((address, int(port)), source_address=froms[i % len(froms)])
        for i in range(int(count))
    ]
    time.sleep(0.5)
    here = sum(is_open(s) for s in streams)
    print("open", here, "turned_away", len(streams) - here)


def quiet(address, port):
    streams = [socket.create_connection((address, int(port))) for _ in range(2)]
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect((address, int(port)))
    deaf.setblocking(False)
    begin = time.monotonic()
    streams[1].sendall(frame(query("www.example.com", 1))[:9])
    asked = frame(query("many.example.com", 1)) * 100
    closed = [None] * 3
    while None in closed and time.monotonic() - begin < 30:
        for i, stream in enumerate(streams):
            if closed[i] is None and not is_open(stream):
                closed[i] = time.monotonic() - begin
        try:
            deaf.send(asked)
        except BlockingIOError:
            pass
        except OSError:
            closed[2] = closed[2] or time.monotonic() - begin
        time.sleep(0.05)
    print("closed", *("never" if c is None else round(c) for c in closed))


def p99():
    times = []
    for line in sys.stdin:
        word = line.split()
        if len(word) >= 4 and word[0] == ">" and word[1] == "NOERROR":
            times.append(float(word[-1]))
    times.sort()
    at = lambda part: 1000 * times[min(len(times) - 1, int(part * len(times)))]
    print(f"p50 {at(0.5):.3f} p99 {at(0.99):.3f} max {at(1):.3f} of {len(times)}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in (
            "upstream", "burst", "pipeline", "dribble", "garbage", "crowd", "quiet", "p99"):
        sys.exit(__doc__)
    globals()[sys.argv[1]](*sys.argv[2:])
