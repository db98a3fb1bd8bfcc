/* SPDX-License-Identifier: MIT */
/* Power on, and what software sees. */
#define _GNU_SOURCE
#include "internal.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../intrinsics/calls.h"
#include "translation.h"

struct model model;

static struct model_calls calls = {
#define CALL(type, name, parameters, arguments)	   .name = model_##name,
#define VOID_CALL(name, parameters, arguments)	   .name = model_##name,
#define NORETURN_CALL(name, parameters, arguments) .name = model_##name,
#include "../intrinsics/calls.def"
	.fault = model_fault,
	.pretend = model_pretend,
};

void model_set_native(const struct native_entry *native)
{
	calls.native = native;
}

static void show_calls(void)
{
	static const struct model_calls **page;

	if (page)
		return;
	page = mmap((void *)MODEL_CALLS_PAGE, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if ((uint64_t)page != MODEL_CALLS_PAGE) {
		perror("model: page of calls");
		abort();
	}
	*page = &calls;
}

#define CR0_KERNEL 0x80050033ull
#define CR4_KERNEL 0x003706e0ull /* PAE MCE PGE OSFXSR OSXMMEXCPT FSGSBASE PCIDE OSXSAVE SMEP SMAP */
#define CR3_KERNEL 0x0000000012344006ull

static void cpu_reset(uint32_t number)
{
	static const uint64_t msrs[MODEL_MSRS] = {
#define MSR(name, index, rule, value) [MODEL_MSR_##name] = (value),
#include "msrs.def"
#undef MSR
	};
	struct model_cpu *cpu = &model.cpu[number];

	memset(cpu, 0, sizeof(*cpu));
	cpu->st = (struct model_state){
		.cr0 = CR0_KERNEL,
		.cr2 = 0x7fff00001000 + number,
		.cr3 = CR3_KERNEL + number * 0x10000,
		.cr4 = CR4_KERNEL | model.kind->cr4_extra,
		.dr7 = 0x402, /* not what a VM exit leaves behind */
		.rflags = RFLAGS_FIXED,
		.xcr0 = 7,
	};
	memcpy(cpu->st.msr, msrs, sizeof(msrs));
	cpu->st.msr[MODEL_MSR_APIC_BASE] |= model.kind->x2apic ? APIC_BASE_X2APIC : 0;
	cpu->st.msr[MODEL_MSR_GS_BASE] += (uint64_t)number << 20;
	cpu->st.msr[MODEL_MSR_FS_BASE] += (uint64_t)number << 16;
	cpu->current = -1;
	cpu->guest_ops = &model_vendor()->guest;
	model_vendor()->cpu_on(cpu);
	model_segments_reset(number);
}

void model_init(const struct model_kind *kind, uint32_t n_cpus)
{
	void *(*physical)(uint64_t) = model.physical;
	void (*invalidate)(uint64_t) = model.invalidate;
	uint64_t (*translate)(uint64_t) = model.translate;
	int (*process_of)(uint64_t) = model.process_of;

	show_calls();
	memset(&model, 0, offsetof(struct model, cpu));
	model.translate = translate;
	model.process_of = process_of;
	model.physical = physical;
	model.invalidate = invalidate;
	model.kind = kind;
	model.n_cpus = n_cpus;
	model_vendor()->power_on();
	for (uint32_t i = 0; i < n_cpus; i++)
		cpu_reset(i);
	model_arm(0, 0);
}

void model_violation(const char *format, ...)
{
	va_list args;

	if (model.violations < sizeof(model.violation) / sizeof(model.violation[0])) {
		va_start(args, format);
		vsnprintf(model.violation[model.violations], sizeof(model.violation[0]), format, args);
		va_end(args);
	}
	model.violations++;
}

/* -- comparing ----------------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t offset, bytes;
} members[] = {
#define MEMBER(m)                                                                                            \
	{                                                                                                    \
#m, offsetof(struct model_state, m), sizeof(((struct model_state *)0)->m)                    \
	}
	MEMBER(cr0),	       MEMBER(cr2),	      MEMBER(cr3),
	MEMBER(cr4),	       MEMBER(dr7),	      MEMBER(rflags),
	MEMBER(xcr0),	       MEMBER(gdt.base),      MEMBER(gdt.limit),
	MEMBER(idt.base),      MEMBER(idt.limit),     MEMBER(seg[MODEL_ES]),
	MEMBER(seg[MODEL_CS]), MEMBER(seg[MODEL_SS]), MEMBER(seg[MODEL_DS]),
	MEMBER(seg[MODEL_FS]), MEMBER(seg[MODEL_GS]), MEMBER(seg[MODEL_LDTR]),
	MEMBER(seg[MODEL_TR]),
#define MSR(name, index, rule, value) MEMBER(msr[MODEL_MSR_##name]),
#include "msrs.def"
#undef MSR
#undef MEMBER
};

const char *model_differs(const struct model_state *a, const struct model_state *b)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (memcmp((const char *)a + members[i].offset, (const char *)b + members[i].offset,
			   members[i].bytes))
			return members[i].name;
	return NULL;
}

void model_visible(uint32_t number, struct model_state *out)
{
	const struct model_cpu *cpu = &model.cpu[number];

	*out = cpu->st;
	if (cpu->guest && cpu->guest_ops->visible)
		cpu->guest_ops->visible(cpu, out);
}

void model_show(uint32_t number, uint64_t cr0, uint64_t cr4)
{
	const struct model_cpu *cpu = &model.cpu[number];

	if (cpu->guest_ops->show)
		cpu->guest_ops->show(cpu, cr0, cr4);
}

unsigned int model_active(void)
{
	return model_vendor()->active();
}

uint32_t model_exit_kind(const struct model_exit *exit)
{
	return exit->kind ? exit->kind : model_vendor()->kind_of(exit->reason);
}

struct translation translation_of(uint32_t number, uint64_t gpa)
{
	const struct model_cpu *cpu = &model.cpu[number];

	if (cpu->guest_ops->translation)
		return cpu->guest_ops->translation(cpu, gpa);
	return (struct translation){.access = READ | WRITE | FETCH};
}

uint64_t translation_tables(uint32_t number, uint32_t *levels)
{
	const struct model_cpu *cpu = &model.cpu[number];

	return cpu->guest_ops->tables ? cpu->guest_ops->tables(cpu, levels) : 0;
}
