// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Other hypervisors. The kernel has one slot for whoever must leave VMX operation before
 * a crash kernel starts or the machine is reset, and drops a second caller with a
 * warning. KVM takes it as long as it is loaded, used or not: so it is one or the other.
 */
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "drivers/common/os.h"
#include "drivers/linux/kernel.h"
#include "drivers/linux/linux.h"

static const struct {
	const char *module, *advice;
} others[] = {
	{"kvm_intel", "KVM is loaded: rmmod kvm_intel"},
	{"kvm_amd", "KVM is loaded: rmmod kvm_amd"},
};

static bool taken;

static bool is_loaded(const char *name)
{
	struct kobject *found = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, name);

	kobject_put(found);
	return found;
}

static void emergency_stop(void)
{
	core_emergency_stop(plinth_core, raw_smp_processor_id());
}

int os_virt_acquire(const char **why)
{
	size_t i;

	*why = events_leaving();
	if (*why)
		return PLINTH_E_BUSY;
	/* First refuse newcomers, then look who is there. */
	WRITE_ONCE(taken, true);
	smp_mb();
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (!is_loaded(others[i].module))
			continue;
		WRITE_ONCE(taken, false);
		*why = others[i].advice;
		return PLINTH_E_BUSY;
	}
	kernel_on_crash(emergency_stop);
	if (!KERNEL_CALLS_ON_CRASH)
		pr_info("plinth: this kernel tells KVM alone that it crashes: a crash kernel will run on top "
			"of the VMM\n");
	watch_announce();
	return 0;
}

void os_virt_release(void)
{
	watch_sync();
	kernel_not_on_crash(emergency_stop);
	WRITE_ONCE(taken, false);
}

static int on_module(struct notifier_block *block, unsigned long state, void *data)
{
	const struct module *module = data;
	size_t i;

	if (state != MODULE_STATE_COMING || !READ_ONCE(taken))
		return NOTIFY_DONE;
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (strcmp(module->name, others[i].module))
			continue;
		pr_warn("plinth: %s refused while the VMM is running: plinthctl stop\n", others[i].module);
		return notifier_from_errno(-EBUSY);
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_block = {.notifier_call = on_module};

int virt_register(void)
{
	return register_module_notifier(&module_block);
}

void virt_unregister(void)
{
	unregister_module_notifier(&module_block);
}
