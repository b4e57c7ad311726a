#!/usr/bin/python3
"""Small ends of the network for smoke tests. Each verb prints one line (or serves until it is ended).

  echo ADDRESS PORT NAME       UDP server, answers "NAME payload"
  ask ADDRESS PORT COUNT       COUNT UDP requests from as many source ports: "answers N: name=n ..."
  tcp ADDRESS PORT [TIMEOUT]   connects: connected, refused, timeout, or an errno's name
  served PORT ADDRESS...       a GET to each, many at once; a line each: "ADDRESS WORD", the first word of the answer,
                               refused, or what went wrong
  udp ADDRESS PORT [TIMEOUT]   sends: answer TEXT, icmp TYPE/CODE from ADDRESS, or timeout
  stray ADDRESS PORT           a TCP segment that belongs to no flow: rst or silence
  hold ADDRESS PORT COUNT      COUNT TCP connections held open; says "held N", ends with its input
  burst ADDRESS PORT COUNT     COUNT requests from one socket at once: "answers N"
  first ADDRESS PORT           asks until somebody answers: milliseconds since the epoch
  turn ADDRESS PORT NAME       asks, a new flow each time, until NAME answers: milliseconds since the epoch
  gap ADDRESS PORT SECONDS     one flow, a request every 2 ms: "sent N answers N gap MS tail N"
                               (longest time without an answer; answers in the last half second)
  sticky ADDRESS PORT FLOWS    FLOWS flows, each asks all the time until its input ends:
                               "flows N sent N lost N strayed N" (strayed: answered by another server)
"""
import concurrent.futures
import errno
import select
import socket
import struct
import sys
import time

IP_RECVERR = 11


def echo(address, port, name):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    while True:
        data, peer = server.recvfrom(65536)
        server.sendto(name.encode() + b" " + data, peer)


def ask(address, port, count):
    names = {}
    for number in range(int(count)):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(3)
        client.connect((address, int(port)))
        payload = f"request-{number}".encode()
        try:
            client.send(payload)
            name, text = client.recv(65536).split(b" ", 1)
            if text == payload:
                names[name.decode()] = names.get(name.decode(), 0) + 1
        except OSError:
            pass
        client.close()
    print(f"answers {sum(names.values())}:", *(f"{n}={c}" for n, c in sorted(names.items())))


def tcp(address, port, timeout="3"):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(float(timeout))
    try:
        client.connect((address, int(port)))
        print("connected")
    except ConnectionRefusedError:
        print("refused")
    except (socket.timeout, TimeoutError):
        print("timeout")
    except OSError as error:
        print(errno.errorcode.get(error.errno, str(error)))


def word_of(address, port):
    try:
        with socket.create_connection((address, int(port)), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return client.makefile("rb").read().split(b"\r\n\r\n", 1)[-1].split()[0].decode()
    except ConnectionRefusedError:
        return "refused"
    except (OSError, IndexError) as error:
        return type(error).__name__


def served(port, *addresses):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for address, word in zip(addresses, pool.map(lambda a: word_of(a, port), addresses)):
            print(address, word)


def udp(address, port, timeout="3"):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    client.sendto(b"hello", (address, int(port)))
    # An ICMP error makes the socket readable only through its error queue.
    poll = select.poll()
    poll.register(client, select.POLLIN)
    events = poll.poll(float(timeout) * 1000)
    if not events:
        print("timeout")
    elif events[0][1] & select.POLLERR:
        _, ancillary, _, _ = client.recvmsg(512, 512, socket.MSG_ERRQUEUE)
        for level, kind, data in ancillary:
            if level == socket.IPPROTO_IP and kind == IP_RECVERR:
                # struct sock_extended_err, then the sockaddr of who sent the ICMP
                _, origin, icmp_type, code = struct.unpack_from("=IBBB", data)
                offender = socket.inet_ntoa(data[20:24])
                print(f"icmp {icmp_type}/{code} from {offender}" if origin == 2 else f"origin {origin}")
    else:
        print("answer", client.recv(65536).decode())


def stray(address, port):
    from scapy.all import IP, TCP, conf, sr1  # slow to load, so only here

    conf.verb = 0
    answer = sr1(IP(dst=address) / TCP(sport=4242, dport=int(port), flags="A", seq=1000, ack=2000),
                 timeout=3)
    if answer is None or TCP not in answer:
        print("silence")
    elif answer[TCP].flags == "R" and answer[TCP].seq == 2000:
        print("rst")
    else:
        print(answer.summary())


def hold(address, port, count):
    held = []
    for _ in range(int(count)):
        held.append(socket.create_connection((address, int(port)), timeout=10))
    print(f"held {len(held)}", flush=True)
    sys.stdin.read()


def burst(address, port, count):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.1)
    client.connect((address, int(port)))
    for number in range(int(count)):
        client.send(f"request-{number}".encode())
    got = set()
    until = time.monotonic() + 4
    while len(got) < int(count) and time.monotonic() < until:
        try:
            got.add(client.recv(65536).split(b" ", 1)[1])
        except (socket.timeout, TimeoutError):
            pass
    print(f"answers {len(got)}")


