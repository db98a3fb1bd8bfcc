/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include <plinth/error.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>

#include "internal.h"

enum { WIDTH_16 = 0, WIDTH_64 = 1, WIDTH_32 = 2, WIDTH_N = 3 };

#define VMCS_FIELD(name, encoding, width)                                                                    \
	_Static_assert((((encoding) >> 13) & 3) == WIDTH_##width, #name ": width and encoding disagree");
#include <plinth/vmcs_fields.def>
#undef VMCS_FIELD

static const struct {
	uint32_t encoding;
	char name[28];
} fields[] = {
#define VMCS_FIELD(name, encoding, width) {encoding, #name},
#include <plinth/vmcs_fields.def>
#undef VMCS_FIELD
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

uint64_t vmcs_read(enum vmcs_field field)
{
	return cpu_vmread(field);
}

void vmcs_write(enum vmcs_field field, uint64_t value)
{
	int result = cpu_vmwrite(field, value);
	struct vmcs_failure *first;

	if (!result)
		return;
	first = &cpu_local()->vcpu->vendor->write_failure;
	if (!first->result)
		*first = (struct vmcs_failure){.result = result, .field = field};
}

int vmcs_write_error(struct vcpu *vcpu)
{
	const struct vmcs_failure failure = vcpu->vendor->write_failure;

	vcpu->vendor->write_failure = (struct vmcs_failure){0};
	if (!failure.result)
		return 0;
	LOG_ERR("VMWRITE of %s (0x%x) failed: %s", vmcs_field_name(failure.field), failure.field,
		failure.result == CPU_VMX_FAIL_INVALID ? "no current VMCS" : "no such field on this CPU");
	return PLINTH_E_VIRT;
}

const char *vmcs_field_name(uint32_t encoding)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (fields[i].encoding == encoding)
			return fields[i].name;
	return "?";
}

/* Two fields a line, so that a report fits into the log's ring. */
void vendor_dump(struct vcpu *vcpu)
{
	size_t pending = N_FIELDS;
	uint64_t value, before = 0;

	(void)vcpu;
	LOG_ERR("VMCS; fields that are not named are 0:");
	for (size_t i = 0; i < N_FIELDS; i++) {
		value = cpu_vmread(fields[i].encoding);
		if (!value)
			continue;
		if (pending == N_FIELDS) {
			pending = i;
			before = value;
			continue;
		}
		LOG_ERR("  %-26s 0x%-18llx %-26s 0x%llx", fields[pending].name, (unsigned long long)before,
			fields[i].name, (unsigned long long)value);
		pending = N_FIELDS;
	}
	if (pending != N_FIELDS)
		LOG_ERR("  %-26s 0x%llx", fields[pending].name, (unsigned long long)before);
}
