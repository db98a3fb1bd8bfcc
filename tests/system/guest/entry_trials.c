/* SPDX-License-Identifier: MIT */
/*
 * Asks the module debug_trials for all its trials, one state after the other, and prints a line for each.
 *
 *   entry_trials PAIRS
 *
 * Exit status 0: the CPU and the rules of vmx_check were of one opinion everywhere; 1: they were not, the
 * VMM's log says where; 2: it did not work.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plinth/debug_trials.h>
#include <plinth/error.h>

struct answer {
	int64_t error;
	uint64_t tried, differ, left_out;
	char name[9];
};

static void ask(uint64_t state, uint64_t pairs, struct answer *out)
{
	uint64_t a = DEBUG_TRIALS_HYPERCALL, c = state, d = pairs, si = 0, di = 0;

	__asm__ volatile("vmcall" : "+a"(a), "+c"(c), "+d"(d), "+S"(si), "+D"(di)::"memory");
	*out = (struct answer){.error = (int64_t)a, .tried = c, .differ = d, .left_out = si};
	memcpy(out->name, &di, sizeof(di));
}

int main(int argc, char **argv)
{
	uint64_t pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, tried = 0, differ = 0;
	struct answer answer;
	int states = 0;

	for (uint64_t i = 0; ask(i, pairs, &answer), answer.error != PLINTH_E_INVAL; i++) {
		if (answer.error == PLINTH_E_NOTSUP) {
			printf("state %-8s: this CPU has no such guest\n", answer.name);
			continue;
		}
		if (answer.error) {
			printf("state %-8s: error %lld\n", answer.name, (long long)answer.error);
			return 2;
		}
		printf("state %-8s: %llu entries tried, %llu left out, %llu differ\n", answer.name,
		       (unsigned long long)answer.tried, (unsigned long long)answer.left_out,
		       (unsigned long long)answer.differ);
		states++;
		tried += answer.tried;
		differ += answer.differ;
	}
	ask(DEBUG_TRIALS_UNCONFIRMED, 0, &answer);
	printf("%lld rules unconfirmed\n", (long long)answer.error);
	printf("%d states, %llu entries tried, %llu differ\n", states, (unsigned long long)tried,
	       (unsigned long long)differ);
	return !states ? 2 : differ != 0;
}
