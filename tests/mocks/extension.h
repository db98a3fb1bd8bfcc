/* SPDX-License-Identifier: MIT */
/* The hypercalls of extension.c: numbers and what becomes of them. */
#ifndef TESTS_MOCKS_EXTENSION_H
#define TESTS_MOCKS_EXTENSION_H

#define EXTENSION_KERNEL  0x706c696e74680100ull
#define EXTENSION_ANYBODY 0x706c696e74680200ull
#define EXTENSION_MORE	  3u /* numbers each has beyond the first */
#define EXTENSION_ANSWER  0xffff0000ffff0000ull

/* The kernel's as well: the VMM runs into #GP. */
#define EXTENSION_FAULT 0x706c696e74680400ull

/* A name for messages: the VMM does the same. */
#define EXTENSION_CALL_FAULT "fault"

#endif
