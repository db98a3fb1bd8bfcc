// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The device's ioctls: sizes, copies to and from user space, errno. */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <plinth/log.h>

#include "drivers/linux/introspect.h"
#include "drivers/linux/linux.h"
#include "drivers/linux/window.h"

/* One open file: the reasons of its last failure, and its window once it has one. */
struct session {
	struct mutex lock;
	struct window *window;
	struct core_report report;
};

union argument {
	struct plinth_ctl_plain plain;
	struct plinth_ctl_load load;
	struct plinth_ctl_status status;
	struct plinth_ctl_list list;
	struct plinth_ctl_level level;
	struct plinth_ctl_trace trace;
	struct plinth_ctl_call call;
	struct plinth_ctl_introspect introspect;
	struct plinth_ctl_peek peek;
};

static int run_load(struct core_report *report, union argument *arg)
{
	return load_from_user(&arg->load, report);
}

static int run_plain(struct core_report *report, union argument *arg,
		     int (*command)(struct core *core, struct core_report *report))
{
	return arg->plain.flags ? PLINTH_E_INVAL : command(plinth_core, report);
}

static int run_start(struct core_report *report, union argument *arg)
{
	return run_plain(report, arg, core_start);
}

/* Who introspects sees nothing any more before anything else changes. */
static int stop_looking(struct core *core, struct core_report *report)
{
	int err;

	introspect_close();
	err = core_stop(core, report);
	introspect_open();
	return err;
}

static int run_stop(struct core_report *report, union argument *arg)
{
	return run_plain(report, arg, stop_looking);
}

static int run_unload(struct core_report *report, union argument *arg)
{
	return run_plain(report, arg, core_unload);
}

static int run_status(struct core_report *report, union argument *arg)
{
	core_status(plinth_core, &arg->status);
	return 0;
}

/* How many items there are; at most @room of them are stored. */
typedef uint64_t fill_fn(struct core *core, void *items, uint64_t room, size_t item_bytes);

/* By a copy in the kernel: a page fault under os_lock() could wait for who waits for it. */
static int fill_list(struct plinth_ctl_list *list, fill_fn *fill)
{
	u64 room;
	void *items;
	bool failed;

	if (!list->item_bytes || list->item_bytes > PAGE_SIZE)
		return PLINTH_E_INVAL;
	room = min(list->room, fill(plinth_core, NULL, 0, list->item_bytes));
	items = kvcalloc(room + 1, list->item_bytes, GFP_KERNEL);
	if (!items)
		return PLINTH_E_NOMEM;
	list->count = fill(plinth_core, items, room, list->item_bytes);
	failed = copy_to_user(u64_to_user_ptr(list->items), items, min(room, list->count) * list->item_bytes);
	/* No copies of the VMM's addresses in free memory. */
	kvfree_sensitive(items, (room + 1) * list->item_bytes);
	return failed ? PLINTH_E_FAULT : 0;
}

static int run_modules(struct core_report *report, union argument *arg)
{
	return fill_list(&arg->list, core_modules);
}

static uint64_t fill_shared(struct core *core, void *items, uint64_t room, size_t item_bytes)
{
	return core_shared(core, items, room);
}

static int run_shared(struct core_report *report, union argument *arg)
{
	if (arg->list.item_bytes != 1)
		return PLINTH_E_INVAL;
	return fill_list(&arg->list, fill_shared);
}

static int run_maps(struct core_report *report, union argument *arg)
{
	return fill_list(&arg->list, core_maps);
}

static int run_level(struct core_report *report, union argument *arg)
{
	struct plinth_ctl_level *level = &arg->level;

	if (level->tag[sizeof(level->tag) - 1])
		return PLINTH_E_INVAL;
	return core_set_level(plinth_core, level->tag, level->level, report);
}

static int run_trace(struct core_report *report, union argument *arg)
{
	return arg->trace.reserved0 ? PLINTH_E_INVAL : core_set_trace(plinth_core, arg->trace.kinds, report);
}

static int run_call(struct core_report *report, union argument *arg)
{
	return call_from_user(&arg->call, report);
}

static int run_introspect(struct core_report *report, union argument *arg)
{
	const struct session *session = container_of(report, struct session, report);

	return introspect_admit(READ_ONCE(session->window), arg->introspect.flags, report);
}

static int run_peek(struct core_report *report, union argument *arg)
{
	return peek_from_user(&arg->peek, report);
}

static int run_error(struct core_report *report, union argument *arg)
{
	struct plinth_ctl_list *list = &arg->list;

	if (list->item_bytes != 1)
		return PLINTH_E_INVAL;
	list->count = report->used;
	return copy_to_user(u64_to_user_ptr(list->items), report->text, min_t(u64, list->room, list->count))
		       ? PLINTH_E_FAULT
		       : 0;
}

