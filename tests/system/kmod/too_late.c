// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Runs "plinthctl start" when the machine is about to sleep or to restart and the driver
 * has stopped the VMM for it already: what a user may do by chance. It must be refused.
 */
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

/* After everybody else, the driver above all. */
#define LAST INT_MIN

static int status = -1;
module_param(status, int, 0444);
MODULE_PARM_DESC(status, "how the last plinthctl ended, as wait() tells");

static void start(void)
{
	static char *argv[] = {"/bin/plinthctl", "start", NULL};
	static char *envp[] = {"PATH=/bin", NULL};

	status = call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);
}

static int on_sleep(struct notifier_block *block, unsigned long event, void *data)
{
	if (event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE)
		start();
	return NOTIFY_DONE;
}

static int on_restart(struct notifier_block *block, unsigned long event, void *data)
{
	start();
	if (!status)
		panic("too_late: the VMM was started");
	return NOTIFY_DONE;
}

static struct notifier_block sleep_block = {.notifier_call = on_sleep, .priority = LAST};
static struct notifier_block restart_block = {.notifier_call = on_restart, .priority = LAST};

static int __init too_late_init(void)
{
	int err = register_pm_notifier(&sleep_block);

	if (err)
		return err;
	err = register_reboot_notifier(&restart_block);
	if (err)
		unregister_pm_notifier(&sleep_block);
	return err;
}

static void __exit too_late_exit(void)
{
	unregister_reboot_notifier(&restart_block);
	unregister_pm_notifier(&sleep_block);
}

module_init(too_late_init);
module_exit(too_late_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Tests a start of the VMM that comes too late");
