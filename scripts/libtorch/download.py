"""Downloads one wheel for wheels.mjs, continuing where an interrupted download stopped. pip itself cannot.

download.py FOLDER NAME SPECIFIER

pip's own finder and session are used, so index, proxy, certificates and passwords are those pip is set up with.
They are internals of pip: when they are not as expected (or the wheel does not come by HTTP) the exit code is
UNSUPPORTED, and the caller takes plain `pip download`. Prints "size BYTES"; unfinished files end in .part.
"""

import hashlib
import os
import sys
import time

UNSUPPORTED = 3
ATTEMPTS = 5
CHUNK = 1 << 20


def find(name, specifier):
    """The session and the link that `pip download` would take."""
    from pip._internal.commands import create_command
    from pip._vendor.packaging.specifiers import SpecifierSet

    command = create_command("download")
    options, _ = command.parse_args(
        ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "--no-input"]
    )
    session = command._build_session(options)
    finder = command._build_package_finder(options=options, session=session)
    best = finder.find_best_candidate(name, SpecifierSet(specifier)).best_candidate
    if best is None or not best.link.is_wheel or best.link.scheme not in ("http", "https"):
        raise LookupError("no wheel by HTTP")
    link = best.link
    # Without a checksum a continued file could not be trusted.
    return session, link.url_without_fragment, link.filename, hashlib.new(link.hash_name), link.hash


def append(session, url, part):
    """Adds what is missing to the file; raises when the connection breaks."""
    done = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers["Range"] = "bytes=%d-" % done
    with session.get(url, headers=headers, stream=True) as response:
        if response.status_code == 416:  # nothing is missing
            return
        response.raise_for_status()
        if response.status_code != 206:  # the server knows no ranges: from the start
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else 0
        print("size %d" % total, flush=True)
        with open(part, "r+b" if done else "wb") as file:
            file.seek(done)
            while True:
                chunk = response.raw.read(CHUNK)
                if not chunk:
                    break
                file.write(chunk)
    if total and os.path.getsize(part) != total:
        raise ConnectionError("the connection broke off")


def is_whole(part, digest, expected):
    with open(part, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest() == expected


def download(folder, session, url, filename, digest, expected):
    part = os.path.join(folder, filename + ".part")
    for attempt in range(ATTEMPTS):
        try:
            append(session, url, part)
            break
        except OSError as error:  # which requests' and the socket's errors are
            if error.errno == 28 or attempt == ATTEMPTS - 1:
                raise
        except Exception as error:  # urllib3's are not
            if attempt == ATTEMPTS - 1:
                raise ConnectionError(str(error))
        time.sleep(attempt)
    if not is_whole(part, digest, expected):
        os.remove(part)
        sys.exit("the checksum of " + filename + " is wrong; it was deleted")
    os.rename(part, os.path.join(folder, filename))


if __name__ == "__main__":
    target, wanted, version = sys.argv[1:]
    try:
        found = find(wanted, version)
    except Exception as error:
        print("%s: %s" % (type(error).__name__, error))
        sys.exit(UNSUPPORTED)
    try:
        download(target, *found)
    except OSError as error:
        sys.exit("%s: %s" % (type(error).__name__, error))
