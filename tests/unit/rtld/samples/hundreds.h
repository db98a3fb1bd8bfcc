/* SPDX-License-Identifier: MIT */
/* X(name) for 600 names: more jump slots than a page holds. */
/* clang-format off */
#define TEN(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) \
		  X(n##5) X(n##6) X(n##7) X(n##8) X(n##9)
#define HUNDRED(X, n) TEN(X, n##0) TEN(X, n##1) TEN(X, n##2) TEN(X, n##3) \
		      TEN(X, n##4) TEN(X, n##5) TEN(X, n##6) TEN(X, n##7) \
		      TEN(X, n##8) TEN(X, n##9)
#define HUNDREDS(X) HUNDRED(X, many_1) HUNDRED(X, many_2) HUNDRED(X, many_3) \
		    HUNDRED(X, many_4) HUNDRED(X, many_5) HUNDRED(X, many_6)
/* clang-format on */
