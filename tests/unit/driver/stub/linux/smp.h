/* SPDX-License-Identifier: MIT */
#include <drivers/linux/kernel.h>
