/* SPDX-License-Identifier: MIT */
/* Files as modules, wherever they are read: by load, check, link, plan, modules. */
#ifndef PLINTHCTL_READ_FILE_H
#define PLINTHCTL_READ_FILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * read_file() - all bytes of a regular file
 * @most:	bytes; a longer file is not read
 * @size:	how many there are; also of one that is too long
 * @why:	without a result: in words, why it cannot be read; stays until the next call
 * It never waits for anybody: a FIFO or a device is refused. Returns memory for free(), or NULL.
 */
void *read_file(const char *path, uint64_t most, size_t *size, const char **why);

#endif
