//! Serial over LAN from a console to the machine.
