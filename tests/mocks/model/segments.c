/* SPDX-License-Identifier: MIT */
/* Segments and descriptor tables (SDM, "Protected-Mode Memory Management"), and the kernel's own. */
#include "internal.h"

#include <string.h>

#define GDT_ENTRIES 16u
#define IDT_BYTES   4096u

#define DESC_CODE_64  0x00af9b000000ffffull
#define DESC_DATA     0x00cf93000000ffffull
#define DESC_USER_32  0x00cffb000000ffffull
#define DESC_USER_DS  0x00cff3000000ffffull
#define DESC_USER_64  0x00affb000000ffffull
#define DESC_TSS_BUSY 0x00008b0000000000ull
#define TSS_LIMIT     0x206fu
#define TSS_IST1      36u

#define RIGHTS_S 0x10u
#define RIGHTS_P 0x80u
#define RIGHTS_L 0x2000u
#define TYPE(r)	 ((r)&15)
#define DPL(r)	 ((r) >> 5 & 3)
#define BUSY_BIT (1ull << 41)

#define TSS_RSP0 4u

#define SELECTOR_TI 4u
#define DESC_LDT    0x0000820000000000ull

/* What a kernel keeps per CPU; its GDT is mapped read-only in reality. */
static struct kernel {
	_Alignas(4096) uint64_t gdt[GDT_ENTRIES];
	_Alignas(4096) uint8_t tss[4096];
	_Alignas(16) uint8_t ist[16384];  /* one of its interrupt stacks; enough to tell */
	_Alignas(16) uint8_t stack[4096]; /* RSP0 */
} kernels[MODEL_CPUS];
static _Alignas(4096) uint8_t kernel_idt[IDT_BYTES];

/* Of each process; which one MODEL_LDT leads to depends on the page tables. */
static uint64_t ldts[MODEL_PROCESSES][MODEL_LDT_ENTRIES];

uint64_t model_kernel_gdt(uint32_t cpu)
{
	return (uint64_t)kernels[cpu].gdt;
}

uint64_t model_kernel_idt_base(uint32_t cpu)
{
	(void)cpu;
	return (uint64_t)kernel_idt;
}

#define KERNEL_STUBS 0xffffffff81800000ull

uint64_t model_kernel_stub(uint32_t vector)
{
	return KERNEL_STUBS + 16ull * vector;
}

/* Present interrupt gates; those of a kernel that must have a stack of their own name one of its IST. */
static void kernel_gates(void)
{
	for (uint32_t vector = 0; vector < IDT_BYTES / 16; vector++) {
		uint64_t stub = model_kernel_stub(vector), ist = vector == VECTOR_NMI  ? 2
								 : vector == VECTOR_MC ? 4
										       : 0;
		uint64_t gate[2] = {(stub & 0xffff) | KERNEL_CS << 16 | ist << 32 | 0x8eull << 40 |
					    (stub >> 16 & 0xffff) << 48,
				    stub >> 32};

		memcpy(kernel_idt + 16 * vector, gate, sizeof(gate));
	}
}

uint64_t model_kernel_tss(uint32_t cpu)
{
	return (uint64_t)kernels[cpu].tss;
}

static uint64_t field(uint64_t low, unsigned int from, unsigned int bits)
{
	return low >> from & ((1ull << bits) - 1);
}

static void from_descriptor(struct model_segment *s, uint16_t selector, const uint64_t *at, bool system)
{
	uint64_t low = at[0];
	uint32_t limit = (uint32_t)(field(low, 0, 16) | field(low, 48, 4) << 16);

	s->selector = selector;
	s->base = field(low, 16, 24) | field(low, 56, 8) << 24 | (system ? at[1] << 32 : 0);
	s->limit = field(low, 55, 1) ? limit << 12 | 0xfff : limit;
	s->rights = (uint32_t)(field(low, 40, 8) | field(low, 52, 4) << 12);
}

static void unusable(struct model_segment *s, uint16_t selector)
{
	*s = (struct model_segment){.selector = selector, .rights = RIGHTS_UNUSABLE};
}

void model_flat(struct model_segment *s, uint64_t selector, uint64_t base, uint32_t rights)
{
	*s = (struct model_segment){
		.selector = selector, .base = base, .limit = 0xffffffff, .rights = rights};
	if (!selector)
		*s = (struct model_segment){.base = base, .rights = RIGHTS_UNUSABLE};
}

uint64_t *model_ldt(uint32_t process)
{
	return ldts[process];
}

uint64_t *model_ldt_at(uint64_t va)
{
	const struct model_cpu *cpu = model_here();
	int process = model.process_of ? model.process_of(cpu->st.cr3) : -1;

	if (process < 0)
		return NULL;
	if ((uint32_t)process != cpu->process) {
		model_violation(
			"CPU %u: the page tables in use show the LDT of process %d, it runs process %u",
			model.here, process, cpu->process);
		return NULL;
	}
	return (uint64_t *)((char *)ldts[process] + (va - MODEL_LDT));
}

static struct model_table table_of(const struct model_cpu *cpu, uint16_t selector)
{
	const struct model_segment *ldtr = &cpu->st.seg[MODEL_LDTR];

