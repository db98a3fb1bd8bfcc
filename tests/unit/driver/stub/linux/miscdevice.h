/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_MISCDEVICE_H
#define STUB_LINUX_MISCDEVICE_H

#define MISC_DYNAMIC_MINOR 255

struct file_operations;

struct miscdevice {
	int minor;
	const char *name;
	const struct file_operations *fops;
	unsigned short mode;
};

int misc_register(struct miscdevice *device);
void misc_deregister(struct miscdevice *device);

#endif
