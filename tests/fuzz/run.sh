#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzz rtld with libFuzzer: run.sh BUILD SECONDS. Each of the two fuzzers gets half of the time. New inputs go to
# BUILD/tests/fuzz/found; one that crashes is named in the output.
set -eu

build=$1
seconds=$2
fuzz=$build/tests/fuzz
here=$(dirname "$0")

ninja -C "$build" tests/fuzz/fuzz-probe tests/fuzz/fuzz-set tests/fuzz/done >/dev/null
for kind in probe set; do
	mkdir -p "$fuzz/found/$kind"
	"$fuzz/fuzz-$kind" -max_total_time=$((seconds / 2)) -max_len=131072 -timeout=10 -rss_limit_mb=2048 \
		-dict="$here/elf.dict" -artifact_prefix="$fuzz/found/$kind-" -print_final_stats=1 \
		"$fuzz/found/$kind" "$fuzz/corpus/$kind" 2>&1 | grep -E 'ERROR|SUMMARY|stat::|Test unit|cov:' | tail -8
	! ls "$fuzz"/found/$kind-* >/dev/null 2>&1 || { echo "$kind: see $fuzz/found/$kind-*"; exit 1; }
done
