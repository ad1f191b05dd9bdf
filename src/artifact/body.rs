//! Issue bodies: how a planned issue is written for people, and how its criteria are read back.
