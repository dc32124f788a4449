#include "config/reading.h"

int mihomo_read(struct reading *g)
{
    (void)g;
    return 0;
}
