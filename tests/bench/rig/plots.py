"""Plots of a run, by gnuplot, as SVG and PNG."""
import shutil
import subprocess

TERMINALS = {"svg": "svg size 1000,520 dynamic background rgb 'white' font 'sans,12'",
             "png": "png size 1000,520 font 'sans,11'"}
COMMON = """
set terminal {terminal} noenhanced
set output "{out}"
set style data histogram
set style histogram {style}
set style fill solid 0.8 border -1
set boxwidth 0.9 relative
set grid ytics
set yrange [0:*]
set key outside top center horizontal
set xtics rotate by -25
set ylabel "{ylabel}"
set bmargin 6
set rmargin 8
plot {series}
"""
BARS = "errorbars gap 1 lw 1"
RATES = [("io_pps", "testpmd io", 1e6), ("5tswap_pps", "testpmd 5tswap", 1e6), ("sluice_pps", "Sluice", 1e6)]
MPPS = "million packets per second and core"

# name: (label, series, what its cases' names begin with, cases to compare them with)
PLOTS = {
    "flows": (MPPS, RATES, ("flows-", "zipf-", "pcap"), ()),
    "sizes": (MPPS, RATES, ("size-",), ("flows-64k",)),
    "services": (MPPS, RATES, ("services-",), ("flows-64k", "flows-1m")),
    "cycles": ("cycles per packet above testpmd io", [("cycles_above_io", "Sluice", 1)], ("",), ()),
    "ratio": ("rate, testpmd 5tswap = 1", [("ratio_5tswap", "Sluice", 1)], ("",), ()),
}


def gnuplot(folder, name, style, ylabel, series):
    """The two files. Raises CalledProcessError."""
    done = []
    for kind, terminal in TERMINALS.items():
        out = folder / f"{name}.{kind}"
        script = COMMON.format(terminal=terminal, out=out, style=style, ylabel=ylabel, series=", ".join(series))
        subprocess.run(["gnuplot"], input=script, text=True, capture_output=True, check=True)
        done.append(str(out))
    return done


def ladder(results, folder, name):
    ylabel, series, begin, beside = PLOTS[name]
    if not any(r["name"].startswith(begin) for r in results):
        return []
    picked = [r for r in results if r["name"].startswith(begin) or r["name"] in beside]
    data = folder / f"{name}.dat"
    with open(data, "w", encoding="utf-8") as out:
        for r in picked:
            columns = [f"{r['figures'][key][part] / scale:.4f}"
                       for key, _, scale in series for part in ("median", "min", "max")]
            out.write(f'"{r["title"]}" {" ".join(columns)}\n')
    return gnuplot(folder, name, BARS, ylabel,
                   [f'"{data}" using {2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i}:xtic(1) title "{title}"'
                    for i, (_, title, _) in enumerate(series)])


def stages(results, folder):
    """What a packet costs, stage on stage, and beside it the whole of testpmd io."""
    names = list(results[0]["rounds"][0]["sluice"]["stages"])
    data = folder / "stages.dat"
    with open(data, "w", encoding="utf-8") as out:
        for r in results:
            of = r["rounds"][-1]["sluice"]["stages"]
            out.write(f'"{r["title"]}" {" ".join(f"{of[n]:.2f}" for n in names)} 0\n')
            out.write(f'"testpmd io" {"0 " * len(names)}{r["figures"]["io_cycles"]["median"]:.2f}\n')
    series = [f'"{data}" using {2 + i}:xtic(1) title "{n}"' for i, n in enumerate(names)]
    series.append(f'"{data}" using {2 + len(names)} lc "gray" title "testpmd io"')
    return gnuplot(folder, "stages", "rowstacked", "cycles per packet", series)


def draw(results, folder, of_stages=False):
    """Returns the files, and why there are not all of them."""
    if not shutil.which("gnuplot"):
        return [], "gnuplot is not installed (scripts/setup)"
    for old in (p for kind in ("dat", *TERMINALS) for p in folder.glob(f"*.{kind}")):
        old.unlink()
    done = []
    try:
        if results and of_stages:
            return stages(results, folder), ""
        for name in PLOTS:
            done += ladder(results, folder, name)
    except subprocess.CalledProcessError as error:
        return done, f"gnuplot: {error.stderr.strip()}"
    return done, ""
