/* SPDX-License-Identifier: MIT */
/* Kinds of CPUs. Capability values: low half bits that must be 1, high half bits that may be. */
#include "vmx.h"

#include <string.h>

#define CAPS(allowed, must) ((uint64_t)(allowed) << 32 | (must))

#define BASIC_TRUE (1ull << 55)
#define BASIC_WB   (6ull << 50)
#define BASIC_SIZE (1024ull << 32)
#define BASIC	   (BASIC_TRUE | BASIC_WB | BASIC_SIZE | 0x12)
#define MISC	   (1ull << 29 | 4ull << 16 | 7ull << 6 | 1ull << 5 | 7)
#define FIXED0_CR0 0x80000021ull
#define FIXED1_CR0 0xffffffffull
#define FIXED0_CR4 0x2000ull
#define CR4_ALL	   0x003727ffull
#define EPT_CAPS   0x00000f0106334141ull
#define LOCKED_ON  5u
#define COUNTERS   0x70000000full /* four, and three fixed ones */

#define PIN_ALL	      CAPS(0x0000007f, 0x16)
#define PRIMARY_ALL   CAPS(0xfff9fffe, 0x04006172)
#define SECONDARY_ALL CAPS(0x001c7cff, 0)
#define EXIT_ALL      CAPS(0x01ffffff, 0x00036dfb)
#define ENTRY_ALL     CAPS(0x0003ffff, 0x000011fb)

#define CAPS_ALL                                                                                             \
	{                                                                                                    \
		.basic = BASIC, .pin = PIN_ALL, .primary = PRIMARY_ALL, .secondary = SECONDARY_ALL,          \
		.exit = EXIT_ALL, .entry = ENTRY_ALL, .misc = MISC, .cr0_fixed0 = FIXED0_CR0,                \
		.cr0_fixed1 = FIXED1_CR0, .cr4_fixed0 = FIXED0_CR4, .ept_vpid = EPT_CAPS                     \
	}
#define USUAL                                                                                                \
	.vendor = &model_vmx, .caps = CAPS_ALL, .physical_bits = 39, .linear_bits = 48, .cr4 = CR4_ALL,      \
	.perf_global = COUNTERS, .rdtscp = true, .invpcid = true, .xsaves = true,                            \
	.feature_control = LOCKED_ON, .counters = 4

/* Designated initialisers: what comes later wins. */
#pragma GCC diagnostic ignored "-Woverride-init"

const struct model_kind model_kinds[] = {
	{USUAL, .name = "skylake"},
	{USUAL, .name = "unlocked", .feature_control = 0},
	{USUAL, .name = "no-vpid", .caps.secondary = CAPS(0x0010100a, 0)},
	{USUAL, .name = "no-timer", .caps.pin = CAPS(0x3f, 0x16)},
	{USUAL, .name = "no-nmi-window", .caps.pin = CAPS(0x1f, 0x16)},
	{USUAL, .name = "no-true-controls", .caps.basic = BASIC & ~BASIC_TRUE, .caps.pin = CAPS(0x7f, 0x16),
	 .caps.primary = CAPS(0xfff9fffe, 0x0401e172), .caps.exit = CAPS(0x01ffffff, 0x36dff),
	 .caps.entry = CAPS(0x3ffff, 0x11ff)},
	{USUAL, .name = "no-efer-control", .caps.exit = CAPS(0x0003ffff, 0x36dfb),
	 .caps.entry = CAPS(0x00001fff, 0x11fb)},
	{USUAL, .name = "no-vmx", .no_vmx = true},
	{USUAL, .name = "locked-off", .feature_control = 1},
	{USUAL, .name = "in-use", .cr4_extra = CR4_VMXE},
	{USUAL, .name = "no-secondary", .caps.primary = CAPS(0x7ff9fffe, 0x04006172)},
	{USUAL, .name = "no-msr-bitmap", .caps.primary = CAPS(0xeff9fffe, 0x04006172)},
	{USUAL, .name = "no-xsaves-control", .caps.secondary = CAPS(0x000c7cff, 0)},
	{USUAL, .name = "no-host-64", .caps.exit = CAPS(0x01fffdff, 0x00036dfb & ~0x200)},
	{USUAL, .name = "no-guest-64", .caps.entry = CAPS(0x0003fdff, 0x11fb)},
	{USUAL, .name = "uncached-vmcs", .caps.basic = BASIC & ~BASIC_WB},
	{USUAL, .name = "vmcs-below-4g", .caps.basic = BASIC | 1ull << 48},
	{USUAL, .name = "cr4-bit-not-allowed", .cr4 = CR4_ALL & ~CR4_SMAP},
	{USUAL, .name = "cr0-bit-demanded", .caps.cr0_fixed0 = FIXED0_CR0 | CR0_TS},
	{USUAL, .name = "on-a-hypervisor", .hypervisor = 1, .faults = true},
	{USUAL, .name = "on-two-hypervisors", .hypervisor = 2},
	{USUAL, .name = "key-locker", .cr4 = CR4_ALL | CR4_KL, .key_locker = true},
};

const unsigned int model_n_kinds = sizeof(model_kinds) / sizeof(model_kinds[0]);

/* Bits of IA32_VMX_EPT_VPID_CAP. */
static uint64_t lacking(uint32_t lacks)
{
	static const struct {
		uint32_t lacks, bit;
	} bits[] = {{MODEL_LACKS_1G, 17},	 {MODEL_LACKS_ACCESSED, 21},  {MODEL_LACKS_FLUSH_PAGE, 40},
		    {MODEL_LACKS_FLUSH_ONE, 41}, {MODEL_LACKS_FLUSH_ALL, 42}, {MODEL_LACKS_FLUSH_GLOBAL, 43}};
	uint64_t out = 0;

	for (unsigned int i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		out |= lacks & bits[i].lacks ? 1ull << bits[i].bit : 0;
	return out;
}

const struct model_kind *model_changed(const struct model_change *change)
{
	static struct model_kind changed;

	for (unsigned int i = 0; i < model_n_kinds; i++) {
		if (change->kind && strcmp(change->kind, model_kinds[i].name))
			continue;
		changed = model_kinds[i];
		changed.physical_bits = change->address_bits;
		changed.caps.ept_vpid &= ~lacking(change->lacks);
		return &changed;
	}
	return NULL;
}
