/* What is made once for the process and never changes. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_ONCE_H
#define WEIR_LAYER_TLS_ONCE_H

#include <openssl/bio.h>
#include <openssl/x509.h>

/* The method of BIOs that lead into a struct tls_stream; NULL: out of memory. */
const BIO_METHOD *tls_once_method(void);
/* The system's certificate authorities: shared, borrowed; NULL: there are none. Reads a file, so not on a worker. */
X509_STORE *tls_once_roots(void);

#endif
