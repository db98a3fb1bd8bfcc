/* SPDX-License-Identifier: MIT */
/* What the files of the model share. */
#ifndef TESTS_MOCKS_MODEL_INTERNAL_H
#define TESTS_MOCKS_MODEL_INTERNAL_H

#include "model.h"
#include "vendor.h"

/* The intrinsics, as functions of the model. */
#define CALL(type, name, parameters, arguments)	   type model_##name parameters;
#define VOID_CALL(name, parameters, arguments)	   void model_##name parameters;
#define NORETURN_CALL(name, parameters, arguments) void model_##name parameters;
#include "../intrinsics/calls.def"
#undef CALL
#undef VOID_CALL
#undef NORETURN_CALL

#define KERNEL_CS  0x10u
#define KERNEL_DS  0x18u
#define KERNEL_TR  0x40u
#define KERNEL_LDT 0x50u

#define RIGHTS_UNUSABLE 0x10000u

static inline struct model_cpu *model_here(void)
{
	return &model.cpu[model.here];
}

static inline bool canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* exception.c: once per intrinsic, before it does anything. */
void model_tick(void);

/* registers.c: may software write that? */
bool model_cr0_ok(const struct model_cpu *cpu, uint64_t value);
bool model_cr3_ok(uint64_t value);
bool model_cr4_ok(const struct model_cpu *cpu, uint64_t value);

/* cpuid.c: what the CPU here reports. */
void model_cpuid_answer(uint32_t leaf, uint32_t subleaf, struct cpu_leaf *out);

/* msr.c: of the CPU here; false: #GP. */
bool model_msr_read(uint32_t msr, uint64_t *value);
bool model_msr_write(uint32_t msr, uint64_t value);

/* hypervisor.c: what it makes of the registers of a call; false: #UD. */
bool model_beneath(struct vcpu_regs *regs);

/* exception.c: an exception of the instruction at hand. */
enum raise_how { RAISE_PLAIN, RAISE_FIXUP };
/* True: execution goes on (at the fix-up); otherwise it does not return. */
bool model_raise(uint32_t vector, uint32_t error, enum raise_how how, const char *what);
bool model_kernel_idt(const struct model_cpu *cpu);
/* Does the gate of the IDT in use lead to the kernel? */
bool model_kernels(const struct model_cpu *cpu, uint32_t vector);
/* The kernel has been told of machine checks, and has cleared MCIP. */
void model_mc_handled(struct model_cpu *cpu, uint64_t n);

/* segments.c: fill the hidden part from the descriptor; false: it cannot be loaded. */
void model_segments_reset(uint32_t cpu);
bool model_load_user(struct model_cpu *cpu, uint16_t cs, uint16_t ss);
static inline bool model_is_ldt(uint64_t va)
{
	return va - MODEL_LDT < MODEL_LDT_ENTRIES * sizeof(uint64_t);
}
uint64_t *model_ldt_at(uint64_t va); /* NULL: the page tables in use show none there, or another process's */
uint64_t model_kernel_gdt(uint32_t cpu);
uint64_t model_kernel_idt_base(uint32_t cpu);
uint64_t model_kernel_stub(uint32_t vector);
uint64_t model_kernel_tss(uint32_t cpu);

/* apic.c: an INIT for the CPU here; held back in root operation. */
void model_init_arrives(struct model_cpu *cpu);

/* In root mode: on, and no guest runs. */
static inline bool model_in_root(const struct model_cpu *cpu)
{
	return cpu->virt_on && !cpu->guest;
}

/* pretend.c: a guest that no vendor's hardware runs. */
void model_pretend(struct vcpu *vcpu, struct pretence *guest) __attribute__((noreturn));

/* segments.c: a flat segment, as root mode finds it; unusable with selector 0. */
void model_flat(struct model_segment *s, uint64_t selector, uint64_t base, uint32_t rights);

/* switch.S */
uint64_t model_switch_to(uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
void model_switch_back(uint64_t end) __attribute__((noreturn));
uint64_t model_run_on(uint64_t stack_top, uint64_t fn, uint64_t a);
/* Frames below it were given up, and nobody told the address sanitizer, where there is one. */
void model_forget_frames(uint64_t stack_top);

#endif
