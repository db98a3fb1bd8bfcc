/* SPDX-License-Identifier: MIT */
/* The machine's life and its commands. */
#define _GNU_SOURCE
#include "machine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/common/internal.h"
#include "memory.h"
#include "mock_os.h"
#include "model/internal.h"

struct machine machine;

/* -- module files --------------------------------------------------------------------- */

#define FILES_MAX 128

static struct file {
	char name[1024];
	void *bytes;
	size_t n_bytes;
} files[FILES_MAX];

static void file_error(const char *what, const char *name)
{
	fprintf(stderr, "machine: %s: %s\n", what, name);
	abort();
}

/* A name with a folder is a path of its own. */
static void read_file(struct file *f, const char *folder, const char *name)
{
	bool whole = strchr(name, '/') != NULL;
	char path[4096];
	struct stat status;
	int fd;

	snprintf(path, sizeof(path), "%s%s%s.so", whole ? "" : folder, whole ? "" : "/", name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &status))
		return;
	f->n_bytes = (size_t)status.st_size;
	f->bytes = aligned_alloc(4096, (f->n_bytes + 4095) & ~4095ull);
	if (!f->bytes || read(fd, f->bytes, f->n_bytes) != status.st_size)
		file_error("cannot read", path);
	close(fd);
	snprintf(f->name, sizeof(f->name), "%s", name);
}

/* Shipped modules first, then mock ones; read once. */
static const struct file *file_of(const char *name)
{
	const char *shipped = getenv("PLINTH_MODULES"), *mocks = getenv("PLINTH_MOCKS");
	const char *examples = getenv("PLINTH_EXAMPLES");
	char variants[4096], interfaces[4096];
	struct file *f = files;

	snprintf(variants, sizeof(variants), "%s/variants", mocks ? mocks : "");
	snprintf(interfaces, sizeof(interfaces), "%s/interfaces", mocks ? mocks : "");
	for (; f < files + FILES_MAX && f->bytes; f++)
		if (!strcmp(f->name, name))
			return f;
	if (!shipped || !mocks || f == files + FILES_MAX)
		file_error("PLINTH_MODULES and PLINTH_MOCKS name the folders of", "modules");
	read_file(f, mocks, name);
	if (!f->bytes)
		read_file(f, variants, name);
	if (!f->bytes)
		read_file(f, interfaces, name);
	if (!f->bytes)
		read_file(f, shipped, name);
	if (!f->bytes && examples)
		read_file(f, examples, name);
	if (!f->bytes)
		file_error("no such module", name);
	return f;
}

/* -- memory of the VMM that is mapped later than its call began -------------------------- */

#define ERROR_WRITE 2
#define ERROR_FETCH 16

/*
 * Code with the address sanitizer first looks at its note about the address, which for the
 * kernel's half is nowhere: an eighth of it is no address at all, and the fault names none.
 */
static bool note_to_low(ucontext_t *c)
{
	bool found = false;

	for (int i = REG_R8; i <= REG_RSP; i++) {
		uint64_t value = (uint64_t)c->uc_mcontext.gregs[i] - MODEL_HIGH / 8;

		if (value >> 45)
			continue;
		c->uc_mcontext.gregs[i] = (greg_t)value;
		found = true;
	}
	return found;
}

/* The kernel's half: let the registers that led there lead to what lies behind it. */
static bool to_low(ucontext_t *c, uint64_t va)
{
	bool found = false;

	for (int i = REG_R8; va >= MODEL_HIGH && i <= REG_RSP; i++) {
		uint64_t value = (uint64_t)c->uc_mcontext.gregs[i];

		if (value - (va - 4096) <= 8192) {
			c->uc_mcontext.gregs[i] = (greg_t)model_low(value);
			found = true;
		}
	}
	return found;
}

