#!/usr/bin/python3
"""The JSON Schemas of `sluicectl schema` in the hands of another implementation (python3-jsonschema):
they are schemas, they take every document of the folders of good files, and refuse what is wrong.

usage: json_schema.py SLUICECTL GOOD-FOLDER...
"""
import json
import pathlib
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(0)


class Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: `yes` is a string, and so is a time."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, expr) for tag, expr in rules
            if not tag.endswith((":timestamp", ":bool"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", __import__("re").compile(
    "^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))

SE = {"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": "a"},
      "spec": {"hosts": ["a.example.com"], "ports": [{"number": 80, "name": "http"}]}}
CONF = {"ports": [{"name": "lan", "device": "net_null0"}], "pool": {"addresses": ["198.51.100.1"]}}

# name, schema, document, what is put where in it
BAD = [
    ("a number for a name", "objects", SE, ["metadata", "name"], 1),
    ("a quoted number", "objects", SE, ["spec", "ports", 0, "number"], "80"),
    ("a port past the last", "objects", SE, ["spec", "ports", 0, "number"], 65536),
    ("an unknown field", "objects", SE, ["spec", "host"], "a"),
    ("an unknown word", "objects", SE, ["spec", "resolution"], "STATIK"),
    ("no hosts", "objects", SE, ["spec", "hosts"], []),
    ("required and null", "objects", SE, ["spec", "hosts"], None),
    ("a list for a mapping", "objects", SE, ["spec"], []),
    ("no kind", "objects", {"apiVersion": "v1"}, [], None),
    ("in a list", "objects", {"apiVersion": "v1", "kind": "List", "items": [SE]},
     ["items", 0, "spec", "resolution"], "STATIK"),
    ("no pool", "sluice", {"ports": CONF["ports"]}, [], None),
    ("an unknown key", "sluice", CONF, ["pools"], {}),
    ("a number past the last", "sluice", CONF, ["flows"], {"max": 1}),
    ("a word", "sluice", CONF, ["outboundPolicy"], {"mode": "ANY"}),
]


def changed(document, path, value):
    document = json.loads(json.dumps(document))
    at = document
    for key in path[:-1]:
        at = at[key]
    if path:
        at[path[-1]] = value
    return document


def main():
    sluicectl, folders = sys.argv[1], sys.argv[2:]
    check, ran, failed = {}, 0, 0

    def result(ok, name, why=""):
        nonlocal ran, failed
        ran += 1
        failed += not ok
        print(f"{'' if ok else 'not '}ok {ran} - {name}")
        if why and not ok:
            print(f"# {why}")

    for name, args in (("objects", []), ("sluice", ["sluice"]), ("ServiceEntry", ["se"])):
        text = subprocess.run([sluicectl, "schema", *args], check=True, capture_output=True).stdout
        check[name] = jsonschema.Draft7Validator(json.loads(text))
        jsonschema.Draft7Validator.check_schema(check[name].schema)
        result(True, f"{name} is a schema")
    result(check["ServiceEntry"].is_valid(SE) and check["objects"].is_valid(SE), "a ServiceEntry")
    result(check["sluice"].is_valid(CONF), "a sluice.yaml")
    for folder in folders:
        for path in sorted(pathlib.Path(folder).glob("*.yaml")):
            if "\n# rules: " in "\n" + path.read_text():
                continue  # a schema is of all the rules
            conf = path.name.startswith("conf-") or path.name == "sluice.yaml"
            errors = [f"{e.json_path}: {e.message}"
                      for document in yaml.load_all(path.read_text(), Loader) if document is not None
                      for e in check["sluice" if conf else "objects"].iter_errors(document)]
            result(not errors, str(path), "; ".join(errors)[:1000])
    for name, schema, document, path, value in BAD:
        result(not check[schema].is_valid(changed(document, path, value)), f"refused: {name}")
    print(f"1..{ran}")
    return failed > 0


sys.exit(main())
