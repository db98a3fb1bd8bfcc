/* SPDX-License-Identifier: MIT */
/*
 * Every exit reason with every qualification and operand we can think of, legal or not,
 * from guests in every rare state, against an oracle.
 */
#include "exits.h"
#include "model/internal.h"

/* -- the sweeps --------------------------------------------------------------------------------- */

/* Reasons that have sweeps of their own, below; INIT has one in sweep_signals.c. */
static bool is_special(uint64_t reason)
{
	const struct model_exit exit = {.reason = reason};

	switch (model_exit_kind(&exit)) {
	case PLINTH_EXIT_INIT:
	case PLINTH_EXIT_CPUID:
	case PLINTH_EXIT_CR_ACCESS:
	case PLINTH_EXIT_MSR_READ:
	case PLINTH_EXIT_MSR_WRITE:
	case PLINTH_EXIT_XSETBV: return true;
	default: return false;
	}
}

Test(exits, every_reason)
{
	static const uint64_t qualifications[] = {0, 1, 0x1000, ~0ull};

	exits_power_on(&model_kinds[0]);
	for (uint64_t reason = 0; reason < 90; reason++) {
		struct vcpu_regs regs = exits_pattern();

		for (size_t i = 0;
		     i < sizeof(qualifications) / sizeof(*qualifications) && !is_special(reason); i++)
			exits_try_all((struct model_exit){.reason = reason,
							  .detail = qualifications[i],
							  .length = 3},
				      &regs);
	}
	sweep_report("exit reasons and qualifications");
}

Test(exits, strange_reasons)
{
	/*
	 * An entry that failed; reasons that are none; and CPUID, INVD, VMCALL from an enclave, with a bus
	 * lock, ...
	 */
	static const uint64_t reasons[] = {0x80000021, 0x80000022, 0x80000029, 0x8000000a, 0xffff,
					   0x7fffffff, 0xffffffff, 0x0800000a, 0x1000000a, 0x2000000a,
					   0x4000000a, 0x0400000a, 0x7fff000a, 0x0800000d, 0x0001000d,
					   0x08000012, 0x40000012};

	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		struct vcpu_regs regs = exits_pattern();

		exits_try_all((struct model_exit){.reason = reasons[i], .length = 3}, &regs);
	}
	sweep_report("exit reasons that do not exist");
}

Test(exits, cpuid)
{
	static const uint32_t leaves[] = {
		0,	    1,		2,	    3,		4,	    5,		6,
		7,	    13,		0x16,	    0x17,	0x3fffffff, 0x40000000, 0x40000001,
		0x4fffffff, 0x50000000, 0x80000000, 0x80000001, 0x80000008, 0x80000009, 0xffffffff};
	static const uint64_t subleaves[] = {0, 1, 2, 0xffffffff};

	for (unsigned int kind = 0; kind < 6; kind++) {
		exits_power_on(&model_kinds[kind]);
		for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
			for (size_t k = 0; k < sizeof(subleaves) / sizeof(*subleaves); k++) {
				struct vcpu_regs regs = exits_pattern();

				/* The upper halves are ignored. */
				regs.rax = 0xabcdef0000000000 | leaves[i];
				regs.rcx = 0x1234567800000000 | subleaves[k];
				exits_try_all((struct model_exit){.kind = PLINTH_EXIT_CPUID, .length = 2},
					      &regs);
			}
		}
	}
	sweep_report("CPUID leaves");
}

static const uint64_t cr_values[] = {
	0,
	1,
	0x80050033,
	0x8005003b,
	0x80050013,
	0x80040033,
	0xa0050033,
	0xe0050033,
	0x180050033ull,
	0x50033,
	0x80050032,
	0x3706e0,
	0x3726e0,
	0x3726c0,
	0x7726e0,
	0x3736e0,
	0x13726e0,
	0x1003726e0ull,
	0x3526e0,
	0x8000000012345006ull,
	0x12345006,
	0x0000010000000000ull,
	~0ull,
	0x2000,
	0x202000,
};

