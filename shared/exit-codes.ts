/** Of a process that can't work with its config (EX_CONFIG of sysexits.h): to start it anew changes nothing. */
export const EXIT_CONFIG = 78;
