"""Get the packages that the scripts of this folder drive, as their authors released them.

    fetch.py [FOLDER]

wheels.txt and sources.txt pin versions and hashes; pip downloads the files from the index that it is configured for and checks
them. They are unpacked into FOLDER/site (default: target/packages/site of this repository), which the scripts get as PYTHONPATH.
Nothing is built or installed, nothing is fetched that is there already, and nothing of it is committed.
"""
import glob
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT = os.path.join(HERE, "..", "..", "target", "packages")
PURE = ["--only-binary", ":all:", "--platform", "any", "--implementation", "py", "--abi", "none", "--python-version", "3.14"]
SOURCE = ["--no-binary", ":all:"]
# Of a source distribution, the folder that holds the package.
PACKAGE = {"chess": "chess", "markupsafe": "src/markupsafe", "pyaes": "pyaes"}


def download(folder, requirements, how):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", folder]
    subprocess.run(command + how + ["-r", os.path.join(HERE, requirements)], check=True)


def unpack_source(path, site):
    with tarfile.open(path) as archive:
        root = archive.getnames()[0].split("/")[0]
        name = root.rsplit("-", 1)[0].lower()
        prefix = f"{root}/{PACKAGE[name]}/"
        for member in archive.getmembers():
            if member.name.startswith(prefix) and member.isfile():
                target = os.path.join(site, name, member.name[len(prefix):])
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with archive.extractfile(member) as source, open(target, "wb") as copy:
                    shutil.copyfileobj(source, copy)


def wanted():
    """The requirements, as one text: what has been unpacked is up to date if it was made of the same."""
    text = ""
    for requirements in ("wheels.txt", "sources.txt"):
        with open(os.path.join(HERE, requirements), encoding="utf-8") as file:
            text += file.read()
    return text


def fetch(folder):
    """The folder that the packages are in."""
    site, stamp = os.path.join(folder, "site"), os.path.join(folder, "stamp.txt")
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted():
                return site
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(site)
    downloads = os.path.join(folder, "downloads")
    download(downloads, "wheels.txt", PURE)
    download(downloads, "sources.txt", SOURCE)
    for path in sorted(glob.glob(os.path.join(downloads, "*"))):
        if path.endswith(".whl"):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(site)
        else:
            unpack_source(path, site)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted())
    return site


if __name__ == "__main__":
    print(fetch(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else DEFAULT)))
