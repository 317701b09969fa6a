/* signals.h - layer 1: SIGHUP, SIGINT and SIGTERM, for a tool that has something to undo. */
#ifndef BK_SIGNALS_H
#define BK_SIGNALS_H

/* From now on each of them makes the program die (msg.h): undone first, then ended by that very signal. One
 * that is ignored, as under nohup, stays ignored. SIGPIPE is ignored from now on. To be called before there
 * are other threads. */
void signals_undo(void);

/* Until signals_release() they wait: for what takes a moment, and must not be left half done. */
void signals_hold(void);
void signals_release(void);

#endif
