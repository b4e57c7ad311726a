"""Frames of UDP over IPv4 in pcap files: made from a ladder of flows, or taken from a stranger's file.

A file is always classic pcap, microseconds, little endian, Ethernet. All frames of a file are served: they go
to a service, their checksums are right, and their destination is the MAC address of the port.
"""
import ipaddress
import random
import struct
import subprocess

HEADER = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
PORT_MAC = bytes.fromhex("020000000101")
CLIENT_MAC = bytes.fromhex("02000000010a")
VIPS = int(ipaddress.ip_address("198.18.0.10"))
VIP_PORT = 9
CLIENTS = int(ipaddress.ip_address("192.0.2.10"))
N_CLIENTS = 200
FIRST_SPORT = 1024
ETH, IP, UDP = 14, 20, 8
L3, L4, DATA = ETH, ETH + IP, ETH + IP + UDP

# Lengths without the frame check sequence; of seven, four and one of twelve frames: simple IMIX.
SIZES = {"64": [60], "256": [252], "1500": [1514], "imix": [60] * 7 + [566] * 4 + [1514]}


class BadFrames(Exception):
    """A file that can't be used; the text says why."""


def csum(data):
    """The Internet checksum of bytes; 0 when a right one is among them."""
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_csum(frame):
    """Over pseudo header, UDP header and payload of a frame without IP options."""
    length = struct.unpack_from(">H", frame, L4 + 4)[0]
    return csum(frame[L3 + 12:L3 + 20] + struct.pack(">HH", 17, length) + frame[L4:L4 + length])


def service_address(number):
    return VIPS + number


