/* SPDX-License-Identifier: MIT */
/*
 * The guest's registers by neutral names: what is read is the guest's, what is written is what its CPU would
 * take.
 */
#include <string.h>

#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

static uint64_t seen[VCPU_REG_COUNT + 1];

static enum exit_action read_all(struct vcpu *vcpu)
{
	for (unsigned int i = 0; i <= VCPU_REG_COUNT; i++)
		seen[i] = vcpu_read(vcpu, (enum vcpu_reg)i);
	return EXIT_RETRY;
}

static void expect_guests_values(void)
{
	struct model_cpu *cpu = &model.cpu[0];
	struct model_state visible;

	memset(seen, 0x55, sizeof(seen));
	cpu->st.rflags = RFLAGS_FIXED | RFLAGS_IF;
	cpu->st.cr2 = 0x123456789000;
	cpu->st.seg[MODEL_DS].selector = 0;
	model_visible(0, &visible);
	cr_assert_eq(root_run(read_all, (struct model_exit){0}), MODEL_GUEST);
	cr_expect_eq(seen[VCPU_RIP], ROOT_RIP);
	cr_expect_eq(seen[VCPU_RSP], cpu->rsp);
	cr_expect_eq(seen[VCPU_RFLAGS], visible.rflags);
	cr_expect_eq(seen[VCPU_CR0], visible.cr0);
	cr_expect_eq(seen[VCPU_CR2], visible.cr2);
	cr_expect_eq(seen[VCPU_CR3], visible.cr3);
	cr_expect_eq(seen[VCPU_CR4], visible.cr4, "what the guest wrote, not what VMX keeps there");
	cr_expect_eq(seen[VCPU_DR7], visible.dr7);
	cr_expect_eq(seen[VCPU_EFER], visible.msr[MODEL_MSR_EFER]);
	cr_expect_eq(seen[VCPU_CS], visible.seg[MODEL_CS].selector);
	cr_expect_eq(seen[VCPU_SS], visible.seg[MODEL_SS].selector);
	cr_expect_eq(seen[VCPU_FS_BASE], visible.msr[MODEL_MSR_FS_BASE]);
	cr_expect_eq(seen[VCPU_GS_BASE], visible.msr[MODEL_MSR_GS_BASE]);
	cr_expect_eq(seen[VCPU_CPL], 0);
	cr_expect_eq(seen[VCPU_REG_COUNT], 0, "no such register");
	root_expect_clean();
}

Test(vcpu_registers, read, .init = root_usual)
{
	expect_guests_values();
}

/* Without the controls for it EFER is the same in guest and root mode. */
Test(vcpu_registers, read_without_efer_controls)
{
	for (unsigned int i = 0; i < model_n_kinds; i++)
		if (!strcmp(model_kinds[i].name, "no-efer-control")) {
			root_up(&model_kinds[i]);
			expect_guests_values();
			return;
		}
	cr_assert(false, "no such kind of CPU");
}

/* -- writing --------------------------------------------------------------------------- */

static struct {
	enum vcpu_reg reg;
	uint64_t value;
	int result;
} order;

static enum exit_action write_one(struct vcpu *vcpu)
{
	order.result = vcpu_write(vcpu, order.reg, order.value);
	return EXIT_RETRY;
}

static int write_reg(enum vcpu_reg reg, uint64_t value)
{
	order.reg = reg;
	order.value = value;
	order.result = 1;
	cr_assert_eq(root_run(write_one, (struct model_exit){0}), MODEL_GUEST);
	return order.result;
}

Test(vcpu_registers, write, .init = root_usual)
{
	struct model_cpu *cpu = &model.cpu[0];

	cr_expect_eq(write_reg(VCPU_CR2, 0xabcdef000), 0);
	cr_expect_eq(cpu->st.cr2, 0xabcdef000);
	cr_expect_eq(write_reg(VCPU_RIP, ROOT_RIP + 16), 0);
	cr_expect_eq(cpu->rip, ROOT_RIP + 16);
	cr_expect_eq(write_reg(VCPU_RSP, 0xffff888000001000), 0);
	cr_expect_eq(cpu->rsp, 0xffff888000001000);
	cr_expect_eq(write_reg(VCPU_RFLAGS, RFLAGS_FIXED | 1), 0);
	cr_expect_eq(cpu->st.rflags, RFLAGS_FIXED | 1);
	cr_expect_eq(write_reg(VCPU_CR3, 0x7654000), 0);
	cr_expect_eq(cpu->st.cr3, 0x7654000);
	cr_expect_eq(write_reg(VCPU_CR3, 1ull << model.kind->physical_bits), PLINTH_E_INVAL);
	cr_expect_eq(write_reg(VCPU_CS, 0x10), PLINTH_E_INVAL, "a selector alone is half a segment");
	cr_expect_eq(write_reg(VCPU_REG_COUNT, 0), PLINTH_E_INVAL);
	root_expect_clean();
}

