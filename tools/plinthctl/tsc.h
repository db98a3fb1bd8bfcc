/* SPDX-License-Identifier: MIT */
/* The time stamp counter, which stamps everything the VMM writes, in seconds. */
#ifndef PLINTHCTL_TSC_H
#define PLINTHCTL_TSC_H

#include <stdint.h>

/* clock_seconds() - since some moment of the past; never set back. */
double clock_seconds(void);

/* tsc_hz() - ticks a second, measured once, for a few hundredths of a second. */
double tsc_hz(void);

/* tsc_before() - its value so many seconds ago; 0 if that is before the machine began. */
uint64_t tsc_before(double seconds);

#endif
