/* SPDX-License-Identifier: MIT */
/* The words with which a user names a UART. */
#ifndef PLINTHCTL_UART_H
#define PLINTHCTL_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * uart_parse() - com1 to com4, an I/O port, pci or pci:N, each with ,BAUD or ,keep if wanted.
 * @baud:    the speed in bits a second, 115200 without a word; 0 for ,keep
 * @problem: why it failed, of @size bytes
 * pci is the N-th (first: 0) serial controller by PCI class code whose registers are I/O ports;
 * it is switched on if nobody has done so.
 */
bool uart_parse(const char *word, uint32_t *port, uint32_t *baud, char *problem, size_t size);

#endif
