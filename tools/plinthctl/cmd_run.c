/* SPDX-License-Identifier: MIT */
/* start, stop and unload: one call, one line of result. */
#include <stdio.h>

#include "commands.h"
#include "device.h"
#include "options.h"
#include "status_json.h"

/* Does it and says so; a start says how many CPUs it was, the others @done. */
static int run_and_say(const char *command, unsigned int number, const char *done, bool json)
{
	struct plinth_ctl_plain arg = {.size = sizeof(arg)};
	struct plinth_ctl_status after;

	if (device_change(command, number, &arg, &after))
		return EXIT_FAILED;
	if (json)
		status_print_json(&after);
	else if (number == PLINTH_CTL_START)
		printf("started: %u CPUs are guests\n", after.n_guests);
	else
		puts(done);
	return EXIT_OK;
}

int cmd_start(int argc, char **argv)
{
	bool json = options_json(argc, argv, "Put every online CPU under the VMM: all of them, or none.");

	return run_and_say("start", PLINTH_CTL_START, NULL, json);
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
