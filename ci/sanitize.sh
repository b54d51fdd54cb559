#!/bin/sh
# Undefined behaviour, in some ten minutes: Miri on what has no C in it, AddressSanitizer on the hook
# inside an interpreter that traces the corpus. After `cargo xtask build-python`, on Linux with GCC;
# Miri is a part of nightly Rust. An argument chooses one of the two: `miri`, `asan`.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

miri() {
    rustup component add miri rust-src --toolchain nightly
    for package in bytecode wire recording; do
        cargo +nightly miri test --package "$package" --lib --target-dir target/miri
    done
}

asan() {
    tree="$root/target/python/tree/traced"
    prefix="$root/target/python/prefix/traced"
    build="$root/target/python/build/asan"
    folder="$build/corpus"
    # What CPython leaks on purpose is not the hook's. A fault of the hook is reported, and the program
    # goes on: all are found in one run.
    export ASAN_OPTIONS=detect_leaks=0:halt_on_error=0
    mkdir -p "$build" "$folder"
    : >"$folder/reports"
    cd "$build"
    if [ ! -f Makefile ]; then
        # Its own allocator would hide what is freed.
        CFLAGS='-std=gnu11 -g1 -O1 -fsanitize=address -fno-omit-frame-pointer' \
            LDFLAGS=-fsanitize=address \
            "$tree/configure" --without-pymalloc --enable-unicode=ucs4 OPT= >configure.log
    fi
    host=$(rustc -vV | sed -n 's/^host: //p')
    # The flag is unstable; build scripts go without it for a target that is named.
    (cd "$root" &&
        PYTHON27_TRACED_INCLUDE="$build:$tree/Include" PYTHON27_TRACED_BUILD=asan \
            RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=address -Zsanitizer-recover=address' \
            cargo rustc --package shim --lib --crate-type staticlib --features interpreter \
            --release --target "$host" --target-dir target/asan)
    cp "$root/target/asan/$host/release/libshim.a" libhook.a
    rm -f python
    make -j2 LDLAST="$build/libhook.a -lutil -lrt -lpthread -lm -ldl" >make.log 2>&1
    cp "$prefix/bin/trace-writer" .

    count=0
    for program in "$root"/tests/corpus/*.py; do
        name=$(basename "$program" .py)
        for options in '' '--format flow --threads all' '--guard -r'; do
            # shellcheck disable=SC2086
            (cd "$folder" && "$prefix/bin/python2.7" "$root/tracer.py" $options \
                "$program" wanted >wanted.out 2>&1) && wanted=0 || wanted=$?
            # shellcheck disable=SC2086
            (cd "$folder" && "$build/python" "$root/tracer.py" $options \
                "$program" found >found.out 2>&1) && found=0 || found=$?
            if [ "$wanted" != "$found" ]; then
                echo "$name $options: status $found in place of $wanted"
            fi
            # `Saved::cover` reads whole words, up to seven bytes behind an object; its result is masked.
            sed -n '/ERROR: AddressSanitizer/,/^$/p' "$folder/found.out" >>"$folder/reports"
            count=$((count + 1))
        done
    done
    # The innermost place of ours in each report.
    places=$(awk '/ERROR: AddressSanitizer/ { named = 0 }
        !named && match($0, /(shim|crates|Objects|Python|Modules)\/[A-Za-z_\/]*\.(rs|c)/) {
            named = 1; print substr($0, RSTART, RLENGTH) }' "$folder/reports" | sort | uniq -c)
    echo "AddressSanitizer: $count runs of the corpus; reports by file: ${places:-none}"
    if printf '%s' "$places" | grep -qv 'shim/src/py/saved.rs'; then
        cat "$folder/reports"
        exit 1
    fi
    rm -r "$folder"
    cd "$root"
}

for what in ${*:-miri asan}; do
    "$what"
done
