/* SPDX-License-Identifier: MIT */
/* start, stop and unload: one call, one line of result. */
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "options.h"
#include "status_json.h"

/* Does it, and gets the state afterwards; EXIT_FAILED with the reasons printed. */
static int run_child(const char *command, unsigned int number, struct plinth_ctl_status *after)
{
	struct plinth_ctl_plain arg = {.size = sizeof(arg)};
	int device = device_open(), status = EXIT_OK;

	if (device < 0)
		return EXIT_FAILED;
	if (device_call(device, number, &arg)) {
		device_failed(device, command);
		status = EXIT_FAILED;
	} else if (device_status(device, after)) {
		status = EXIT_FAILED;
	}
	close(device);
	return status;
}

int cmd_start(int argc, char **argv)
{
	bool json = options_json(argc, argv, "Put every online CPU under the VMM: all of them, or none.");
	struct plinth_ctl_status after;
	int status = run_child("start", PLINTH_CTL_START, &after);

	if (status)
		return status;
	if (json)
		status_print_json(&after);
	else
		printf("started: %u CPUs are guests\n", after.n_guests);
	return EXIT_OK;
}

static int run_and_say(const char *command, unsigned int number, const char *done, bool json)
{
	struct plinth_ctl_status after;
	int status = run_child(command, number, &after);

	if (status)
		return status;
	if (json)
		status_print_json(&after);
	else
		puts(done);
	return EXIT_OK;
}

int cmd_stop(int argc, char **argv)
{
	bool json = options_json(argc, argv, "Give every CPU back to the operating system.");

	return run_and_say("stop", PLINTH_CTL_STOP, "stopped", json);
}

int cmd_unload(int argc, char **argv)
{
	bool json = options_json(argc, argv, "Take the modules down and free all memory.");

	return run_and_say("unload", PLINTH_CTL_UNLOAD, "unloaded", json);
}
