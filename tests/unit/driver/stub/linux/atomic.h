/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_ATOMIC_H
#define STUB_LINUX_ATOMIC_H

typedef struct {
	int counter;
} atomic_t;

static inline int atomic_xchg(atomic_t *v, int value)
{
	return __atomic_exchange_n(&v->counter, value, __ATOMIC_SEQ_CST);
}

#endif