def flow(number, services):
    """The tuple of a flow: (source, destination, source port, destination port)."""
    return (CLIENTS + number % N_CLIENTS, service_address(number % services),
            FIRST_SPORT + number // N_CLIENTS, VIP_PORT)


def template(length):
    payload = length - DATA
    frame = bytearray(length)
    frame[0:14] = PORT_MAC + CLIENT_MAC + b"\x08\0"
    struct.pack_into(">BBHHHBBH", frame, L3, 0x45, 0, length - ETH, 0, 0x4000, 64, 17, 0)
    struct.pack_into(">HHHH", frame, L4, 0, 0, UDP + payload, 0)
    frame[DATA:] = bytes(65 + i % 26 for i in range(payload))
    return frame


def fold(total):
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def order(flows, zipf, seed):
    """The number of the flow of each frame: each flow once, shuffled, or drawn by Zipf's law (exponent 1)."""
    rng = random.Random(seed)
    n = max(flows, 4096)
    if not zipf:
        numbers = [i % flows for i in range(n)]
        rng.shuffle(numbers)
        return numbers
    weights, total = [], 0.0
    for rank in range(1, flows + 1):
        total += 1.0 / rank
        weights.append(total)
    return rng.choices(range(flows), cum_weights=weights, k=n)


def write(path, flows, services=1, zipf=False, size="64", seed=1, first=0):
    """Writes the frames of flows from the first one on, and returns their number and that of the flows among them."""
    numbers = [first + number for number in order(flows, zipf, seed)]
    lengths = SIZES[size]
    shapes = {}
    for length in set(lengths):
        frame = template(length)
        ip_sum = sum(struct.unpack_from(">10H", frame, L3))
        udp_sum = sum(struct.unpack(f">{(length - L4) // 2}H", frame[L4:])) + 17 + (length - L4)
        shapes[length] = (struct.pack("<IIII", 0, 0, length, length) + bytes(frame), ip_sum, udp_sum)
    with open(path, "wb") as out:
        out.write(HEADER)
        for at, number in enumerate(numbers):
            image, ip_sum, udp_sum = shapes[lengths[at % len(lengths)]]
            src, dst, sport, dport = flow(number, services)
            addresses = (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff)
            record = bytearray(image)
            struct.pack_into(">HII", record, 16 + L3 + 10, fold(ip_sum + addresses), src, dst)
            struct.pack_into(">HH", record, 16 + L4, sport, dport)
            struct.pack_into(">H", record, 16 + L4 + 6,
                             fold(udp_sum + addresses + sport + dport) or 0xffff)
            out.write(record)
    return len(numbers), len(set(numbers))


def read(path):
    """The frames of a classic pcap file, in any byte order; (captured bytes, whole) each."""
    with open(path, "rb") as file:
        data = file.read()
    for endian in "<>":
        if data[:4] in (struct.pack(endian + "I", 0xa1b2c3d4), struct.pack(endian + "I", 0xa1b23c4d)):
            break
    else:
        raise BadFrames(f"{path}: no pcap file")
    if struct.unpack_from(endian + "I", data, 20)[0] & 0xfffffff != 1:
        raise BadFrames(f"{path}: its frames are not Ethernet")
    at = len(HEADER)
    record = struct.Struct(endian + "IIII")
    while at + 16 <= len(data):
        _, _, kept, length = record.unpack_from(data, at)
        at += 16
        if at + kept > len(data):
            return # written while it was cut off
        yield data[at:at + kept], kept == length
        at += kept


def classic(path, work):
    """A pcapng file as a classic one; any other as it is."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x0a\x0d\x0d\x0a":
            return path
    out = f"{work}/classic.pcap"
    try:
        subprocess.run(["tcpdump", "-r", path, "-w", out], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BadFrames(f"{path} is pcapng, and tcpdump does not convert it: {error}") from error
    return out


def why_not(frame, whole, vip, port):
    """Why a stranger's frame is left out, or None."""
    if not whole:
        return "cut off when captured"
    if len(frame) < DATA or frame[12:14] != b"\x08\0":
        return "not IPv4 (or tagged)"
    total = struct.unpack_from(">H", frame, L3 + 2)[0]
    if frame[L3] != 0x45:
        return "IPv4 options"
    if struct.unpack_from(">H", frame, L3 + 6)[0] & 0x3fff:
        return "fragments"
    if frame[L3 + 9] != 17:
        return "not UDP"
    if total < IP + UDP or ETH + total > len(frame) or total > 1500:
        return "wrong or too long"
    if struct.unpack_from(">H", frame, L4 + 4)[0] != total - IP:
        return "UDP length wrong"
    if struct.unpack_from(">I", frame, L3 + 16)[0] != vip or struct.unpack_from(">H", frame, L4 + 2)[0] != port:
        return "to another destination"
    return "TTL too small" if frame[L3 + 8] < 2 else None


def adopt(path, out_path, vip, port, work):
    """Copies what is UDP to the VIP. Returns frames, flows, sources, and what was left out or put right."""
    notes, flows, sources, n = {}, set(), set(), 0

    def note(what):
        notes[what] = notes.get(what, 0) + 1

    with open(out_path, "wb") as out:
        out.write(HEADER)
        for frame, whole in read(classic(path, work)):
            why = why_not(frame, whole, vip, port)
            if why:
                note(f"left out: {why}")
                continue
            frame = bytearray(frame)
            if frame[0:6] != PORT_MAC:
                note("given the port's MAC address as destination")
                frame[0:6] = PORT_MAC
            if csum(bytes(frame[L3:L4])):
                note("IPv4 checksum put right")
                frame[L3 + 10:L3 + 12] = b"\0\0"
                struct.pack_into(">H", frame, L3 + 10, csum(bytes(frame[L3:L4])))
            if frame[L4 + 6:L4 + 8] != b"\0\0" and udp_csum(bytes(frame)):
                note("UDP checksum put right")
                frame[L4 + 6:L4 + 8] = b"\0\0"
                struct.pack_into(">H", frame, L4 + 6, udp_csum(bytes(frame)) or 0xffff)
            flows.add((bytes(frame[L3 + 12:L3 + 16]), bytes(frame[L4:L4 + 2])))
            sources.add(struct.unpack_from(">I", frame, L3 + 12)[0])
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
            n += 1
    if n == 0:
        said = "; ".join(f"{count} {what}" for what, count in notes.items()) or "it is empty"
        raise BadFrames(f"{path}: no UDP frame to the VIP ({said})")
    return n, len(flows), sources, notes


def stamp(frame, number):
    """The frame with an IPv4 identification of its own, so that the sink knows it again."""
    frame = bytearray(frame)
    struct.pack_into(">HHBBH", frame, L3 + 4, number & 0xffff, *struct.unpack_from(">HBB", frame, L3 + 6), 0)
    struct.pack_into(">H", frame, L3 + 10, csum(bytes(frame[L3:L4])))
    return bytes(frame)


def write_for_sink(path, out_path, again):
    """All frames of a file once, so that the table is as full as measured, then `again` of them, spread evenly.

    Returns the frames as sent, stamped.
    """
    frames = [frame for frame, _ in read(path)]
    step = max(1, len(frames) // again)
    picked = frames[::step]
    sent = [stamp(frame, i) for i, frame in enumerate(frames + picked * max(1, again // len(picked)))]
    with open(out_path, "wb") as out:
        out.write(HEADER)
        for frame in sent:
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    return sent, len(frames), step
