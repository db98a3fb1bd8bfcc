/* SPDX-License-Identifier: MIT */
/* Each function executes the instruction it is named after, with its operands, and tells how it ended. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include <plinth/intrinsics.h>
#include <plinth/vcpu.h>

#include "trap.h"

static void expect(enum trap_name name, uint64_t a, uint64_t b)
{
	cr_assert_eq(trap.n, 1, "%u instructions", trap.n);
	cr_expect_eq(trap.record[0].name, name, "%d instead of %d", (int)trap.record[0].name, (int)name);
	cr_expect_eq(trap.record[0].a, a, "0x%llx", (unsigned long long)trap.record[0].a);
	cr_expect_eq(trap.record[0].b, b, "0x%llx", (unsigned long long)trap.record[0].b);
	trap.n = 0;
}

#define FAR 0x8877665544332211ull

Test(instructions, control_registers, .init = trap_reset)
{
	trap.cr[0] = 0x80050033;
	trap.cr[2] = FAR;
	trap.cr[3] = 0x1000 | 1ull << 63;
	trap.cr[4] = 0x3726e0;
	trap.dr7 = 0x400;
	cr_expect_eq(cpu_read_cr0(), 0x80050033);
	expect(T_READ_CR, 0, 0);
	cr_expect_eq(cpu_read_cr2(), FAR);
	expect(T_READ_CR, 2, 0);
	cr_expect_eq(cpu_read_cr3(), 0x1000 | 1ull << 63);
	expect(T_READ_CR, 3, 0);
	cr_expect_eq(cpu_read_cr4(), 0x3726e0);
	expect(T_READ_CR, 4, 0);
	cr_expect_eq(cpu_read_dr7(), 0x400);
	expect(T_READ_DR, 7, 0);
	cpu_write_cr0(0x80050013);
	expect(T_WRITE_CR, 0, 0x80050013);
	cpu_write_cr2(FAR);
	expect(T_WRITE_CR, 2, FAR);
	cpu_write_cr3(0x5000);
	expect(T_WRITE_CR, 3, 0x5000);
	cpu_write_cr4(0x20);
	expect(T_WRITE_CR, 4, 0x20);
	cpu_write_dr7(FAR);
	expect(T_WRITE_DR, 7, FAR);
}

/* SDM, "Operations that Invalidate TLBs and Paging-Structure Caches": a change of CR4.PGE, and back. */
Test(instructions, flush, .init = trap_reset)
{
	trap.cr[4] = 0x3706e0;
	cpu_flush_tlb();
	cr_assert_eq(trap.n, 3);
	cr_expect(trap.record[1].name == T_WRITE_CR && trap.record[1].b == (0x3706e0 ^ 0x80));
	cr_expect(trap.record[2].name == T_WRITE_CR && trap.record[2].b == 0x3706e0);
}

Test(instructions, msrs, .init = trap_reset)
{
	uint64_t value = 77;

	trap.msr = FAR;
	cr_expect_eq(cpu_rdmsr(0xc0000080), FAR);
	expect(T_RDMSR, 0xc0000080, 0);
	cpu_wrmsr(0x277, FAR);
	expect(T_WRMSR, 0x277, FAR);
	cr_expect_eq(cpu_rdmsr_safe(0x1d9, &value), 0);
	cr_expect_eq(value, FAR);
	expect(T_RDMSR, 0x1d9, 0);
	cr_expect_eq(cpu_wrmsr_safe(0x1d9, FAR), 0);
	expect(T_WRMSR, 0x1d9, FAR);
	cr_expect_eq(cpu_xsetbv_safe(0, FAR), 0);
	expect(T_XSETBV, 0, FAR);
}

static const uint8_t vmcall[] = {0x0f, 0x01, 0xc1};

