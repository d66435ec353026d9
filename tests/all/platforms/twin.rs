//! TWIN: what is sent, and what is made of its answers.
