"""The engine that compiles a design, and the loop around it in C++."""
