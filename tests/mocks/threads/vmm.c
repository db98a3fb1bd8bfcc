/* SPDX-License-Identifier: MIT */
/* Compiled like the modules: what it does with the memory it gets is looked at, too. */
#include "vmm.h"

#include <string.h>

#include "tlb.h"

#include <plinth/slat.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/memory.h>

#define LOG_TAG "vmm"
#define CPUS	8u
#define ITEMS	8u /* of each CPU */

enum kind { NOTHING, HEAP, PAGE, STACK, MAPPING, KINDS };

struct item {
	enum kind kind;
	uint64_t *at;
	size_t words, pages;
};

static struct item items[CPUS][ITEMS];

static uint64_t mark(uint32_t cpu, const struct item *item)
{
	return (uint64_t)item->at ^ ((uint64_t)cpu << 56);
}

static bool is_zero(const uint64_t *at, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (at[i])
			return false;
	return true;
}

static void get_pages(struct item *item, uint64_t random)
{
	size_t pages = 1 + random / 8 % 3, words = 1 + random / 64 % 40;

	*item = (struct item){.kind = 1 + random % (KINDS - 1), .words = words, .pages = pages};
	switch (item->kind) {
	case HEAP: item->at = mem_alloc(words * 8, 0); break;
	case PAGE:
		item->at = mem_page_alloc();
		item->words = MEM_PAGE / 8;
		break;
	case STACK:
		item->at = mem_stack_alloc(pages);
		item->at -= item->at ? pages * MEM_PAGE / 8 : 0;
		item->words = pages * MEM_PAGE / 8;
		break;
	default:
		item->at = mem_map(random & 0x3ffff000, pages, MEM_R);
		item->words = 0;
		break;
	}
	if (!item->at)
		item->kind = NOTHING;
	if (item->kind == STACK || item->kind == MAPPING)
		tlb_given(item->at, pages);
}

static enum vmm_answer fill_pattern(uint32_t cpu, struct item *item, uint64_t random)
{
	uint64_t pa;

	get_pages(item, random);
	if (!item->kind)
		return VMM_FULL;
	if (item->kind == MAPPING)
		return mem_virt_to_phys(item->at, &pa) || pa != (random & 0x3ffff000) ? VMM_WRONG_PAGE
										      : VMM_OK;
	if (!is_zero(item->at, item->kind == STACK ? 0 : item->words))
		return VMM_NOT_ZERO;
	item->at[0] = item->at[item->words - 1] = mark(cpu, item);
	return VMM_OK;
}

static enum vmm_answer drop(uint32_t cpu, struct item *item)
{
	bool good = item->kind == MAPPING ||
		    (item->at[0] == mark(cpu, item) && item->at[item->words - 1] == mark(cpu, item));

	switch (item->kind) {
	case HEAP: mem_free(item->at); break;
	case PAGE: mem_page_free(item->at); break;
	case STACK:
		tlb_taken(item->at, item->pages);
		mem_stack_free((char *)item->at + item->pages * MEM_PAGE, item->pages);
		break;
	default:
		tlb_taken(item->at, item->pages);
		mem_unmap(item->at, item->pages);
		break;
	}
	item->kind = NOTHING;
	return good ? VMM_OK : VMM_DAMAGED;
}

static enum vmm_answer memory(uint32_t cpu, uint64_t random)
{
	struct item *item = &items[cpu][random / 4096 % ITEMS];

	return item->kind ? drop(cpu, item) : fill_pattern(cpu, item, random);
}

static enum vmm_answer memory_end(uint32_t cpu)
{
	enum vmm_answer worst = VMM_OK;

	for (uint32_t i = 0; i < ITEMS; i++) {
		enum vmm_answer answer = items[cpu][i].kind ? drop(cpu, &items[cpu][i]) : VMM_OK;

		worst = answer > worst ? answer : worst;
	}
	return worst;
}

/* The page is this CPU's alone: what it sets it finds. */
static enum vmm_answer page(uint64_t gpa, uint32_t access)
{
	uint64_t hpa = 0;
	uint32_t found = 0;

	if (slat_map(slat_host(), gpa, gpa ^ MEM_PAGE, 4096, access))
		return VMM_FULL;
	return slat_get(slat_host(), gpa, &hpa, &found) || hpa != (gpa ^ MEM_PAGE) || found != access
		       ? VMM_WRONG_PAGE
		       : VMM_OK;
}

static void say(uint64_t level, uint64_t number)
{
	/* Whoever reads it sees whether it is whole. */
	if (level == PLINTH_LOG_WARN)
		LOG_WARN("%016llx %016llx", (unsigned long long)number, (unsigned long long)~number);
	else if (level == PLINTH_LOG_ERR)
		LOG_ERR("%016llx %016llx", (unsigned long long)number, (unsigned long long)~number);
	else
		LOG_DEBUG("%016llx %016llx", (unsigned long long)number, (unsigned long long)~number);
}

static enum exit_action obey(struct vcpu *vcpu, const struct exit_link *link, void *context)
{
	struct vcpu_regs *regs = &vcpu->regs;
	uint32_t cpu = cpu_local()->cpu % CPUS;

	(void)link;
	(void)context;
	regs->rax = VMM_OK;
	switch (regs->rbx) {
	case VMM_MEMORY: regs->rax = memory(cpu, regs->rcx); break;
	case VMM_MEMORY_END: regs->rax = memory_end(cpu); break;
	case VMM_LOG:
		for (uint64_t i = 0; i < regs->rcx >> 8; i++)
			say(regs->rcx & 0xff, regs->rdx + i);
		break;
	case VMM_PAGE: regs->rax = page(regs->rcx, (uint32_t)regs->rdx); break;
	default: break;
	}
	return EXIT_NEXT;
}

static uint64_t trapped;

uint64_t vmm_trapped(void)
{
	return __atomic_load_n(&trapped, __ATOMIC_RELAXED);
}

static enum exit_action vmm_access(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_memory_access wants;

	(void)context;
	vcpu_memory_access(vcpu, &wants);
	if ((wants.address ^ VMM_TRAPPED) >= MEM_PAGE)
		return exit_below(vcpu, below);
	__atomic_add_fetch(&trapped, 1, __ATOMIC_RELAXED);
	return EXIT_NEXT;
}

void vmm_forget(void)
{
	trapped = 0;
	tlb_forget();
	memset(items, 0, sizeof(items));
}

__attribute__((constructor)) static void vmm_attach(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, vmm_access, NULL);
	(void)!exit_register_hypercall(VMM_CALL, VMM_CALL, EXIT_CALLER_ANYBODY, obey, NULL);
}
