/* SPDX-License-Identifier: MIT */
/* Which of the calls that may fail do. */
#include <string.h>

#include "model.h"

static uint32_t calls, armed[2], hits;
static char last[64]; /* a copy: the name may be a module's that is gone when it is asked for */

void model_arm(uint32_t first, uint32_t second)
{
	calls = hits = 0;
	armed[0] = first;
	armed[1] = second;
	last[0] = '\0';
}

uint32_t model_disarm(void)
{
	armed[0] = armed[1] = 0;
	return hits;
}

bool model_fault(const char *what)
{
	calls++;
	if (calls != armed[0] && calls != armed[1])
		return false;
	hits++;
	strncpy(last, what, sizeof(last) - 1);
	return true;
}

const char *model_fault_name(void)
{
	return last;
}

uint32_t model_faults_seen(void)
{
	return calls;
}
