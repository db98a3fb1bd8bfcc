/* SPDX-License-Identifier: MIT */
/* The judgement of a set of files: what check prints, and what load asks for before it asks the driver. */
#ifndef PLINTHCTL_CHECK_H
#define PLINTHCTL_CHECK_H

#include "link_set.h"

/*
 * check_set() - would these files load together? Files that cannot be read are told at once, the rest is in
 * @s. Returns 0: they would, and each is a module of the set, in the order given; else not 0. Undone by
 * link_set_close() in either case.
 */
int check_set(struct link_set *s, const struct link_set_options *o);

/* check_print() - what is wrong with them, a line each, and what could not be said because of that. */
void check_print(const struct link_set *s);

#endif
