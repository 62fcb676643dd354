#!/bin/sh
# Makes the project's own Python environment in the folder given.
#
# A fresh Debian has python3 without pip and ensurepip (they are in python3-venv). Nothing is
# installed on the machine for that: pip's wheel is taken out of Debian's python3-pip-whl, into
# the environment.
set -eu

venv=$1
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "aibom needs Python 3.11 or newer; $python is $("$python" --version 2>&1)." \
        "Name another one: make PYTHON=python3.12" >&2
    exit 1
fi

echo "making the environment $venv (once)" >&2
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$venv"
else
    "$python" -m venv --without-pip "$venv"
    debs=$(mktemp -d)
    trap 'rm -rf "$debs"' EXIT
    # with the machine's package lists, or else with fresh ones in a folder that is ours
    fetch() { (cd "$debs" && apt-get -qq -o APT::Sandbox::User=root "$@" download python3-pip-whl); }
    mkdir -p "$debs/lists/partial" "$debs/archives/partial"
    own="-o Dir::State::Lists=$debs/lists -o Dir::Cache=$debs"
    # shellcheck disable=SC2086 # the options are words
    fetch 2>/dev/null || { apt-get -qq $own update 2>/dev/null; fetch $own; } 2>/dev/null || {
        echo "this Python has no pip, and apt-get could not download python3-pip-whl:" \
            "install python3-venv and run make again" >&2
        exit 1
    }
    dpkg-deb -x "$debs"/python3-pip-whl_*.deb "$debs/tree"
    wheel=$(echo "$debs"/tree/usr/share/python-wheels/pip-*.whl)
    "$venv/bin/python" "$wheel/pip" -q --disable-pip-version-check \
        install --no-index --no-deps "$wheel"
fi
"$venv/bin/python" -m pip -q --disable-pip-version-check install -e '.[dev]'
