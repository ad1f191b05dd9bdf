//! The review: findings on one exact tree, and a verdict bound to it.
