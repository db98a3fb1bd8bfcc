/* SPDX-License-Identifier: MIT */
/* INIT (SDM, "INIT Signal" and "Processor State After Reset"). */
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

void model_init_self(volatile uint32_t *xapic)
{
	struct model_cpu *cpu = model_here();
	uint64_t base = cpu->st.msr[MODEL_MSR_APIC_BASE];

	model_tick();
	if (base & APIC_BASE_X2APIC
		    ? xapic != NULL
		    : !xapic || model.translate((uint64_t)xapic) != (base & APIC_BASE_ADDRESS))
		model_violation("INIT through what is not the local APIC");
	if (!model.kind->deaf_apic)
		model_init_arrives(cpu);
}
