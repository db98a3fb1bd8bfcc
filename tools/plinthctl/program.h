/* SPDX-License-Identifier: MIT */
/* A program to be executed, and whether a library can be preloaded into it. */
#ifndef PLINTHCTL_PROGRAM_H
#define PLINTHCTL_PROGRAM_H

/*
 * program_find() - as a shell would: a word without a slash in the folders of PATH.
 *
 * Return: its path, valid until the next call; NULL with a message printed: it is not there, or is one that
 * no library can be preloaded into.
 */
const char *program_find(const char *word);

#endif