Test(exits, control_registers)
{
	for (unsigned int kind = 0; kind < 6; kind++) {
		exits_power_on(&model_kinds[kind]);
		for (unsigned int q = 0; q < 0x1000; q++) {
			for (size_t i = 0; i < sizeof(cr_values) / sizeof(*cr_values); i++) {
				struct vcpu_regs regs = exits_pattern();
				struct model_exit exit = {
					.kind = PLINTH_EXIT_CR_ACCESS, .detail = q & 0xf3f, .length = 3};
				bool access = (q >> 4 & 3) < 2,
				     known = (q & 15) == 0 || (q & 15) == 3 || (q & 15) == 4;

				/*
				 * Once per access; registers in full for the first kind; bits 7:6 say nothing
				 * here.
				 */
				if (q & 0xc0 || (!known && (i || q >> 8)) || (!access && q >> 8) ||
				    (kind && q >> 8 > 1))
					continue;
				if (!access)
					exit.detail |= cr_values[i] << 16 & 0xffff0000;
				exits_put_guest(0);
				for (uint64_t *r = (uint64_t *)&regs; r < (uint64_t *)(&regs + 1); r++)
					*r = cr_values[i];
				model.cpu[0].regs = regs;
				if ((q >> 4 & 3) == 0)
					model.cpu[0].rsp = cr_values[i];
				sweep_label("%s: qualification 0x%llx, value 0x%llx", model.kind->name,
					    (unsigned long long)exit.detail,
					    (unsigned long long)cr_values[i]);
				exits_try(0, &exit);
			}
		}
	}
	sweep_report("control registers");
}

/* Each bit of what the guest reads, changed by MOV, alone and with VMXE or NE, which are the VMM's. */
Test(exits, every_bit_of_control_registers)
{
	static const uint64_t ours[2][2] = {{0, CR0_NE}, {0, CR4_VMXE}};

	for (unsigned int kind = 0; kind < 6; kind++) {
		exits_power_on(&model_kinds[kind]);
		for (unsigned int i = 0; i < 2 * 64 * 2; i++) {
			unsigned int bit = i & 63, with = i >> 6 & 1, cr4 = i >> 7;
			struct model_exit exit = {
				.kind = PLINTH_EXIT_CR_ACCESS, .detail = cr4 ? 4 : 0, .length = 3};
			struct model_state now;

			exits_put_guest(0);
			model_visible(0, &now);
			model.cpu[0].regs.rax = ((cr4 ? now.cr4 : now.cr0) ^ ours[cr4][with]) ^ 1ull << bit;
			sweep_label("%s: CR%u = 0x%llx", model.kind->name, cr4 ? 4 : 0,
				    (unsigned long long)model.cpu[0].regs.rax);
			exits_try(0, &exit);
		}
	}
	sweep_report("bits of CR0 and CR4");
}

/*
 * Code with addresses of 16 bits: RIP moves on beyond the segment's limit, where the fetch then faults as
 * natively.
 */
Test(exits, sixteen_bit_code)
{
	static const struct model_exit list[] = {{.kind = PLINTH_EXIT_CPUID, .length = 2},
						 {.kind = PLINTH_EXIT_INVD, .length = 2},
						 {.kind = PLINTH_EXIT_HYPERCALL, .length = 3},
						 {.kind = PLINTH_EXIT_XSETBV, .length = 3}};

	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		for (uint64_t rip = 0xfffc; rip <= 0xffff; rip++) {
			exits_put_guest(USER);
			model.cpu[0].rip = rip;
			model.cpu[0].st.seg[MODEL_CS] =
				(struct model_segment){.selector = 0xf, .limit = 0xffff, .rights = 0xfb};
			sweep_label("kind %u in 16-bit code at 0x%llx", list[i].kind,
				    (unsigned long long)rip);
			exits_try(USER, &list[i]);
		}
	}
	sweep_report("exits from 16-bit code");
}

Test(exits, msrs)
{
	static const uint32_t msrs[] = {0x3a,	    0xc0000082, 0xc0000102, 0xc0000081, 0xc0000103,
					0x10,	    0x2000,	0x3fffffff, 0x40000000, 0x40000001,
					0x400000ff, 0x40000100, 0xbfffffff, 0xc0002000, 0xffffffff};

	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(msrs) / sizeof(*msrs); i++) {
		for (uint32_t kind = PLINTH_EXIT_MSR_READ; kind <= PLINTH_EXIT_MSR_WRITE; kind++) {
			struct vcpu_regs regs = exits_pattern();

			/*
			 * The first few hold state that guest and host share; not any value can be written
			 * there.
			 */
			if (i < 3 && kind == PLINTH_EXIT_MSR_WRITE)
				continue;
			regs.rcx = 0x9999999900000000 | msrs[i];
			exits_try_all((struct model_exit){.kind = kind, .length = 2}, &regs);
		}
	}
	sweep_report("MSRs");
}

