"""From RTLIL to Verilog that a person reads, and what is counted in a netlist."""
