//! The sync verb: GitHub into the warehouse.
