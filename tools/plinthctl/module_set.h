/* SPDX-License-Identifier: MIT */
/* Which files are to be loaded: a folder or a list, replacements, additions. */
#ifndef PLINTHCTL_MODULE_SET_H
#define PLINTHCTL_MODULE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <plinth/control.h>

struct module_set {
	size_t n;
	char *paths[PLINTH_CTL_MAX_FILES]; /* where the files really are */
	char *names[PLINTH_CTL_MAX_FILES]; /* what they are called where they were found */
};

/* Each is true, or false with a message printed. */

/* module_set_find() - every *.so of a folder, or the lines of a list; NULL: the default folder. */
bool module_set_find(struct module_set *set, const char *folder_or_list);
bool module_set_add(struct module_set *set, const char *path);
/* module_set_add_extension() - a file, or the name of one in the folder "extensions" beside the modules'. */
bool module_set_add_extension(struct module_set *set, const char *word);
/* module_set_add_once() - an installed extension, unless the set has a module of that name. */
bool module_set_add_once(struct module_set *set, const char *name);
/* module_set_replace() - @word is NAME=FILE; NAME that of a file in the set, without .so. */
bool module_set_replace(struct module_set *set, const char *word);
/* module_set_without() - drop the module @name. */
bool module_set_without(struct module_set *set, const char *name);

#endif
