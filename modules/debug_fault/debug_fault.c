/* SPDX-License-Identifier: MIT */
/*
 * One function per way to die. What concerns the heap is the exception: it is used up and
 * stays so, because running out of it has to be an error of whoever wants more, not a crash;
 * and what is freed wrongly is a line of the log.
 */
#include <plinth/debug_fault.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/memory.h>
#include <plinth/vcpu.h>
#include <plinth/vmcs.h>

#define LOG_TAG "debug"

PLINTH_MODULE("debug_fault", "0.1.0", "makes the VMM crash on request (tests only)");

#define NOT_CANONICAL (1ull << 63)
#define BAD_ACTIVITY  7u /* there are 0 to 3 */
#define CHUNK	      4096u

static enum exit_action page_fault(struct vcpu *vcpu)
{
	volatile uint64_t *nowhere = (volatile uint64_t *)0x1000;

	(void)vcpu;
	*nowhere = 1;
	return EXIT_FATAL;
}

/* No tail call, and a frame that cannot be left out. */
static __attribute__((noinline)) uint64_t deeper(uint64_t depth)
{
	volatile uint64_t frame[16];

	frame[depth % 16] = depth;
	return frame[0] + (depth == UINT64_MAX ? 0 : deeper(depth + 1)) + frame[15];
}

static enum exit_action stack(struct vcpu *vcpu)
{
	(void)vcpu;
	return deeper(0) ? EXIT_FATAL : EXIT_NEXT;
}

static enum exit_action gp(struct vcpu *vcpu)
{
	volatile uint64_t *hole = (volatile uint64_t *)NOT_CANONICAL;

	(void)vcpu;
	*hole = 0;
	return EXIT_FATAL;
}

static enum exit_action ud(struct vcpu *vcpu)
{
	(void)vcpu;
	__asm__ volatile("ud2");
	return EXIT_FATAL;
}

/* The CPU finds out on the way into the guest. */
static enum exit_action vmcs_guest(struct vcpu *vcpu)
{
	(void)vcpu;
	return cpu_vmwrite(VMCS_GUEST_ACTIVITY, BAD_ACTIVITY) ? EXIT_FATAL : EXIT_RETRY;
}

static enum exit_action vmcs_host(struct vcpu *vcpu)
{
	(void)vcpu;
	return cpu_vmwrite(VMCS_HOST_TR_SELECTOR, 0) ? EXIT_FATAL : EXIT_RETRY;
}

static enum exit_action heap(struct vcpu *vcpu)
{
	uint64_t taken = 0;

	for (size_t bytes = CHUNK; bytes; bytes /= 2)
		while (mem_alloc(bytes, 0))
			taken += bytes;
	LOG_WARN("the heap's last %llu bytes are taken", (unsigned long long)taken);
	vcpu->regs.rax = 0;
	return EXIT_NEXT;
}

static enum exit_action double_free(struct vcpu *vcpu)
{
	void *block = mem_alloc(CHUNK / 64, 0);

	mem_free(block);
	mem_free(block);
	vcpu->regs.rax = block ? 0 : (uint64_t)PLINTH_E_NOMEM;
	return EXIT_NEXT;
}

/* Put right again once it was found, so that nothing is lost. */
static enum exit_action overrun(struct vcpu *vcpu)
{
	volatile char *block = mem_alloc(CHUNK / 64, 0);

	if (block) {
		block[CHUNK / 64] ^= 1;
		mem_free((void *)block);
		block[CHUNK / 64] ^= 1;
		mem_free((void *)block);
	}
	vcpu->regs.rax = block ? 0 : (uint64_t)PLINTH_E_NOMEM;
	return EXIT_NEXT;
}

static enum exit_action loop(struct vcpu *vcpu)
{
	while (vcpu)
		cpu_pause();
	return EXIT_FATAL;
}

static enum exit_action fatal(struct vcpu *vcpu)
{
	(void)vcpu;
	return EXIT_FATAL;
}

/* No exception can be delivered: the CPU shuts down, and there is nobody left to report it. */
static enum exit_action triple(struct vcpu *vcpu)
{
	const struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} none = {0, 0};

	(void)vcpu;
	__asm__ volatile("lidt %0\n\tud2" : : "m"(none));
	return EXIT_FATAL;
}

static vcpu_exit_fn *const faults[DEBUG_FAULT_COUNT] = {
	[DEBUG_FAULT_PAGE_FAULT] = page_fault,
	[DEBUG_FAULT_STACK] = stack,
	[DEBUG_FAULT_GP] = gp,
	[DEBUG_FAULT_UD] = ud,
	[DEBUG_FAULT_VMCS_GUEST] = vmcs_guest,
	[DEBUG_FAULT_VMCS_HOST] = vmcs_host,
	[DEBUG_FAULT_HEAP] = heap,
	[DEBUG_FAULT_LOOP] = loop,
	[DEBUG_FAULT_FATAL] = fatal,
	[DEBUG_FAULT_TRIPLE] = triple,
	[DEBUG_FAULT_DOUBLE_FREE] = double_free,
	[DEBUG_FAULT_OVERRUN] = overrun,
};

static enum exit_action raise_fault(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)below;
	(void)context;
	if (vcpu->regs.rcx < DEBUG_FAULT_COUNT)
		return faults[vcpu->regs.rcx](vcpu);
	vcpu->regs.rax = (uint64_t)PLINTH_E_INVAL;
	return EXIT_NEXT;
}

static __attribute__((constructor)) void take_fault_calls(void)
{
	(void)!exit_register_hypercall(DEBUG_FAULT_HYPERCALL, DEBUG_FAULT_HYPERCALL, EXIT_CALLER_ANYBODY,
				       raise_fault, NULL);
}