static const struct model_kind *with_cet(void)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.name = "cet";
	kind.cr4 |= CR4_CET | CR4_LA57;
	kind.cr4_extra = CR4_CET;
	return &kind;
}

/* SDM, "MOV - Move to/from Control Registers": CR4.CET wants CR0.WP, on either side. */
Test(vcpu_registers, cet_and_write_protection)
{
	uint64_t cr0, cr4;

	root_up(with_cet());
	cr0 = model.cpu[0].st.cr0;
	cr4 = model.cpu[0].st.cr4 & ~CR4_VMXE;
	cr_expect(cr4 & CR4_CET);
	cr_expect_eq(write_reg(VCPU_CR0, cr0 & ~CR0_WP), PLINTH_E_INVAL);
	cr_expect_eq(write_reg(VCPU_CR0, cr0 | CR0_TS), 0);
	cr_expect_eq(write_reg(VCPU_CR4, cr4 & ~CR4_CET), 0);
	cr_expect_eq(write_reg(VCPU_CR0, cr0 & ~CR0_WP), 0, "without CET nothing wants it");
	cr_expect_eq(write_reg(VCPU_CR4, cr4), PLINTH_E_INVAL);
	cr_expect_eq(write_reg(VCPU_CR4, cr4 & ~CR4_CET), 0);
	cr_expect_eq(write_reg(VCPU_CR4, (cr4 & ~CR4_CET) ^ CR4_LA57), PLINTH_E_INVAL, "not in 64-bit mode");
	root_expect_clean();
}

/* CR4.PCIDE can only be set while the PCID is 0. */
Test(vcpu_registers, process_context_identifiers, .init = root_usual)
{
	uint64_t cr4 = model.cpu[0].st.cr4 & ~CR4_VMXE;

	cr_expect_eq(write_reg(VCPU_CR4, cr4 & ~CR4_PCIDE), 0);
	cr_expect_eq(write_reg(VCPU_CR3, 0x7654001), 0);
	cr_expect_eq(write_reg(VCPU_CR4, cr4 | CR4_PCIDE), PLINTH_E_INVAL);
	cr_expect_eq(write_reg(VCPU_CR3, 0x7654000), 0);
	cr_expect_eq(write_reg(VCPU_CR4, cr4 | CR4_PCIDE), 0);
	root_expect_clean();
}

/* -- general registers ------------------------------------------------------------------- */

static uint64_t gpr_seen[16];

static enum exit_action swap_gprs(struct vcpu *vcpu)
{
	for (unsigned int i = 0; i < 16; i++)
		gpr_seen[i] = vcpu_gpr(vcpu, i);
	for (unsigned int i = 0; i < 16; i++)
		vcpu_set_gpr(vcpu, i, 0xffff000000000100 + i);
	return EXIT_RETRY;
}

Test(vcpu_registers, general_registers, .init = root_usual)
{
	struct model_cpu *cpu = &model.cpu[0];

	cpu->regs = (struct vcpu_regs){.rax = 100,
				       .rcx = 101,
				       .rdx = 102,
				       .rbx = 103,
				       .rbp = 105,
				       .rsi = 106,
				       .rdi = 107,
				       .r8 = 108,
				       .r9 = 109,
				       .r10 = 110,
				       .r11 = 111,
				       .r12 = 112,
				       .r13 = 113,
				       .r14 = 114,
				       .r15 = 115};
	cpu->rsp = 104;
	cr_assert_eq(root_run(swap_gprs, (struct model_exit){0}), MODEL_GUEST);
	for (unsigned int i = 0; i < 16; i++)
		cr_expect_eq(gpr_seen[i], 100 + i, "register %u", i);
	cr_expect_eq(cpu->regs.rax, 0xffff000000000100);
	cr_expect_eq(cpu->regs.rcx, 0xffff000000000101);
	cr_expect_eq(cpu->regs.rdx, 0xffff000000000102);
	cr_expect_eq(cpu->regs.rbx, 0xffff000000000103);
	cr_expect_eq(cpu->rsp, 0xffff000000000104);
	cr_expect_eq(cpu->regs.rbp, 0xffff000000000105);
	cr_expect_eq(cpu->regs.r15, 0xffff00000000010f);
}

/* -- fields ---------------------------------------------------------------------------------- */

static int first_error, second_error;
static char unknown_name[8];

static enum exit_action write_no_field(struct vcpu *vcpu)
{
	vmcs_write((enum vmcs_field)0x6fee, 1);
	vmcs_write((enum vmcs_field)0x6ff0, 1);
	first_error = vmcs_write_error(vcpu);
	second_error = vmcs_write_error(vcpu);
	strcpy(unknown_name, vmcs_field_name(0x6fee));
	return EXIT_RETRY;
}

