// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* What happens to the machine while the VMM runs: CPUs come and go, sleep, reboot, kexec. */
#include <linux/cpuhotplug.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>

#include "drivers/linux/linux.h"

static enum cpuhp_state hotplug_state;

/* Nobody gave a command, so the reasons go to the kernel's log. The core's lock guards it. */
static struct core_report report;

static void log_report(const char *what)
{
	char *rest = report.text, *line;

	pr_err("plinth: %s\n", what);
	while ((line = strsep(&rest, "\n")) && *line)
		pr_err("plinth: %s\n", line);
}

static int cpu_comes(unsigned int cpu)
{
	int err;

	linux_core_lock();
	report_clear(&report);
	err = core_cpu_online(plinth_core, cpu, &report);
	if (err)
		log_report("a CPU cannot come online while the VMM is running:");
	linux_core_unlock();
	plinth_pin_if_corrupt();
	return err ? -EIO : 0;
}

static int cpu_goes(unsigned int cpu)
{
	int err;

	linux_core_lock();
	report_clear(&report);
	err = core_cpu_offline(plinth_core, cpu, &report);
	if (err)
		log_report("a CPU cannot go offline:");
	linux_core_unlock();
	plinth_pin_if_corrupt();
	return err ? -EBUSY : 0;
}

/* Only one of these runs at a time: the machine does not sleep and reboot at once. */
static struct core_report power_report;

static int pause(void)
{
	int err;

	report_clear(&power_report);
	err = core_pause(plinth_core, &power_report);
	if (err)
		pr_err("plinth: stop before sleep or reboot failed: %s", power_report.text);
	plinth_pin_if_corrupt();
	return err ? notifier_from_errno(-EBUSY) : NOTIFY_DONE;
}

static int resume(void)
{
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
	case PM_RESTORE_PREPARE:
		return pause();
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		return resume();
	}
	return NOTIFY_DONE;
}

static int on_reboot(struct notifier_block *block, unsigned long event, void *data)
{
	/* A reboot cannot be refused; what still runs is the emergency stop's. */
	pause();
	return NOTIFY_DONE;
}

/*
 * The last steps, on the last CPU, interrupts off. User space ran for a while after the
 * notifiers above, and may have started the VMM: the others stopped it as they went
 * offline or were halted, here it would lose VMX operation without a word.
 */
static int on_last_step_to_sleep(void)
{
	if (!watch_is_on())
		return 0;
	pr_err("plinth: no sleep: the VMM was started on the way there: plinthctl stop\n");
	return -EBUSY;
}

static void on_last_step_to_reboot(void)
{
	core_emergency_stop(plinth_core, raw_smp_processor_id());
}

static struct syscore_ops last_steps = {
	.suspend = on_last_step_to_sleep,
	.shutdown = on_last_step_to_reboot,
};
static struct notifier_block power_block = { .notifier_call = on_power };
static struct notifier_block reboot_block = { .notifier_call = on_reboot };

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
	if (!err) {
		register_syscore_ops(&last_steps);
		return 0;
	}
	unregister_reboot_notifier(&reboot_block);
remove_power:
	unregister_pm_notifier(&power_block);
remove_hotplug:
	cpuhp_remove_state_nocalls(hotplug_state);
	return err;
}

void events_unregister(void)
{
	unregister_syscore_ops(&last_steps);
	virt_unregister();
	unregister_reboot_notifier(&reboot_block);
	unregister_pm_notifier(&power_block);
	cpuhp_remove_state_nocalls(hotplug_state);
}