/* The LDT of the process that runs, if the page tables in use show it. */
static bool to_ldt(ucontext_t *c, uint64_t va)
{
	const uint64_t *at = model_is_ldt(va) ? model_ldt_at(va) : NULL;
	bool found = false;

	for (int i = REG_R8; at && i <= REG_RSP; i++) {
		uint64_t value = (uint64_t)c->uc_mcontext.gregs[i];

		if (!model_is_ldt(value))
			continue;
		c->uc_mcontext.gregs[i] = (greg_t)(value - va + (uint64_t)at);
		found = true;
	}
	return found;
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	uint64_t error = (uint64_t)c->uc_mcontext.gregs[REG_ERR];
	uint64_t va = (uint64_t)info->si_addr, rip = (uint64_t)c->uc_mcontext.gregs[REG_RIP];
	bool again = va == machine.fault_va && machine.fault_cpu == model.here &&
		     machine.fault_tick == model.cpu[model.here].ticks;

	machine.fault_va = va;
	machine.fault_cpu = model.here;
	machine.fault_tick = model.cpu[model.here].ticks;
	if (model_is_ldt(va) ? to_ldt(c, va) : to_low(c, va) || (!va && note_to_low(c)))
		return;
	if (signal_number == SIGSEGV && !again && memory_touch(va, error & ERROR_WRITE, error & ERROR_FETCH))
		return;
	if (!model.cpu[model.here].in_vmm) {
		signal(signal_number, SIG_DFL);
		return;
	}
	model_violation("signal %d: VMM code at 0x%llx touches 0x%llx (error 0x%llx)", signal_number,
			(unsigned long long)rip, (unsigned long long)va, (unsigned long long)error);
	model_switch_back(MODEL_CRASHED);
}

