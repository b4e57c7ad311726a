#!/usr/bin/python3
"""The seeds (tests/conf/seeds): what `sluicectl services -f FILE -o json` prints of each stands next to
it in NAME.services.json, and what `validate` says of it in its `# expect:` lines (which conf_run
compares).

usage: goldens.py check SLUICECTL FOLDER    TAP, a case a file
       goldens.py write SLUICECTL FOLDER    writes both anew: read the difference before it is committed
"""
import json
import pathlib
import re
import subprocess
import sys


def run(sluicectl, command, path, *flags):
    # From the folder, so that no path of this machine is in what is printed.
    return subprocess.run([sluicectl, command, "-f", path.name, *flags], cwd=path.parent,
                          capture_output=True, text=True, check=False)


def services(sluicectl, path):
    rows = json.loads(run(sluicectl, "services", path, "-o", "json").stdout)
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def write(sluicectl, path):
    # Findings between objects (M1, ...) are the mesh's, which conf_run does not know.
    said = [line for line in run(sluicectl, "validate", path).stderr.splitlines()
            if not re.search(r" \[M\d+\]$", line)]
    text = "".join(line for line in path.read_text().splitlines(keepends=True)
                   if not line.startswith("# expect: "))
    text += "".join(f"# expect: {line.removeprefix(path.name + ':')}\n" for line in said)
    if text != path.read_text():
        path.write_text(text)
    path.with_suffix(".services.json").write_text(services(sluicectl, path))


def main():
    verb, sluicectl, folder = sys.argv[1], str(pathlib.Path(sys.argv[2]).resolve()), sys.argv[3]
    failed = ran = 0

    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        if verb == "write":
            write(sluicectl, path)
            continue
        golden = path.with_suffix(".services.json")
        got = services(sluicectl, path)
        want = golden.read_text() if golden.exists() else ""
        ran += 1
        failed += got != want
        print(f"{'' if got == want else 'not '}ok {ran} - {golden.name}")
        if got != want:
            print("".join(f"# {line}\n" for line in ["got:", *got.splitlines(), "expected:",
                                                   *want.splitlines()]), end="")
    if verb == "check":
        print(f"1..{ran}")
    return failed > 0


sys.exit(main())
