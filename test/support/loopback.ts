/**
 * An address of this process alone: all of 127.0.0.0/8 is the machine itself. A port that was free there a moment ago
 * still is, as no other process is given it for a connection or a listener of its own.
 */
export const LOOPBACK = `127.${1 + ((process.pid >> 16) & 127)}.${(process.pid >> 8) & 255}.${1 + (process.pid & 127)}`;
