# SPDX-License-Identifier: MIT
# Shell library of ./run, ./test and ./bench: set-up, build, progress.
# The caller sets `top` (the source tree) and `me` (its own name).
# shellcheck shell=bash disable=SC2154

build=${PLINTH_BUILD:-$top/build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
cross=$top/cross/x86_64-clang.ini

say() {
	echo "[$me] $*" >&2
}

# Bad arguments: one line, exit 2.
usage_error() {
	echo "$me: $* (see ./$me --help)" >&2
	exit 2
}

# need_value OPTION COUNT: OPTION must be followed by something.
need_value() {
	[ "$2" -ge 2 ] || usage_error "$1 wants a value"
}

# need_file ARGUMENT FILE: FILE, from ARGUMENT, must be readable.
need_file() {
	if [ -d "$2" ] || [ ! -r "$2" ]; then
		usage_error "$1: no such file, or not readable"
	fi
}

# Prints label and seconds while the caller does something, until killed.
progress() {
	local label=$1 start=$SECONDS every=10
	[ ! -t 2 ] || every=1
	# The sleep must hold neither our output nor the lock when we are gone.
	while sleep $every >/dev/null 2>&1 9>&-; do
		if [ -t 2 ]; then
			printf '\r\033[K[%s] %3d s  %s' "$me" $((SECONDS - start)) "$label" >&2
		else
			say "$(printf '%3d s  %s' $((SECONDS - start)) "$label")"
		fi
	done
}

# step LABEL COMMAND...: runs it with progress, its output in build/LABEL.log;
# ends the script with the log's last lines if it fails.
step() {
	local label=$1 start=$SECONDS log status=0 printer
	shift
	log=$build/$label.log
	progress "$label" 9>&- &
	printer=$!
	"$@" >"$log" 2>&1 || status=$?
	kill $printer
	wait $printer 2>/dev/null || true
	[ ! -t 2 ] || printf '\r\033[K' >&2
	if [ $status -ne 0 ]; then
		say "$label failed after $((SECONDS - start)) s, last lines of $log:"
		tail -n 30 "$log" >&2
		exit 1
	fi
	say "$label done, $((SECONDS - start)) s"
}

# One command at a time may change the build folder.
lock_build() {
	mkdir -p "$build"
	exec 9>"$build/.lock"
	if ! flock -n 9; then
		say "waiting for another command that builds in $build"
		flock 9
	fi
}

unlock_build() {
	exec 9>&-
}

# Packages, sources, kernel; then a configured build folder. The lock is kept.
configure() {
	lock_build
	"$top/scripts/setup.sh" "$build"
	if [ ! -e "$build/build.ninja" ]; then
		step configure meson setup "$build" "$top" --cross-file "$cross" -Ddebug_fault=true
	elif ! ninja -C "$build" build.ninja >"$build/configure.log" 2>&1; then
		step configure meson setup --reconfigure "$build" "$top"
	fi
}

# fetch WHAT CACHE NAME...: unpacks kernels or emulators beside this machine's (scripts/kernels.txt, emulators.txt). Beside a command
# that builds, but not beside another that fetches. Where one is missing its rows fail, and say so.
fetch() {
	local what=$1 cache=$2 name
	shift 2
	for name in "$@"; do
		flock "$build/.fetch" "$top/scripts/fetch-$what.sh" "$name" "$cache" || true
	done
}

# build_kernels NAME...: the driver and the tests' modules for each kernel that was fetched.
build_kernels() {
	local name
	lock_build
	for name in "$@"; do
		[ ! -e "$build/kernel/$name/headers" ] || step "kernel-$name" ninja -C "$build" "kernel-$name"
	done
	unlock_build
}

# A finished build of everything. From Meson 1.7 on what only tests need is not of "all" any more.
build_all() {
	configure
	step compile ninja -C "$build" all meson-test-prereq meson-benchmark-prereq
	unlock_build
}