/* Of many writes the first that failed is told, once. */
Test(vcpu_registers, a_field_that_does_not_exist, .init = root_usual)
{
	cr_assert_eq(root_run(write_no_field, (struct model_exit){0}), MODEL_GUEST);
	cr_expect_eq(first_error, PLINTH_E_VIRT);
	cr_expect_eq(second_error, 0);
	cr_expect_str_eq(unknown_name, "?");
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "VMWRITE", "0x6fee"), 1);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "VMWRITE"), 1);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "current VMCS"), 0, "there is one");
}

static enum exit_action write_without_vmcs(struct vcpu *vcpu)
{
	(void)!cpu_vmclear(vcpu->vendor->vmcs_pa);
	vmcs_write(VMCS_GUEST_RIP, 1);
	first_error = vmcs_write_error(vcpu);
	(void)!cpu_vmptrld(vcpu->vendor->vmcs_pa);
	cpu_halt();
	return EXIT_RETRY;
}

Test(vcpu_registers, no_current_vmcs, .init = root_usual)
{
	cr_assert_eq(root_run(write_without_vmcs, (struct model_exit){0}), MODEL_HALTED);
	cr_expect_eq(first_error, PLINTH_E_VIRT);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "VMWRITE", "GUEST_RIP", "0x681e", "current VMCS"), 1);
}

static enum exit_action write_and_forget(struct vcpu *vcpu)
{
	(void)vcpu;
	vmcs_write((enum vmcs_field)0x6fee, 1);
	return EXIT_NEXT;
}

/*
 * What failed on one CPU says nothing of another, nor of a later start: a hot-plugged CPU would be refused
 * for it.
 */
Test(vcpu_registers, a_failed_write_is_its_cpus_own)
{
	root_loaded(&model_kinds[0], 2);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_assert_eq(root_run(write_and_forget, (struct model_exit){.length = 1}), MODEL_GUEST);
	cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_start(), 0, "%s", machine.report.text);
	root_expect_clean();
}

/* -- CR3 that a CPU without exact controls exits for --------------------------------------------- */

#define WRITE_CR3_FROM_RAX 3
#define OTHER_CR3	   0x5555000ull
#define NO_FLUSH	   (1ull << 63)

static void write_cr3(uint64_t cr4, uint64_t value)
{
	static const struct model_exit write = {.reason = 28, .detail = WRITE_CR3_FROM_RAX, .length = 3};

	model.cpu[0].st.cr4 = cr4;
	model.cpu[0].regs.rax = value;
	model.cpu[0].invalidations = 0;
	model.cpu[0].exceptions = 0;
	cr_assert_eq(model_exit(0, &write), MODEL_GUEST);
	root_expect_clean();
}

/* What the guest's write flushes natively is flushed; VPIDs keep it over entry and exit. */
Test(vcpu_registers, a_write_of_cr3_flushes, .init = root_usual)
{
	uint64_t with = model.cpu[0].st.cr4 | CR4_PCIDE, without = with & ~CR4_PCIDE;

	write_cr3(with, OTHER_CR3);
	cr_expect_eq(model.cpu[0].st.cr3, OTHER_CR3);
	cr_expect_gt(model.cpu[0].invalidations, 0);
	write_cr3(with, OTHER_CR3 | NO_FLUSH);
	cr_expect_eq(model.cpu[0].st.cr3, OTHER_CR3);
	cr_expect_eq(model.cpu[0].invalidations, 0, "the guest said so");
	write_cr3(without, OTHER_CR3 + 0x1000);
	cr_expect_eq(model.cpu[0].st.cr3, OTHER_CR3 + 0x1000);
	cr_expect_gt(model.cpu[0].invalidations, 0);
	write_cr3(without, OTHER_CR3 | NO_FLUSH);
	cr_expect_eq(model.cpu[0].st.cr3, OTHER_CR3 + 0x1000, "without PCIDs the bit is reserved");
	cr_expect_eq(model.cpu[0].exceptions, 1);
}

/* -- what the guest wanted of memory ------------------------------------------------------------ */

static struct vcpu_memory_access access_seen;

static enum exit_action read_access(struct vcpu *vcpu)
{
	vcpu_memory_access(vcpu, &access_seen);
	return EXIT_RETRY;
}

static void expect_access(uint64_t qualification, uint8_t wanted, bool mapped)
{
	const struct model_exit exit = {.physical = 0x123456000, .detail = qualification};

	cr_assert_eq(root_run(read_access, exit), MODEL_GUEST);
	cr_expect_eq(access_seen.address, 0x123456000);
	cr_expect_eq(access_seen.wanted, wanted);
	cr_expect_eq(access_seen.mapped, mapped, "0x%llx", (unsigned long long)qualification);
}

Test(vcpu_registers, an_access_of_memory, .init = root_usual)
{
	expect_access(0x181, SLAT_READ, false);
	expect_access(0x182, SLAT_WRITE, false);
	expect_access(0x184, SLAT_EXECUTE, false);
	expect_access(0x18a, SLAT_WRITE, true);
	expect_access(0x19c, SLAT_EXECUTE, true);
	expect_access(0x1a1, SLAT_READ, true);
}