Test(exits, xsetbv)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 0x18, 0x1f, 0xe7, 0x60007, 0x100000007ull, ~0ull};

	exits_power_on(&model_kinds[0]);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		for (uint64_t index = 0; index < 3; index++) {
			struct vcpu_regs regs = exits_pattern();

			regs.rax = 0xeeeeeeee00000000 | (uint32_t)values[i];
			regs.rdx = 0xdddddddd00000000 | values[i] >> 32;
			regs.rcx = 0xcccccccc00000000 | index;
			exits_try_all((struct model_exit){.kind = PLINTH_EXIT_XSETBV, .length = 3}, &regs);
		}
	}
	sweep_report("XSETBV");
}

/* Who has all of it right stops the VMM; everybody else has executed an undefined instruction. */
Test(exits, stop_hypercall)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	enum { WRONG_RAX = 1, WRONG_RCX = 2, WRONG_RDX = 4, WRONG_RIP = 8, WRONG_CPL = 16, ALL = 32 };

	for (unsigned int wrong = 0; wrong < ALL; wrong++) {
		struct model_cpu *cpu = &model.cpu[0];
		enum model_end end;

		sweep_label("stop hypercall, wrong 0x%x", wrong);
		sweep_count();
		exits_power_on(&model_kinds[0]);
		exits_put_guest(wrong & WRONG_CPL ? USER : 0);
		cpu->regs.rax = PLINTH_HYPERCALL_STOP ^ (wrong & WRONG_RAX ? 1 : 0);
		cpu->regs.rcx = machine.random ^ (wrong & WRONG_RCX ? 1 : 0);
		cpu->regs.rdx = machine.random ^ (wrong & WRONG_RDX ? 1ull << 40 : 0);
		cpu->rip = MACHINE_STOP_RIP + (wrong & WRONG_RIP ? 1 : 0);
		cpu->rsp = exits_rsp(wrong & WRONG_CPL ? USER : 0);
		end = model_exit(0, &vmcall);
		cr_expect_eq(end, wrong ? MODEL_GUEST : MODEL_BACK, "%s: ended with %d", sweep_case(),
			     (int)end);
		if (wrong)
			exits_expect_ud();
		sweep_expect_clean();
	}
	sweep_report("stop hypercalls");
}

/* -- what only the driver may ask -------------------------------------------------------------- */

enum { WRONG_RCX = 1, WRONG_RDX = 2, WRONG_CPL = 4, ALL_WRONG = 8 };

static struct model_cpu *ask_as_driver(uint64_t number, unsigned int wrong)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *cpu = &model.cpu[0];

	exits_power_on(&model_kinds[0]);
	exits_put_guest(wrong & WRONG_CPL ? USER : 0);
	cpu->regs.rax = number;
	cpu->regs.rcx = machine.random ^ (wrong & WRONG_RCX ? 1 : 0);
	cpu->regs.rdx = machine.random ^ (wrong & WRONG_RDX ? 1ull << 40 : 0);
	cpu->regs.rdi = PLINTH_MAP_TABLES;
	cr_expect_eq(model_exit(0, &vmcall), MODEL_GUEST, "%s", sweep_case());
	return cpu;
}

/* Where the VMM lies is told to the driver only. */
Test(exits, maps_hypercall)
{
	for (unsigned int wrong = 0; wrong < ALL_WRONG; wrong++) {
		struct model_cpu *cpu;

		sweep_label("maps hypercall, wrong 0x%x", wrong);
		sweep_count();
		cpu = ask_as_driver(PLINTH_HYPERCALL_MAPS, wrong);
		if (wrong)
			exits_expect_ud();
		else
			cr_expect_eq((int)cpu->regs.rax, PLINTH_E_INVAL, "no such table: %d",
				     (int)cpu->regs.rax);
		sweep_expect_clean();
	}
	sweep_report("maps hypercalls");
}

/* Nobody else has its messages handled. */
Test(exits, call_hypercall)
{
	for (unsigned int wrong = 1; wrong < ALL_WRONG; wrong++) {
		sweep_label("call hypercall, wrong 0x%x", wrong);
		(void)ask_as_driver(PLINTH_HYPERCALL_CALL, wrong);
		exits_expect_ud();
		sweep_expect_clean();
	}
}
