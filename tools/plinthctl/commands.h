/* SPDX-License-Identifier: MIT */
/* The commands: each takes its own words and gives the program's exit status. */
#ifndef PLINTHCTL_COMMANDS_H
#define PLINTHCTL_COMMANDS_H

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* @argv[0] is "plinthctl COMMAND", for messages. */
int cmd_check(int argc, char **argv);
int cmd_link(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_load(int argc, char **argv);
int cmd_start(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_unload(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_modules(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_call(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_introspect(int argc, char **argv);
int cmd_peek(int argc, char **argv);
int cmd_poke(int argc, char **argv);
int cmd_v2p(int argc, char **argv);
int cmd_regs(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_maps(int argc, char **argv);
int cmd_symbols(int argc, char **argv);
int cmd_debug(int argc, char **argv);
int cmd_vmi_profile(int argc, char **argv);

#endif
