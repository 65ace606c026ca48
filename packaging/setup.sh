#!/usr/bin/env bash
# Brings uv, the locked environment and, for tests, the system packages; says in one line what it cannot bring.
#   packaging/setup.sh .venv          the environment
#   packaging/setup.sh --system-only  what the tests use from the system: a second broker and database, a browser, fonts, an emulated TPM
set -euo pipefail
cd "$(dirname "$0")/.."

system_packages() {
    local wanted=(mosquitto chromium fonts-noto-cjk espeak-ng npm postgresql strace swtpm tpm2-tools) missing=() name
    [ "$(uname -m)" = x86_64 ] || wanted+=(libatomic1)
    for name in "${wanted[@]}"; do
        case "$name" in
            fonts-noto-cjk) fc-list 2>/dev/null | grep -qi 'noto.*cjk' || missing+=("$name") ;;
            libatomic1) ldconfig -p | grep -q libatomic.so.1 || missing+=("$name") ;;
            mosquitto) [ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null || missing+=("$name") ;;
            postgresql) compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null \
                || missing+=("$name") ;;
            tpm2-tools) command -v tpm2_nvwrite >/dev/null || missing+=("$name") ;;
            chromium) has_browser || missing+=("$name") ;;
            *) command -v "$name" >/dev/null || missing+=("$name") ;;
        esac
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing ${missing[*]} (Debian packages that the tests use) ..."
        apt-get update -qq || echo "The package lists could not be renewed; trying with those that are here" >&2
        for name in "${missing[@]}"; do
            [ "$name" != postgresql ] || no_cluster
            RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$name" >/dev/null \
                || echo "$name could not be installed; tests that use it are skipped" >&2
        done
    else
        echo "Tests that use ${missing[*]} will be skipped; to run them: sudo apt-get install ${missing[*]}" >&2
    fi
}

no_cluster() { # tests start a server of their own: Debian's package is not to make one that runs for ever
    local file=/etc/postgresql-common/createcluster.conf
    [ -e "$file" ] || { mkdir -p "${file%/*}" && echo "create_main_cluster = false" >"$file"; }
}

has_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" >/dev/null && return 0
    done
    return 1
}

python_path() {
    local name
    for name in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "Compline needs Python 3.11 or newer: sudo apt-get install python3 python3-pip" >&2
    exit 1
}

uv_path() {
    local python=$1
    if command -v uv >/dev/null; then
        command -v uv
    else
        if [ ! -x .run/uv/bin/uv ]; then
            "$python" -m pip --version >/dev/null 2>&1 || { echo "Compline needs pip: sudo apt-get install python3-pip" >&2; exit 1; }
            PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check \
                --no-warn-script-location --target .run/uv uv >&2  # a folder of our own: root harms nothing here
        fi
        echo .run/uv/bin/uv
    fi
}

environment() {
    local venv=$1 python uv
    python=$(python_path)
    uv=$(uv_path "$python")
    [ -x "$venv/bin/python" ] || "$uv" venv --quiet --python "$python" "$venv"
    echo "Installing the locked environment into $venv ..."
    # compiled once here, for where PYTHONDONTWRITEBYTECODE is set every start would do it anew
    "$uv" pip sync --quiet --compile-bytecode --python "$venv" --require-hashes requirements.lock
    "$uv" pip install --quiet --python "$venv" --no-deps -e shared -e edge -e hub
}

if [ "${1:-}" = --system-only ]; then
    system_packages
else
    environment "${1:-.venv}"
fi
