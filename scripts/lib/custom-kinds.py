"""Splits rendered manifests: Kubernetes kinds go to a file for the next check, other kinds are validated against
deploy/schemas. A kind without a schema is an error, and so is a schema that validated nothing.

Usage: custom-kinds.py SCHEMAS OUT RENDERED...
Each RENDERED file gives OUT/NAME, which holds its Kubernetes kinds only.
"""

import json
import pathlib
import sys

import jsonschema
import yaml

OF_KUBERNETES = {"v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1", "networking.k8s.io/v1"}


def main():
    schemas, out, *rendered = map(pathlib.Path, sys.argv[1:])
    unused = {path.stem for path in schemas.glob("*.json")}
    broken = 0
    for path in rendered:
        documents = [d for d in yaml.safe_load_all(path.read_text()) if d]
        plain = [d for d in documents if d["apiVersion"] in OF_KUBERNETES]
        (out / path.name).write_text(yaml.safe_dump_all(plain))
        for document in documents:
            if document["apiVersion"] not in OF_KUBERNETES:
                name = f'{document["apiVersion"].replace("/", "_")}_{document["kind"]}'
                unused.discard(name)
                broken += check(path.stem, document, schemas / f"{name}.json")
    for name in sorted(unused):
        print(f"BROKEN  no manifest is held against {name}.json")
    sys.exit(1 if broken or unused else 0)


def check(variant, document, schema):
    """Prints every fault; how many there are."""
    what = f'{variant}: {document["kind"]} {document["metadata"]["name"]}'
    if not schema.exists():
        print(f"BROKEN  {what}: there is no {schema.name}")
        return 1
    validator = jsonschema.Draft7Validator(json.loads(schema.read_text()))
    faults = list(validator.iter_errors(document))
    for fault in faults:
        print(f'BROKEN  {what}: {".".join(map(str, fault.absolute_path))}: {fault.message}')
    return len(faults)


main()
