/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_MODULE_FILES_H
#define PLINTHCTL_MODULE_FILES_H

#include "options.h"

/*
 * module_files_print() - what the notes of module files say, without root or driver.
 * Returns the program's exit status: EXIT_FAILED, with messages, when one of them is no module.
 */
int module_files_print(const struct option_words *files, bool json);

#endif
