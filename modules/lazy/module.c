/* SPDX-License-Identifier: MIT */
#include <plinth/abi.h>

PLINTH_MODULE("lazy", "0.1.0", "fills the jump slots of other modules at the first call");
