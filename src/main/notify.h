/* sd_notify(3): tells the service manager how we are. Does nothing without NOTIFY_SOCKET. */
#ifndef WEIR_MAIN_NOTIFY_H
#define WEIR_MAIN_NOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=..." */
void notify(const char *state);

#endif
