#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds a kernel of a kind that Debian has not got, from the source of one that it has: as small as kernels get, with what
# kernel-NAME.config asks for, by a compiler of this machine's Debian that is unpacked for it. Then it lies there like one that
# fetch-kernel.sh unpacked. Some 23 minutes of processor time, once.
#
#   build-kernel.sh NAME CACHE SUITE clang-VERSION     what fetch-kernel.sh, which begins it, has read in kernels.txt
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/suite.sh
. "$top/scripts/suite.sh"
name=$1
root=$2/$name
wanted=$3
version=${4#clang-}
half=$(realpath -m "$root.new")
config=$top/scripts/kernel-$name.config
export PATH=$PATH:/usr/sbin:/sbin

# get_tools: the compiler, and what else builds a kernel. Its programs begin each other, so each gets its libraries by the environment.
get_tools() (
	# shellcheck source=/dev/null
	read_suite "$(. /etc/os-release && echo "$VERSION_CODENAME")"
	unpack_all "clang-$version" "lld-$version" "llvm-$version" flex bison bc libelf-dev
	mkdir "$scratch/root/run"
	for tool in clang ld.lld llvm-ar llvm-nm llvm-objcopy llvm-objdump llvm-readelf llvm-strip; do
		cat >"$scratch/root/run/$tool" <<-'END'
			#!/bin/sh
			usr=$(dirname "$(dirname "$(realpath "$0")")")/usr
			export LD_LIBRARY_PATH="$usr/lib/x86_64-linux-gnu:$(echo "$usr"/lib/llvm-*/lib)"
			exec "$(echo "$usr"/lib/llvm-*/bin)/$(basename "$0")" "$@"
		END
		chmod +x "$scratch/root/run/$tool"
	done
	keep_as "$half/tools"
)

get_source() (
	read_suite "$wanted"
	unpack "$(depends linux-source linux-source-)"
	tar -xf "$scratch"/root/usr/src/linux-source-*.tar.xz -C "$scratch/root"
	rm -rf "$scratch/root/usr"
	keep_as "$half/source"
)

# kernel_make ARGUMENT...: no word of it, unless it fails.
kernel_make() {
	make -s -j "$(nproc)" -C "$source" LLVM="$half/tools/run/" INSTALL_MOD_PATH="$half" "$@" >"$half/make.log" 2>&1 ||
		{ tail -n 20 "$half/make.log" >&2; die "the kernel '$name' cannot be built: make $*"; }
}

configure() {
	local option
	kernel_make tinyconfig
	cat "$config" >>"$source/.config"
	kernel_make olddefconfig
	while read -r option; do
		grep -qxF "$option" "$source/.config" || die "$config: the kernel has no such option, or it wants another first: $option"
	done < <(grep '^CONFIG' "$config")
}

# keep_headers FOLDER: what kernel modules are built against, wherever it lies.
keep_headers() {
	kernel_make run-command KBUILD_RUN_COMMAND="\$(srctree)/scripts/package/install-extmod-build $1"
	# shellcheck disable=SC2016 # make's variables
	sed -i '1i LLVM := $(realpath $(dir $(lastword $(MAKEFILE_LIST)))../../../tools/run)/' "$1/Makefile"
}

[ -r "$config" ] || die "no $config"
rm -rf "$half"
mkdir -p "$half/boot"
echo "[kernel] building $name from the source that $wanted has" >&2
get_tools
get_source
source=$(echo "$half"/source/linux-source-*)
tools=$half/tools/usr
export PATH=$PATH:$tools/bin LD_LIBRARY_PATH=$tools/lib/x86_64-linux-gnu
export M4=$tools/bin/m4 BISON_PKGDATADIR=$tools/share/bison
export LIBELF_FLAGS="-I$tools/include" LIBELF_LIBS="-L$tools/lib/x86_64-linux-gnu -lelf"
configure
kernel_make bzImage modules
kernel_make modules_install
release=$(cat "$source/include/config/kernel.release")
cp "$source/arch/x86/boot/bzImage" "$half/boot/vmlinuz-$release"
keep_headers "$half/usr/src/linux-headers-$release"
rm -rf "$half/source" "$half/make.log" "$half/lib/modules/$release/build"
ln -s "usr/src/linux-headers-$release" "$half/headers"
rm -rf "$root"
mv "$half" "$root"
