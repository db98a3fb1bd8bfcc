/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MOCKS_THREADS_BORDER_H
#define TESTS_MOCKS_THREADS_BORDER_H

#include <stdint.h>

/* One instruction of interest in so many is met by an NMI; 0: none. */
extern uint32_t border_nmi_share;
/* A UART that is ready once in so many times that somebody asks, 0: always; and no more after so many. */
extern uint64_t border_uart_slow, border_uart_breaks;

#endif
