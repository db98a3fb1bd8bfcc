/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MOCKS_THREADS_BORDER_H
#define TESTS_MOCKS_THREADS_BORDER_H

#include <stdint.h>

/* One instruction of interest in so many is met by an NMI; 0: none. */
extern uint32_t border_nmi_share;

#endif
