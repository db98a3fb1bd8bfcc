/* SPDX-License-Identifier: MIT */
#define NMI_VECTOR 2
