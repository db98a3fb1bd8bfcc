/* SPDX-License-Identifier: MIT */
/* Exceptions in root mode: every vector's stub leaves the same structure behind, and IRETQ leads back. */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/x86.h>

#include "trap.h"

static struct cpu_fault fault_seen;
static uint64_t go_on_at;

static void on_fault(struct cpu_fault *fault)
{
	fault_seen = *fault;
	go_on_at = fault->rip;
}

#define WITH_ERROR                                                                                           \
	(1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 21 | 1u << 29 |   \
	 1u << 30)
#define ERROR 0x1234ull

/* What the CPU pushes, then the gate's address; IRETQ works in user mode, too. */
static uint64_t take(uint64_t stub, uint64_t has_error)
{
	uint64_t kept = 0x5566778899aabbcc;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "mov %%rsp, %%rax\n\t"
			 "and $-16, %%rsp\n\t"
			 "mov %%ss, %%ecx\n\t"
			 "pushq %%rcx\n\t"
			 "pushq %%rax\n\t"
			 "pushfq\n\t"
			 "mov %%cs, %%ecx\n\t"
			 "pushq %%rcx\n\t"
			 "lea 2f(%%rip), %%rcx\n\t"
			 "pushq %%rcx\n\t"
			 "test %%rsi, %%rsi\n\t"
			 "jz 1f\n\t"
			 "pushq %[error]\n"
			 "1:\n\t"
			 "jmp *%%rdi\n"
			 "2:\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "+b"(kept)
			 : "D"(stub), "S"(has_error), [error] "i"(ERROR)
			 : "rax", "rcx", "memory", "cc");
	return kept;
}

Test(fault_stubs, leave_the_same_structure_behind, .init = trap_reset)
{
	cpu_set_fault_handler(on_fault);
	for (unsigned int vector = 0; vector < CPU_FAULT_VECTORS; vector++) {
		uint64_t has_error = WITH_ERROR >> vector & 1;

		memset(&fault_seen, 0xff, sizeof(fault_seen));
		cr_expect_eq(take(cpu_fault_stub(vector), has_error), 0x5566778899aabbcc, "vector %u",
			     vector);
		cr_expect_eq(fault_seen.vector, vector);
		cr_expect_eq(fault_seen.error, has_error ? ERROR : 0, "vector %u", vector);
		cr_expect_eq(fault_seen.regs.rbx, 0x5566778899aabbcc, "vector %u", vector);
		cr_expect_eq(fault_seen.regs.rdi, cpu_fault_stub(vector));
		cr_expect_eq(fault_seen.cs & 3, 3);
		cr_expect_eq(fault_seen.rip, go_on_at);
	}
}
