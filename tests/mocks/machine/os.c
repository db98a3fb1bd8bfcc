/* SPDX-License-Identifier: MIT */
/* drivers/common/os.h on the machine; every call that may fail asks model_fault(). */
#include <string.h>

#include "drivers/common/internal.h"
#include "machine.h"
#include "memory.h"
#include "mock_os.h"
#include "model/vendor.h"

#define KERNEL_STACK_BYTES 4096u
#define STACK_FILL	   0xa5

/* The accounts of memory.c. */
struct mock_world mock_world;

/* A kernel stack per CPU, with a pattern that shows who writes where. */
static _Alignas(16) uint8_t stacks[MODEL_CPUS][KERNEL_STACK_BYTES];

void *os_alloc_pages(size_t pages, size_t align)
{
	return model_fault("os_alloc_pages") ? NULL : memory_alloc(pages, align);
}

void os_free_pages(void *memory, size_t pages)
{
	if (model_active())
		model_violation("memory is freed while a CPU has a guest's state there");
	for (uint32_t i = 0; i < model.n_cpus; i++)
		if (model.cpu[i].virt_on)
			model_violation("memory is freed while CPU %u has virtual machines on", i);
	memory_free(memory, pages);
}

uint64_t os_virt_to_phys(const void *memory)
{
	return memory_pa(memory);
}

bool os_next_memory(uint64_t from, uint64_t *start, uint64_t *end)
{
	unsigned int n;
	const struct physical_bank *bank = physical_banks(&n);

	for (; n; n--, bank++) {
		if (bank->to <= from)
			continue;
		*start = bank->from;
		*end = bank->to;
		return true;
	}
	return false;
}

bool os_slat_gib_pages(void)
{
	return model_vendor()->large_pages();
}

uint32_t os_cpu_count(void)
{
	return model.n_cpus;
}

bool os_cpu_is_online(uint32_t cpu)
{
	return cpu < model.n_cpus && !machine.offline[cpu];
}

int os_run_on(uint32_t cpu, int (*fn)(void *), void *arg)
{
	if (!machine.cpus_locked)
		model_violation("os_run_on() without os_cpus_lock()");
	if (model.cpu[cpu].activity == MODEL_WAIT_FOR_SIPI) {
		model_violation("os_run_on() waits for ever: an INIT took CPU %u away", cpu);
		return PLINTH_E_STATE;
	}
	if (!os_cpu_is_online(cpu) || model_fault("os_run_on"))
		return PLINTH_E_STATE;
	model.here = cpu;
	return fn(arg);
}

bool os_relax(void)
{
	if (!machine.locked)
		model_violation("os_relax() where nothing is locked: somebody waits for nobody");
	if (machine.cpus_locked)
		model_violation("os_relax(): what may take long is done with CPU hot-plug locked");
	return true;
}

void os_lock(void)
{
	machine.locked++;
}

void os_unlock(void)
{
	machine.locked--;
}

void os_cpus_lock(void)
{
	if (!machine.locked)
		model_violation("os_cpus_lock() without os_lock()");
	if (machine.cpus_locked++)
		model_violation(
			"os_cpus_lock() twice: whoever waits to bring a CPU in between waits for ever");
}

void os_cpus_unlock(void)
{
	machine.cpus_locked--;
}

uint64_t os_random(void)
{
	return machine.random;
}

uint32_t os_paging_levels(void)
{
	return machine.levels;
}

int os_gate_check(const char **why)
{
	*why = "CR4.LASS";
	return model.cpu[0].st.cr4 & CR4_LASS ? PLINTH_E_NOTSUP : 0;
}

void os_gate_fill(struct plinth_boot *boot)
{
	boot->stop_rip = MACHINE_STOP_RIP;
	boot->land = MACHINE_LAND;
	boot->land_user = MACHINE_LAND_USER;
	boot->user_cr3 = MACHINE_USER_CR3;
}

/* -- the gate -------------------------------------------------------------------------- */

/* What the gate itself must find as it was, on a CPU that is no guest. */
static void expect_same(const struct model_state *before, const char *what)
{
	struct model_state now;
	const char *differs;

	model_visible(model.here, &now);
	/* To switch virtual machines on this one must be locked, and then it stays so. */
	now.msr[MODEL_MSR_FEATURE_CONTROL] = before->msr[MODEL_MSR_FEATURE_CONTROL];
	differs = model_differs(before, &now);
	if (differs)
		model_violation("CPU %u: %s changed %s", model.here, what, differs);
}

