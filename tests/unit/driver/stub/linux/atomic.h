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

static inline int atomic_read(const atomic_t *v)
{
	return __atomic_load_n(&v->counter, __ATOMIC_SEQ_CST);
}

static inline void atomic_add(int n, atomic_t *v)
{
	__atomic_add_fetch(&v->counter, n, __ATOMIC_SEQ_CST);
}

static inline void atomic_inc(atomic_t *v)
{
	__atomic_add_fetch(&v->counter, 1, __ATOMIC_SEQ_CST);
}

/* What it would be, and it is if that is not below 0. */
static inline int atomic_dec_if_positive(atomic_t *v)
{
	int now = atomic_read(v);

	while (now > 0 && !__atomic_compare_exchange_n(&v->counter, &now, now - 1, 0, __ATOMIC_SEQ_CST,
						       __ATOMIC_SEQ_CST))
		;
	return now - 1;
}

static inline _Bool atomic_try_cmpxchg(atomic_t *v, int *old, int value)
{
	return __atomic_compare_exchange_n(&v->counter, old, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#endif
