#!/usr/bin/python3
"""What the packet path of a program consists of, read from its machine code.

usage: _hotpath.py PROGRAM ROOT[@FILE]...

Walks all functions that can be reached from ROOT by direct calls and jumps, and prints, one a line, each
locked or fencing instruction, each call of a function outside the program that is not known to be
harmless, and each call through a pointer, unless the list EXCUSED knows it: where, the reason beside it.
"""
import collections
import fnmatch
import re
import subprocess
import sys

# Only what reads and writes the memory that it is given.
PURE = {"memcpy", "memmove", "memset", "memcmp", "__stack_chk_fail", "__memcpy_chk", "__memset_chk", "XXH64",
        "pow", "fmax"}

# (what, in which function, why it does not count). `what` is a pattern of what is printed; the function is
# one that the instruction comes from, inlined ones included.
EXCUSED = [
    # our own rare side
    ("call prctl", "sl_worker_run", "once, at the start"),
    ("*", "sl_rcu_register", "once, at the start"),
    ("*", "sl_rcu_unregister", "once, at the end"),
    ("*", "rest", "an idle worker that goes to sleep"),
    ("*", "sl_rcu_online", "after a sleep"),
    ("*", "wake_mirror", "the mirror thread sleeps and something was punted: once a round at most"),
    ("call write", "ask", "a next hop that control has to be asked for: once a second each"),
    ("call __assert_fail", "*", "a bug of ours: the end"),
    ("call __rte_panic", "*", "a bug of ours: the end"),
    # DPDK's buffers: the counter is touched only when it is not 1, and we never clone a buffer
    ("lock *", "__rte_mbuf_refcnt_update", "a buffer with other owners: there is none"),
    ("lock *", "rte_mbuf_refcnt_update", "a buffer with other owners: there is none"),
    ("lock *", "__rte_pktmbuf_pinned_extbuf_decref", "an external buffer: there is none"),
    ("lock *", "rte_mbuf_ext_refcnt_update", "an external buffer: there is none"),
    # calls through pointers: where they lead is among the roots
    ("call *", "sl_pipe_run", "pipe_express_*"),
    ("call *", "sl_flow_expire", "on_due in housekeeping.c"),
    ("call *", "hold_ask", "ask in worker.c"),
    ("call *", "hold_put", "ask in worker.c"),
    ("call *", "pipe_retry", "frame_new in worker.c"),
    ("call *", "rte_eth_rx_burst", "the device's driver"),
    ("call *", "rte_eth_tx_burst", "the device's driver"),
    ("call *", "rte_mempool_ops_enqueue_bulk", "the pool's ring, when a worker's own cache is full"),
    ("call *", "rte_mempool_ops_dequeue_bulk", "the pool's ring, when a worker's own cache is empty"),
    ("call *", "__rte_pktmbuf_free_extbuf", "an external buffer: there is none"),
    ("call *", "__rte_mbuf_raw_free", "the pool's ring, when a worker's own cache is full"),
]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Code:
    """Functions by name and address, and what each instruction does."""

    def __init__(self, program):
        self.program = program
        self.functions = {}   # address: (name, [(address, text)])
        self.by_name = collections.defaultdict(list)
        here = None
        for line in run("objdump", "-d", "--no-show-raw-insn", program).splitlines():
            head = re.match(r"([0-9a-f]+) <(.+)>:$", line)
            if head:
                here = int(head[1], 16)
                self.functions[here] = (head[2], [])
                self.by_name[head[2]].append(here)
            elif here is not None:
                step = re.match(r"\s+([0-9a-f]+):\s+(\S.*)", line)
                if step:
                    self.functions[here][1].append((int(step[1], 16), step[2]))

    def file_of(self, address):
        return run("addr2line", "-s", "-e", self.program, f"{address:#x}").split(":")[0]

    def roots(self, patterns):
        for pattern in patterns:
            name, _, file = pattern.partition("@")
            found = [a for n in fnmatch.filter(self.by_name, name) for a in self.by_name[n]
                     if not file or self.file_of(a) == file]
            if not found:
                sys.exit(f"{self.program} has no function {pattern}")
            yield from found

    def origins(self, addresses):
        """address: the functions that the instruction comes from, innermost first."""
        found = {}
        asked = [f"{a:#x}" for a in addresses]
        out = run("addr2line", "-a", "-i", "-f", "-e", self.program, *asked).splitlines() if asked else []
        at = 0
        for line in out:
            if line.startswith("0x"):
                at = int(line, 16)
                found[at] = []
            elif ":" not in line:
                found[at].append(line.split(".")[0])
        return found


def is_locked(text):
    words = text.split("#")[0]
    return bool(re.match(r"(lock|[ms]fence\b|xadd|cmpxchg)", words) or re.match(r"xchg\S*\s.*\(", words))


def walk(code, roots):
    """(address, function, what) of all that is worth a look; and how many functions there are."""
    seen, todo, found = set(), list(roots), []
    while todo:
        at = todo.pop()
        if at in seen or at not in code.functions:
            continue
        seen.add(at)
        name, steps = code.functions[at]
        inside = range(at, steps[-1][0] + 1) if steps else ()
        for address, text in steps:
            if is_locked(text) or text.startswith("syscall"):
                found.append((address, name, " ".join(text.split())))
            jump = re.match(r"(?:bnd |notrack )*(call|j\w+)\s+([0-9a-f]+) <([^>+]+)(\+0x[0-9a-f]+)?>", text)
            if jump and "@" in jump[3]:
                callee = jump[3].split("@")[0]
                if callee not in PURE:
                    found.append((address, name, f"call {callee}"))
            elif jump and int(jump[2], 16) not in inside:
                target = int(jump[2], 16) - int((jump[4] or "+0")[1:], 16)
                todo.append(target)
            elif re.match(r"(?:bnd |notrack )*(call\s+\*|jmp\s+\*(0x[0-9a-f]+)?\(%\w+\))", text):
                found.append((address, name, "call *" + text.split("*", 1)[1].split("#")[0].strip()))
    return found, len(seen)


def excuse(what, origins):
    for pattern, function, why in EXCUSED:
        if fnmatch.fnmatch(what, pattern.replace("[", "[[]")) and any(fnmatch.fnmatch(o, function) for o in origins):
            return why
    return None


def main():
    code = Code(sys.argv[1])
    found, n = walk(code, code.roots(sys.argv[2:]))
    origins = code.origins({address for address, _, _ in found})
    excused = collections.Counter()
    for address, function, what in found:
        chain = origins.get(address, []) + [function.split(".")[0]]
        why = excuse(what, chain)
        if why:
            excused[why] += 1
        else:
            print(f"{function}: {what} ({' < '.join(dict.fromkeys(chain))})")
    print(f"{n} functions", file=sys.stderr)
    for why, times in sorted(excused.items()):
        print(f"excused {times} x: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
