/* SPDX-License-Identifier: MIT */
#ifndef INTROSPECT_FAULTS_H
#define INTROSPECT_FAULTS_H

#include <stdbool.h>

/*
 * faults_begin() - from now on a program that ends by what only introspection does to it ends with a line
 * that says so. All other faults, and what handlers of its own catch, are as they were.
 */
void faults_begin(bool may_write);

#endif
