# Sourced by `run` and `test`: what both need before they start.
# Speaks on standard error only; standard output belongs to the program.
# shellcheck shell=sh

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# What building and starting the program takes, and nothing else.
BUILD_PACKAGES="gcc libc6-dev pkg-config libpcsclite-dev libpcsclite1"

# need_packages NAME...: installs those Debian packages that are not there yet.
# A machine that has them all is not touched and needs no network.
need_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        say "This is not Debian, so nothing is installed. Needed are (Debian's names): $*"
        return 0
    fi
    missing=""
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=""
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0

    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "Missing:$missing. Become root, or install sudo, and start again."
        as_root=sudo
    fi
    say "Installing:$missing"
    log=$(mktemp)
    if $as_root apt-get -qq update >"$log" 2>&1 </dev/null &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq install -y --no-install-recommends $missing >>"$log" 2>&1 </dev/null; then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get could not install:$missing"
    fi
}

# Finds cargo, also where the shell's profile has not been read.
# Everything is built under target/, wherever the caller usually builds.
need_cargo() {
    command -v cargo >/dev/null 2>&1 || PATH="${CARGO_HOME:-${HOME:-/root}/.cargo}/bin:$PATH"
    command -v cargo >/dev/null 2>&1 ||
        die "Rust is missing: install Rust 1.95 or later (rustup), then start again."
    unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR CARGO_BUILD_TARGET
}
