/* SPDX-License-Identifier: MIT */
#include "vmcs.h"

#include <string.h>

#define CAPS(allowed, must) ((uint64_t)(allowed) << 32 | (must))

const struct vmx_caps vmcs_caps = {
	.basic = 0x12,
	.pin = CAPS(0xff, 0x16),
	.primary = CAPS(0xf7f9fffe, 0x0401e172), /* no monitor trap flag */
	.secondary = CAPS(0x3fffffff, 0),
	.exit = CAPS(0x01ffffff, 0x00036dfb),
	.entry = CAPS(0x0003ffff, 0x000011fb),
	.misc = 4ull << 16 | 7ull << 6,
	.cr0_fixed0 = 0x80000021,
	.cr0_fixed1 = 0xffffffff,
	.cr4_fixed0 = 0x2000,
	.cr4_fixed1 = 0x00b727ff, /* with CET */
	.ept_vpid = 1ull << 6 | 1ull << 14,
	.perf_global = 0x70000000f,
	.physical_bits = 39,
	.linear_bits = 48,
};

/* clang-format off */
static const struct {
	uint32_t field;
	uint64_t value;
} good[] = {
	{ VMCS_PIN_CONTROLS, 0x16 },
	{ VMCS_PRIMARY_CONTROLS, 0x9401e172 },
	{ VMCS_SECONDARY_CONTROLS, SECONDARY_RDTSCP | SECONDARY_VPID },
	{ VMCS_EXIT_CONTROLS, 0x36dfb | EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_LOAD_PAT | EXIT_LOAD_EFER },
	{ VMCS_ENTRY_CONTROLS, 0x11fb | ENTRY_GUEST_64 | ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER },
	{ VMCS_MSR_BITMAP, 0x10000 }, { VMCS_VPID, 1 },
	{ VMCS_HOST_CR0, 0x80050033 }, { VMCS_HOST_CR3, 0x20000 }, { VMCS_HOST_CR4, 0x26e0 },
	{ VMCS_HOST_CS_SELECTOR, 0x10 }, { VMCS_HOST_SS_SELECTOR, 0x18 }, { VMCS_HOST_TR_SELECTOR, 0x40 },
	{ VMCS_HOST_PAT, 0x0007040600070406 }, { VMCS_HOST_EFER, 0xd01 }, { VMCS_HOST_RIP, 0x200000001000 },
	{ VMCS_GUEST_CR0, 0x80050033 }, { VMCS_GUEST_CR3, 0x30000 }, { VMCS_GUEST_CR4, 0x26e0 },
	{ VMCS_GUEST_DR7, 0x400 }, { VMCS_GUEST_PAT, 0x0007040600070406 }, { VMCS_GUEST_EFER, 0xd01 },
	{ VMCS_GUEST_CS_SELECTOR, 0x10 }, { VMCS_GUEST_SS_SELECTOR, 0x18 }, { VMCS_GUEST_TR_SELECTOR, 0x40 },
	{ VMCS_GUEST_DS_SELECTOR, 0x18 },
	{ VMCS_GUEST_CS_LIMIT, 0xffffffff }, { VMCS_GUEST_SS_LIMIT, 0xffffffff }, { VMCS_GUEST_DS_LIMIT, 0xffffffff },
	{ VMCS_GUEST_TR_LIMIT, 0x206f }, { VMCS_GUEST_GDTR_LIMIT, 0x7f }, { VMCS_GUEST_IDTR_LIMIT, 0xfff },
	{ VMCS_GUEST_CS_RIGHTS, 0xa09b }, { VMCS_GUEST_SS_RIGHTS, 0xc093 }, { VMCS_GUEST_DS_RIGHTS, 0xc093 },
	{ VMCS_GUEST_ES_RIGHTS, 0x10000 }, { VMCS_GUEST_FS_RIGHTS, 0x10000 }, { VMCS_GUEST_GS_RIGHTS, 0x10000 },
	{ VMCS_GUEST_LDTR_RIGHTS, 0x10000 }, { VMCS_GUEST_TR_RIGHTS, 0x8b },
	{ VMCS_GUEST_RIP, 0xffffffff81000000 }, { VMCS_GUEST_RFLAGS, 2 }, { VMCS_GUEST_LINK_POINTER, ~0ull },
};
/* clang-format on */

static uint64_t values[0x8000 / 2];

void vmcs_good(void)
{
	memset(values, 0, sizeof(values));
	for (unsigned int i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		vmcs_set(good[i].field, good[i].value);
}

void vmcs_set(uint32_t field, uint64_t value)
{
	values[field / 2] = value;
}

uint64_t vmcs_value(void *context, uint32_t field)
{
	(void)context;
	return values[field / 2];
}
