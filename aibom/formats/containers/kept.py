"""Which files of an image are kept while its layers are read: databases of packages and SBOMs."""

import re

#: Most bytes of a file that is kept; rpm's database of a whole desktop is larger than others.
MAX_FILE = 16 << 20
MAX_DATABASE = 128 << 20

OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
DPKG_STATUS = "/var/lib/dpkg/status"
APK = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
RPM = ("/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite")

_DATABASES = re.compile(
    r"var/lib/dpkg/(?:status|status\.d/[^/]+|info/[^/]+\.(?:list|md5sums))"
    r"|(?:usr/)?lib/apk/db/installed"
    r"|etc/os-release|usr/lib/os-release"
    r"|(?:.*/)?[^/]+\.(?:dist-info/(?:METADATA|RECORD)|egg-info/PKG-INFO|egg-info)"
    r"|(?:(?:.*/)?node_modules|usr/share/nodejs)/(?:@[^/]+/)?[^/@]+/package\.json"
)
_RPM = re.compile(r"(?:var/lib|usr/lib/sysimage)/rpm/rpmdb\.sqlite")
# of rpm, not read: Berkeley DB, "ndb" of SUSE (rpm: lib/backend), and SQLite's changes to come
UNREAD_RPM = re.compile(
    r"/(?:var/lib|usr/lib/sysimage)/rpm/(?:Packages(?:\.db)?|rpmdb\.sqlite-wal)"
)
# where images have SBOMs: Chainguard's and Docker's hardened images, Bitnami, PEP 770, buildpacks
_SBOMS = re.compile(
    r"/(?:usr/(?:local/)?share/sbom|\.sbom|sbom|opt/docker/sbom|layers/sbom|var/lib/db/sbom)/.+\.(?:json|spdx|xml)"
    r"|/opt/bitnami/(?:.*/)?\.spdx-[^/]+\.spdx"
    r"|/.*\.dist-info/sboms/[^/]+"
    r"|/(?:.*/)?[^/]+\.(?:cdx|spdx)\.json"
)


def is_kept(path: str, size: int) -> bool:
    """Say whether the file at ``path``, as a layer writes it, is kept; ``size`` is in bytes."""
    plain = path.removeprefix("./").lstrip("/")
    if _RPM.fullmatch(plain):
        return size <= MAX_DATABASE
    return size <= MAX_FILE and bool(_DATABASES.fullmatch(plain) or is_sbom(f"/{plain}"))


def is_sbom(path: str) -> bool:
    """Say whether SBOMs lie at ``path``, which is absolute."""
    return bool(_SBOMS.fullmatch(path))
