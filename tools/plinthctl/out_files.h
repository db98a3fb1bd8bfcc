/* SPDX-License-Identifier: MIT */
/* Several files in a folder, written as one: all of them are there afterwards, or all is as it was. */
#ifndef PLINTHCTL_OUT_FILES_H
#define PLINTHCTL_OUT_FILES_H

#include <stddef.h>
#include <sys/types.h>

#define OUT_FILE_NAME_BYTES 96

struct out_file {
	char name[OUT_FILE_NAME_BYTES]; /* without a slash: a name must not lead out of the folder */
	const void *bytes;
	size_t size;
};

/*
 * out_files_write() - put files into a folder
 * @mode:	their permissions, as for open()
 * Files and links that have the names are replaced; anything else of a name is an error, and so is a name of
 * 4095 bytes or more with the folder's. Names with .part and .old behind them are used meanwhile. Returns 0,
 * or -1 after a line saying what cannot be written.
 */
int out_files_write(const char *folder, const struct out_file *files, size_t n, mode_t mode);

#endif
