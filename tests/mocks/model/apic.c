/* SPDX-License-Identifier: MIT */
/*
 * What the local APIC sends: INIT to this CPU (SDM, "INIT Signal" and "Processor State After Reset"), NMIs to
 * others.
 */
#include "internal.h"

/*
 * The part of the state that an INIT leaves alone, as far as the model has it: the MSRs but EFER, and XCR0.
 */
static void reset_by_init(struct model_cpu *cpu)
{
	struct model_state kept = cpu->st;

	cpu->st = (struct model_state){
		.cr0 = 0x60000010, .dr7 = 0x400, .rflags = RFLAGS_FIXED, .xcr0 = kept.xcr0};
	for (unsigned int i = 0; i < MODEL_MSRS; i++)
		cpu->st.msr[i] = kept.msr[i];
	cpu->st.msr[MODEL_MSR_EFER] = cpu->st.msr[MODEL_MSR_FS_BASE] = cpu->st.msr[MODEL_MSR_GS_BASE] = 0;
	cpu->init_pending = false;
	cpu->activity = MODEL_WAIT_FOR_SIPI;
	model_switch_back(MODEL_INIT);
}

void model_init_arrives(struct model_cpu *cpu)
{
	if (model_in_root(cpu))
		cpu->init_pending = true;
	else
		reset_by_init(cpu);
}

static bool is_x2apic(void)
{
	return model_here()->st.msr[MODEL_MSR_APIC_BASE] & APIC_BASE_X2APIC;
}

static void expect_apic(volatile uint32_t *xapic, const char *what)
{
	uint64_t base = model_here()->st.msr[MODEL_MSR_APIC_BASE] & APIC_BASE_ADDRESS;

	if (is_x2apic() ? xapic != NULL : !xapic || model.translate((uint64_t)xapic) != base)
		model_violation("%s through what is not the local APIC", what);
}

void model_init_self(volatile uint32_t *xapic)
{
	model_tick();
	expect_apic(xapic, "INIT");
	if (!model.kind->deaf_apic)
		model_init_arrives(model_here());
}

/* A CPU keeps one NMI that has not arrived yet: a second one is the same. */
void model_send_nmi(volatile uint32_t *xapic, uint32_t apic_id)
{
	model_tick();
	expect_apic(xapic, "an NMI");
	if (apic_id >= model.n_cpus || (!is_x2apic() && apic_id > 0xfe))
		model_violation("an NMI for APIC %u, which there is not", apic_id);
	else if (apic_id == model.here)
		model_violation("CPU %u sends itself an NMI", apic_id);
	else
		model.cpu[apic_id].nmi_sent = true;
}
