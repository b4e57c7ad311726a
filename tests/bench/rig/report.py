"""What a run found: a table for people, JSON for programs, plots, and the generated part of a document."""
import json
import pathlib
import shutil
import statistics
import subprocess

from rig import cases

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
        "new_flows_per_s": spread([r["sluice"]["new_flows"] for r in rounds])
                           if case.flows >= cases.LEAST_NEW else None,
        "least_share": min(m["share"] for r in rounds for m in r.values()),
    }


def targets(case):
    if not case.has_targets():
        return None
    return {"ratio_5tswap": cases.RATIO[case.flows], "cycles_above_io": cases.CYCLES[case.flows],
            "new_flows_per_s": cases.NEW_FLOWS if case.flows >= cases.LEAST_NEW else None}


def cell(figure, scale=1.0, digits=1):
    if figure is None:
        return "-"
    low, middle, high = (f"{figure[k] / scale:.{digits}f}" for k in ("min", "median", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"


def want(pair, scale=1.0, digits=2):
    return " / ".join(f"{v / scale:.{digits}f}" for v in pair) if pair else "-"


HEAD = ("frames", "testpmd io, Mpps", "5tswap, Mpps", "Sluice, Mpps", "÷ 5tswap", "must / aim",
        "cycles", "above io", "must / aim", "new flows, M/s", "must / aim")


def row(result):
    f, t = result["figures"], result["targets"] or {}
    return (result["title"], cell(f["io_pps"], 1e6), cell(f["5tswap_pps"], 1e6), cell(f["sluice_pps"], 1e6),
            cell(f["ratio_5tswap"], digits=2), want(t.get("ratio_5tswap")),
            cell(f["cycles"], digits=0), cell(f["cycles_above_io"], digits=0),
            want(t.get("cycles_above_io"), digits=0),
            cell(f["new_flows_per_s"], 1e6), want(t.get("new_flows_per_s"), 1e6, 0))


def table(results):
    """For a terminal: as wide as its words."""
    rows = [HEAD, *(row(r) for r in results)]
    # A column that no case of this run fills says nothing.
    used = [i for i in range(len(HEAD)) if any(r[i] != "-" for r in rows[1:])]
    width = {i: max(len(r[i]) for r in rows) for i in used}
    return "\n".join("  ".join(r[i].ljust(width[i]) for i in used).rstrip() for r in rows)


def markdown(results):
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(HEAD), "|" + "---|" * len(HEAD), *(line(row(r)) for r in results)])


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


# ---- plots ----

PLOT = """
set terminal {terminal}
set output "{out}"
set style data histogram
set style histogram errorbars gap 1 lw 1
set style fill solid 0.8 border -1
set grid ytics
set yrange [0:*]
set key outside top center horizontal
set xtics rotate by -25
set ylabel "{ylabel}"
set bmargin 6
set rmargin 8
plot {series}
"""

PLOTS = {
    "rate": ("million packets per second and core",
             [("io_pps", "testpmd io", 1e6), ("5tswap_pps", "testpmd 5tswap", 1e6), ("sluice_pps", "Sluice", 1e6)]),
    "cycles": ("cycles per packet above testpmd io", [("cycles_above_io", "Sluice", 1)]),
    "ratio": ("rate, testpmd 5tswap = 1", [("ratio_5tswap", "Sluice", 1)]),
}
TERMINALS = {"svg": "svg size 1000,520 dynamic background rgb 'white' font 'sans,12'",
             "png": "png size 1000,520 font 'sans,11'"}


def plot(results, folder):
    """Draws SVG and PNG. Returns the files, or why there are none."""
    if not shutil.which("gnuplot"):
        return [], "gnuplot is not installed (scripts/setup)"
    done = []
    for name, (ylabel, series) in PLOTS.items():
        data = folder / f"{name}.dat"
        with open(data, "w", encoding="utf-8") as out:
            for r in results:
                columns = [f"{r['figures'][key][part] / scale:.4f}"
                           for key, _, scale in series for part in ("median", "min", "max")]
                out.write(f'"{r["title"]}" {" ".join(columns)}\n')
        lines = ", ".join(f'"{data}" using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}:xtic(1) title "{title}"'
                          for i, (_, title, _) in enumerate(series))
        for kind, terminal in TERMINALS.items():
            out = folder / f"{name}.{kind}"
            drawn = subprocess.run(["gnuplot"], input=PLOT.format(terminal=terminal, out=out, ylabel=ylabel,
                                                                  series=lines),
                                   text=True, capture_output=True, check=False)
            if drawn.returncode != 0:
                return done, f"gnuplot: {drawn.stderr.strip()}"
            done.append(str(out))
    return done, ""


# ---- the document ----

def fill_document(run, root, plots):
    """Puts table, conditions and plots between the markers of docs/performance.md."""
    path = pathlib.Path(root) / "docs/performance.md"
    text = path.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        return f"{path} has no markers {BEGIN} and {END}"
    folder = path.parent / "plots"
    folder.mkdir(exist_ok=True)
    pictures = []
    for plotted in plots:
        if plotted.endswith(".svg"):
            shutil.copy(plotted, folder)
            name = pathlib.Path(plotted).name
            pictures.append(f"![{PLOTS[name[:-4]][0]}](plots/{name})")
    verified = "\n".join(f"* {sink_line(r)}" for r in run["results"])
    path.write_text(f"{head}{BEGIN}\n{conditions(run)}\n\n{markdown(run['results'])}\n\n"
                    f"{'  '.join(pictures)}\n\nThe sink of each case:\n\n{verified}\n{END}{tail}", "utf-8")
    return ""