uint32_t mock_process(void)
{
	return model.cpu[model.here].process;
}

int machine_process_of(uint64_t cr3)
{
	const uint64_t page = cr3 & ~(uint64_t)(OS_PAGE - 1);
	const struct core *core = machine.core;

	if (core->n_modules && page == core->tables.root_pa)
		return -1;
	if (core_launch_pgd(core) && page == memory_pa(core_launch_pgd(core)))
		return mock_process_in(core_launch_pgd(core));
	return (int)mock_process();
}

static void enter_vmm(struct model_cpu *cpu, uint64_t launch_pa)
{
	memory_enter(launch_pa, machine.levels);
	cpu->st.cr3 = launch_pa;
	if (machine_process_of(launch_pa) != (int)cpu->process)
		model_violation("CPU %u enters the VMM with the kernel's half of another process",
				model.here);
}

int os_vmm_call(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint64_t arg0, uint64_t arg1)
{
	struct model_cpu *cpu = &model.cpu[model.here];
	struct model_state before = cpu->st;
	uint64_t result = 0;

	enter_vmm(cpu, launch_pa);
	if (model_call(model.here, stack_top, fn, arg0, arg1, 0, 0, &result) != MODEL_RETURNED) {
		model_violation("a call into the VMM did not come back");
		cpu->st = before;
		return PLINTH_E_VIRT;
	}
	cpu->st.cr3 = before.cr3;
	expect_same(&before, "a call into the VMM");
	return (int)result;
}

static uint64_t kernel_rsp(void)
{
	memset(stacks[model.here], STACK_FILL, KERNEL_STACK_BYTES);
	return model_high((uint64_t)&stacks[model.here][KERNEL_STACK_BYTES / 2]);
}

/* The VMM may write three words below the stack pointer, and nothing above it. */
static void check_stack(uint64_t rsp)
{
	const uint8_t *at = (const uint8_t *)model_low(rsp);

	for (unsigned int i = 0; i < KERNEL_STACK_BYTES / 2; i++)
		if (at[i] != STACK_FILL || (i >= 24 && at[-1 - (int)i] != STACK_FILL)) {
			model_violation("the VMM wrote on the kernel's stack where it must not");
			return;
		}
}

/* The start came back, one way or the other, where the gate said. */
static void check_return(const struct model_state *before, uint64_t rsp, const char *what)
{
	const struct model_cpu *cpu = &model.cpu[model.here];

	expect_same(before, what);
	if (cpu->rip != MACHINE_GATE || cpu->rsp != rsp)
		model_violation("%s: goes on at RIP 0x%llx RSP 0x%llx", what, (unsigned long long)cpu->rip,
				(unsigned long long)cpu->rsp);
	check_stack(rsp);
}

static int started(const struct model_state *before, uint64_t rsp)
{
	const struct model_cpu *cpu = &model.cpu[model.here];

	check_return(before, rsp, "a start");
	if (cpu->regs.rax)
		model_violation("a start that worked gives RAX 0x%llx", (unsigned long long)cpu->regs.rax);
	return 0;
}

static int taken_back(const struct model_state *before, uint64_t rsp)
{
	const struct model_cpu *cpu = &model.cpu[model.here];

	check_return(before, rsp, "a refused start");
	if (model.back.land != MACHINE_LAND)
		model_violation("a refused start lands at 0x%llx", (unsigned long long)model.back.land);
	machine.land_error = cpu->regs.rax;
	return (int)cpu->regs.rax;
}

int os_vmm_start(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint32_t number)
{
	struct model_cpu *cpu = &model.cpu[number];
	struct model_state before = cpu->st;
	uint64_t rsp = kernel_rsp(), result = 0;
	enum model_end end;

	if (number != model.here)
		model_violation("CPU %u is started on CPU %u", number, model.here);
	enter_vmm(cpu, launch_pa);
	end = model_call(number, stack_top, fn, number, MACHINE_GATE, rsp, before.cr3, &result);
	machine_check_state(number, end == MODEL_GUEST);
	switch (end) {
	case MODEL_RETURNED:
		cpu->st.cr3 = before.cr3;
		expect_same(&before, "a start that failed");
		if (!(int)result)
			model_violation("entry_start() returned 0");
		return (int)result;
	case MODEL_GUEST: return started(&before, rsp);
	case MODEL_BACK: return taken_back(&before, rsp);
	default: model_violation("a start ended with %d", (int)end); return PLINTH_E_VIRT;
	}
}

