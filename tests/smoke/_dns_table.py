#!/usr/bin/python3
"""The table of failures of names: every kind of lying_dns.py in every situation, for dns_failures.sh.

  objects                      the ServiceEntries, one of each kind and situation
  addresses                    their VIPs, in the same order
  names [COLUMN...]            the names, of all situations or these
  wait SECONDS good|table      until `sluicectl dns` says what it should say; what is missing else
  show FILE                    the table, from sluicectl and FILE (of `_net.py served`); a line each that is wrong
  counters                     asks for one name of each kind again; a line each whose counter does not move, or of
                               which a counter of another kind does (those of all kinds, as answers, left aside)

CTL in the environment is sluicectl, with its options.
"""
import json
import os
import subprocess
import sys
import time

WHAT = {  # of an outcome, in each situation: the state; the server of new connections follows from it
    "good": ("fresh",) * 5,
    "failure": ("failed", "stale", "failed", "stale", "stale"),
    "empty": ("empty", "empty", "empty", "empty", "stale"),
    "range": ("refused", "stale", "refused", "stale", "stale"),
}
COLUMNS = {  # name: title, resolution, annotations
    "none": ("none before", "DNS", {}),
    "within": ("within maxStale", "DNS", {"sluice.io/dns-max-stale": "1h"}),
    "past": ("past maxStale", "DNS", {"sluice.io/dns-max-stale": "1s"}),
    "strict": ("strict", "DNS", {"sluice.io/dns-strict": "true", "sluice.io/dns-max-stale": "1s"}),
    "robin": ("DNS_ROUND_ROBIN", "DNS_ROUND_ROBIN", {"sluice.io/dns-max-stale": "1h"}),
}
KINDS = {  # label: outcome, the counter that tells it
    "ttl0": ("good", "dns_answers"), "good": ("good", "dns_answers"),
    "hugettl": ("good", "dns_answers"), "delay80": ("good", "dns_answers"),
    "chain": ("good", "dns_answers"), "oversized": ("good", "dns_answers"), "many": ("good", "dns_tcp"),
    "truncate": ("good", "dns_tcp"), "mixed": ("good", "dns_rejected"),
    "nxdomain-once": ("good", "dns_answers"), "nodata-once": ("good", "dns_answers"),
    "servfail-once": ("failure", "dns_answers"), "silence-once": ("good", "dns_answers"),
    "servfail": ("failure", "dns_servfail"), "refused": ("failure", "dns_refused"),
    "formerr": ("failure", "dns_formerr"), "notimp": ("failure", "dns_notimp"),
    "silence": ("failure", "dns_timeouts"), "drop": ("failure", "dns_timeouts"),
    "truncate-always": ("failure", "dns_bad"), "wrong-id": ("failure", "dns_timeouts"),
    "wrong-question": ("failure", "dns_timeouts"), "garbage": ("failure", "dns_timeouts"),
    "short": ("failure", "dns_timeouts"), "loop": ("failure", "dns_bad"),
    "cname-loop": ("failure", "dns_bad"),
    "nxdomain": ("empty", "dns_nxdomain"), "nodata": ("empty", "dns_nodata"),
    "loopback": ("range", "dns_rejected"), "linklocal": ("range", "dns_rejected"),
    "private": ("range", "dns_rejected"), "multicast": ("range", "dns_rejected"),
    "unspecified": ("range", "dns_rejected"), "broadcast": ("range", "dns_rejected"),
    "classe": ("range", "dns_rejected"),
}
CELLS = [(kind, column) for kind in KINDS for column in COLUMNS]


def name_of(kind, column):
    # Long times: once it is known, a name is asked for only when told to.
    return f"{kind}.ttl3600.soa3600.{column}.example"


def address_of(kind, column):
    return f"203.0.113.{1 + CELLS.index((kind, column))}"


def state_of(kind, column):
    return WHAT[KINDS[kind][0]][list(COLUMNS).index(column)]


def server_of(kind, column):
    state = state_of(kind, column)
    if state == "fresh":
        return "server3" if kind == "many" else "server2"
    return "server1" if state == "stale" else "refused"


def conditions_of(kind, column):
    state = state_of(kind, column)
    return ["True" if state in ("fresh", "stale") else "False", "True" if state == "stale" else "False"]


