//! The command line: parse, render, exit codes; the only module that prints.