/* INTO, and two instructions that do nothing, over the VMCALL. */
static void write_over_vmcall(void)
{
	uint8_t *code = (uint8_t *)cpu_hypercall_guest;
	const uint64_t page = (uint64_t)code & ~4095ull;
	unsigned int i = 0;

	while (i < 256 && memcmp(code + i, vmcall, sizeof(vmcall)))
		i++;
	cr_assert_lt(i, 256, "no VMCALL in cpu_hypercall_guest()");
	cr_assert_eq(mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	memcpy(code + i, (const uint8_t[]){0xce, 0x90, 0x90}, sizeof(vmcall));
}

/* In the order of instruction encodings what stands in the order of the exit stub. */
static uint64_t guests(const struct vcpu_regs *regs, unsigned int number)
{
	const uint64_t *r = &regs->r15;
	static const uint8_t place[16] = {14, 13, 12, 11, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

	return r[place[number]];
}

Test(instructions, hypercall, .init = trap_reset)
{
	struct vcpu vcpu = {0};
	uint64_t *words = (uint64_t *)&vcpu.regs;
	struct vcpu_regs before;

	write_over_vmcall();
	for (unsigned int i = 0; i < sizeof(vcpu.regs) / sizeof(*words); i++)
		words[i] = FAR + 0x0101010101010101ull * i;
	before = vcpu.regs;
	cr_assert_eq(cpu_hypercall_guest(&vcpu), 0);
	for (unsigned int i = 0; i < 16; i++) {
		if (i == 4) /* RSP */
			continue;
		cr_expect_eq(trap.regs.gpr[i], guests(&before, i), "register %u goes", i);
		cr_expect_eq(guests(&vcpu.regs, i), ~guests(&before, i), "register %u comes back", i);
	}
	expect(T_VMCALL, before.rax, 0);
	trap.refused = true;
	before = vcpu.regs;
	cr_expect_eq(cpu_hypercall_guest(&vcpu), PLINTH_E_FAULT);
	cr_expect(!memcmp(&before, &vcpu.regs, sizeof(before)));
}

Test(instructions, refused, .init = trap_reset)
{
	uint64_t value = 77;

	trap.refused = true;
	cr_expect_eq(cpu_rdmsr_safe(0x1d9, &value), PLINTH_E_FAULT);
	cr_expect_eq(value, 77, "untouched");
	cr_expect_eq(cpu_wrmsr_safe(0x1d9, 1), PLINTH_E_FAULT);
	cr_expect_eq(cpu_xsetbv_safe(0, 1), PLINTH_E_FAULT);
	cr_expect_eq(cpu_vmxon(0x1000), CPU_VMX_FAULT);
	cr_expect_eq(trap.n, 0);
	cr_expect_eq(cpu_fixup((uint64_t)cpu_rdmsr), 0, "no other instruction has a landing");
}

Test(instructions, caches_ports_and_rest, .init = trap_reset)
{
	uint64_t before = cpu_rdtsc();

	cpu_wbinvd();
	expect(T_WBINVD, 0, 0);
	cpu_invlpg(FAR);
	expect(T_INVLPG, FAR, 0);
	cpu_halt();
	expect(T_HLT, 0, 0);
	trap.port = 0x5a;
	cr_expect_eq(cpu_in8(0x3fd), 0x5a);
	expect(T_IN, 0x3fd, 0);
	cpu_out8(0xcf9, 0xa5);
	expect(T_OUT, 0xcf9, 0xa5);
	cpu_pause();
	cr_expect_eq(trap.n, 0);
	cr_expect_gt(cpu_rdtsc(), before);
}

Test(instructions, cpuid, .init = trap_reset)
{
	struct vcpu vcpu = {.regs = {.rax = FAR << 32, .rcx = FAR << 32, .rbx = FAR, .rdx = FAR}};
	struct cpu_leaf leaf;

	cpu_cpuid(0, 0, &leaf);
	cr_expect_gt(leaf.eax, 0);
	cr_expect_eq(cpu_cpuid_guest(&vcpu), EXIT_NEXT);
	cr_expect_eq(vcpu.regs.rax, leaf.eax, "and its upper half is 0");
	cr_expect_eq(vcpu.regs.rbx, leaf.ebx);
	cr_expect_eq(vcpu.regs.rcx, leaf.ecx);
	cr_expect_eq(vcpu.regs.rdx, leaf.edx);
}

/* -- segments and tables ------------------------------------------------------------------- */

#define BAD 0xfff8u /* no selector of this process */

Test(instructions, descriptor_tables, .init = trap_reset)
{
	const struct cpu_table table = {.limit = 0x7f, .base = FAR};
	struct cpu_table out = {0};

	cpu_load_gdt(&table);
	expect(T_LGDT, 0x7f, FAR);
	cpu_load_idt(&table);
	expect(T_LIDT, 0x7f, FAR);
	/* These two may be the kernel's alone, which then answers for them. */
	trap.tables_base = FAR;
	cpu_store_gdt(&out);
	cr_expect_neq(out.base, 0);
	out.base = 0;
	cpu_store_idt(&out);
	cr_expect_neq(out.base, 0);
	trap.n = 0;
	cpu_load_tr(BAD);
	expect(T_LTR, BAD, 0);
}

Test(instructions, selectors, .init = trap_reset)
{
	/* The CPU's own numbers of the registers. */
	static const unsigned int number[] = {[CPU_ES] = 0, [CPU_DS] = 3, [CPU_FS] = 4, [CPU_GS] = 5};
	struct cpu_selectors now;

	cpu_store_selectors(&now);
	cr_expect_eq(now.cs & 3, 3, "this process is no kernel");
	cr_expect_eq(now.ss & 3, 3);
	for (unsigned int which = CPU_ES; which <= CPU_GS; which++) {
		trap.n = 0;
		cpu_load_data((enum cpu_data_segment)which, (uint16_t)(BAD + which));
		expect(T_LOAD_SEG, number[which], BAD + which);
	}
	trap.n = 0;
	cpu_load_ldt(BAD + 1);
	expect(T_LLDT, BAD + 1, 0);
	trap.n = 0;
	cpu_load_code(BAD + 1, BAD + 2);
	cr_assert_eq(trap.n, 2);
	cr_expect(trap.record[0].name != T_LOAD_SEG && trap.record[0].a == BAD + 1, "CS by far return");
	cr_expect(trap.record[1].name == T_LOAD_SEG && trap.record[1].a == 2 && trap.record[1].b == BAD + 2);
}

Test(instructions, the_local_block, .init = trap_reset)
{
	struct cpu_local local = {.cpu = 3};

	trap.msr = FAR;
	cr_expect_eq(cpu_set_local(&local), FAR, "FS base as it was");
	cr_expect_eq(local.self, &local);
	cr_assert_eq(trap.n, 2);
	cr_expect(trap.record[1].name == T_WRMSR && trap.record[1].a == 0xc0000100);
	cr_expect_eq(trap.record[1].b, (uint64_t)&local);
	trap.n = 0;
	cpu_restore_local(FAR);
	expect(T_WRMSR, 0xc0000100, FAR);
	cr_expect_eq(cpu_local(), __builtin_thread_pointer(), "whatever FS:0 is, in this process");
}

/* -- VMX ------------------------------------------------------------------------------------ */

static uint64_t field_value(uint64_t field)
{
	return field == 0x681e ? FAR : 0;
}

static void expect_result(int result)
{
	int expected = trap.carry ? CPU_VMX_FAIL_INVALID : trap.zero ? CPU_VMX_FAIL_VALID : CPU_VMX_OK;

	cr_expect_eq(result, expected, "%d instead of %d", result, expected);
}

static void vmx_instructions(void)
{
	expect_result(cpu_vmxon(0x11000));
	expect(T_VMXON, 0x11000, 0);
	expect_result(cpu_vmxoff());
	expect(T_VMXOFF, 0, 0);
	expect_result(cpu_vmclear(0x12000));
	expect(T_VMCLEAR, 0x12000, 0);
	expect_result(cpu_vmptrld(0x13000));
	expect(T_VMPTRLD, 0x13000, 0);
	expect_result(cpu_invept(2, FAR));
	cr_expect_eq(trap.record[0].c, 0, "reserved");
	expect(T_INVEPT, 2, FAR);
	expect_result(cpu_invvpid(1, 0x1234, FAR));
	cr_expect_eq(trap.record[0].c, FAR);
	expect(T_INVVPID, 1, 0x1234);
	expect_result(cpu_vmwrite(0x6820, FAR));
	expect(T_VMWRITE, 0x6820, FAR);
}

Test(instructions, vmx, .init = trap_reset)
{
	vmx_instructions();
	trap.carry = true;
	vmx_instructions();
	trap.carry = false;
	trap.zero = true;
	vmx_instructions();
}

Test(instructions, vmread, .init = trap_reset)
{
	trap.field = field_value;
	cr_expect_eq(cpu_vmread(0x681e), FAR);
	expect(T_VMREAD, 0x681e, FAR);
	trap.zero = true;
	cr_expect_eq(cpu_vmread(0x681e), 0, "a field that does not exist is 0");
}

/*
 * SDM, "Interrupt Command Register (ICR)": an INIT to itself, by its own number, in either mode of the APIC.
 */
#define APIC_ID	 (0x20 / 4)
#define ICR_LOW	 (0x300 / 4)
#define ICR_HIGH (0x310 / 4)
#define INIT	 0x500u /* delivery mode */
#define NMI	 0x400u
#define PENDING	 0x1000u
#define ASSERT	 0x4000u

Test(instructions, init_of_this_cpu, .init = trap_reset)
{
	static uint32_t apic[0x400 / 4];

	apic[APIC_ID] = 0x05000000;
	cpu_init_self(apic);
	cr_expect_eq(apic[ICR_HIGH], 0x05000000);
	cr_expect_eq(apic[ICR_LOW], INIT | ASSERT);
	cr_expect_eq(trap.n, 0);
	trap.msr = 0x1234;
	cpu_init_self(NULL);
	cr_assert_eq(trap.n, 2);
	cr_expect(trap.record[0].name == T_RDMSR && trap.record[0].a == 0x802);
	cr_expect(trap.record[1].name == T_WRMSR && trap.record[1].a == 0x830);
	cr_expect_eq(trap.record[1].b, 0x123400000000 | INIT | ASSERT);
}

/* What a guest had begun to send is there again; what is on its way is waited for, and not for ever. */
Test(instructions, nmi_of_another_cpu, .init = trap_reset)
{
	static volatile uint32_t apic[0x400 / 4];

	apic[ICR_HIGH] = 0x07000000;
	cpu_send_nmi(apic, 0x12);
	cr_expect_eq(apic[ICR_HIGH], 0x07000000);
	cr_expect_eq(apic[ICR_LOW], NMI | ASSERT);
	apic[ICR_LOW] |= PENDING;
	cpu_send_nmi(apic, 0xfe);
	cr_expect_eq(apic[ICR_HIGH], 0x07000000);
	cr_expect_eq(trap.n, 0);
	cpu_send_nmi(NULL, 0x12345678);
	cr_assert_eq(trap.n, 1);
	cr_expect(trap.record[0].name == T_WRMSR && trap.record[0].a == 0x830);
	cr_expect_eq(trap.record[0].b, 0x1234567800000000 | NMI | ASSERT);
}