def ctl(*words):
    out = subprocess.run(os.environ["CTL"].split() + list(words), stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout) if "json" in words else None


def states():
    return {row["name"]: row["state"] for row in ctl("dns", "-o", "json")}


def counters():
    return {row["name"]: row["value"] for row in ctl("stats", "-a", "-o", "json")
            if row["worker"] is None and row["kind"] == "dns"}


def objects():
    for kind, column in CELLS:
        _, resolution, annotations = COLUMNS[column]
        print("---", json.dumps({
            "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
            "metadata": {"name": f"{kind}-{column}", "namespace": "default", "annotations": annotations},
            "spec": {"hosts": [name_of(kind, column)], "addresses": [address_of(kind, column)],
                     "ports": [{"number": 80, "name": "tcp", "protocol": "TCP"}], "resolution": resolution}}), sep="\n")


def wait(seconds, what):
    cells = CELLS if what == "table" else [cell for cell in CELLS if cell[1] != "none"]
    end = time.monotonic() + float(seconds)
    while True:
        got = states()
        wrong = [f"{k} {c}: {got.get(name_of(k, c))}" for k, c in cells
                 if got.get(name_of(k, c)) != (state_of(k, c) if what == "table" else "fresh")]
        if not wrong or time.monotonic() > end:
            print("\n".join(wrong))
            return
        time.sleep(0.1)


def show(served):
    with open(served, encoding="ascii") as lines:
        word = dict(line.split() for line in lines)
    state, wrong = states(), []
    print("#", f"{'kind':16}", *(f"{title:24}" for title, _, _ in COLUMNS.values()), "counter")
    for kind in KINDS:
        row = []
        for column in COLUMNS:
            rows = ctl("describe", "se", f"{kind}-{column}", "-n", "default", "-o", "json")
            said = {c["type"]: c["status"] for c in (rows[0] if isinstance(rows, list) else rows)["conditions"]}
            got = [state[name_of(kind, column)], word[address_of(kind, column)], said["Resolved"], said["Stale"]]
            expected = [state_of(kind, column), server_of(kind, column)] + conditions_of(kind, column)
            if got != expected:
                wrong.append(f"{kind} {column}: got {' '.join(got)}, expected {' '.join(expected)}")
            row.append(f"{got[0]} {got[1]} R={got[2][0]} S={got[3][0]}")
        print("#", f"{kind:16}", *(f"{cell:24}" for cell in row), KINDS[kind][1])
    print(*wrong, sep="\n", end="\n" if wrong else "")


def moved(kind):
    """What has moved by the time that the kind's counter has; None when it does not."""
    before, end = counters(), time.monotonic() + 3
    ctl("dns", "refresh", name_of(kind, "none"))
    while time.monotonic() < end:
        now = counters()
        names = {name for name in now if now[name] > before.get(name, 0)}
        if KINDS[kind][1] in names:
            return names
        time.sleep(0.03)
    return None


def settle():
    """Waits for the questions that are under way: each is silent for dns.timeout, 700 ms, at most."""
    now, end = counters(), time.monotonic() + 10
    while time.monotonic() < end:
        time.sleep(0.8)
        before, now = now, counters()
        if before == now:
            return


def told():
    kinds = {counter for _, counter in KINDS.values()} - {"dns_tcp", "dns_answers", "dns_timeouts"}
    for kind, (_, counter) in KINDS.items():
        names = moved(kind)
        others = (names or set()) & kinds - {counter}
        if names is None or others:
            print(f"{kind}: {counter} does not move" if names is None else f"{kind}: also {' '.join(sorted(others))}")
        if counter == "dns_timeouts":
            settle()
        if kind == "ttl0":  # asked for all the time, which the others are not
            for column in COLUMNS:
                ctl("delete", "-n", "default", "se", f"{kind}-{column}")


def main(verb, *words):
    if verb == "objects":
        objects()
    elif verb == "addresses":
        print(*(address_of(*cell) for cell in CELLS))
    elif verb == "names":
        print(*(name_of(k, c) for k, c in CELLS if not words or c in words))
    elif verb == "wait":
        wait(*words)
    elif verb == "show":
        show(*words)
    elif verb == "counters":
        told()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["help"]))
