"""Reads Python wheels for fetch.mjs.

wheel.py requires WHEEL [EXTRA ...]      prints, as JSON, what the wheel requires on this machine
wheel.py unpack TARGET VARIANT WHEEL ... unpacks what a C++ program needs of the wheels; first prints the bytes to come
"""

import json
import re
import sys
import zipfile

try:
    from packaging.requirements import Requirement
except ImportError:
    from pip._vendor.packaging.requirements import Requirement

# Of torch itself the headers and libraries; the Python modules (and what else the wheel brings) stay out.
KEEP = re.compile(r"^(torch/(include|lib|share|\.dylibs)/|torch/version\.py$|torch\.libs/|nvidia/|[^/]+\.dist-info/)")
NEVER = re.compile(r"^torch/lib/(libshm|libtorch_python)")
# Without a GPU nothing loads these, and they are half of the copy. libtorch.so is an empty shell that needs them.
CUDA = re.compile(r"^torch/lib/lib(torch_cuda|torch_nvshmem|c10_cuda|caffe2_nvrtc|torch\.so)")


def requires(wheel, extras):
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if re.match(r"^[^/]+\.dist-info/METADATA$", n))
        lines = archive.read(name).decode("utf-8").split("\n\n")[0].splitlines()
    found = []
    for line in lines:
        if not line.startswith("Requires-Dist:"):
            continue
        requirement = Requirement(line.split(":", 1)[1].strip())
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ["", *extras]):
            found.append(
                {
                    "name": re.sub(r"[-_.]+", "-", requirement.name).lower(),
                    "specifier": str(requirement.specifier),
                    "extras": sorted(requirement.extras),
                }
            )
    print(json.dumps(found))


def unpack(target, variant, wheels):
    archives = [zipfile.ZipFile(wheel) for wheel in wheels]

    def wanted(name):
        return KEEP.match(name) and not NEVER.match(name) and not (variant == "cpu" and CUDA.match(name))

    chosen = [[info for info in a.infolist() if wanted(info.filename)] for a in archives]
    print(sum(info.file_size for infos in chosen for info in infos), flush=True)
    for archive, infos in zip(archives, chosen):
        archive.extractall(target, infos)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "requires":
        requires(arguments[0], arguments[1:])
    elif command == "unpack":
        unpack(arguments[0], arguments[1], arguments[2:])
    else:
        sys.exit("unknown command " + command)
