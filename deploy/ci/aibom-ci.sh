#!/bin/sh
# aibom in a pipeline: aibom-ci.sh install | watch | compare | verdict
#
# Every value comes as an environment variable and is used quoted, so that none can become a command:
#
#   AIBOM_INSTALL   what pip installs: a folder, a wheel, NAME==VERSION, git+https://...@REF
#   AIBOM_ENV       where the environment of aibom's own is made
#   AIBOM_RUN       the command line to watch, for sh -ec
#   AIBOM_NAME      what the workload is called in its BOM
#   AIBOM_OBSERVED  the BOM to compare, where none is made here
#   AIBOM_DECLARED  what should run: one document per line
#   AIBOM_FAIL_ON, AIBOM_BASELINE, AIBOM_POLICY   as the options of 'aibom diff'
#   AIBOM_ROOT      never: do not use sudo, watch as the user of the job
#   AIBOM_OUTPUT    the folder for everything that is written
#
# GITHUB_OUTPUT and GITHUB_STEP_SUMMARY are written to where they are set.
set -eu

: "${AIBOM_OUTPUT:=aibom-out}"
: "${AIBOM_ENV:=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/aibom-env}"
aibom=$AIBOM_ENV/bin/aibom
newline='
'

stop() {
    echo "aibom-ci: $1" >&2
    exit 2
}

# one line NAME=VALUE for the steps that follow
output() {
    case $2 in *"$newline"*) stop "$1: a line break in it" ;; esac
    [ -z "${GITHUB_OUTPUT:-}" ] || printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# a path that no option can be mistaken for
path() {
    case $1 in -*) printf './%s' "$1" ;; *) printf '%s' "$1" ;; esac
}

install() {
    [ -n "${AIBOM_INSTALL:-}" ] || stop "AIBOM_INSTALL is empty: name what pip should install"
    python3 -m venv "$AIBOM_ENV"
    "$AIBOM_ENV/bin/python" -m pip --quiet --disable-pip-version-check install -- "$AIBOM_INSTALL"
    "$aibom" --version
}

# runs what is given as root where it can be had
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif [ "${AIBOM_ROOT:-}" != never ] && sudo -n true 2>/dev/null; then
        sudo -n -E env "PATH=$PATH" "HOME=$HOME" "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}" "$@"
    else
        echo "aibom-ci: no root: short loads may be missed, the BOM says what was not seen" >&2
        "$@"
    fi
}

# writes the program to watch: AIBOM_RUN by the user of this job, whoever watches it
program() {
    cat <<EOF
#!/bin/sh
if [ "\$(id -u)" -ne $(id -u) ]; then
    exec setpriv --reuid=$(id -u) --regid=$(id -g) --init-groups sh -ec "\$AIBOM_RUN"
fi
exec sh -ec "\$AIBOM_RUN"
EOF
}

watch() {
    [ -n "${AIBOM_RUN:-}" ] || stop "AIBOM_RUN is empty: name the command to watch"
    export AIBOM_RUN
    mkdir -p "$(path "$AIBOM_OUTPUT")"
    observed=$(path "$AIBOM_OUTPUT")/observed.cdx.json
    name=$(printf '%s' "${AIBOM_NAME:-app}" | tr -c 'A-Za-z0-9._-' '-')
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    chmod 755 "$folder"
    program >"$folder/$name"
    chmod 755 "$folder/$name"
    code=0
    as_root "$aibom" watch --no-cache -o "$observed" -- "$folder/$name" || code=$?
    [ -e "$observed" ] || stop "no BOM was written (exit code $code)"
    # root wrote it, and the steps that follow are not root
    [ -w "$observed" ] || as_root chown "$(id -u):$(id -g)" "$observed"
    output observed "$observed"
    return "$code"
}

compare() {
    observed=$(path "${AIBOM_OBSERVED:-$AIBOM_OUTPUT/observed.cdx.json}")
    out=$(path "$AIBOM_OUTPUT")
    mkdir -p "$out"
    set --
    while IFS= read -r one; do
        [ -z "$one" ] || set -- "$@" "$(path "$one")"
    done <<EOF
${AIBOM_DECLARED:-}
EOF
    [ "$#" -gt 0 ] || [ -n "${AIBOM_POLICY:-}" ] ||
        stop "AIBOM_DECLARED is empty: name what should run, such as an SBOM, or a policy"
    set -- "$@" "$observed" "--fail-on=${AIBOM_FAIL_ON:-medium}"
    [ -z "${AIBOM_BASELINE:-}" ] || set -- "$@" "--baseline=$AIBOM_BASELINE"
    [ -z "${AIBOM_POLICY:-}" ] || set -- "$@" "--policy=$AIBOM_POLICY"
    for pair in sarif:aibom.sarif markdown:aibom.md junit:aibom.junit.xml json:aibom.json; do
        set -- "$@" --format "${pair%%:*}" -o "$out/${pair#*:}"
    done
    code=0
    "$aibom" diff "$@" || code=$?
    [ "$code" -le 1 ] || [ "$code" -eq 3 ] || return "$code"
    # GitHub refuses a summary of more than 1 MiB
    [ -z "${GITHUB_STEP_SUMMARY:-}" ] || head -c 1000000 "$out/aibom.md" >>"$GITHUB_STEP_SUMMARY"
    output sarif "$out/aibom.sarif"
    output markdown "$out/aibom.md"
    output json "$out/aibom.json"
    output code "$code"
    [ -z "${AIBOM_VERDICT_LATER:-}" ] || return 0
    return "$code"
}

# fails a job once everything that is written has been uploaded
verdict() {
    case ${AIBOM_CODE:-} in
        0) ;;
        1) echo "aibom-ci: findings at or above ${AIBOM_FAIL_ON:-medium}; see the job summary" >&2 ;;
        *) stop "the comparison did not end (exit code ${AIBOM_CODE:-none})" ;;
    esac
    return "$AIBOM_CODE"
}

case ${1:-} in
    install | watch | compare | verdict) "$1" ;;
    *) stop "what to do: install, watch, compare or verdict" ;;
esac
