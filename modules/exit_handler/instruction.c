/* SPDX-License-Identifier: MIT */
/* The remaining exits a CPU takes unconditionally. */
#include "internal.h"

/* For `plinthctl log --set exit=debug`: what the guest is refused. */
static void log_raised(const struct vcpu *vcpu, const char *fault)
{
	LOG_DEBUG("%s for the guest at RIP 0x%llx: exit kind %u, RAX 0x%llx, RCX 0x%llx", fault,
		  (unsigned long long)vcpu->exit.rip, vcpu->exit.kind, (unsigned long long)vcpu->regs.rax,
		  (unsigned long long)vcpu->regs.rcx);
}

enum exit_action exit_raise_gp(struct vcpu *vcpu)
{
	log_raised(vcpu, "#GP");
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

enum exit_action exit_raise_ud(struct vcpu *vcpu)
{
	log_raised(vcpu, "#UD");
	vcpu_inject(vcpu, VECTOR_UD, false, 0);
	return EXIT_RETRY;
}

/*
 * INVD throws modified cache lines away, the VMM's among them. Writing them back first is what
 * every use of it in a running system can bear.
 */
enum exit_action exit_invd(struct vcpu *vcpu)
{
	if (vcpu_read(vcpu, VCPU_CPL))
		return exit_raise_gp(vcpu);
	cpu_wbinvd();
	return EXIT_NEXT;
}

/*
 * GETSEC: no measured launch beneath a VMM that is there already. Leaf 0 says so (no chipset,
 * no other leaf), and leaves that are not there are undefined (SDM, "GETSEC[CAPABILITIES]").
 */
enum exit_action exit_getsec(struct vcpu *vcpu)
{
	if (!(vcpu_read(vcpu, VCPU_CR4) & CR4_SMXE) || (uint32_t)vcpu->regs.rax)
		return exit_raise_ud(vcpu);
	vcpu->regs.rax = 0;
	return EXIT_NEXT;
}

/*
 * An access that second-level translation does not allow, and that nobody asked for; natively as if nothing
 * answered.
 */
enum exit_action exit_memory(struct vcpu *vcpu)
{
	struct vcpu_memory_access access;

	vcpu_memory_access(vcpu, &access);
	LOG_WARN("guest may not touch physical 0x%llx (RIP 0x%llx)", (unsigned long long)access.address,
		 (unsigned long long)vcpu->exit.rip);
	return exit_raise_gp(vcpu);
}

enum exit_action exit_settle(struct vcpu *vcpu)
{
	vcpu_settle(vcpu);
	return EXIT_RETRY;
}

/*
 * Whoever sends an INIT wants the CPU for something else than what runs beneath us: another kernel, or this
 * one from the start. It gets the CPU, and no VMM whose memory it does not know of. So no guest is ever in
 * the state in which a SIPI is an exit.
 */
enum exit_action exit_init_signal(struct vcpu *vcpu)
{
	vcpu_take_init(vcpu);
}

/* Natively a triple fault resets the machine; so it does here. */
#define RESET_PORT  0xcf9
#define RESET_HARD  0x02
#define RESET_CYCLE 0x06
#define KBC_PORT    0x64
#define KBC_RESET   0xfe

enum exit_action exit_triple_fault(struct vcpu *vcpu)
{
	LOG_ERR("triple fault of the guest at RIP 0x%llx: resetting the machine",
		(unsigned long long)vcpu->exit.rip);
	cpu_out8(RESET_PORT, RESET_HARD);
	cpu_out8(RESET_PORT, RESET_CYCLE);
	cpu_out8(KBC_PORT, KBC_RESET);
	return EXIT_FATAL;
}
