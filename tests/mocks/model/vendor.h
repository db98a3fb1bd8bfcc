/* SPDX-License-Identifier: MIT */
/*
 * What a CPU of any make asks of the part of it that runs guests: a vendor's, which has a folder of its own,
 * or none, where a module only pretends (pretend.c). Another vendor is another folder with these functions,
 * and kinds of CPUs (kind.h) that name them.
 */
#ifndef TESTS_MOCKS_MODEL_VENDOR_H
#define TESTS_MOCKS_MODEL_VENDOR_H

#include "model.h"

struct translation;

/* What the CPU has in root mode, whenever a guest leaves. */
enum model_root { MODEL_ROOT_CR3, MODEL_ROOT_TSS, MODEL_ROOT_RSP };

/*
 * How a CPU runs the guest that it has; of a CPU that has none, or has its system back, as if nothing were
 * asked for. From visible() on one that is NULL says the same.
 */
struct model_guest_ops {
	/*
	 * Out of the guest: its state is kept, root mode's is there. @exit NULL: what enter() said was an
	 * exit. Whose it is; NULL: nobody's, after a violation.
	 */
	struct vcpu *(*leave)(struct model_cpu *cpu, const struct model_exit *exit);
	/* Into it: 0, or what the vCPU's on_refusal() is told; or, with *exits set, an exit at once. */
	int (*enter)(struct model_cpu *cpu, struct vcpu *vcpu, bool *exits);
	/* Of the CPU's state, what the guest sees otherwise. */
	void (*visible)(const struct model_cpu *cpu, struct model_state *state);
	void (*show)(const struct model_cpu *cpu, uint64_t cr0, uint64_t cr4);
	/* The bits of a control register (0 or 4) that no write of the guest's changes. */
	uint64_t (*cr_kept)(const struct model_cpu *cpu, uint32_t cr);
	bool (*cr_exits)(const struct model_cpu *cpu, uint32_t cr, uint64_t value);
	bool (*msr_exits)(const struct model_cpu *cpu, uint32_t msr, bool is_write);
	bool (*nmi_exits)(const struct model_cpu *cpu);
	/* Does the guest leave by itself now, because root mode wants it back? By which exit: *out. */
	bool (*due)(const struct model_cpu *cpu, struct model_exit *out);
	/* ... and behind its next instruction? */
	bool (*steps)(const struct model_cpu *cpu);
	/* Second-level translation, as translation.h has it. */
	uint64_t (*tables)(const struct model_cpu *cpu, uint32_t *levels);
	struct translation (*translation)(const struct model_cpu *cpu, uint64_t gpa);
};

struct model_vendor {
	uint64_t claim; /* the bit of CR4 by which a system says that root mode is its own */
	/* Power on, of the machine and then of each CPU. */
	void (*power_on)(void);
	void (*cpu_on)(struct model_cpu *cpu);
	/* What CPUID says of the vendor: added to a leaf. */
	void (*cpuid)(uint32_t leaf, struct cpu_leaf *out);
	/* MSRs that only tell what there is; false: it is none of them. */
	bool (*msr_read)(uint32_t msr, uint64_t *value);
	/* May CR0 or CR4 have that value on a CPU in root mode, or with a guest? */
	bool (*cr_ok)(uint32_t cr, uint64_t value);
	uint64_t (*root)(const struct model_cpu *cpu, enum model_root what);
	bool (*large_pages)(void); /* of 1 GiB, at the second level */
	bool (*keeps_tlb)(void);   /* across entries and exits */
	unsigned int (*active)(void);
	bool (*efer_each)(void); /* guests and root mode have an EFER each */
	uint32_t (*kind_of)(uint64_t reason);
	struct model_guest_ops guest;
};

static inline const struct model_vendor *model_vendor(void)
{
	return model.kind->vendor;
}

#endif
