//! What a run costs: start-up, time to the first model request, CPU a turn, memory, request size, sync speed.

fn main() {}
