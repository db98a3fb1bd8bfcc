# SPDX-License-Identifier: MIT
# Shell library of the scripts that fetch something of another Debian suite: apt in a folder of its own reads the suite, and
# packages are unpacked. This machine's set-up stays untouched, nothing is installed.
#
# read_suite first; what lies in $scratch is gone at the caller's end.
# shellcheck shell=bash disable=SC2154

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

apt() {
	command apt-"$1" -qq -o "Dir::Etc::sourcelist=$scratch/suite.sources" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$scratch/lists" -o "Dir::State::status=$scratch/status" -o "Dir::Cache=$scratch/cache" \
		-o "APT::Default-Release=$suite" -o APT::Sandbox::User= "${@:2}"
}

# read_suite SUITE: packages are this suite's from here on; what backports are beside has the rest of what theirs depend on.
read_suite() {
	local uri release=${1%-backports}
	suite=$1
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	uri=$("$scripts/mirror.sh" "$suite" | awk -v suite="$suite" '$2 == suite && !n++ { print $1 }')
	[ -n "$uri" ] || die "this machine's mirror has no suite $suite"
	mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/root"
	: >"$scratch/status"
	[ "$release" != "$suite" ] || release=
	printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$uri" "$suite $release" "$keyring" >"$scratch/suite.sources"
	apt get -o APT::Update::Error-Mode=any update >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; die "cannot read the suite $suite (no network?)"; }
}

# depends PACKAGE PATTERN: the first it depends on whose name matches.
depends() {
	local found
	found=$(apt cache depends --no-recommends --no-suggests "$1" |
		awk -v pattern="^$2" '$1 ~ /Depends:$/ && $2 ~ pattern && !n++ { print $2 }')
	[ -n "$found" ] || die "$suite: $1 depends on nothing like $2"
	echo "$found"
}

# fetch COMMAND...: packages by apt-get, to $scratch.
fetch() {
	(cd "$scratch" && apt get "$@" >"$scratch/log" 2>&1) ||
		{ cat "$scratch/log" >&2; die "apt-get of the suite $suite failed: $*"; }
}

# extract FOLDER: the packages that lie there, to $scratch/root. Not by dpkg -x, which makes folders of links to folders.
extract() {
	# shellcheck disable=SC2016 # expanded there
	find "$1" -maxdepth 1 -name '*.deb' -print0 | xargs -0 -r -P "$(nproc)" -I{} sh -euc '
		dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink --warning=no-timestamp' sh {} "$scratch/root"
}

# unpack PACKAGE...: to $scratch/root.
unpack() {
	fetch download "$@"
	extract "$scratch"
}

# unpack_all PACKAGE...: with everything they depend on but what is essential, to $scratch/root.
unpack_all() {
	fetch install -y --no-install-recommends --download-only "$@"
	extract "$scratch/cache/archives"
}

# keep_as FOLDER: what was unpacked becomes the folder, whole or not at all.
keep_as() {
	rm -rf "$1"
	mkdir -p "$(dirname "$1")"
	mv "$scratch/root" "$1"
}
