/* SPDX-License-Identifier: MIT */
#include <plinth/abi.h>

PLINTH_MODULE("memory", "0.1.0", "descriptors, page pool, heap and page tables of the VMM");
