/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_DELAY_H
#define STUB_LINUX_DELAY_H

void msleep(unsigned int milliseconds);

#endif
