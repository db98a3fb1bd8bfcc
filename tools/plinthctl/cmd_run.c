/* SPDX-License-Identifier: MIT */
/* start, stop and unload: no arguments, one line of result. */
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "options.h"

/* The device after the command was done; -1 when it failed, with its reasons printed. */
static int run(const char *command, unsigned int number)
{
	struct plinth_ctl_plain arg = {.size = sizeof(arg)};
	int device = device_open();

	if (device < 0)
		return -1;
	if (device_call(device, number, &arg)) {
		device_failed(device, command);
		close(device);
		return -1;
	}
	return device;
}

int cmd_start(int argc, char **argv)
{
	struct plinth_ctl_status status;
	int device;

	options_none(argc, argv, "Put every online CPU under the VMM: all of them, or none.");
	device = run("start", PLINTH_CTL_START);
	if (device < 0 || device_status(device, &status))
		return EXIT_FAILED;
	printf("started: %u CPUs are guests\n", status.n_guests);
	close(device);
	return EXIT_OK;
}

static int run_and_say(const char *command, unsigned int number, const char *done)
{
	int device = run(command, number);

	if (device < 0)
		return EXIT_FAILED;
	puts(done);
	close(device);
	return EXIT_OK;
}

int cmd_stop(int argc, char **argv)
{
	options_none(argc, argv, "Give every CPU back to the operating system.");
	return run_and_say("stop", PLINTH_CTL_STOP, "stopped");
}

int cmd_unload(int argc, char **argv)
{
	options_none(argc, argv, "Take the modules down and free all memory.");
	return run_and_say("unload", PLINTH_CTL_UNLOAD, "unloaded");
}
