#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sbom.py --name NAME --version VERSION --packages DIR FILE...

Prints what an image is made of, as SPDX 2.3: the Debian packages that DIR describes (one control
paragraph a file, with the SHA256 of the package's archive) and our own programs. Times are
SOURCE_DATE_EPOCH, so that the same contents make the same document."""

import argparse
import datetime
import email.parser
import hashlib
import json
import os
import re


def spdx_id(*parts):
    return "SPDXRef-" + "-".join(re.sub(r"[^A-Za-z0-9.-]", "-", part) for part in parts)


def debian_package(path):
    with open(path, encoding="utf-8") as file:
        control = email.parser.Parser().parse(file)
    name, version, architecture = (control[key] for key in ("Package", "Version", "Architecture"))
    source, _, source_version = (control["Source"] or name).partition(" ")
    source_version = source_version.strip("()") or version
    escaped = version.replace("+", "%2B").replace(":", "%3A")
    return {
        "SPDXID": spdx_id("deb", name), "name": name, "versionInfo": version,
        "supplier": f"Person: {control['Maintainer'].replace('<', '(').replace('>', ')')}",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "sourceInfo": f"built from {source} {source_version}",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "comment": f"Licences: /usr/share/doc/{name}/copyright in the image",
        "checksums": [{"algorithm": "SHA256", "checksumValue": control["SHA256"]}],
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{name}@{escaped}?arch={architecture}&distro=debian-12"}],
    }


def own_program(path, version):
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    name = os.path.basename(path)
    return {
        "SPDXID": spdx_id("vakt", name), "name": name, "versionInfo": version,
        "supplier": "Organization: The Vakt authors", "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
    }


def document(name, version, packages, programs):
    image = {"SPDXID": spdx_id("image"), "name": name, "versionInfo": version,
             "supplier": "Organization: The Vakt authors", "downloadLocation": "NOASSERTION",
             "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
             "licenseDeclared": "Apache-2.0", "copyrightText": "NOASSERTION",
             "primaryPackagePurpose": "CONTAINER"}
    contents = hashlib.sha256(json.dumps([packages, programs], sort_keys=True).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")),
                                              datetime.timezone.utc)
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", image["SPDXID"])]
    relations += [(image["SPDXID"], "CONTAINS", part["SPDXID"]) for part in programs + packages]
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}", "documentNamespace": f"urn:vakt:sbom:{name}:{version}:{contents}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: vakt-sbom"]},
        "packages": [image, *programs, *packages],
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                          for a, kind, b in relations],
    }


def main():
    parser = argparse.ArgumentParser()
    for flag in ("--name", "--version", "--packages"):
        parser.add_argument(flag, required=True)
    parser.add_argument("programs", nargs="+")
    told = parser.parse_args()
    packages = [debian_package(os.path.join(told.packages, name))
                for name in sorted(os.listdir(told.packages))]
    programs = [own_program(path, told.version) for path in sorted(told.programs)]
    print(json.dumps(document(told.name, told.version, packages, programs), indent=1))


if __name__ == "__main__":
    main()
