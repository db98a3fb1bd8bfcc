/* SPDX-License-Identifier: MIT */
/* The vCPU's life: made, started, unmade. */
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"
#include "step.h"

#define REVISION(basic) ((uint32_t)(basic)&0x7fffffffu)

PLINTH_MODULE("vcpu_intel", "0.1.0", "Intel VT-x: feature checks, VMCS, launch of the running system, giving it back");

struct vcpu_common vcpu_common;

void vcpu_register_slat(const struct vcpu_slat *slat)
{
	vcpu_common.slat = slat;
}

static int page_alloc(void **page, uint64_t *pa)
{
	*page = mem_page_alloc();
	if (!*page)
		return PLINTH_E_NOMEM;
	return mem_virt_to_phys(*page, pa);
}

int vcpu_init(const struct plinth_boot *boot)
{
	int err = page_alloc(&vcpu_common.msr_bitmap, &vcpu_common.msr_bitmap_pa);

	if (!err && vcpu_common.slat)
		err = vcpu_common.slat->init(boot);
	if (err) {
		mem_page_free(vcpu_common.msr_bitmap);
		vcpu_common.msr_bitmap = NULL;
		return err;
	}
	msr_bitmap_fill();
	history_init();
	vcpu_common.xapic = NULL;
	vcpu_common.land = boot->land;
	vcpu_common.land_user = boot->land_user;
	vcpu_common.user_cr3 = boot->user_cr3;
	vcpu_common.modules = (const struct plinth_boot_module *)boot->modules_va;
	vcpu_common.n_modules = boot->n_modules;
	vcpu_common.shared = (struct plinth_shared *)boot->shared_va;
	cpu_set_fault_handler(host_fault);
	return 0;
}

void vcpu_fini(void)
{
	if (vcpu_common.slat)
		vcpu_common.slat->fini();
	mem_page_free(vcpu_common.msr_bitmap);
	if (vcpu_common.xapic)
		mem_unmap(vcpu_common.xapic, CPU_XAPIC_BYTES / MEM_PAGE);
	memset(&vcpu_common, 0, sizeof(vcpu_common));
}

int vcpu_check(void)
{
	return caps_check(NULL);
}

/* -- memory of one vCPU -------------------------------------------------------- */

static int vmxon_alloc(void *ctx)
{
	struct vcpu_private *p = ctx;

	return page_alloc(&p->vmxon, &p->vmxon_pa);
}

static int vmcs_alloc(void *ctx)
{
	struct vcpu_private *p = ctx;

	return page_alloc(&p->vmcs, &p->vmcs_pa);
}

static int host_alloc(void *ctx)
{
	struct vcpu_private *p = ctx;

	return page_alloc((void **)&p->host, &p->host_pa);
}

static int nmi_stack_alloc(void *ctx)
{
	struct vcpu_private *p = ctx;

	p->nmi_stack = mem_stack_alloc(NMI_STACK_PAGES);
	return p->nmi_stack ? 0 : PLINTH_E_NOMEM;
}

static int fault_stack_alloc(void *ctx)
{
	struct vcpu_private *p = ctx;

	p->fault_stack = mem_stack_alloc(FAULT_STACK_PAGES);
	return p->fault_stack ? 0 : PLINTH_E_NOMEM;
}

static int mc_stack_alloc(void *ctx)
{
	struct vcpu_private *p = ctx;

	p->mc_stack = mem_stack_alloc(MC_STACK_PAGES);
	return p->mc_stack ? 0 : PLINTH_E_NOMEM;
}

static void vmxon_free(void *ctx)
{
	mem_page_free(((struct vcpu_private *)ctx)->vmxon);
}

static void vmcs_free(void *ctx)
{
	mem_page_free(((struct vcpu_private *)ctx)->vmcs);
}

static void host_free(void *ctx)
{
	mem_page_free(((struct vcpu_private *)ctx)->host);
}

static void nmi_stack_free(void *ctx)
{
	mem_stack_free(((struct vcpu_private *)ctx)->nmi_stack, NMI_STACK_PAGES);
}

static void fault_stack_free(void *ctx)
{
	mem_stack_free(((struct vcpu_private *)ctx)->fault_stack, FAULT_STACK_PAGES);
}

static void mc_stack_free(void *ctx)
{
	mem_stack_free(((struct vcpu_private *)ctx)->mc_stack, MC_STACK_PAGES);
}

