#include "config/reading.h"

int mihomo_read(struct reading *g)
{
    diag_error(g->diag, g->root->at, NULL, "the reader of mihomo's dialect is not there yet");
    return 0;
}
