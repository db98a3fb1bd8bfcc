/* SPDX-License-Identifier: MIT */
/* What the rules share. A rule is a row {name, function}, rows are grouped by section of the SDM. */
#ifndef PLINTH_VMX_CHECK_INTERNAL_H
#define PLINTH_VMX_CHECK_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/vmcs.h>
#include <plinth/vendor.h>
#include <plinth/vmx_check.h>
#include <plinth/x86.h>

/* Where a VMCS has what an entry loads for the guest, and an exit for the host: see registers.c. */
struct registers {
	enum vmcs_field controls; /* which say of the last three that they are loaded, by these bits */
	uint32_t load_pat, load_efer, load_perf;
	enum vmcs_field cr0, cr3, cr4, sysenter_esp, sysenter_eip, pat, efer, perf_global_ctrl;
};

extern const struct registers host_registers, guest_registers;

/* A VMCS under examination. */
struct view {
	const struct vmx_caps *caps;
	vmx_read_fn *read;
	void *context;
	const struct registers *in; /* of the area whose rules are tried */
};

/* No field has this encoding: the rule is kept. */
#define KEPT 0xffffffffu

/* The field that breaks the rule, or KEPT. */
typedef uint32_t rule_fn(const struct view *v);

struct rule {
	const char *name;
	rule_fn *broken_by;
};

struct section {
	const char *title;
	enum vmx_check_area area;
	const struct rule *rules;
	uint32_t n_rules;
};

/* What is between the braces of a struct section. */
#define SECTION(title, area, rules) title, area, rules, sizeof(rules) / sizeof((rules)[0])

/* Rules of both areas, see registers.c. */
rule_fn rule_cr4_fixed, rule_cet_needs_wp, rule_cr3_width, rule_sysenter_esp, rule_sysenter_eip,
	rule_pat_types, rule_efer_reserved, rule_perf_counters;

extern const struct section control_sections[3], host_sections[3], guest_sections[2], segment_sections[2],
	state_sections[3];

/* Of the entry's interruption information (SDM, "VM-Entry Controls for Event Injection"). */
#define INFO_RESERVED  0x7ffff000u
#define INFO_VECTOR(i) ((uint8_t)(i))
enum {
	TYPE_EXTERNAL = 0,
	TYPE_RESERVED = 1,
	TYPE_NMI = 2,
	TYPE_EXCEPTION = 3,
	TYPE_SOFTWARE = 4,
	TYPE_OTHER = 7
};

/* Of the interruptibility state. */
#define BLOCKING_STI	     1u
#define BLOCKING_MOV_SS	     2u
#define BLOCKING_SMI	     4u
#define BLOCKING_NMI	     8u
#define ENCLAVE_INTERRUPTION 16u

static inline uint64_t get(const struct view *v, enum vmcs_field field)
{
	return v->read(v->context, field);
}

/* Are any of these bits of the field set? */
static inline bool has(const struct view *v, enum vmcs_field field, uint64_t bits)
{
	return get(v, field) & bits;
}

/* Without "activate secondary controls" all of them count as 0. */
static inline bool has_secondary(const struct view *v, uint32_t bits)
{
	return has(v, VMCS_PRIMARY_CONTROLS, PRIMARY_SECONDARY) && has(v, VMCS_SECONDARY_CONTROLS, bits);
}

/* The guest is in IA-32e mode after the entry. */
static inline bool guest_64(const struct view *v)
{
	return has(v, VMCS_ENTRY_CONTROLS, ENTRY_GUEST_64);
}

/* The event to inject is of this type. */
static inline bool injects(const struct view *v, uint32_t type)
{
	uint64_t info = get(v, VMCS_ENTRY_INTERRUPTION_INFO);

	return info & INFO_VALID && INFO_TYPE(info) == type;
}

static inline uint32_t broken_if(bool broken, enum vmcs_field field)
{
	return broken ? (uint32_t)field : KEPT;
}

static inline bool is_canonical(const struct view *v, uint64_t address)
{
	uint32_t unused = 64 - v->caps->linear_bits;

	return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

/* Bits outside the width of a physical address, or below its alignment. */
static inline bool bad_physical(const struct view *v, uint64_t address, uint64_t align)
{
	return address >> v->caps->physical_bits || address & (align - 1);
}

/* A field with an address that the CPU uses, or does not. */
static inline uint32_t bad_address(const struct view *v, bool is_used, enum vmcs_field field, uint64_t align)
{
	return broken_if(is_used && bad_physical(v, get(v, field), align), field);
}

#endif
