/* SPDX-License-Identifier: MIT */
/* Lists of MSRs in memory that entries and exits store and load (SDM, "Saving MSRs", "Loading MSRs"). */
#include "vmx.h"

#define LIST_MAX 512u

struct list_row {
	uint32_t msr, reserved;
	uint64_t value;
};

/* One row, or NULL where a list of software's making does not lead. */
static struct list_row *list_row(struct model_cpu *cpu, uint32_t address_field, uint64_t n, uint64_t i)
{
	uint64_t pa = vmcs_get(cpu, address_field) + i * sizeof(struct list_row);
	struct list_row *row = n <= LIST_MAX ? model.physical(pa) : NULL;

	if (!row)
		model_violation("a list of MSRs at 0x%llx, where no memory is", (unsigned long long)pa);
	return row;
}

bool vmx_msrs_store(struct model_cpu *cpu, uint32_t count_field, uint32_t address_field)
{
	uint64_t n = vmcs_get(cpu, count_field);

	for (uint64_t i = 0; i < n; i++) {
		struct list_row *row = list_row(cpu, address_field, n, i);

		if (!row || row->reserved || !model_msr_read(row->msr, &row->value))
			return false;
	}
	return true;
}

bool vmx_msrs_load(struct model_cpu *cpu, uint32_t count_field, uint32_t address_field)
{
	uint64_t n = vmcs_get(cpu, count_field);

	for (uint64_t i = 0; i < n; i++) {
		const struct list_row *row = list_row(cpu, address_field, n, i);
		bool base = row && (row->msr == MSR_IA32_FS_BASE || row->msr == MSR_IA32_GS_BASE);

		if (!row || base || row->reserved || !model_msr_write(row->msr, row->value))
			return false;
	}
	return true;
}
