// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The module's life: a core, a device, ears for what happens to the machine. */
#include <linux/atomic.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "drivers/common/os.h"
#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"

struct core *plinth_core;

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "plinth",
	.mode = 0600,
	.fops = &control_fops,
};

void plinth_pin_if_corrupt(void)
{
	static atomic_t pinned;

	if (core_is_corrupt(plinth_core) && !atomic_xchg(&pinned, 1)) {
		__module_get(THIS_MODULE);
		introspect_lost();
	}
}

static int __init plinth_init(void)
{
	int err;

	plinth_core = core_create();
	if (!plinth_core)
		return -ENOMEM;
	err = introspect_init();
	if (err)
		goto destroy;
	err = watch_register();
	if (err)
		goto end_introspect;
	err = events_register();
	if (err)
		goto unwatch;
	err = misc_register(&device);
	if (!err)
		return 0;
	events_unregister();
unwatch:
	watch_unregister();
end_introspect:
	introspect_fini();
destroy:
	core_destroy(plinth_core);
	return err;
}

static void __exit plinth_exit(void)
{
	int err;

	misc_deregister(&device);
	/*
	 * As long as a CPU is a guest we have to hear of what happens to it, and as long as we hear it there
	 * is a core.
	 */
	err = core_retire(plinth_core);
	events_unregister();
	watch_unregister();
	introspect_fini();
	/*
	 * If that failed a CPU stays under the VMM, which needs nothing of this module
	 * until it is asked to stop; the emergency stop goes with us.
	 */
	if (err)
		os_virt_release();
	else
		core_destroy(plinth_core);
}

module_init(plinth_init);
module_exit(plinth_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Loads the Plinth VMM and slides it under the running system");