	if (!(selector & SELECTOR_TI))
		return cpu->st.gdt;
	return (struct model_table){ldtr->base, ldtr->rights & RIGHTS_UNUSABLE ? 0 : ldtr->limit};
}

/* Memory of a descriptor table, as the page tables in use show it. */
static uint64_t *descriptor_at(uint64_t va)
{
	return model_is_ldt(va) ? model_ldt_at(va) : (uint64_t *)model_low(va);
}

/* The descriptor in the table in use, or NULL where a load would raise an exception. */
static uint64_t *descriptor(const struct model_cpu *cpu, uint16_t selector, uint32_t bytes)
{
	struct model_table table = table_of(cpu, selector);
	uint32_t offset = selector & ~7u;

	if (selector & SELECTOR_TI ? bytes > 8 : !offset)
		return NULL;
	return offset + bytes - 1 > table.limit ? NULL : descriptor_at(table.base + offset);
}

static bool load_any_code(struct model_cpu *cpu, uint16_t selector)
{
	const uint64_t *at = descriptor(cpu, selector, 8);
	struct model_segment s;

	if (!at)
		return false;
	from_descriptor(&s, selector, at, false);
	if (!(s.rights & RIGHTS_S) || (TYPE(s.rights) & 9) != 9 || !(s.rights & RIGHTS_P) ||
	    DPL(s.rights) != (selector & 3))
		return false;
	cpu->st.seg[MODEL_CS] = s;
	return true;
}

/* VMM and kernel run in 64-bit mode. */
static bool load_code(struct model_cpu *cpu, uint16_t selector)
{
	return load_any_code(cpu, selector) && cpu->st.seg[MODEL_CS].rights & RIGHTS_L;
}

/*
 * Code is data if it can be read, but no stack; of what is not conforming the selector must be allowed to
 * ask.
 */
static bool data_ok(const struct model_segment *s, unsigned int which)
{
	if (TYPE(s->rights) & 8 && (which == MODEL_SS || !(TYPE(s->rights) & 2)))
		return false;
	return (TYPE(s->rights) & 12) == 12 || (s->selector & 3) <= DPL(s->rights);
}

static bool load_data(struct model_cpu *cpu, unsigned int which, uint16_t selector)
{
	const uint64_t *at = descriptor(cpu, selector, 8);
	struct model_segment s;

	if (!(selector & ~3u)) {
		unusable(&cpu->st.seg[which], selector);
		return which != MODEL_SS || !(selector & 3);
	}
	if (!at)
		return false;
	from_descriptor(&s, selector, at, false);
	if (!(s.rights & RIGHTS_S) || !(s.rights & RIGHTS_P) || !(TYPE(s.rights) & 1) || !data_ok(&s, which))
		return false;
	cpu->st.seg[which] = s;
	return true;
}

bool model_load_user(struct model_cpu *cpu, uint16_t cs, uint16_t ss)
{
	return (cs & 3) == 3 && (ss & 3) == 3 && load_any_code(cpu, cs) && load_data(cpu, MODEL_SS, ss);
}

static bool load_ldt(struct model_cpu *cpu, uint16_t selector)
{
	const uint64_t *at = descriptor(cpu, selector, 16);

	if (!(selector & ~3u)) {
		unusable(&cpu->st.seg[MODEL_LDTR], selector);
		return true;
	}
	if (!at)
		return false;
	from_descriptor(&cpu->st.seg[MODEL_LDTR], selector, at, true);
	return TYPE(cpu->st.seg[MODEL_LDTR].rights) == 2;
}

void model_load_code(uint16_t cs, uint16_t ss)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (!load_code(cpu, cs) || !load_data(cpu, MODEL_SS, ss))
		model_raise(VECTOR_GP, cs, RAISE_PLAIN, "loading CS and SS");
	model_tick();
}

/* The bases of FS and GS live in the MSRs: what a descriptor said is not seen any more. */
static void base_to_msr(struct model_cpu *cpu, unsigned int which)
{
	if (which != MODEL_FS && which != MODEL_GS)
		return;
	cpu->st.msr[which == MODEL_FS ? MODEL_MSR_FS_BASE : MODEL_MSR_GS_BASE] = cpu->st.seg[which].base;
	cpu->st.seg[which].base = 0;
}

void model_load_data(enum cpu_data_segment which, uint16_t selector)
{
	static const unsigned int of[] = {
		[CPU_ES] = MODEL_ES, [CPU_DS] = MODEL_DS, [CPU_FS] = MODEL_FS, [CPU_GS] = MODEL_GS};
	struct model_cpu *cpu = model_here();

	model_tick();
	if (load_data(cpu, of[which], selector))
		base_to_msr(cpu, of[which]);
	else
		model_raise(VECTOR_GP, selector, RAISE_PLAIN, "loading a segment register");
	model_tick();
}

void model_load_ldt(uint16_t selector)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (!load_ldt(cpu, selector))
		model_raise(VECTOR_GP, selector, RAISE_PLAIN, "LLDT");
	model_tick();
}

