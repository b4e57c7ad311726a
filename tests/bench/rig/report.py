"""What a run found: a table for people, JSON for programs, plots, and the generated part of a document."""
import json
import pathlib
import shutil
import statistics

from rig import cases, rows

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def spread(values):
    """{median, min, max, n} of a list, None of an empty one."""
    values = [v for v in values if v is not None]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


def summary(case, rounds, clock_hz):
    """Figures of a case out of its rounds, each {program: measurement}. Ratios are taken round by round."""
    rate = lambda name: [r[name]["pps"] for r in rounds]
    ratio = lambda name: [r["sluice"]["pps"] / r[name]["pps"] for r in rounds]
    above = [clock_hz / r["sluice"]["pps"] - clock_hz / r["io"]["pps"] for r in rounds]
    return {
        "io_pps": spread(rate("io")), "5tswap_pps": spread(rate("5tswap")), "sluice_pps": spread(rate("sluice")),
        "ratio_5tswap": spread(ratio("5tswap")), "ratio_io": spread(ratio("io")),
        "cycles": spread([clock_hz / pps for pps in rate("sluice")]), "cycles_above_io": spread(above),
        "io_cycles": spread([clock_hz / pps for pps in rate("io")]),
        "5tswap_cycles": spread([clock_hz / pps for pps in rate("5tswap")]),
        "new_flows_per_s": spread([r["sluice"]["new_flows"] for r in rounds])
                           if case.flows >= cases.LEAST_NEW else None,
        "least_share": min(m["share"] for r in rounds for m in r.values()),
    }


def cell(figure, scale=1.0, digits=1):
    if figure is None:
        return "-"
    low, middle, high = (f"{figure[k] / scale:.{digits}f}" for k in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def columns(lines):
    """For a terminal: as wide as its words."""
    width = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, width)).rstrip() for line in lines)


HEAD = ("frames", "testpmd io, Mpps", "5tswap, Mpps", "Sluice, Mpps", "÷ io", "÷ 5tswap", "cycles", "above io",
        "new flows, M/s")


def row(result):
    f = result["figures"]
    return (result["title"], cell(f["io_pps"], 1e6), cell(f["5tswap_pps"], 1e6), cell(f["sluice_pps"], 1e6),
            cell(f["ratio_io"], digits=2), cell(f["ratio_5tswap"], digits=2), cell(f["cycles"], digits=0),
            cell(f["cycles_above_io"], digits=0), cell(f["new_flows_per_s"], 1e6))


def table(results):
    lines = [HEAD, *map(row, results)]
    # A column that no case of this run fills says nothing.
    used = [i for i in range(len(HEAD)) if any(line[i] != "-" for line in lines[1:])]
    return columns([[line[i] for i in used] for line in lines])


def markdown(results):
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(HEAD), "|" + "---|" * len(HEAD), *(line(row(r)) for r in results)])


def stage_table(results):
    """Where the cycles of a packet go: a line a stage, a column a case; testpmd's whole packet below."""
    names = list(results[0]["rounds"][0]["sluice"]["stages"])
    of = lambda r, name: spread([one["sluice"]["stages"][name] for one in r["rounds"]])
    total = lambda r: spread([sum(one["sluice"]["stages"].values()) for one in r["rounds"]])
    lines = [["cycles a packet", *(r["title"] for r in results)]]
    lines += [[name, *(cell(of(r, name)) for r in results)] for name in names]
    lines += [["all of Sluice", *(cell(total(r)) for r in results)],
              ["testpmd io", *(cell(r["figures"]["io_cycles"]) for r in results)],
              ["testpmd 5tswap", *(cell(r["figures"]["5tswap_cycles"]) for r in results)]]
    return columns(lines)


def conditions(run):
    m, k = run["machine"], run["knobs"]
    caches = ", ".join(f"{name} {size}" for name, size in m["caches"].items())
    return (f"{m['cpus']} CPUs of a {m['cpu']} at {m['clock_mhz']} MHz ({caches}; hypervisor {m['hypervisor']}), "
            f"Linux {m['kernel']}, DPDK {m['dpdk']}, gcc {m['gcc']}, build type {k['build_type']}, "
            f"{k['pages']}; revision {run['revision']}; load before {run['load_before']:.2f}. "
            f"Worker on CPU {k['worker_cpu']}, all else on CPU {k['control_cpu']}. "
            f"Windows of {k['window_s']:g} s after {k['warm_s']:g} s, rounds: {k['rounds']}; "
            f"rates are those of a second on the CPU; bursts of {k['burst']}, buffers of {k['mbuf_size']} bytes, {k['mbuf_cache']} of them cached.")


def sink_line(result):
    s = result["sink"]
    return (f"{result['title']}: {s['received']} of {s['sent']} frames came out, {s['verified']} verified "
            f"({s['flows_seen']} flows), {s['wrong']} wrong")


def write_json(run, path):
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", "utf-8")


# ---- the document ----

def fill_document(run, root, plots):
    """Puts the tables, conditions and plots between the markers of docs/performance.md."""
    path = pathlib.Path(root) / "docs/performance.md"
    text = path.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        return f"{path} has no markers {BEGIN} and {END}"
    folder = path.parent / "plots"
    folder.mkdir(exist_ok=True)
    pictures = []
    for plotted in (pathlib.Path(p) for p in plots if p.endswith(".svg")):
        shutil.copy(plotted, folder)
        pictures.append(f"![{plotted.stem}](plots/{plotted.name})")
    verified = "\n".join(f"* {sink_line(r)}" for r in run["results"])
    path.write_text(f"{head}{BEGIN}\n{conditions(run)}\n\n{rows.markdown(run['rows'])}\n\nRig A, case by case:\n\n"
                    f"{markdown(run['results'])}\n\n{'  '.join(pictures)}\n\nThe sink of each case:\n\n{verified}\n"
                    f"{END}{tail}", "utf-8")
    return ""
