#!/bin/sh
# Builds the static library for a target without std, with and without an allocator, and links it with nothing
# else: an undefined symbol would be something that only an operating system has. On an x86-64 host with a C
# compiler it is also run, which checks the portable code of the hashes and of AES. Needs the target:
# rustup target add x86_64-unknown-none
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=x86_64-unknown-none
output=${CARGO_TARGET_DIR:-$here/../../../target}/bare
case $output in /*) ;; *) output=$PWD/$output ;; esac
# Flags from outside would replace those of the repository's .cargo/config.toml, which cargo finds from here.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
cd "$here"

for features in '' alloc; do
    cargo build --locked --target "$target" --target-dir "$output" --features "$features"
    library=$output/$target/debug/libbare.a
    if [ "$(uname -m)" != x86_64 ] || ! command -v cc > /dev/null; then
        echo "built, not linked: no C compiler for x86-64 here"
        continue
    fi
    cc -nostdlib -static -no-pie -Wl,-e,ipmi_bare_check -o "$output/bare-alone" \
        -Wl,--whole-archive "$library" -Wl,--no-whole-archive
    echo 'int ipmi_bare_check(void); int main(void) { return ipmi_bare_check(); }' |
        cc -no-pie -o "$output/bare-run" -x c - -x none "$library"
    "$output/bare-run" || { echo "cipher suite $(($? - 1)) failed" >&2; exit 1; }
done
echo "bare: built without std, linked with nothing, every cipher suite agrees with itself"
