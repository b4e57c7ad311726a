"""Rig C: real TCP over veth. wrk, nginx and iperf3 at both ends of the lab; the kernel, haproxy, testpmd as a wire and
Sluice between them by turns. Ratios are taken round by round.

All ends share the control CPU, the gateway has the worker's. So a fast gateway shows what the ends can do: the wire is
the limit of this rig, and rows tell how near to it Sluice is.
"""
import shutil
import statistics

from rig import lab as labs, middle, rows

PROGRAMS = ("curl", "ethtool", "haproxy", "iperf3", "nft", "nginx", "wrk")
CONNECTIONS = 64
SECONDS = 1 # of each measurement: many rounds say more than long ones
ALL = (middle.Nft(), middle.Nft(spread=True), middle.Haproxy(), middle.Wire("af_packet"), middle.Wire("af_xdp"), middle.Sluice("af_packet"),
       middle.Sluice("af_xdp"))
SLUICE, WIRE = "sluice-af_xdp", "wire-af_xdp" # the driver that docs/ports.md advises for a veth
UNITS = {"conn": "connections/s", "req": "requests/s", "bulk": "Gbit/s"}


def measure(gateway, knobs):
    """One gateway, from an empty lab to its end."""
    with labs.Lab(knobs) as lab:
        gateway.up(lab)
        try:
            lab.reaches(gateway.address)
            conn, bad = lab.http(gateway.address, SECONDS, CONNECTIONS, close=True)
            req, worse = lab.http(gateway.address, SECONDS, CONNECTIONS, close=False)
            bulk = lab.bulk(gateway.address, SECONDS)
        except rows.Failed as error:
            raise rows.Failed(f"{gateway.name}: {error}\n{lab.tail(gateway.name)}") from error
        return {"conn": conn, "req": req, "bulk": bulk / 1e9, "errors": bad + worse}


def interleaved(knobs, progress):
    """A dict of each round: name of a gateway -> its figures."""
    rounds = []
    for number in range(1 if knobs.quick else knobs.rounds):
        at = number % len(ALL)
        found = {}
        for gateway in ALL[at:] + ALL[:at]:
            one = found[gateway.name] = measure(gateway, knobs)
            progress(f"veth: round {number + 1}, {gateway.name}: {one['conn']:.0f} connections/s, "
                     f"{one['req']:.0f} requests/s, {one['bulk']:.2f} Gbit/s, {one['errors']} errors")
        rounds.append(found)
    return rounds


def ratios(rounds, key, sluice, peer):
    return [r[sluice][key] / r[peer][key] for r in rounds]


def ratio(rounds, key, sluice, peer):
    return statistics.median(ratios(rounds, key, sluice, peer))


def table_rows(rounds):
    """What issue 5 asks. The kernel as it comes is the peer, as it was there; what RPS makes of it stands beside it."""
    out = []
    for key in ("conn", "req"):
        out += [rows.row(f"veth-{key}-nft", ratios(rounds, key, SLUICE, "nft"),
                         note=f"of nft with RPS {ratio(rounds, key, SLUICE, 'nft-rps'):.2f}, "
                              f"where the wire has {ratio(rounds, key, WIRE, 'nft-rps'):.2f}"),
                rows.row(f"veth-{key}-haproxy", ratios(rounds, key, SLUICE, "haproxy"),
                         note=f"the wire: {ratio(rounds, key, WIRE, 'haproxy'):.2f}")]
    packet = ratio(rounds, "bulk", "sluice-af_packet", "wire-af_packet")
    return out + [rows.row("veth-bulk-wire", ratios(rounds, "bulk", SLUICE, WIRE),
                           note=f"of af_xdp; of af_packet {packet:.2f}")]


def more_rows(rounds):
    """What stands behind it: how near the limit of the rig is, and every rate."""
    out = [rows.row(f"veth-{key}-wire", ratios(rounds, key, SLUICE, WIRE),
                    note="a wire does nothing: about the limit of the rig")
           for key in ("conn", "req")]
    return out + [rows.row(f"veth-{key}:{gateway.name}", [r[gateway.name][key] for r in rounds], unit)
                  for gateway in ALL for key, unit in UNITS.items()]


def all_rows(rounds):
    """A row with `wrong` says what no run may show."""
    out = table_rows(rounds) + more_rows(rounds)
    wrong = [f"veth: {name}: {one['errors']} connections or answers failed" for r in rounds for name, one in r.items()
             if name.startswith("sluice") and one["errors"]]
    if wrong:
        out[0]["wrong"] = wrong
    return out


def run(knobs, progress):
    """Rows of rig C."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        raise rows.Failed(f"not installed (scripts/setup): {', '.join(missing)}")
    return all_rows(interleaved(knobs, progress))