int os_vmm_stop(const uint64_t token[2])
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *cpu = &model.cpu[model.here];
	struct vcpu_regs regs = {.rax = PLINTH_HYPERCALL_STOP,
				 .rcx = token[0],
				 .rdx = token[1],
				 .rbx = 0xb,
				 .rbp = 0xb9,
				 .rsi = 0x51,
				 .rdi = 0xd1,
				 .r8 = 8,
				 .r9 = 9,
				 .r10 = 10,
				 .r11 = 11,
				 .r12 = 12,
				 .r13 = 13,
				 .r14 = 14,
				 .r15 = 15};
	struct model_state before;
	uint64_t rsp;

	/* Without a VMM a hypercall is an undefined instruction. */
	if (!cpu->guest || model_fault("os_vmm_stop"))
		return PLINTH_E_VIRT;
	rsp = kernel_rsp();
	cpu->rsp = rsp;
	cpu->regs = regs;
	cpu->rip = MACHINE_STOP_RIP;
	cpu->st.rflags = RFLAGS_FIXED;
	model_visible(model.here, &before);
	if (model_exit(model.here, &vmcall) != MODEL_BACK)
		return PLINTH_E_VIRT;
	before.cr4 &= ~model_vendor()->claim;
	expect_same(&before, "a stop");
	regs.rax = 0;
	if (memcmp(&cpu->regs, &regs, sizeof(regs)) || cpu->rip != MACHINE_STOP_RIP + HYPERCALL_BYTES ||
	    cpu->rsp != rsp)
		model_violation("a stop gives back other registers than the guest had");
	machine_check_state(model.here, false);
	if (model.back.land != MACHINE_LAND)
		model_violation("a stop lands at 0x%llx", (unsigned long long)model.back.land);
	check_stack(rsp);
	return 0;
}

/* Of this CPU's guest, with these registers; @name is what can fail. */
static int make_hypercall(const char *name, struct vcpu_regs regs)
{
	static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
	struct model_cpu *cpu = &model.cpu[model.here];

	cpu->regs = regs;
	if (!cpu->guest || model_fault(name) || model_exit(model.here, &vmcall) != MODEL_GUEST)
		return PLINTH_E_VIRT;
	return (int)cpu->regs.rax;
}

int os_vmm_map(const uint64_t token[2], uint32_t table, uint64_t from, struct plinth_ctl_map *out)
{
	const struct vcpu_regs *after = &model.cpu[model.here].regs;
	int err = make_hypercall("os_vmm_map", (struct vcpu_regs){.rax = PLINTH_HYPERCALL_MAPS,
								  .rcx = token[0],
								  .rdx = token[1],
								  .rdi = table,
								  .rsi = from});

	if (err)
		return err;
	out->va = after->rdi;
	out->bytes = after->rsi;
	out->flags = (uint32_t)after->rdx;
	return 0;
}

int os_vmm_ask(const uint64_t token[2])
{
	return make_hypercall(
		"os_vmm_ask",
		(struct vcpu_regs){.rax = PLINTH_HYPERCALL_CALL, .rcx = token[0], .rdx = token[1]});
}

int os_virt_acquire(const char **why)
{
	*why = "somebody else is in the way";
	if (model_fault("os_virt_acquire"))
		return PLINTH_E_BUSY;
	machine.virt++;
	return 0;
}

void os_virt_release(void)
{
	machine.virt--;
}

void os_cpu_claim(void)
{
	struct model_state visible;

	machine.claimed[model.here] = true;
	model_visible(model.here, &visible);
	machine_guest_cr4(model.here, visible.cr4 | model_vendor()->claim);
}

void os_cpu_unclaim(void)
{
	machine.claimed[model.here] = false;
	model.cpu[model.here].st.cr4 &= ~model_vendor()->claim;
}