static const struct operation {
	unsigned int number;
	u32 bytes;
	bool asks; /* changes nothing: the last failure's reasons stay */
	int (*run)(struct core_report *report, union argument *arg);
} operations[] = {
	{PLINTH_CTL_LOAD, sizeof(struct plinth_ctl_load), false, run_load},
	{PLINTH_CTL_START, sizeof(struct plinth_ctl_plain), false, run_start},
	{PLINTH_CTL_STOP, sizeof(struct plinth_ctl_plain), false, run_stop},
	{PLINTH_CTL_UNLOAD, sizeof(struct plinth_ctl_plain), false, run_unload},
	{PLINTH_CTL_STATUS, sizeof(struct plinth_ctl_status), true, run_status},
	{PLINTH_CTL_MODULES, sizeof(struct plinth_ctl_list), true, run_modules},
	{PLINTH_CTL_SHARED, sizeof(struct plinth_ctl_list), true, run_shared},
	{PLINTH_CTL_LEVEL, sizeof(struct plinth_ctl_level), false, run_level},
	{PLINTH_CTL_TRACE, sizeof(struct plinth_ctl_trace), false, run_trace},
	{PLINTH_CTL_CALL, sizeof(struct plinth_ctl_call), false, run_call},
	{PLINTH_CTL_INTROSPECT, sizeof(struct plinth_ctl_introspect), false, run_introspect},
	{PLINTH_CTL_PEEK, sizeof(struct plinth_ctl_peek), false, run_peek},
	{PLINTH_CTL_MAPS, sizeof(struct plinth_ctl_list), true, run_maps},
	{PLINTH_CTL_ERROR, sizeof(struct plinth_ctl_list), true, run_error},
};

static const struct {
	int err, error_number;
} error_numbers[] = {
	{0, 0},
	{PLINTH_E_INVAL, EINVAL},
	{PLINTH_E_STATE, EBADFD},
	{PLINTH_E_NOMEM, ENOMEM},
	{PLINTH_E_NOTSUP, EOPNOTSUPP},
	{PLINTH_E_FORMAT, ENOEXEC},
	{PLINTH_E_NOSYM, ENOEXEC},
	{PLINTH_E_VIRT, EIO},
	{PLINTH_E_CORRUPT, ENOTRECOVERABLE},
	{PLINTH_E_ABI, EPROTO},
	{PLINTH_E_LOCKED, EACCES},
	{PLINTH_E_BUSY, EBUSY},
	{PLINTH_E_LIMIT, ERANGE},
	{PLINTH_E_FAULT, EFAULT},
	{PLINTH_E_LINK, ENOEXEC},
	{PLINTH_E_ENTRY, EIO},
	{PLINTH_E_PERM, EPERM},
	{PLINTH_E_INTR, EINTR},
	{PLINTH_E_NAME, ENOENT},
};

static int to_errno(int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(error_numbers); i++)
		if (error_numbers[i].err == err)
			return -error_numbers[i].error_number;
	return -EIO;
}

static int run_session(struct session *session, const struct operation *op, union argument *arg)
{
	int err;

	mutex_lock(&session->lock);
	if (!op->asks)
		report_clear(&session->report);
	err = linux_wait_for_turn() ? op->run(&session->report, arg) : PLINTH_E_INTR;
	if (!op->asks)
		plinth_pin_if_corrupt();
	mutex_unlock(&session->lock);
	return to_errno(err);
}

static long run_operation(struct session *session, const struct operation *op, void __user *user)
{
	union argument arg;
	u32 size;
	int err;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < sizeof(size) || size > PAGE_SIZE)
		return -EINVAL;
	memset(&arg, 0, sizeof(arg));
	err = copy_struct_from_user(&arg, op->bytes, user, size);
	if (err)
		return err;
	err = run_session(session, op, &arg);
	if (!err && copy_to_user(user, &arg, min(size, op->bytes)))
		return -EFAULT;
	return err;
}

static long control_ioctl(struct file *file, unsigned int number, unsigned long user)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		if (operations[i].number == number)
			return run_operation(file->private_data, &operations[i], (void __user *)user);
	return -ENOTTY;
}

static int control_open(struct inode *inode, struct file *file)
{
	struct session *session;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	session = kzalloc(sizeof(*session), GFP_KERNEL);
	if (!session)
		return -ENOMEM;
	mutex_init(&session->lock);
	file->private_data = session;
	return 0;
}

static int control_mmap(struct file *file, struct vm_area_struct *area)
{
	struct session *session = file->private_data;

	return introspect_map(file, area, &session->window);
}

static int control_release(struct inode *inode, struct file *file)
{
	struct session *session = file->private_data;

	window_put(session->window);
	kfree(session);
	return 0;
}

const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = control_open,
	.release = control_release,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = control_mmap,
	.llseek = noop_llseek,
};