void model_load_tr(uint16_t selector)
{
	struct model_cpu *cpu = model_here();
	uint64_t *at = descriptor(cpu, selector, 16);
	struct model_segment s;

	model_tick();
	if (at)
		from_descriptor(&s, selector, at, true);
	if (!at || s.rights & RIGHTS_S || TYPE(s.rights) != 9 || !(s.rights & RIGHTS_P)) {
		model_raise(VECTOR_GP, selector, RAISE_PLAIN, "LTR: not an available TSS");
		return;
	}
	if (cpu->st.gdt.base == model_kernel_gdt(model.here))
		model_violation("LTR writes its busy bit into the kernel's GDT, which is read-only");
	*at |= BUSY_BIT;
	s.rights |= 2;
	cpu->st.seg[MODEL_TR] = s;
}

static void store(struct cpu_table *out, const struct model_table *table)
{
	out->base = table->base;
	out->limit = (uint16_t)table->limit;
}

void model_store_gdt(struct cpu_table *out)
{
	model_tick();
	store(out, &model_here()->st.gdt);
}

void model_store_idt(struct cpu_table *out)
{
	model_tick();
	store(out, &model_here()->st.idt);
}

void model_load_gdt(const struct cpu_table *table)
{
	model_tick();
	model_here()->st.gdt = (struct model_table){table->base, table->limit};
}

void model_load_idt(const struct cpu_table *table)
{
	model_tick();
	model_here()->st.idt = (struct model_table){table->base, table->limit};
}

void model_store_selectors(struct cpu_selectors *out)
{
	const struct model_segment *s = model_here()->st.seg;

	model_tick();
	*out = (struct cpu_selectors){
		.es = (uint16_t)s[MODEL_ES].selector,
		.cs = (uint16_t)s[MODEL_CS].selector,
		.ss = (uint16_t)s[MODEL_SS].selector,
		.ds = (uint16_t)s[MODEL_DS].selector,
		.fs = (uint16_t)s[MODEL_FS].selector,
		.gs = (uint16_t)s[MODEL_GS].selector,
		.ldtr = (uint16_t)s[MODEL_LDTR].selector,
		.tr = (uint16_t)s[MODEL_TR].selector,
	};
}

void model_switch_process(uint32_t number, uint32_t process, bool isolated)
{
	struct model_cpu *cpu = &model.cpu[number];
	uint64_t base = isolated ? MODEL_LDT : model_high((uint64_t)ldts[process]);
	uint64_t *gdt = kernels[number].gdt;

	gdt[KERNEL_LDT / 8] =
		DESC_LDT | (sizeof(ldts[0]) - 1) | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	gdt[KERNEL_LDT / 8 + 1] = base >> 32;
	cpu->process = process;
	from_descriptor(&cpu->st.seg[MODEL_LDTR], KERNEL_LDT, &gdt[KERNEL_LDT / 8], true);
}

bool model_load_user_data(uint32_t number, unsigned int which, uint16_t selector)
{
	struct model_cpu *cpu = &model.cpu[number];

	model.here = number;
	if (!load_data(cpu, which, selector))
		return false;
	base_to_msr(cpu, which);
	return true;
}

void model_segments_reset(uint32_t number)
{
	struct model_cpu *cpu = &model.cpu[number];
	struct kernel *k = &kernels[number];
	uint64_t tss = (uint64_t)k->tss, ist = (uint64_t)k->ist + sizeof(k->ist);
	uint64_t rsp0 = model_high((uint64_t)k->stack + sizeof(k->stack));

	memset(k, 0, sizeof(*k));
	kernel_gates();
	memset(ldts, 0, sizeof(ldts));
	cpu->process = number;
	for (unsigned int i = 0; i < 4; i++, ist -= sizeof(k->ist) / 4)
		memcpy(k->tss + TSS_IST1 + 8 * i, &ist, sizeof(ist));
	memcpy(k->tss + TSS_RSP0, &rsp0, sizeof(rsp0));
	k->gdt[1] = DESC_USER_32;
	k->gdt[KERNEL_CS / 8] = DESC_CODE_64;
	k->gdt[KERNEL_DS / 8] = DESC_DATA;
	k->gdt[4] = DESC_USER_32;
	k->gdt[5] = DESC_USER_DS;
	k->gdt[6] = DESC_USER_64;
	k->gdt[KERNEL_TR / 8] = DESC_TSS_BUSY | TSS_LIMIT | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	k->gdt[KERNEL_TR / 8 + 1] = tss >> 32;
	cpu->st.gdt = (struct model_table){model_kernel_gdt(number), sizeof(k->gdt) - 1};
	cpu->st.idt = (struct model_table){model_kernel_idt_base(number), IDT_BYTES - 1};
	load_code(cpu, KERNEL_CS);
	load_data(cpu, MODEL_SS, KERNEL_DS);
	load_data(cpu, MODEL_ES, 0);
	load_data(cpu, MODEL_DS, 0);
	load_data(cpu, MODEL_FS, 0);
	load_data(cpu, MODEL_GS, 0);
	load_ldt(cpu, 0);
	from_descriptor(&cpu->st.seg[MODEL_TR], KERNEL_TR, &k->gdt[KERNEL_TR / 8], true);
}
