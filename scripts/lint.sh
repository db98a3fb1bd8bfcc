#!/bin/bash
# SPDX-License-Identifier: MIT
# Style: clang-format, clang-tidy's short list on native code, shellcheck, file sizes, marks of unfinished work,
# licences. One line per finding; exit status 1 if there are any.
set -euo pipefail

cd "$(dirname "$0")/.."
bad=0

complain() {
	echo "$*"
	bad=1
}

mapfile -t files < <(git ls-files)
sources() {
	printf '%s\n' "${files[@]}" | grep -E "$1" || true
}

# -- sizes, marks, licences -----------------------------------------------------------
mapfile -t texts < <(sources '\.(c|h|S|py|sh)$')
! awk '
function judge() {
	if (lines > 400)
		print name ": " lines " lines, 400 are the most: split it"
	if (name && !licence)
		print name ": no SPDX-License-Identifier in its first lines"
}
FNR == 1 { judge(); name = FILENAME; licence = 0 }
FNR <= 3 && /SPDX-License-Identifier: / { licence = 1 }
{ lines = FNR }
END { judge() }' "${texts[@]}" | grep . || bad=1
! grep -nE '\b(TODO|FIXME|XXX)\b' "${texts[@]}" /dev/null | grep -v '^scripts/lint.sh' || complain "unfinished"

# -- formatting -------------------------------------------------------------------------
while read -r file; do
	complain "$file: clang-format -i $file"
done < <(sources '\.(c|h)$' | xargs -P "$(nproc)" -n 32 clang-format --dry-run --Werror 2>&1 | sed -n 's/:[0-9]*:[0-9]*: error: .*//p' | sort -u)

# -- shell ------------------------------------------------------------------------------
mapfile -t scripts < <(printf '%s\n' run test bench completions/plinthctl; sources '^(scripts|tests/install|packaging)/.*\.sh$')
shellcheck --severity=warning --shell=bash "${scripts[@]}" || bad=1

# -- clang-tidy, on what is compiled natively ------------------------------------------
mapfile -t native < <(sources '^(lib|rtld|tools/(plinthctl|introspect|peek)|drivers/common)/.*\.c$')
printf '%s\n' "${native[@]}" | xargs -P "$(nproc)" -n 16 sh -c 'clang-tidy --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE \
	-I. -Iinclude -Irtld -Ilib $(pkg-config --cflags json-c libbpf nettle) \
	-DPLINTH_DEFAULT_MODULES=\"\" -DPLINTH_INTROSPECT_LIBRARY=\"\" -DPLINTH_VERSION_TEXT=\"\"' clang-tidy 2>/dev/null || bad=1
exit $bad
