#ifndef WEIR_MAIN_VERSION_H
#define WEIR_MAIN_VERSION_H

/* The build passes -DWEIR_VERSION="..." from the project's version. */
#ifndef WEIR_VERSION
#define WEIR_VERSION "0"
#endif

#endif
