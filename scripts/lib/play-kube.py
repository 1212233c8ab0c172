"""Adapts deploy/base so that `podman play kube` can run it on one machine, and prints each change.

Usage: play-kube.py DIRECTORY IMAGE PORT < rendered.yaml

IMAGE replaces the manifests' image; PORT is the first of eight free ports. Writes one file for each Pod into DIRECTORY:
migrate.yaml, and for each replica of a Deployment worker-1.yaml and so on, with worker-1-init.yaml for its init container.
DIRECTORY/ports gets a line NAME ADMIN [NOTICES] for each Pod, with its admin port and a receiver's port for notices.
DIRECTORY/secrets/NAME/KEY are the Secrets that the Pods use.

The changes for podman are those that 4.3 needs, the release of Debian 12.
"""

import copy
import pathlib
import sys

import yaml

# Kinds that a cluster handles around the Pods, and podman does not know.
AROUND = {"Namespace", "ServiceAccount", "Service", "NetworkPolicy", "PodDisruptionBudget"}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def main():
    directory, image, first_port = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    documents = [document for document in yaml.safe_load_all(sys.stdin) if document]
    changes = Changes()
    ports = iter(range(first_port, first_port + 8))
    config_maps = [document for document in documents if document["kind"] == "ConfigMap"]
    lines = []
    for document in documents:
        kind = document["kind"]
        if kind in AROUND:
            changes.note(f"{kind} left out: podman has no cluster around the Pods")
        elif kind == "Job":
            changes.note("Job played as a Pod, which is a Job's only Pod: podman of this release has no Jobs")
            write(directory / "migrate.yaml", [pod_of(document, image, changes)], directory, changes)
        elif kind == "Deployment":
            for number in range(1, document["spec"]["replicas"] + 1):
                name = f"{document['metadata']['labels']['app.kubernetes.io/component']}-{number}"
                replica = replica_of(document, number, image, changes)
                lines.append(f"{name} {listen(replica, ports, changes)}")
                write(directory / f"{name}-init.yaml", [init_of(replica, changes)], directory, changes)
                write(directory / f"{name}.yaml", [*config_maps, replica], directory, changes)
        elif kind != "ConfigMap":
            sys.exit(f"play-kube.py: what is to be done with the kind {kind}?")
    (directory / "ports").write_text("".join(f"{line}\n" for line in lines))
    changes.tell()


class Changes:
    """Each once, in the order in which they come up."""

    def __init__(self):
        self.said = {}

    def note(self, text):
        self.said.setdefault(text)

    def tell(self):
        for text in self.said:
            print(f"        {text}")


def pod_of(job, image, changes):
    template = copy.deepcopy(job["spec"]["template"])
    adapt(template["spec"], image, changes)
    changes.note("restartPolicy of the migration OnFailure → Never: the first failure is to be seen")
    template["spec"]["restartPolicy"] = "Never"
    metadata = {"name": job["metadata"]["name"], "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def replica_of(deployment, number, image, changes):
    """A Deployment of one Pod: podman starts one, however many are asked for."""
    changes.note("a Deployment of n replicas played as n Deployments of one: podman starts one Pod of each")
    replica = copy.deepcopy(deployment)
    replica["metadata"]["name"] += f"-{number}"
    replica["spec"]["replicas"] = 1
    adapt(replica["spec"]["template"]["spec"], image, changes)
    return replica


def init_of(replica, changes):
    """Takes the init container out of the Deployment."""
    changes.note("init containers played as Pods before their own: this podman holds the Pod's lock while it waits for one")
    template = replica["spec"]["template"]
    containers = template["spec"].pop("initContainers")
    spec = {**template["spec"], "containers": containers, "restartPolicy": "Never"}
    wanted = {mount["name"] for container in spec["containers"] for mount in container["volumeMounts"]}
    spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] in wanted]
    metadata = {"name": f"{replica['metadata']['name']}-init", "labels": template["metadata"]["labels"]}
    return copy.deepcopy({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def adapt(spec, image, changes):
    changes.note(f"image xiebao-notify:… → {image}, never pulled")
    for container in spec.get("initContainers", []) + spec["containers"]:
        container["image"] = image
        container["imagePullPolicy"] = "Never"
        for probe in PROBES:
            if container.pop(probe, None):
                changes.note("probes asked from here: podman would ask with curl inside of the image, which has none")
        if container.pop("lifecycle", None):
            changes.note("preStop left out (podman has none): new connections come until the last moment, which is harder")


def listen(replica, ports, changes):
    """All share the host's network, so each Pod listens on ports of its own, and on the loopback address only."""
    changes.note("network of the host, so each Pod has ports of its own on 127.0.0.1, by environment over xiebao.toml")
    container = replica["spec"]["template"]["spec"]["containers"][0]
    program = container["name"].upper()
    admin = next(ports)
    settings = {f"XIEBAO__{program}__ADMIN_LISTEN": admin}
    if program == "RECEIVER":
        settings["XIEBAO__RECEIVER__LISTEN"] = next(ports)
    for name, port in settings.items():
        container["env"].append({"name": name, "value": f"127.0.0.1:{port}"})
    container.pop("ports")
    return " ".join(str(port) for port in settings.values())


def write(path, documents, directory, changes):
    """With the Secrets that it names, as a person would have made them."""
    documents = copy.deepcopy(documents)
    spec = documents[-1]["spec"]
    spec = spec.get("template", {}).get("spec", spec)
    secrets = []
    for volume in spec["volumes"]:
        name = volume.pop("secret", {}).get("secretName")
        if name:
            changes.note("Secrets mounted as ConfigMaps: this podman mounts a Secret's base64 instead of what it says")
            volume["configMap"] = {"name": name}
            secrets.append(config_map(directory / "secrets" / name))
    path.write_text(yaml.safe_dump_all([*secrets, *documents], sort_keys=False))


def config_map(directory):
    data = {path.name: path.read_text() for path in sorted(directory.iterdir())}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": directory.name}, "data": data}


main()
