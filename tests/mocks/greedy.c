/* SPDX-License-Identifier: MIT */
/* An extension that takes all of the VMM's memory there is, of one sort, when the kernel asks it to. */
#include <stddef.h>

#include <plinth/exit_handler.h>
#include <plinth/memory.h>

#include "greedy.h"

PLINTH_MODULE("greedy", "0.1.0", "takes all there is (tests)");

#define MOST 4096u

static void *taken[MOST];
static size_t n_taken;
static enum greedy_what what;

static void *greedy_take(void)
{
	switch (what) {
	case GREEDY_HEAP: return mem_alloc(16, 0);
	case GREEDY_PAGES: return mem_page_alloc();
	default: return mem_map(0x1000, 1, MEM_R);
	}
}

static void give_back(void *p)
{
	switch (what) {
	case GREEDY_HEAP: mem_free(p); break;
	case GREEDY_PAGES: mem_page_free(p); break;
	default: mem_unmap(p, 1); break;
	}
}

static enum exit_action greedy_answer(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	enum greedy_what call = (enum greedy_what)(vcpu->regs.rax - GREEDY_FIRST);

	(void)below;
	(void)context;
	while (call == GREEDY_GIVE_BACK && n_taken)
		give_back(taken[--n_taken]);
	if (call != GREEDY_GIVE_BACK) {
		what = call;
		while (n_taken < MOST && (taken[n_taken] = greedy_take()))
			n_taken++;
	}
	vcpu->regs.rax = n_taken;
	return EXIT_NEXT;
}

__attribute__((constructor)) static void greedy_attach(void)
{
	(void)!exit_register_hypercall(GREEDY_FIRST, GREEDY_FIRST + GREEDY_CALLS - 1, EXIT_CALLER_KERNEL,
				       greedy_answer, NULL);
}

__attribute__((destructor)) static void greedy_detach(void)
{
	(void)!exit_unregister_hypercall(GREEDY_FIRST, GREEDY_FIRST + GREEDY_CALLS - 1, EXIT_CALLER_KERNEL,
					 greedy_answer, NULL);
}