def first(address, port):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.005)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            client.sendto(b"?", (address, int(port)))
            client.recv(65536)
            print(time.time_ns() // 1000000)
            return
        except OSError:
            time.sleep(0.002)
    print("timeout")


def turn(address, port, name):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.settimeout(0.02)
        try:
            client.sendto(b"?", (address, int(port)))
            if client.recv(65536).split()[0].decode() == name:
                print(time.time_ns() // 1000000)
                return
        except OSError:
            pass
        client.close()
    print("timeout")


def gap(address, port, seconds):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, int(port)))
    client.setblocking(False)
    sent = 0
    answers = []
    begin = now = time.monotonic()
    end = begin + float(seconds)
    while now < end + 0.3:
        if now < end and now >= begin + sent * 0.002:
            try:
                client.send(b"?")
            except OSError:
                pass
            sent += 1
        try:
            client.recv(65536)
            answers.append(time.monotonic())
        except OSError:
            time.sleep(0.0005)
        now = time.monotonic()
    longest = max((b - a for a, b in zip([begin] + answers, answers)), default=end - begin)
    tail = sum(1 for t in answers if t > end - 0.5)
    print(f"sent {sent} answers {len(answers)} gap {longest * 1000:.0f} tail {tail}")


def sticky(address, port, flows):
    ends = []
    for _ in range(int(flows)):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect((address, int(port)))
        client.setblocking(False)
        ends.append(client)
    owner = {}
    pending = {}  # socket -> (payload, deadline)
    sent = lost = strayed = 0
    stop = False
    print("ready", flush=True)
    while not stop or pending:
        now = time.monotonic()
        for client in ends:
            if client in pending and now > pending[client][1]:
                del pending[client]
                lost += 1
            if client not in pending and not stop:
                payload = b"%d" % sent
                try:
                    client.send(payload)
                    sent += 1
                    pending[client] = (payload, now + 2)
                except OSError:
                    lost += 1
        ready, _, _ = select.select(ends + ([] if stop else [sys.stdin]), [], [], 0.01)
        for client in ready:
            if client is sys.stdin:
                stop = not sys.stdin.readline()
                continue
            try:
                name, payload = client.recv(65536).split(b" ", 1)
            except OSError:
                lost += 1
                pending.pop(client, None)
                continue
            if client in pending and pending[client][0] == payload:
                del pending[client]
            strayed += owner.setdefault(client, name) != name
        time.sleep(0.002)
    print(f"flows {len(owner)} sent {sent} lost {lost} strayed {strayed}")


VERBS = {f.__name__: f for f in (echo, ask, tcp, served, udp, stray, hold, burst, first, turn, gap, sticky)}

if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
    print(__doc__, file=sys.stderr)
    sys.exit(2)
try:
    VERBS[sys.argv[1]](*sys.argv[2:])
except KeyboardInterrupt:
    pass
