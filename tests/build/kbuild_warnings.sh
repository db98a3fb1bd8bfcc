#!/bin/sh
# SPDX-License-Identifier: MIT
# scripts/kbuild.sh takes no module that is built with a warning, whoever gives it: kbuild_warnings.sh KBUILD
set -eu

kbuild=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/headers" "$scratch/module"

# builds STATUS LINE: a kernel's build system that says this and ends like that.
builds() {
	printf 'modules:\n\t@echo "%s" >&2; exit %s\n' "$2" "$1" >"$scratch/headers/Makefile"
	"$kbuild" "$scratch/headers" "$scratch/module" >"$scratch/out" 2>&1
}

refused() {
	! builds 0 "$1" || { echo "taken: $1"; exit 1; }
	grep -qF "$1" "$scratch/out" || { echo "not shown: $1"; exit 1; }
}

refused "x.c:3:6: warning: unused variable 'a' [-Wunused-variable]"
refused "x.o: warning: objtool: f+0x5: relocation to !ENDBR: g+0x0"
refused "WARNING: modpost: x: section mismatch in reference: f (section: .text) -> g (section: .init.text)"
builds 0 "warning: the compiler differs from the one used to build the kernel" || { echo "refused for the compiler's version"; exit 1; }
builds 0 "warning: pahole version differs from the one used to build the kernel" || { echo "refused for pahole's version"; exit 1; }
builds 0 "Skipping BTF generation for x.ko due to unavailability of vmlinux" || { echo "refused without a warning"; exit 1; }
! builds 1 "error: no such thing" || { echo "a build that failed was taken"; exit 1; }
! "$kbuild" "$scratch/nothing" "$scratch/module" 2>"$scratch/out" || { echo "built without headers"; exit 1; }
grep -q "no kernel headers there" "$scratch/out"
