//! The one spawner of processes.