static const struct step memory_steps[] = {
	{ "VMXON region", vmxon_alloc, vmxon_free },
	{ "VMCS", vmcs_alloc, vmcs_free },
	{ "descriptor tables", host_alloc, host_free },
	{ "NMI stack", nmi_stack_alloc, nmi_stack_free },
	{ "fault stack", fault_stack_alloc, fault_stack_free },
	{ "machine-check stack", mc_stack_alloc, mc_stack_free },
};

/* What the driver's core counts for a CPU is what is taken here; the heap's own share is its header and its mark. */
#define HEAP_OVERHEAD 40u
_Static_assert(sizeof(struct vcpu_private) + sizeof(struct vcpu *) + 2 * HEAP_OVERHEAD <= PLINTH_CPU_HEAP,
	       "the heap is sized for it");
_Static_assert(sizeof(struct host_tables) <= MEM_PAGE, "a page of PLINTH_CPU_REGIONS");

#define N_MEMORY_STEPS (sizeof(memory_steps) / sizeof(memory_steps[0]))

static void vcpu_fill(struct vcpu *vcpu, uint32_t cpu, vcpu_exit_fn *const *handlers)
{
	vcpu->on_exit = vcpu_on_exit;
	vcpu->on_resume_failure = vcpu_on_resume_failure;
	vcpu->on_action = vcpu_on_action;
	vcpu->handlers = history_handlers(handlers);
	vcpu->shared = plinth_shared_own(vcpu_common.shared, cpu);
	vcpu->local = (struct cpu_local){ .self = &vcpu->local, .cpu = cpu, .vcpu = vcpu };
}

/* struct vcpu is the top of its stack, 16-byte aligned for the calls the exit stub makes. */
static struct vcpu *vcpu_place(char *stack_top)
{
	return (struct vcpu *)((uint64_t)(stack_top - sizeof(struct vcpu)) & ~15ull);
}

int vcpu_create(uint32_t cpu, vcpu_exit_fn *const *handlers, struct vcpu **out)
{
	struct vcpu_private *p = mem_alloc(sizeof(*p), 0);
	char *stack = mem_stack_alloc(ROOT_STACK_PAGES);
	struct vcpu *vcpu;

	if (!p || !stack || steps_up(memory_steps, N_MEMORY_STEPS, p, NULL)) {
		mem_stack_free(stack, ROOT_STACK_PAGES);
		mem_free(p);
		return PLINTH_E_NOMEM;
	}
	host_tables_init(p->host, (uint64_t)p->nmi_stack, (uint64_t)p->fault_stack, (uint64_t)p->mc_stack);
	vcpu = vcpu_place(stack);
	vcpu_fill(vcpu, cpu, handlers);
	vcpu->priv = p;
	*out = vcpu;
	return 0;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;
	uint64_t top = ((uint64_t)vcpu + sizeof(*vcpu) + MEM_PAGE - 1) & ~(uint64_t)(MEM_PAGE - 1);

	steps_down(memory_steps, N_MEMORY_STEPS, p);
	mem_stack_free((void *)top, ROOT_STACK_PAGES);
	mem_free(p);
}

/* -- the launch ------------------------------------------------------------------ */

static int caps_up(void *ctx)
{
	struct vcpu *vcpu = ctx;

	return caps_check(&vcpu->priv->controls);
}

/* Where the firmware left the lock open we close it, as VMXON demands; it stays closed until reset. */
static int feature_control_up(void *ctx)
{
	uint64_t value = cpu_rdmsr(MSR_IA32_FEATURE_CONTROL);

	(void)ctx;
	if (!(value & FEATURE_CONTROL_LOCKED))
		cpu_wrmsr(MSR_IA32_FEATURE_CONTROL, value | FEATURE_CONTROL_LOCKED | caps_ways_into_vmx());
	return 0;
}

static int regions_up(void *ctx)
{
	struct vcpu_private *p = ((struct vcpu *)ctx)->priv;
	uint32_t revision = REVISION(cpu_rdmsr(MSR_IA32_VMX_BASIC));

	memcpy(p->vmxon, &revision, sizeof(revision));
	memset(p->vmcs, 0, MEM_PAGE);
	memcpy(p->vmcs, &revision, sizeof(revision));
	return 0;
}

static int vmxe_up(void *ctx)
{
	struct vcpu_private *p = ((struct vcpu *)ctx)->priv;

	p->cr4_before = cpu_read_cr4();
	cpu_write_cr4(p->cr4_before | CR4_VMXE);
	return 0;
}

