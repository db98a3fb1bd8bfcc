// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* What happens to the machine while the VMM runs: CPUs come and go, sleep, reboot, kexec. */
#include <linux/cpuhotplug.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"

static enum cpuhp_state hotplug_state;

/*
 * Nobody gave a command, so the reasons go to the kernel's log. Guarded by the lock of CPU hot-plug, which
 * whoever brings or takes a CPU holds for writing: it keeps away all that has os_cpus_lock(), too. os_lock()
 * is not taken here.
 */
static struct core_report report;

static void log_report(const char *what)
{
	char *rest = report.text, *line;

	pr_err("plinth: %s\n", what);
	while ((line = strsep(&rest, "\n")) && *line)
		pr_err("plinth: %s\n", line);
}

static int tell_core(int (*event)(struct core *core, uint32_t cpu, struct core_report *report),
		     unsigned int cpu, const char *failure)
{
	int err;

	report_clear(&report);
	err = event(plinth_core, cpu, &report);
	if (err)
		log_report(failure);
	plinth_pin_if_corrupt();
	return err;
}

static int cpu_comes(unsigned int cpu)
{
	return tell_core(core_cpu_online, cpu, "a CPU cannot come online while the VMM is running:") ? -EIO
												     : 0;
}

static int cpu_goes(unsigned int cpu)
{
	return tell_core(core_cpu_offline, cpu, "a CPU cannot go offline:") ? -EBUSY : 0;
}

/* Only one of these runs at a time: the machine does not sleep and reboot at once. */
static struct core_report power_report;

/*
 * Why nobody may start the VMM now. User space goes on for a while after the notifiers
 * below stopped it, and what was started then would lose VMX operation asleep, or take it
 * along into the next kernel. Set before os_lock() is taken, read under it.
 */
static const char *leaving;

const char *events_leaving(void)
{
	return READ_ONCE(leaving);
}

static int pause(const char *why)
{
	int err;

	WRITE_ONCE(leaving, why);
	report_clear(&power_report);
	introspect_close();
	err = core_pause(plinth_core, &power_report);
	introspect_open();
	if (err)
		pr_err("plinth: stop before sleep or reboot failed: %s", power_report.text);
	plinth_pin_if_corrupt();
	return err ? notifier_from_errno(-EBUSY) : NOTIFY_DONE;
}

static int sleeps(void)
{
	int result = pause("the machine is going to sleep: try again when it is awake");

	/* It stays awake then, and nobody calls us again. */
	if (result != NOTIFY_DONE)
		WRITE_ONCE(leaving, NULL);
	return result;
}

static int resume(void)
{
	WRITE_ONCE(leaving, NULL);
	report_clear(&power_report);
	if (core_resume(plinth_core, &power_report))
		pr_err("plinth: start after sleep failed: %s", power_report.text);
	plinth_pin_if_corrupt();
	return NOTIFY_DONE;
}

static int on_power(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE: return sleeps();
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE: return resume();
	}
	return NOTIFY_DONE;
}

static int on_reboot(struct notifier_block *block, unsigned long event, void *data)
{
	/* A reboot cannot be refused; what still runs is the emergency stop's. */
	pause("the machine is restarting");
	return NOTIFY_DONE;
}

static struct notifier_block power_block = {.notifier_call = on_power};
static struct notifier_block reboot_block = {.notifier_call = on_reboot};

int events_register(void)
{
	int err = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "plinth:online", cpu_comes, cpu_goes);

	if (err < 0)
		return err;
	hotplug_state = err;
	err = register_pm_notifier(&power_block);
	if (err)
		goto remove_hotplug;
	err = register_reboot_notifier(&reboot_block);
	if (err)
		goto remove_power;
	err = virt_register();
	if (!err)
		return 0;
	unregister_reboot_notifier(&reboot_block);
remove_power:
	unregister_pm_notifier(&power_block);
remove_hotplug:
	cpuhp_remove_state_nocalls(hotplug_state);
	return err;
}

void events_unregister(void)
{
	virt_unregister();
	unregister_reboot_notifier(&reboot_block);
	unregister_pm_notifier(&power_block);
	cpuhp_remove_state_nocalls(hotplug_state);
}
