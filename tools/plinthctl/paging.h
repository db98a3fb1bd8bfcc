/* SPDX-License-Identifier: MIT */
#ifndef PLINTHCTL_PAGING_H
#define PLINTHCTL_PAGING_H

#include <stdbool.h>

/* paging_has_five_levels() - are this kernel's page tables of five levels? */
bool paging_has_five_levels(void);

#endif