static void catch_faults(void)
{
	static uint8_t stack[65536];
	const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_fault,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	sigaltstack(&alternative, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
}

/* -- life ------------------------------------------------------------------------------------ */

/* Whoever touches it next is not taken for one who has been told already. */
static void invalidate(uint64_t va)
{
	machine.fault_va = 0;
	memory_forget(va);
}

static void *physical(uint64_t pa)
{
	return memory_physical(pa);
}

void machine_reset(const struct model_kind *kind, uint32_t n_cpus)
{
	memory_reset();
	memset(&mock_world, 0, sizeof(mock_world));
	memset(&machine, 0, sizeof(machine));
	machine.random = 0x1f2e3d4c5b6a7988;
	machine.levels = 4;
	machine.heap_bytes = PLINTH_CTL_MIN_HEAP;
	for (unsigned int i = 0; machine_usual[i]; i++)
		machine.modules[i] = machine_usual[i];
	model.physical = physical;
	model.translate = memory_translate;
	model.invalidate = invalidate;
	model.process_of = machine_process_of;
	model_init(kind, n_cpus);
	model.land_user = MACHINE_LAND_USER;
	catch_faults();
	machine.core = core_create();
}

bool machine_has(const char *module)
{
	for (unsigned int i = 0; machine.modules[i]; i++)
		if (!strcmp(machine.modules[i], module))
			return true;
	return false;
}

void machine_replace(const char *module, const char *with)
{
	for (unsigned int i = 0; machine.modules[i]; i++) {
		if (!strcmp(machine.modules[i], module)) {
			machine.modules[i] = with;
			return;
		}
	}
	file_error("not among the modules", module);
}

static bool is_linked(const char *module)
{
	for (unsigned int i = 0; machine_linked[i]; i++)
		if (!strcmp(machine_linked[i], module))
			return true;
	return false;
}

void machine_add(const char *module)
{
	unsigned int n = 0;

	if (is_linked(module))
		return;
	while (machine.modules[n])
		n++;
	machine.modules[n] = machine.modules[n - 1];
	machine.modules[n - 1] = module;
}

/* A copy of the file whose note says another version of the ABI. */
static struct core_file other_abi(const struct file *f)
{
	static _Alignas(4096) uint8_t copy[MACHINE_MODULES][1 << 20];
	static unsigned int next;
	uint8_t *bytes = copy[next++ % MACHINE_MODULES];
	uint32_t *abi = NULL;

	if (f->n_bytes > sizeof(copy[0]))
		file_error("too large to be changed", f->name);
	memcpy(bytes, f->bytes, f->n_bytes);
	for (size_t i = 0; i + sizeof(struct plinth_module_note) <= f->n_bytes && !abi; i += 4) {
		struct plinth_module_note *note = (struct plinth_module_note *)(bytes + i);

		if (note->desc_bytes == sizeof(note->desc) &&
		    !memcmp(note->name, PLINTH_NOTE_NAME, sizeof(PLINTH_NOTE_NAME)))
			abi = &note->desc.abi;
	}
	if (!abi)
		file_error("no note", f->name);
	*abi = PLINTH_MODULE_ABI + 1;
	return (struct core_file){f->name, bytes, f->n_bytes};
}

#define CUT_BYTES 1000u /* within what is loaded */

/* A module as the core gets it: once, not at all, twice, or with something wrong. */
static uint32_t add_file(struct core_file *list, const struct file *f, enum machine_flaw flaw)
{
	list[0] = list[1] = (struct core_file){f->name, f->bytes, f->n_bytes};
	switch (flaw) {
	case FLAW_MISSING: return 0;
	case FLAW_TWICE: return 2;
	case FLAW_ABI: list[0] = other_abi(f); break;
	case FLAW_CUT: list[0].n_bytes = CUT_BYTES; break;
	default: break;
	}
	return 1;
}

/* There in builds with the address sanitizer only. */
void __asan_unpoison_memory_region(const volatile void *address, size_t bytes) __attribute__((weak));

/* Addresses without randomisation; what was there in a load before is no stack any more. */
#define VMM_BASE  0x200040000000ull
#define VMM_BYTES (64ull << 20)

int machine_load(void)
{
	struct core_file list[2 * MACHINE_MODULES];
	struct core_load load = {.files = list,
				 .log_level = 3,
				 .heap_bytes = machine.heap_bytes,
				 .uart_port = (uint16_t)machine.uart_port,
				 .flags = PLINTH_LOAD_NO_ASLR | (machine.lazy ? PLINTH_LOAD_LAZY : 0)};

	for (uint32_t i = 0; machine.modules[i]; i++)
		load.n_files += add_file(&list[load.n_files], file_of(machine.modules[i]), machine.flaw[i]);
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region((void *)VMM_BASE, VMM_BYTES);
	report_clear(&machine.report);
	return core_load(machine.core, &load, &machine.report);
}

int machine_start(void)
{
	report_clear(&machine.report);
	return core_start(machine.core, &machine.report);
}

int machine_stop(void)
{
	report_clear(&machine.report);
	return core_stop(machine.core, &machine.report);
}

int machine_unload(void)
{
	report_clear(&machine.report);
	return core_unload(machine.core, &machine.report);
}

/* -- what tests ask ------------------------------------------------------------------------------ */

uint64_t machine_pages(void)
{
	return mock_world.pages;
}

void machine_check_state(uint32_t cpu, bool guest)
{
	uint32_t state = plinth_shared_cpu(core_shared_region(machine.core), cpu)->state;

	if ((state == PLINTH_CPU_GUEST) != guest)
		model_violation("CPU %u is %s guest, but its state is %u", cpu, guest ? "a" : "no", state);
}

void machine_guest_cr4(uint32_t number, uint64_t value)
{
	struct model_cpu *cpu = &model.cpu[number];
	const struct model_event event = cpu->event;
	const struct vcpu_regs regs = cpu->regs;
	struct model_state now;
	const uint64_t rip = cpu->rip;

	cpu->regs.rax = value;
	model_guest_cr(number, 4);
	model_visible(number, &now);
	if (now.cr4 != value)
		model_violation("the guest cannot write CR4");
	cpu->event = event;
	cpu->regs = regs;
	cpu->rip = rip;
}
