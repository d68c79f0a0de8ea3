#!/usr/bin/env bash
# All tests: formatting, lints, documentation, unit and property tests, engines under loss and attack, the
# codec without std, replay of the fuzz corpora, and real IPMI clients against the running program.
#
#   ./test.sh            everything; what it needs is installed with apt-get if this is root on Debian
#
# Ends with an error at the first thing that fails, or that cannot be run here.
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" RUST_BACKTRACE=1
unset RUST_LOG VBMCD_PASSWORD IPMITOOL_PASSWORD IPMI_PASSWORD

step() {
    printf '\n=== %s (after %d s)\n' "$1" "$SECONDS"
}

fail() {
    printf '\ntest.sh: %s\n' "$1" >&2
    exit 1
}

# The programs that the tests run, and the Debian packages that have them.
programs=(ipmitool:ipmitool ipmipower:freeipmi-tools bmc-info:freeipmi-tools ipmi-chassis:freeipmi-tools
    ipmi-raw:freeipmi-tools ipmiconsole:freeipmi-tools ipmi-config:freeipmi-tools rmcpping:freeipmi-tools
    ipmiping:freeipmi-tools script:bsdutils snmptrapd:snmptrapd
    python3:python3 cc:gcc
    libvirtd:libvirt-daemon virsh:libvirt-clients qemu-system-x86_64:qemu-system-x86 as:binutils setpriv:util-linux)

missing_packages() {
    local entry
    for entry in "${programs[@]}"; do
        command -v "${entry%%:*}" >/dev/null || printf '%s\n' "${entry##*:}"
    done | sort -u
    # libvirt's driver for QEMU, and what QEMU's machines are started with.
    compgen -G '/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so' >/dev/null ||
        printf 'libvirt-daemon-driver-qemu\n'
    [ -e /usr/share/seabios/bios-256k.bin ] || printf 'seabios\n'
    [ -e /usr/lib/ipxe/qemu/efi-virtio.rom ] || printf 'ipxe-qemu\n'
    # Debian's gcc comes without what every program is linked with.
    printf 'int main(void) { return 0; }' | cc -x c -o /dev/null - 2>/dev/null || printf 'libc6-dev\n'
}

step 'Programs that the tests need'
for program in cargo rustfmt cargo-clippy; do
    command -v "$program" >/dev/null || fail "$program is missing: install Rust with rustup, rustfmt and clippy"
done
mapfile -t missing < <(missing_packages)
if ((${#missing[@]} > 0)); then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "missing: run apt-get install ${missing[*]}"
    fi
    apt-get update -q
    # A newer qemu-utils from backports would not go with the QEMU of the distribution.
    if [[ " ${missing[*]} " == *' qemu-system-x86 '* ]] && dpkg -s qemu-utils >/dev/null 2>&1; then
        missing+=("qemu-utils=$(apt-cache madison qemu-system-x86 | awk '{ print $3; exit }')")
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --allow-downgrades "${missing[@]}"
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) || fail "apt-get did not bring ${missing[*]}"
fi
cargo --version
ipmitool -V
# Not `| head`: a reader that ends early would end this script.
freeipmi=$(ipmipower --version)
printf '%s\n' "${freeipmi%%$'\n'*}"

step 'Formatting'
cargo fmt --all --check

step 'Lints'
cargo clippy --workspace --all-targets --locked -- -D warnings

step 'Documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

step 'Tests'
# The programs first: some tests run those of other packages.
cargo build --workspace --bins --locked
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --all-targets --locked --no-fail-fast
else
    cargo test --workspace --all-targets --locked --no-fail-fast
fi

step 'Ten million random and mutated datagrams'
cargo test --release --locked --package ipmi-server --test soak

step 'ipmi-server without driver and machine in memory'
cargo check --locked --package ipmi-server --no-default-features

step 'Examples in the documentation'
cargo test --workspace --doc --locked

step 'ipmi-proto without std'
target=x86_64-unknown-none
if rustup target list --installed 2>/dev/null | grep -x "$target" >/dev/null || rustup target add "$target"; then
    sh ipmi-proto/tests/bare/check.sh
else
    printf 'NOT BUILT for %s: rustup cannot add that target here. For the host instead:\n' "$target"
    for features in '' alloc; do
        cargo build --locked --manifest-path ipmi-proto/tests/bare/Cargo.toml --target-dir target/bare \
            --features "$features"
    done
fi

step 'Licences and sources of dependencies'
if ! cargo deny --version >/dev/null 2>&1; then
    # Built once, about three minutes on two cores, and kept with the other build products.
    PATH="$PWD/target/tools/bin:$PATH"
    cargo deny --version >/dev/null 2>&1 ||
        cargo install cargo-deny --quiet --locked --no-default-features --root target/tools
fi
# Without `advisories`: their database is not in a package registry.
cargo deny --locked check bans licenses sources

# The acceptance suite of the project's steering side, where it lies beside this clone.
acceptance=../shared/conformance/run.py
if [ -e "$acceptance" ]; then
    step 'Acceptance suite'
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkfifo "$scratch/output"
    target/debug/vbmcd demo --count 1 --port 0 --username admin --password password \
        --actions "$scratch/actions" >"$scratch/output" 2>"$scratch/log" &
    daemon=$!
    trap 'kill "$daemon" 2>/dev/null || true; rm -rf "$scratch"' EXIT
    port=
    while read -r line; do
        case $line in
            node1*) port=${line##*:} ;;
            Ready*) break ;;
        esac
    done <"$scratch/output"
    [ -n "$port" ] || fail "vbmcd did not start: $(cat "$scratch/log")"
    # Left out: FreeIPMI 1.6.10 shows uninitialised memory in fi.bmc.info whatever BMC it asks.
    python3 "$acceptance" --port "$port" --user admin --password password --tag core,hardening \
        --skip fi.bmc.info --actions-cmd "cat '$scratch/actions'" --sol-host none
    kill -TERM "$daemon"
    wait "$daemon" || fail "vbmcd ended with an error: $(cat "$scratch/log")"
fi

step 'Done'
