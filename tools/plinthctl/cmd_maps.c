/* SPDX-License-Identifier: MIT */
/* maps: what the VMM's two sets of page tables hold. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "device.h"
#include "lib/map_rule.h"
#include "options.h"
#include "output.h"

static const char *access_text(uint32_t flags, char text[6])
{
	text[0] = 'r';
	text[1] = flags & PLINTH_MAP_WRITE ? 'w' : '-';
	text[2] = flags & PLINTH_MAP_EXEC ? 'x' : '-';
	text[3] = flags & PLINTH_MAP_USER ? 'u' : '-';
	text[4] = flags & PLINTH_MAP_GLOBAL ? 'g' : '-';
	text[5] = '\0';
	return text;
}

static void print_maps(const struct plinth_ctl_map *maps, uint64_t count)
{
	char text[6];

	for (uint64_t i = 0; i < count; i++)
		printf("%-6s %#" PRIx64 "-%#" PRIx64 " %s %8" PRIu64 " %s\n", map_table_name(maps[i].table),
		       maps[i].va, maps[i].va + maps[i].bytes, access_text(maps[i].flags, text),
		       maps[i].bytes, maps[i].name);
}

static void print_maps_json(const struct plinth_ctl_map *maps, uint64_t count)
{
	struct json_object *list = json_object_new_array();
	char text[6];

	for (uint64_t i = 0; i < count; i++) {
		struct json_object *item = json_object_new_object();

		json_add_text(item, "table", map_table_name(maps[i].table));
		json_add_number(item, "va", maps[i].va);
		json_add_number(item, "bytes", maps[i].bytes);
		json_add_text(item, "access", access_text(maps[i].flags, text));
		json_add_text(item, "name", maps[i].name);
		json_object_array_add(list, item);
	}
	print_json(list);
}

/* A running VMM is asked; one that crashed is not. */
static int check_is_loaded(void)
{
	struct plinth_ctl_status status;

	if (device_status(&status))
		return -1;
	if (status.state == PLINTH_LOADED || status.state == PLINTH_RUNNING)
		return 0;
	error_line("maps: %s", status.state == PLINTH_CORRUPT ? "not after a failure that could not be undone"
							      : "no modules are loaded: load them first");
	return -1;
}

/* 0: the VMM keeps its rules. */
static int judge_maps(const struct plinth_ctl_map *maps, uint64_t count)
{
	int err = 0;

	for (uint64_t i = 0; i < count; i++) {
		const char *what = map_forbidden(maps[i].flags);

		if (!what && maps[i].va >> 63)
			what = "the kernel's";
		if (what)
			error_line("maps: %#" PRIx64 " (%s) in the %s tables is %s", maps[i].va, maps[i].name,
				   map_table_name(maps[i].table), what);
		err = what ? -1 : err;
	}
	if (!count)
		error_line("maps: the VMM does not answer: plinthctl status, plinthctl log");
	return count ? err : -1;
}

int cmd_maps(int argc, char **argv)
{
	bool json = options_json(argc, argv,
				 "Show what is mapped: tables, addresses, access (rwx, u user, g global), "
				 "bytes, whose. Fails, as a load and the start of each CPU do, if "
				 "something has w with x, u, g, or is the kernel's.");
	struct plinth_ctl_map *maps = NULL;
	uint64_t count = 0;
	int err;

	if (!check_is_loaded())
		maps = device_list(PLINTH_CTL_MAPS, sizeof(*maps), &count);
	if (!maps)
		return EXIT_FAILED;
	if (json)
		print_maps_json(maps, count);
	else
		print_maps(maps, count);
	err = judge_maps(maps, count);
	free(maps);
	return err ? EXIT_FAILED : EXIT_OK;
}
