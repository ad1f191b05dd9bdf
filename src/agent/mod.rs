//! The agent: a model working with tools until it is done, out of turns or out of money.
