/* SPDX-License-Identifier: MIT */
/* The machine loads one module, the bridge; behind it are the real modules, compiled for this process. */
#include <stddef.h>

#include <plinth/entry.h>
#include <plinth/exit_handler.h>
#include <plinth/vcpu.h>
#include <plinth/vendor.h>

#include "intrinsics/calls.h"
#include "machine/machine.h"

const char *const machine_usual[] = {"native_bridge", NULL};
const char *const machine_linked[] = {"introspection", "greedy", NULL};

/*
 * The modules' constructors run once, when the process begins, but what they register
 * with the vCPU module ends with the first unload: the linker leads their calls here (--wrap), where they are
 * written down and repeated with every load.
 */
static const struct slat *slat;
static vendor_entry_check_fn *explain_entry;

void __real_vcpu_register_slat(const struct slat *registered);
void __real_vendor_register_entry_check(vendor_entry_check_fn *check);
void __wrap_vcpu_register_slat(const struct slat *registered);
void __wrap_vendor_register_entry_check(vendor_entry_check_fn *check);

void __wrap_vcpu_register_slat(const struct slat *registered)
{
	slat = registered;
	__real_vcpu_register_slat(registered);
}

void __wrap_vendor_register_entry_check(vendor_entry_check_fn *check)
{
	explain_entry = check;
	__real_vendor_register_entry_check(check);
}

static int init(const struct plinth_boot *boot, uint64_t cpu)
{
	__real_vcpu_register_slat(slat);
	__real_vendor_register_entry_check(explain_entry);
	return entry_init(boot, cpu);
}

static const struct native_entry native = {
	.init = init,
	.fini = entry_fini,
	.prepare = entry_prepare,
	.release = entry_release,
	.start = entry_start,
	.check = entry_check,
	.call = entry_call,
};

static __attribute__((constructor)) void native_attach(void)
{
	model_set_native(&native);
}
