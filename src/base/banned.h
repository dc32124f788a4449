/* Functions that have no safe use here. Naming one is an error at compile time. */
#ifndef WEIR_BASE_BANNED_H
#define WEIR_BASE_BANNED_H

#include <alloca.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef alloca
#undef strcpy
#undef strcat
#undef strncat
#undef strtok
#undef sprintf
#undef vsprintf
#undef atoi
#undef atol
#undef setjmp
#undef longjmp
#undef sigsetjmp
#undef _setjmp
#pragma GCC poison alloca strcpy strcat strncat strtok sprintf vsprintf gets atoi atol atoll atof
#pragma GCC poison setjmp longjmp _setjmp _longjmp sigsetjmp siglongjmp

#endif
