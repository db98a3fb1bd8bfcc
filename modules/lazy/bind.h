/* SPDX-License-Identifier: MIT */
#ifndef PLINTH_LAZY_BIND_H
#define PLINTH_LAZY_BIND_H

#include <plinth/lazy.h>

#define LAZY_PAGE 4096u

/* lazy_bind() - fill slot @index of a module and say where it leads; entry.S calls it. */
uint64_t lazy_bind(const struct plinth_lazy_table *table, uint64_t index);

#endif