static void vmxe_down(void *ctx)
{
	cpu_write_cr4(((struct vcpu *)ctx)->priv->cr4_before);
}

static int vmx_error(const char *what, int result)
{
	if (!result)
		return 0;
	LOG_ERR("%s failed (%d)", what, result);
	return PLINTH_E_VMX;
}

static int vmxon_up(void *ctx)
{
	const int result = host_vmxon(ctx);

	if (result != CPU_VMX_FAULT)
		return vmx_error("VMXON", result);
	LOG_ERR("VMXON raised an exception, IA32_FEATURE_CONTROL is 0x%llx",
		(unsigned long long)cpu_rdmsr(MSR_IA32_FEATURE_CONTROL));
	LOG_ERR("it wants bit 1 there after a measured launch (tboot), else bit 2; or the hypervisor below refuses it");
	return PLINTH_E_LOCKED;
}

static void vmxon_down(void *ctx)
{
	(void)ctx;
	(void)vmx_error("VMXOFF", cpu_vmxoff());
}

/* Translations that a former user of the same tags left behind are not ours. */
static int flush_up(void *ctx)
{
	struct vcpu *vcpu = ctx;
	int err;

	mem_cpu_enter(vcpu->local.cpu);
	err = vcpu_common.slat ? vcpu_common.slat->flush() : 0;
	if (!err && vcpu->priv->controls.has_vpid)
		err = vmx_error("INVVPID", cpu_invvpid(INVVPID_ALL, 0, 0));
	if (err)
		mem_cpu_leave(vcpu->local.cpu);
	return err;
}

static void flush_down(void *ctx)
{
	mem_cpu_leave(((struct vcpu *)ctx)->local.cpu);
}

static int vmcs_up(void *ctx)
{
	uint64_t pa = ((struct vcpu *)ctx)->priv->vmcs_pa;
	int err = vmx_error("VMCLEAR", cpu_vmclear(pa));

	return err ? err : vmx_error("VMPTRLD", cpu_vmptrld(pa));
}

static void vmcs_down(void *ctx)
{
	(void)vmx_error("VMCLEAR", cpu_vmclear(((struct vcpu *)ctx)->priv->vmcs_pa));
}

static int fields_up(void *ctx)
{
	return vmcs_setup(ctx);
}

static int launch_up(void *ctx)
{
	struct vcpu *vcpu = ctx;
	int result;

	state_set(vcpu, PLINTH_CPU_GUEST);
	plinth_set(&vcpu->shared->start_ticks, cpu_rdtsc() - vcpu->priv->started);
	vcpu->priv->vmx_on = true;
	result = cpu_vmlaunch(vcpu);
	/* Only an entry that failed early comes back here. */
	vcpu->priv->vmx_on = false;
	state_set(vcpu, PLINTH_CPU_READY);
	LOG_ERR("VMLAUNCH failed (%d), VM-instruction error %llu", result,
		(unsigned long long)vmcs_read(VMCS_INSTRUCTION_ERROR));
	entry_explain(vcpu);
	return PLINTH_E_VMX;
}

static const struct step launch_steps[] = {
	{ "features", caps_up, NULL },
	{ "feature control", feature_control_up, NULL },
	{ "regions", regions_up, NULL },
	{ "CR4.VMXE", vmxe_up, vmxe_down },
	{ "VMXON", vmxon_up, vmxon_down },
	{ "flush", flush_up, flush_down },
	{ "VMCS", vmcs_up, vmcs_down },
	{ "VMCS fields", fields_up, NULL },
	{ "VMLAUNCH", launch_up, NULL },
};

int vcpu_start(struct vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t cr3, uint64_t fs_base)
{
	struct vcpu_private *p = vcpu->priv;
	const struct step *failed;
	int err;

	p->started = cpu_rdtsc();
	p->rip = rip;
	p->rsp = rsp;
	p->cr3 = cr3;
	p->fs_base = fs_base;
	p->nmis_owed = 0;
	p->mc_owed = false;
	p->fatal = false;
	p->write_failure = (struct vmcs_failure){ 0 };
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	err = steps_up(launch_steps, sizeof(launch_steps) / sizeof(launch_steps[0]), vcpu, &failed);
	LOG_ERR("start stopped at step \"%s\": %s", failed->name, plinth_strerror(err));
	return err;
}
