#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual and the completions against the program: every command, every option, and --help on one screen.
#
#   check-manual.sh PLINTHCTL PLINTHCTL.8 OTHER_PAGE... COMPLETIONS
set -euo pipefail

tool=$1
manual=$2
shift 2
completions=${*: -1}
pages=("$manual" "${@:1:$#-1}")
bad=0

complain() {
	echo "$*"
	bad=1
}

for page in "${pages[@]}"; do
	words=$(LC_ALL=C.UTF-8 MANROFFSEQ=t MANWIDTH=100 man --warnings -l "$page" 2>&1 >/dev/null || true)
	[ -z "$words" ] || complain "$page: $words"
done
text=$(LC_ALL=C MANWIDTH=200 man -l "$manual" | col -b)
commands=$("$tool" --help | sed -n 's/^  \([a-z0-9-]*\) .*/\1/p')
[ -n "$commands" ] || complain "plinthctl --help names no command"
# shellcheck source=completions/plinthctl
source "$completions"
for command in $commands; do
	[ "$command" = debug ] || grep -qw "$command" <<<"$text" || complain "$manual: no command $command"
	help=$("$tool" "$command" --help)
	[ "$(wc -l <<<"$help")" -le 24 ] || complain "plinthctl $command --help is longer than a screen of 24 lines"
	for option in $(grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' <<<"$help" | grep -oE -e '--[a-z-]+'); do
		case $option in --help | --usage) continue ;; esac
		case " $(_plinthctl_options "$command") " in
		*" $option "*) ;;
		*) [ "$command" = debug ] || complain "$completions: plinthctl $command lacks $option" ;;
		esac
		grep -qF -e "$option" -e "-${option:2:1} " <<<"$text" || [ "$command" = debug ] ||
			complain "$manual: plinthctl $command lacks $option"
	done
done
exit $bad
